# SPDX-License-Identifier: MIT
"""Statistics of a run: pure functions over numbers, with numpy as their only dependency."""
