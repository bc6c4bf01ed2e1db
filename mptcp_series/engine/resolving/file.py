# SPDX-License-Identifier: MIT
"""The override file a resolve writes: where it goes, which bases it is for, and its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...errors import BadInput
from ...values.naming import patch_name
from ...values.override import Override
from ...values.recipe import Recipe
from ...values.remembered import remembered_lines
from ...values.result import EntryKind
from ...values.version import KernelVersion, VersionRange
from ..replay.item import Item
from ..replay.overrides import find_target
from .answer import DroppedHunk

__all__ = ["default_range", "free_name", "named", "override_bytes", "override_home"]

_LICENSE = "# SPDX-License-Identifier: GPL-2.0-only"
_SUBLEVELS = 1000
_SUFFIX = ".patch"


def override_home(series: Path, recipe: Recipe | None, given: Sequence[Path] | None) -> Path:
    """The directory new overrides of a series go to; it need not be there yet.

    given: the directories of overrides someone named, None for those beside the series.
    """
    names = recipe.overrides if recipe is not None else (series.resolve().name,)
    name = recipe.name if recipe is not None and recipe.name in names else names[0]
    if given is None:
        return series.resolve().parent.parent / "overrides" / name
    place = next((place for place in given if place.name == name), given[0])
    return place if place.name in names or any(place.glob(f"*{_SUFFIX}")) else place / name


def free_name(name: str, taken: Iterable[str]) -> str:
    """A patch's own name for its override; `-2` and so on where there is one for other bases already.

    >>> free_name("fix.patch", ["fix.patch"])
    'fix-2.patch'
    """
    used = set(taken)
    name = name if name.endswith(_SUFFIX) else f"{name}{_SUFFIX}"
    if "/" not in name and name not in used:
        return name
    return patch_name(name.removesuffix(_SUFFIX), used)


def named(item: Item, items: Sequence[Item]) -> tuple[str, str | None]:
    """The `Patch` and `Commit` fields by which an override finds an entry again.

    By subject where the queue has it once, else by name. A restored change is named by its entry: its subject and
    its commit may be those of a patch of the queue that did not bring it.
    """
    if item.kind in (EntryKind.RESTORE, EntryKind.ALIGN):
        return item.name, None
    subject = item.subject
    if subject and subject == subject.strip() and not re.search("[\r\n\ud800-\udfff]", subject):
        by_subject = Override(patch=subject, skip=True, reason="tried")
        found = find_target(by_subject, items)[0]
        if found is not None and found.name == item.name:
            return subject, item.commit
    return item.name, item.commit


def default_range(version: KernelVersion, others: Iterable[Override]) -> VersionRange:
    """From this base's version to the end of its line, and not into what another override of the patch is for.

    What collides here came with this release or before; later ones of the line have it too. Older ones may not, and
    an override in force where nothing collides would be drift.
    """
    upper = f"{version.version}.{version.patchlevel + 1}"
    ranges = [other.base for other in others if other.base is not None and not other.when]
    for sublevel in range(version.sublevel + 1, _SUBLEVELS):
        at = KernelVersion(version=version.version, patchlevel=version.patchlevel, sublevel=sublevel)
        if any(found.contains(at) for found in ranges):
            upper = str(at)
            break
    return VersionRange(text=f">={version},<{upper}")


def override_bytes(
    override: Override, hunks: Sequence[DroppedHunk], version: str, *, origin: str = "Answers a conflict met on"
) -> bytes:
    """The file's text: the canonical form, its licence first, and below each `Drop` the hunk that is left out.

    origin: how it came about, up to the version of Linux it did on.
    Raises BadInput if that would not be read back as the same override.
    """
    head, _, diff = override.render().partition(b"\n---\n")
    blocks: dict[str, list[str]] = {}
    for dropped in hunks:
        blocks.setdefault(f"Drop: {dropped.target}", []).extend(remembered_lines(dropped.id, dropped.hunk))
    lines = [_LICENSE, f"# {origin} Linux {version}."]
    for line in head.decode().split("\n"):
        lines += [line, *blocks.get(line, ())]
    data = ("\n".join(lines) + "\n---\n").encode() + diff
    if Override.parse(data, override.file or "override") != override:
        raise BadInput("the override would not be read back as it was meant; write it by hand, or use --skip")
    return data
