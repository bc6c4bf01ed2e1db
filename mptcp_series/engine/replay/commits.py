# SPDX-License-Identifier: MIT
"""The commits a replay makes: one for each entry that changes something, on top of one another.

The author, the date, the encoding and the message are the patch's; the message says besides where the patch is from and
which override changed it. Nothing else goes into a commit, so that the same input gives the same ids.
"""

from __future__ import annotations

import re

import attrs

from ...values.person import Person
from ...values.provenance import with_provenance, with_trailer
from ..store.objects import Objects, Oid, hexed
from .change import BlobChange
from .item import Item, RawCommit

__all__ = ["Commits", "Step", "default_committer"]


def default_committer(author: bytes) -> bytes:
    """The project's own identity at the author's date: the same input gives the same commit ids."""
    date = re.search(rb"> (\d+ [+-]\d{4})$", author)
    since = re.search(rb"> +(\d{1,11})(?: [+-]?\d*)?$", author)  # with a zone that is none
    when = date[1] if date is not None else since[1] + b" +0000" if since is not None else b"0 +0000"
    return b"mptcp_series <mptcp-series@localhost> " + when


@attrs.frozen(kw_only=True)
class Step:
    """One commit of the result: what an export writes as one patch."""

    name: str
    commit: Oid
    raw: RawCommit
    """Author, encoding and message as committed."""
    changes: tuple[BlobChange, ...]
    """Against the commit before it, without renames."""


@attrs.define(kw_only=True)
class Commits:
    """The commits of one run, from the base on."""

    objects: Objects
    committer: Person | None
    """Whose name and address the commits have, at the authors' dates; None for the project's own."""
    head: Oid
    """The last commit, at first the base."""
    tree: Oid
    """The tree of that commit."""
    steps: list[Step] = attrs.field(factory=list)

    def add(self, item: Item, *, tree: Oid, override: str | None, changes: tuple[BlobChange, ...]) -> str:
        """Commit what an entry led to, and give the id. `override` is the file of the one that changed the entry."""
        message = item.raw.message
        if item.commit is not None:
            message = with_provenance(message, item.commit)
        if override is not None:
            message = with_trailer(message, "Override", override)
        committer = default_committer(item.raw.author)
        if self.committer is not None:
            name = attrs.evolve(self.committer, time=0, offset=0).signature().rsplit(b"> ", 1)[0]
            committer = name + b"> " + committer.rsplit(b"> ", 1)[1]
        lines = [b"tree " + hexed(tree).encode(), b"parent " + hexed(self.head).encode()]
        lines += [b"author " + item.raw.author, b"committer " + committer]
        if item.raw.encoding is not None:
            lines.append(b"encoding " + item.raw.encoding)
        self.head = self.objects.write("commit", b"\n".join(lines) + b"\n\n" + message)
        self.tree = tree
        raw = attrs.evolve(item.raw, message=message)
        self.steps.append(Step(name=item.name, commit=self.head, raw=raw, changes=changes))
        return hexed(self.head)
