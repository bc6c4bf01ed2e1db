# SPDX-License-Identifier: MIT
"""Where the changes of a base are found in a result, and which patch brought them there.

Files are read and indexed once a run: the same few hundred blobs are asked about by hundreds of hunks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import attrs

from ...values.paths import OwnedPaths
from ...values.result import PatchOutcome, Status
from ..replay.change import BlobChange
from ..replay.item import Item
from ..replay.owned import OwnedKeys, owned_files
from ..store.objects import Entry, Objects, Oid
from ..store.tree import TreeEditor
from ..text.merge import is_binary
from .coverage import FileDelta, Text
from .once import once

__all__ = ["Texts", "Traces", "functions_of"]

_EMPTY = Text(b"")


class Texts:
    """Files by their entries, each read once."""

    @classmethod
    def of_run(cls, objects: Objects) -> Texts:
        """Those that were read from the same objects before."""
        return once(objects, "texts", lambda: cls(objects))

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._known: dict[Oid, Text | None] = {}
        self._deltas: dict[tuple[Entry | None, Entry | None], FileDelta] = {}

    def of(self, entry: Entry | None) -> Text | None:
        """A file as text; None where there is none, or nothing that has lines."""
        if entry is None or not entry.is_text:
            return None
        if entry.oid not in self._known:
            content = self._objects.read(entry.oid)
            self._known[entry.oid] = None if is_binary(content) else Text(content)
        return self._known[entry.oid]

    def delta(self, old: Entry | None, new: Entry | None) -> FileDelta:
        """The change between two files; without hunks where one of them is no text."""
        key = (old, new)
        if key not in self._deltas:
            before, after = self.of(old), self.of(new)
            if (old is not None and before is None) or (new is not None and after is None):
                before = after = None
            self._deltas[key] = FileDelta.of(before or _EMPTY, after or _EMPTY)
        return self._deltas[key]


def functions_of(texts: Texts, tree: TreeEditor, owned: Iterable[str]) -> dict[bytes, list[Text]]:
    """The owned files of a tree by the functions they have."""
    found: dict[bytes, list[Text]] = {}
    for entry in owned_files(tree, owned).values():
        text = texts.of(entry)
        if text is not None:
            for name in text.scopes:
                found.setdefault(name, []).append(text)
    return found


@attrs.frozen
class _Image:
    """A file as a patch of the queue leaves it, in the source."""

    name: str
    entry: Entry
    covers: bool
    """Whether all that the queue did to the file up to here is in the result."""


class Traces:
    """Looks for changes of the base in one result."""

    def __init__(
        self,
        objects: Objects,
        items: Sequence[Item],
        outcomes: Sequence[PatchOutcome],
        result: TreeEditor,
        owned: OwnedPaths,
        root: tuple[str, TreeEditor],
    ) -> None:
        self._objects = objects
        self._texts = Texts.of_run(objects)
        self._result = result
        self._owned = owned
        self._state = OwnedKeys.of(objects, owned).key(result.write())
        """Of all that an answer may depend on."""
        self._root = root
        self._images: dict[str, list[_Image]] = {}
        self._functions: dict[bytes, list[Text]] | None = None
        kept = {outcome.name for outcome in outcomes if outcome.status not in (Status.SKIPPED, Status.CONFLICT)}
        whole = {outcome.name for outcome in outcomes if outcome.status is not Status.OVERRIDDEN} & kept
        short = {
            (outcome.name, name)
            for outcome in outcomes
            for path in outcome.paths
            if path.status in (Status.SKIPPED, Status.OVERRIDDEN, Status.CONFLICT)
            for name in (path.path, path.source_path)
        }
        broken: set[str] = set()
        self._touching: dict[str, str] = {}
        """The last patch that changes a file."""
        for item in items:
            for change in item.changes:
                if item.name in kept:
                    self._touching[change.path] = item.name
                # An image holds what every patch before it did: where one of them was left out, so is that.
                if change.old_path in broken or (item.name, change.path) in short:
                    broken.add(change.path)
                if isinstance(change, BlobChange) and change.new is not None:
                    covers = item.name in whole and change.path not in broken
                    self._images.setdefault(change.path, []).append(_Image(item.name, change.new, covers=covers))

    def delta(self, path: BlobChange) -> FileDelta:
        return self._texts.delta(path.old, path.new)

    def whole(self, path: BlobChange, current: Entry | None) -> str | None:
        """What covers a file's whole change: the result has the very same, or the queue came by it."""
        if path.new is None:
            # A file that is there in whatever shape is not deleted.
            return self._last(path.path) if current is None else None
        image = next((image for image in self._images.get(path.path, ()) if image.entry == path.new), None)
        if image is not None and image.covers:
            return image.name
        return self._last(path.path) if current == path.new else None

    def from_queue(self, path: BlobChange) -> tuple[BlobChange, str | None]:
        """For a file the base added and the queue adds too: the change from the queue's most like image of it."""
        mine = self._texts.of(path.new)
        if path.old is not None or mine is None:
            return path, None
        wanted = Counter(mine.lines)
        best: tuple[int, _Image] | None = None
        for image in self._images.get(path.path, ()):
            text = self._texts.of(image.entry)
            if text is None or not image.covers:
                continue
            alike = (Counter(text.lines) & wanted).total() * 2 - len(text.lines)
            if best is None or alike > best[0]:
                best = (alike, image)
        if best is None:
            return path, None
        return attrs.evolve(path, old=best[1].entry), best[1].name

    def stands(self, delta: FileDelta, at: int, path: BlobChange, current: Entry | None) -> bool:
        """Whether a hunk of a file's change is in the result."""
        if path.new is None:
            return current is None
        question = ("stands", path.old, path.new, at, current, self._state)
        return once(self._objects, question, lambda: self._stands(delta, at, current))

    def _stands(self, delta: FileDelta, at: int, current: Entry | None) -> bool:
        there = self._texts.of(current)
        if there is None:
            # Where the file is gone, its functions may be in others.
            return current is None and delta.stands(at, _EMPTY, self._elsewhere)
        return delta.stands(at, there, self._elsewhere)

    def undone(self, delta: FileDelta, at: int, path: BlobChange, final: Entry | None) -> bool:
        """Whether the base itself has nothing of a hunk any more."""
        return path.new is not None and final != path.new and delta.undone(at, self._texts.of(final))

    def bringer(self, delta: FileDelta, at: int, path: BlobChange) -> str:
        """The patch of the queue that first has a hunk; the root where no patch but the root itself has it.

        A patch once there mostly stays, so the images are searched by halves.
        """
        name, tree = self._root
        found = [(name, tree.get(path.path))]
        found += [(image.name, image.entry) for image in self._images.get(path.path, ())]
        images = tuple((name, entry) for name, entry in found if entry is not None and entry.is_text)
        question = ("bringer", path.path, path.old, path.new, at, images)
        return once(self._objects, question, lambda: self._first(delta, at, images) or self._last(path.path))

    def _first(self, delta: FileDelta, at: int, images: Sequence[tuple[str, Entry]]) -> str | None:
        last = self._texts.of(images[-1][1]) if images else None
        there = delta.evident if last is not None and delta.evident(at, last) else delta.stands
        low, high = 0, len(images)
        while low < high:
            middle = (low + high) // 2
            text = self._texts.of(images[middle][1])
            if text is not None and there(at, text):
                high = middle
            else:
                low = middle + 1
        return images[low][0] if low < len(images) else None

    def _last(self, path: str) -> str:
        return self._touching.get(path, self._root[0])

    def _elsewhere(self, name: bytes) -> list[Text]:
        """Owned files of the result that have a function of that name."""
        if self._functions is None:
            self._functions = functions_of(self._texts, self._result, self._owned.patterns)
        return self._functions.get(name, [])
