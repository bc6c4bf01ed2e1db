# SPDX-License-Identifier: MIT
"""The diff of one file, as quilt writes it or as git does; the same bytes every time.

quilt's form has no mode, cannot hold binary content, and takes an empty file and none for one. It is written without
times, and below `a/` and `b/` where quilt would put the name of the working directory: these differ from one place to
the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pygit2
from pygit2.enums import DiffOption

from ...errors import BadInput
from ...values.contextdiff import write_context_hunk
from ...values.hunk import Hunk, parse_hunk_header, split_lines
from ..directory.changes import LINK, FileState
from ..text.merge import is_binary
from .apply import blob_id
from .settings import DiffFormat

__all__ = ["file_diff", "hunks_text"]

_RULE = b"=" * 67 + b"\n"
_HEADER = re.compile(rb"(@@ -[0-9,]+ \+[0-9,]+ @@).*", re.DOTALL)
_ZERO = b"0" * 40


def hunks_text(old: bytes, new: bytes, format: DiffFormat) -> bytes:
    """The hunks that lead from one text to the other (Myers, indent heuristic)."""
    flags = DiffOption.INDENT_HEURISTIC | DiffOption.FORCE_TEXT
    data = pygit2.Patch.create_from(old, new, flag=flags, context_lines=format.context).data
    lines = split_lines(data)
    start = next((at for at, line in enumerate(lines) if line.startswith(b"@@ -")), len(lines))
    found = lines[start:]
    if not format.sections:
        found = [_HEADER.sub(rb"\1\n", line) if line.startswith(b"@@ -") else line for line in found]
    return b"".join(found) if format.unified else b"".join(_in_context_form(found))


def _in_context_form(lines: Sequence[bytes]) -> Iterator[bytes]:
    """The hunks of a unified diff as `diff -c` has them."""
    heads = [at for at, line in enumerate(lines) if line.startswith(b"@@ -")]
    for at, end in zip(heads, [*heads[1:], len(lines)], strict=False):
        header = parse_hunk_header(lines[at])
        assert header is not None
        numbers = dict(zip(("old_start", "old_count", "new_start", "new_count"), header[:4], strict=True))
        yield write_context_hunk(Hunk(**numbers, section=header[4], lines=tuple(lines[at + 1 : end])))


def file_diff(path: str, old: FileState | None, new: FileState | None, format: DiffFormat) -> bytes:
    """The diff of one file; nothing where the form has nothing to say. Raises BadInput for what it cannot hold."""
    name = path.encode("utf-8", "surrogateescape")
    if format.git:
        return _git_diff(name, old, new, format)
    before, after = b"" if old is None else old.data, b"" if new is None else new.data
    if before == after and (old is None or not old.data or new is not None):
        return b""
    if is_binary(before) or is_binary(after):
        raise BadInput(f"Diff failed on file '{path}', aborting: it is binary, which only a git patch can hold")
    if b"\n" in name or b"\t" in name:
        raise BadInput(f"Diff failed on file {path!r}, aborting: its name has a control character")
    names = (b"a/" + name, b"b/" + name) if format.strip else (name + b".orig", name)
    lead = b"Index: %s\n%s" % (names[1], _RULE) if format.index else b""
    old_name, new_name = names
    if not before:
        old_name = b"/dev/null"
    elif new is None and not format.strip:
        # Or patch would not know the file any more: `name.orig` is nobody's.
        old_name = name
    if new is None:
        new_name = b"/dev/null"
    ends = [b"\t" if b" " in one else b"" for one in (old_name, new_name)]
    marks = (b"---", b"+++") if format.unified else (b"***", b"---")
    head = b"%s %s%s\n%s %s%s\n" % (marks[0], old_name, ends[0], marks[1], new_name, ends[1])
    return lead + head + hunks_text(before, after, format)


def _git_diff(name: bytes, old: FileState | None, new: FileState | None, format: DiffFormat) -> bytes:
    if old is not None and new is not None and (old.mode == LINK) != (new.mode == LINK):
        return _git_diff(name, old, None, format) + _git_diff(name, None, new, format)
    if old is None and new is None:
        return b""
    before, after = b"" if old is None else old.data, b"" if new is None else new.data
    alone = before == after or is_binary(before) or is_binary(after)
    one, two = _quoted(b"a/" + name, alone=alone), _quoted(b"b/" + name, alone=alone)
    lines = [b"diff --git %s %s\n" % (one, two)]
    if old is None and new is not None:
        lines.append(b"new file mode %o\n" % new.mode)
    elif old is not None and new is None:
        lines.append(b"deleted file mode %o\n" % old.mode)
    elif old is not None and new is not None and old.mode != new.mode:
        lines.append(b"old mode %o\nnew mode %o\n" % (old.mode, new.mode))
    if old is not None and new is not None and before == after:
        return b"".join(lines) if old.mode != new.mode else b""
    ids = [_ZERO if state is None else blob_id(state.data).encode() for state in (old, new)]
    same = old is not None and new is not None and old.mode == new.mode
    lines.append(b"index %s..%s%s\n" % (ids[0], ids[1], b" %o" % old.mode if same and old is not None else b""))
    if is_binary(before) or is_binary(after):
        return b"".join(lines) + _binary(before, after)
    if before != after:
        lines.append(b"--- %s\n" % (b"/dev/null" if old is None else _tabbed(one)))
        lines.append(b"+++ %s\n" % (b"/dev/null" if new is None else _tabbed(two)))
        lines.append(hunks_text(before, after, format))
    return b"".join(lines)


def _binary(old: bytes, new: bytes) -> bytes:
    data = pygit2.Patch.create_from(old, new, flag=DiffOption.SHOW_BINARY | DiffOption.FORCE_BINARY).data
    return data[data.index(b"GIT binary patch") :]


def _tabbed(name: bytes) -> bytes:
    return name + b"\t" if b" " in name and not name.startswith(b'"') else name


def _quoted(name: bytes, *, alone: bool) -> bytes:
    """A name as git reads it: in double quotes where a control character or a quote would end it.

    Also where GNU patch would cut it off at a blank: the last one, and any on a `diff --git` line that stands alone.
    """
    cut = name.endswith(b" ") or (alone and b" " in name)
    if not cut and not any(byte < 32 or byte in b'"\\\x7f' for byte in name):
        return name
    return (
        b'"' + b"".join(b"\\%03o" % byte if byte < 32 or byte in b'"\\\x7f' else bytes([byte]) for byte in name) + b'"'
    )
