# SPDX-License-Identifier: MIT
"""What is known about the machine, the build and the tools: the env record."""
