# SPDX-License-Identifier: MIT
"""What a damaged or hostile result file may do to a command: be refused in one line, no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from results import validate
from results.errors import ResultsError
from results.reader import read

#: What code raises that meets a field of another type, an absent one or an absurd number.
_UNEXPECTED = (
    ArithmeticError,
    AttributeError,
    AssertionError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


@contextmanager
def refusing_damage(*paths: Path) -> Iterator[None]:
    """Turns a failure over the records of these runs into a ResultsError that names the cause.

    Sound files are not checked against the schema, which takes longer than drawing them; only when
    the work on them fails is the record looked for that breaks it.
    """
    try:
        yield
    except _UNEXPECTED as problem:
        for path in paths:
            result = read(path)
            try:
                validate.check_records(result.records)
            except ResultsError as found:
                raise ResultsError(f"{result.path} is damaged: {found}; measure again") from problem
        words = " ".join(str(problem).split())[:160]
        raise ResultsError(
            f"{paths[0]} holds figures that cannot be used ({type(problem).__name__}: {words})"
        ) from problem
