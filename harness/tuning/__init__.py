# SPDX-License-Identifier: MIT
"""Steadying a machine for a measurement, and putting it back: doctor --apply and --undo."""
