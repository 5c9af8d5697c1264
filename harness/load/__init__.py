# SPDX-License-Identifier: MIT
"""Outside load generators for the HTTP workloads, and the server they load."""
