# SPDX-License-Identifier: MIT
"""Runs cells: processes, blocks, slices, counts, outside load."""
