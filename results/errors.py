# SPDX-License-Identifier: MIT
"""What the readers and writers of result files raise."""


class ResultsError(Exception):
    """A result file or record that cannot be used. The text is one line and says what to do."""
