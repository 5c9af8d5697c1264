# SPDX-License-Identifier: MIT
"""Bookmarks for a PDF that has none, as an incremental update.

matplotlib writes no outline. The PDF format allows new objects to be appended with a table of their
own, which is all this does: the drawn pages stay as they are.
"""

import re
from collections.abc import Sequence

_TRAILER = re.compile(rb"trailer\s*<<(.*?)>>\s*startxref\s+(\d+)\s+%%EOF\s*\Z", re.DOTALL)


def _reference(name: bytes, text: bytes) -> int:
    found = re.search(rb"/" + name + rb"\s+(\d+)\s+0\s+R", text)
    if found is None:
        raise ValueError(f"the PDF's {name.decode()} is not where it should be")
    return int(found.group(1))


def _object(document: bytes, number: int) -> bytes:
    found = re.search(rb"(?:^|\n)%d 0 obj\s(.*?)\sendobj" % number, document, re.DOTALL)
    if found is None:
        raise ValueError(f"the PDF has no object {number}")
    return found.group(1)


def _string(text: str) -> bytes:
    """A PDF text string: UTF-16 with a byte order mark, in hexadecimal, safe for any characters."""
    return b"<FEFF" + text.encode("utf-16-be").hex().upper().encode() + b">"


def add(document: bytes, marks: Sequence[tuple[str, int]]) -> bytes:
    """The document with a bookmark for each (title, page number from 1).

    Raises ValueError where the document is not of the plain form that matplotlib writes.
    """
    trailer = _TRAILER.search(document)
    if trailer is None:
        raise ValueError("the PDF has no plain trailer")
    if not marks:
        return document
    root = _reference(b"Root", trailer.group(1))
    size = int(re.search(rb"/Size\s+(\d+)", trailer.group(1))[1])  # type: ignore[index]
    catalogue = _object(document, root)
    pages = [
        int(number)
        for number in re.findall(rb"(\d+) 0 R", _kids(document, _reference(b"Pages", catalogue)))
    ]
    outline = size
    items = [size + 1 + index for index in range(len(marks))]
    objects = {
        root: catalogue.rstrip().removesuffix(b">>")
        + b"/Outlines %d 0 R /PageMode /UseOutlines /Lang (en) >>" % outline,
        outline: b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
        % (items[0], items[-1], len(items)),
    }
    for index, (title, page) in enumerate(marks):
        parts = [b"<< /Title " + _string(title), b"/Parent %d 0 R" % outline]
        parts.append(b"/Dest [%d 0 R /Fit]" % pages[page - 1])
        parts += [b"/Prev %d 0 R" % items[index - 1]] if index else []
        parts += [b"/Next %d 0 R" % items[index + 1]] if index + 1 < len(items) else []
        objects[items[index]] = b" ".join(parts) + b" >>"
    return _append(
        document, objects, trailer.group(1), int(trailer.group(2)), size + 1 + len(marks)
    )


def _kids(document: bytes, number: int) -> bytes:
    found = re.search(rb"/Kids\s*\[(.*?)\]", _object(document, number), re.DOTALL)
    if found is None:
        raise ValueError("the PDF's list of pages is not where it should be")
    return found.group(1)


def _append(
    document: bytes, objects: dict[int, bytes], trailer: bytes, previous: int, size: int
) -> bytes:
    body = bytearray(document if document.endswith(b"\n") else document + b"\n")
    table = [b"xref\n"]
    for number in sorted(objects):
        table.append(b"%d 1\n%010d 00000 n \n" % (number, len(body)))
        body += b"%d 0 obj\n" % number + objects[number] + b"\nendobj\n"
    start = len(body)
    body += b"".join(table)
    kept = re.sub(rb"/(Size\s+\d+|Prev\s+\d+)", b"", trailer).strip()
    body += b"trailer\n<< /Size %d /Prev %d " % (size, previous) + kept + b" >>\n"
    return bytes(body + b"startxref\n%d\n%%%%EOF\n" % start)
