# SPDX-License-Identifier: MIT
"""Stand-ins for tests; nothing here enters a measurement."""
