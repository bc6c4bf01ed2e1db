# SPDX-License-Identifier: MIT
"""annotate: which applied patch brought each line of a file."""

from __future__ import annotations

import itertools

import attrs

from ...errors import BadInput
from ...values.hunk import split_lines
from ..text.merge import edits
from .files import Files, blob_of
from .queue import Quilt

__all__ = ["Annotation", "annotate"]


@attrs.frozen(kw_only=True)
class Annotation:
    """A file's lines, each with the patch it comes from: the 1-based place in `patches`, or None."""

    path: str
    patches: tuple[str, ...]
    lines: tuple[tuple[int | None, bytes], ...]


def annotate(quilt: Quilt, name: str, path: str) -> Annotation:
    """The lines of a file as an applied patch leaves it, by the patches up to it that changed the file.

    Raises BadInput where there is no such file, and no patch that changes it.
    """
    upto = quilt.applied[: quilt.applied.index(name) + 1]
    patches = tuple(patch for patch in upto if quilt.state.has(patch, path))
    above = quilt.state.next_for(name, path)
    now = Files(quilt.rooted).get(path) if above is None else quilt.state.backup(above, path)
    if now is None and not patches:
        raise BadInput(f"File {path} is not there")
    contents = [blob_of(quilt.state.backup(patch, path)) for patch in patches] + [blob_of(now)]
    origins: list[int | None] = [None] * len(split_lines(contents[0]))
    for number, (old, new) in enumerate(itertools.pairwise(contents), start=1):
        # From the end on, so that the lines before an edit keep their numbers.
        for edit in reversed(edits(old, new)):
            origins[edit.old_lo : edit.old_hi] = [number] * (edit.new_hi - edit.new_lo)
    return Annotation(path=path, patches=patches, lines=tuple(zip(origins, split_lines(contents[-1]), strict=True)))
