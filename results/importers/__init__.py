# SPDX-License-Identifier: MIT
"""Figures of other programs as records of results.jsonl.

Every reader takes the text of a file and returns an `Imported`, or raises ResultsError with one line
that says what is wrong with the file. Nothing is guessed: what a format does not tell is null with
the reason.
"""
