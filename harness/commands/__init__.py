# SPDX-License-Identifier: MIT
"""The verbs of the command line, one module each: `add(subparsers)` mounts, `main(args)` runs."""
