# SPDX-License-Identifier: MIT
"""`state.json`: what a resolve was begun with, so that it can be gone on with, and refused when that is no more.

It is read with suspicion. A digest tells a file that was edited by hand or cut off; types and paths are checked all
the same, for what it names is read, written and taken away.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TypeVar

import attrs

from ...errors import BadInput
from ...values.paths import check_tree_path
from ..replay.change import TextChange
from ..replay.item import Item
from ..store.objects import Entry, hexed
from .layout import Laid

__all__ = ["Asked", "State", "entry_name", "item_digest"]

SCHEMA = 1
T = TypeVar("T")


def entry_name(entry: Entry | None) -> str | None:
    """Mode and id of a file, as the state has them."""
    return None if entry is None else f"{entry.mode:o} {hexed(entry.oid)}"


def item_digest(item: Item) -> str:
    """What a patch changes, as one number: tells whether the source still has the same patch."""
    digest = hashlib.sha256()
    for change in item.changes:
        if isinstance(change, TextChange):
            digest.update(change.file.raw)
        else:
            digest.update(repr((change.old_path, change.path, change.old, change.new)).encode())
    return digest.hexdigest()


@attrs.frozen(kw_only=True)
class Asked:
    """One file, as it was laid out."""

    start: str | None
    base: str | None
    ours: str | None
    theirs: str | None
    marked: bool
    question: str | None
    hunks: tuple[str, ...] = ()
    """Ids of the hunks that collide."""
    decided: bool = False
    """Whether someone said that the file is right as it is."""

    @classmethod
    def of(cls, laid: Laid) -> Asked:
        return cls(
            start=entry_name(laid.start),
            base=entry_name(laid.base),
            ours=entry_name(laid.ours),
            theirs=entry_name(laid.theirs),
            marked=laid.marked,
            question=laid.question,
            hunks=tuple(dict.fromkeys(c.hunk for c in laid.conflicts if c.hunk is not None)),
        )


@attrs.frozen(kw_only=True)
class State:
    """A resolve under way. Paths of the machine are absolute."""

    complete: bool
    """False while files are being laid out: a run that was killed left it so."""
    made: int
    """How many directories were made for it, its own the first."""
    series: str = ""
    source: str | None = None
    sources: Mapping[str, str] = attrs.field(factory=dict)
    repo: str = ""
    overrides: tuple[str, ...] | None = None
    align: bool = True
    rev: str = ""
    commit: str = ""
    version: str = ""
    queue: str = ""
    """Digest of the series file and the recipe."""
    patch: str = ""
    upstream: str | None = None
    subject: str = ""
    changes: str = ""
    tree: str = ""
    """The tree under the patch."""
    replaces: str | None = None
    """The override in force that the new one takes the place of."""
    files: Mapping[str, Asked] = attrs.field(factory=dict)

    def render(self) -> bytes:
        document: dict[str, object] = {"schema": SCHEMA, **attrs.asdict(self)}
        document["digest"] = _digest(document)
        return _encoded(document) + b"\n"

    @classmethod
    def parse(cls, data: bytes, file: str) -> State:
        """Read it back. Raises BadInput for a file that is not as it was written."""
        hint = "`mptcp-series resolve --abort` takes the whole directory away"
        try:
            document = json.loads(data)
        except ValueError as error:
            raise BadInput(f"damaged: {error}; {hint}", file=file) from None
        if not isinstance(document, dict):
            raise BadInput(f"damaged: not an object; {hint}", file=file)
        if document.get("schema") != SCHEMA:
            raise BadInput(f"made by another version (schema {document.get('schema')!r}); {hint}", file=file)
        digest = document.pop("digest", None)
        if digest != _digest(document):
            raise BadInput(f"changed by hand or cut off: its digest does not fit; {hint}", file=file)
        document.pop("schema")
        return _Reader(file).state(document)


def _encoded(document: object) -> bytes:
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii")


def _digest(document: object) -> str:
    return hashlib.sha256(_encoded(document)).hexdigest()


class _Reader:
    """Checks every value: a digest can be made anew by whoever edits the file."""

    def __init__(self, file: str) -> None:
        self.file = file

    def bad(self, key: str, value: object, expected: str) -> BadInput:
        found = type(value).__name__
        return BadInput(f"damaged: unexpected type {found} (expected {expected}) in {key!r}", file=self.file)

    def one(self, document: Mapping[str, object], key: str, kind: type[T]) -> T:
        value = document.get(key)
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.bad(key, value, kind.__name__)
        return value

    def maybe(self, document: Mapping[str, object], key: str) -> str | None:
        return None if document.get(key) is None else self.one(document, key, str)

    def texts(self, document: Mapping[str, object], key: str) -> tuple[str, ...]:
        values = self.one(document, key, list)
        for value in values:
            if not isinstance(value, str):
                raise self.bad(key, value, "str")
        return tuple(values)

    def named(self, document: Mapping[str, object], key: str) -> Mapping[str, str]:
        values = self.one(document, key, dict)
        return {str(name): self.one(values, name, str) for name in values}

    def state(self, document: Mapping[str, object]) -> State:
        def text(key: str) -> str:
            return self.one(document, key, str)

        files = self.one(document, "files", dict)
        for path in files:
            if trouble := check_tree_path(path):
                raise BadInput(f"damaged: unsafe path {path!r}: {trouble}", file=self.file)
        made = self.one(document, "made", int)
        if not 0 <= made < 100:
            raise BadInput(f"damaged: {made} directories cannot have been made", file=self.file)
        return State(
            complete=self.one(document, "complete", bool),
            made=made,
            series=text("series"),
            source=self.maybe(document, "source"),
            sources=self.named(document, "sources"),
            repo=text("repo"),
            overrides=None if document.get("overrides") is None else self.texts(document, "overrides"),
            align=self.one(document, "align", bool),
            rev=text("rev"),
            commit=text("commit"),
            version=text("version"),
            queue=text("queue"),
            patch=text("patch"),
            upstream=self.maybe(document, "upstream"),
            subject=text("subject"),
            changes=text("changes"),
            tree=text("tree"),
            replaces=self.maybe(document, "replaces"),
            files={path: self.asked(path, value) for path, value in files.items()},
        )

    def asked(self, path: str, value: object) -> Asked:
        if not isinstance(value, dict):
            raise self.bad(path, value, "dict")
        return Asked(
            start=self.maybe(value, "start"),
            base=self.maybe(value, "base"),
            ours=self.maybe(value, "ours"),
            theirs=self.maybe(value, "theirs"),
            marked=self.one(value, "marked", bool),
            question=self.maybe(value, "question"),
            hunks=self.texts(value, "hunks"),
            decided=self.one(value, "decided", bool),
        )
