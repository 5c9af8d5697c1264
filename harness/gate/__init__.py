# SPDX-License-Identifier: MIT
"""The regression gate: rebuilds a base in the same job and judges the working tree against it."""
