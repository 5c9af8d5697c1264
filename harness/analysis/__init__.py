# SPDX-License-Identifier: MIT
"""Makes metric and verdict records of what the controller measured."""
