# SPDX-License-Identifier: MIT
"""A result as a git bundle: the commits of the queue in one file, to be fetched by whoever has the base.

Version 2 of the format (gitformat-bundle(5)): a header that names the base as prerequisite and the result as a
branch, then a pack. The pack has every file the commits changed, also one that this repository had before:
the receiver is known to have the base, and nothing else.
"""

from __future__ import annotations

from ...errors import BadInput
from ...values.result import BaseInfo
from ..replay.replay import Replayed
from ..store.objects import SUBMODULE, Objects, Oid, hexed
from ..store.pack import PackedObject, pack_bytes
from ..store.publish import made_below
from .layouts import slug

__all__ = ["bundle"]

_BLOB = 3


def bundle(objects: Objects, replayed: Replayed, series: str, base: BaseInfo) -> bytes:
    """The bytes of a bundle with the branch `refs/heads/<series>`.

    Raises BadInput where there is nothing to carry: git makes and reads no empty bundle.
    """
    if base.commit is None:
        raise BadInput(f"{base.rev} is no commit, and a bundle needs one to build on; --format mbox needs none")
    if not replayed.steps:
        raise BadInput(f"{base.rev} has all of {series} already; there is nothing to bundle")
    pack = pack_bytes(_packed(objects, replayed))
    subject = f"Linux {base.version}"
    header = f"# v2 git bundle\n-{base.commit} {subject}\n{hexed(replayed.commit)} refs/heads/{slug(series)}\n\n"
    return header.encode() + pack


def _packed(objects: Objects, replayed: Replayed) -> dict[Oid, PackedObject]:
    """What the run made for this result, and every file its commits changed; what an object is like comes first."""
    made, _, _ = made_below(objects, replayed.commit)
    found: dict[Oid, PackedObject] = {}
    for change in (change for step in replayed.steps for change in step.changes):
        new = change.new
        if new is not None and new.mode != SUBMODULE and new.oid not in found:
            like = objects.like(new.oid) or (None if change.old is None else change.old.oid)
            found[new.oid] = PackedObject(_BLOB, objects.read(new.oid), like)
    for oid in objects.made():
        if oid in made and oid not in found:
            found[oid] = PackedObject(*made[oid], objects.like(oid))
    return found
