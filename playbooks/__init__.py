# SPDX-License-Identifier: MIT
"""Playbooks and their tests."""
