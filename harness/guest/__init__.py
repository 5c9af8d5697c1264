# SPDX-License-Identifier: MIT
"""The light guest: any program of this machine, run in a small virtual machine of its own.

`run.run_in_guest` is the programming interface, `cli` the command line.
"""
