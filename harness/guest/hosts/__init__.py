# SPDX-License-Identifier: MIT
"""Longer-lived guests and namespaces that playbooks treat as hosts: up, down, and in between."""
