# SPDX-License-Identifier: MIT
"""The guest part of a run: the same workloads in one boot of the light guest, kevent among them."""
