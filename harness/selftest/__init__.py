# SPDX-License-Identifier: MIT
"""The gate tests itself: what this machine can resolve, and whether injected slow-downs are seen."""
