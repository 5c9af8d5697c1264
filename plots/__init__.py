# SPDX-License-Identifier: MIT
"""Figures and the HTML and PDF report of a run. Draws stored numbers; computes no statistics."""
