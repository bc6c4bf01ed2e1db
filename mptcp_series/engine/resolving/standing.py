# SPDX-License-Identifier: MIT
"""Where a resolve stands: which files still hold markers, which questions are open. Needs no repository."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

import attrs

from ..text.merge import is_binary
from .place import Content, Place
from .state import Asked, State

__all__ = ["Standing", "content_name", "markers", "standing"]

_MARKER = re.compile(rb"(?:<{7}|\|{7}|>{7})(?: .*)?|={7}")


@attrs.frozen(kw_only=True)
class Standing:
    """One file of an answer."""

    path: str
    markers: tuple[int, ...] = ()
    """Lines at which conflict markers still begin, 1-based."""
    question: str | None = None
    """What nobody has answered yet."""
    changed: bool = False
    """Whether it differs from what was laid out."""

    @property
    def open(self) -> bool:
        return bool(self.markers) or self.question is not None


def content_name(content: Content | None) -> str | None:
    """Mode and id of a file on disk, as the state names files of a tree (git hashes a blob so)."""
    if content is None:
        return None
    mode, data = content
    digest = hashlib.sha1(b"blob %d\0%s" % (len(data), data), usedforsecurity=False)
    return f"{mode:o} {digest.hexdigest()}"


def markers(content: bytes, sides: Iterable[bytes]) -> tuple[int, ...]:
    """Lines at which conflict markers begin; a line that is in one of the sides is text, such as an underline of `=`.

    >>> markers(b"a\\n<<<<<<< ours\\nb\\n=======\\n>>>>>>> theirs\\n=======\\n", [b"a\\n"])
    (2, 6)
    """
    if is_binary(content):
        return ()
    lines = [line.rstrip(b"\r") for line in content.split(b"\n")]
    found = [at for at, line in enumerate(lines, start=1) if _MARKER.fullmatch(line)]
    if not found:
        return ()
    known = {line.rstrip(b"\r") for side in sides for line in side.split(b"\n")}
    begins = []
    inside = False
    for at in found:
        line = lines[at - 1]
        if line in known:
            continue
        if not inside or line.startswith(b"<"):
            begins.append(at)
        inside = line.startswith(b"<") or (inside and not line.startswith(b">"))
    return tuple(begins)


def standing(place: Place, files: Mapping[str, Asked]) -> tuple[Standing, ...]:
    """How every file stands that was asked about, sorted by path."""
    found = []
    for path, asked in sorted(files.items()):
        content = place.read("tree", path)
        changed = content_name(content) != asked.start
        left: tuple[int, ...] = ()
        if content is not None and (asked.marked or changed):
            sides = [side[1] for name in ("base", "ours", "theirs") if (side := place.read(name, path)) is not None]
            left = markers(content[1], sides)
        question = None if changed or asked.decided else asked.question
        found.append(Standing(path=path, markers=left, question=question, changed=changed))
    return tuple(found)


def open_lines(place: Place, state: State) -> list[str]:
    """One line for each thing that is still to be settled, `file:line: what` where there is a line."""
    lines = []
    for one in standing(place, state.files):
        file = place.directory / "tree" / one.path
        lines += [f"{file}:{at}: a conflict marker; edit the place it begins" for at in one.markers]
        if one.question is not None:
            lines.append(
                f"{file}: not answered: {one.question}; change or delete it, or say --ours, --theirs or "
                f"--keep {one.path}"
            )
    return lines
