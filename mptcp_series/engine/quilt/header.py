# SPDX-License-Identifier: MIT
"""The header of a patch: shown, replaced, appended to. The diff below it stays as it is, byte for byte."""

from __future__ import annotations

import re

from ...errors import BadInput
from ...values.hunk import split_lines
from .patchfile import PatchFile, parse

__all__ = ["STAT_LINE", "STAT_SUM", "with_header", "without_stat", "without_trailing_blanks"]

STAT_LINE = re.compile(rb"#? .* \| ")
STAT_SUM = re.compile(rb"#? .* files? changed(, .* insertions?\(\+\))?(, .* deletions?\(-\))?")


def with_header(patch: PatchFile, header: bytes, strip: int) -> bytes:
    """The patch file with another header. Raises BadInput for one that would be read as part of the diff."""
    if header and not header.endswith((b"\n", b"\r")):
        header += b"\n"
    data = patch.data if patch.data is not None else b""
    made = header + data[len(patch.header) :]
    again = parse(patch.name, patch.label, made, strip)
    if [change.raw for change in again.changes] != [change.raw for change in patch.changes]:
        raise BadInput("the header would be read as a diff; indent what it quotes", file=patch.label)
    return made


def without_stat(header: bytes) -> bytes:
    """The header without the diffstat that ends in `N files changed`."""
    out: list[bytes] = []
    eaten: list[bytes] = []
    for line in split_lines(header):
        if STAT_LINE.match(line):
            eaten.append(line)
        elif STAT_SUM.match(line):
            eaten = []
        else:
            out += [*eaten, line]
            eaten = []
    return b"".join(out + eaten)


def without_trailing_blanks(header: bytes) -> bytes:
    return re.sub(rb"[ \t]+(?=\r?$)", b"", header, flags=re.MULTILINE)
