# SPDX-License-Identifier: MIT
"""What stands beside the files of a resolve: `README`, which says what is asked, and `PATCH`, the patch."""

from __future__ import annotations

from collections.abc import Iterator

from ...values.result import BaseInfo
from ..exchange.render import render_patch
from ..replay.change import BlobChange, TextChange
from ..replay.item import Item
from ..store.objects import Objects
from .layout import Laid, Layout

__all__ = ["patch_text", "readme_text"]

_SIGNATURE = b"-- \n\n"


def patch_text(objects: Objects, item: Item) -> bytes:
    """The patch as upstream has it: message and diff."""
    blobs = [change for change in item.changes if isinstance(change, BlobChange)]
    text = render_patch(objects, item.raw, blobs)
    raws = [change.file.raw for change in item.changes if isinstance(change, TextChange)]
    return text.removesuffix(_SIGNATURE) + b"".join(raws) + _SIGNATURE if raws else text


def readme_text(layout: Layout, base: BaseInfo, override: str | None, options: str) -> bytes:
    """What is asked, of which files, and what to do next. `options` is what each command has to be given again."""
    return ("\n".join(_lines(layout, base, override, options)) + "\n").encode("utf-8", "surrogateescape")


def _lines(layout: Layout, base: BaseInfo, override: str | None, options: str) -> Iterator[str]:
    item = layout.stuck.item
    yield f"{item.name}"
    yield f"  {item.subject}"
    if item.commit is not None:
        yield f"  commit {item.commit}"
    yield f"does not fit {base.rev} (Linux {base.version}) with the queue before it."
    if override is not None:
        yield f"The override {override} is in force for it, and does not settle it; yours will take its place."
        yield "What of it still fits is in the files already; OVERRIDE is its text."
    yield ""
    yield "What is asked"
    yield "  Make every file below tree/ what it is to be after this patch. Files of the patch that are not below tree/"
    yield "  are deleted by it; a file you delete there is deleted, one you put there is added (--add PATH says so)."
    yield ""
    asked = [laid for laid in layout.files.values() if laid.open]
    rest = [laid for laid in layout.files.values() if not laid.open]
    for laid in asked:
        yield from _asked(laid)
    if rest:
        yield "Merged by themselves"
        yield from (f"  {laid.path}{'' if laid.start is not None else ' (deleted)'}" for laid in rest)
        yield ""
    yield "Where to look"
    yield "  PATCH    the patch with its message"
    yield "  base/    the files before the patch, where it was made"
    yield "  theirs/  the files after the patch, where it was made"
    yield "  ours/    the files on the base, with the queue before this patch"
    yield ""
    yield "Next"
    yield f"  mptcp-series resolve --edit{options}              open the files in your editor"
    yield f"  mptcp-series resolve --tool CMD{options}          run CMD on each, with $BASE $LOCAL $REMOTE $MERGED"
    yield f"  mptcp-series resolve --done --reason WHY{options} write the answer as an override"
    yield f"  mptcp-series resolve --skip --reason WHY{options} leave the whole patch out"
    yield f"  mptcp-series resolve --abort{options}             take this directory away, and all in it"


def _asked(laid: Laid) -> Iterator[str]:
    yield f"tree/{laid.path}"
    hunks = list(dict.fromkeys(conflict.hunk for conflict in laid.conflicts if conflict.hunk is not None))
    if laid.marked:
        places = len(laid.conflicts)
        yield f"  {places} {'place' if places == 1 else 'places'} between <<<<<<< and >>>>>>>"
    if hunks:
        yield f"  hunk{'s' if len(hunks) > 1 else ''} {', '.join(hunks)}"
    words = [conflict.text.split("\n", 1)[0] for conflict in laid.conflicts if conflict.hunk is None]
    yield from (f"  {word}" for word in dict.fromkeys(words))
    if laid.question is not None:
        if laid.question not in words:
            yield f"  {laid.question}"
        there = "as the base has it" if laid.start == laid.ours else "as the patch has it"
        yield f"  It is laid out {there}." if laid.start is not None else "  It is not laid out."
        yield f"  Change or delete it, or say what is right: --ours {laid.path}, --theirs {laid.path},"
        yield f"  or --keep {laid.path} for the file as it lies there."
    yield ""
