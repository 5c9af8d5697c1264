# SPDX-License-Identifier: MIT
"""Every test of the project as one command, `./kevbench test`."""
