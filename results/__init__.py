# SPDX-License-Identifier: MIT
"""Result files of Kevbench: schema, reading, writing, summaries and comparison.

Depends on nothing else of the tree, so importers, plots and other programs can use it alone.
"""
