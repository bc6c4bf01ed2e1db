# SPDX-License-Identifier: MIT
"""Puts back what nothing covers: entries at the end of the queue.

First remedy: the same upstream commit, picked from the source (the target's own stable line, then
mainline). Second: the base's own change, carried by three-way merge. A vendor's edit is always carried.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs
import pygit2

from ..values.naming import patch_name
from ..values.paths import OwnedPaths
from ..values.provenance import upstream_ids
from ..values.recipe import LostPolicy
from ..values.result import EntryKind, Lost, Remedy, Restored
from ..values.series import SeriesEntry
from .align import Uncovered
from .basechanges import BaseChange, Origin
from .item import Item, RawCommit, item_from_commit
from .objects import Objects
from .stable import StableLine

__all__ = ["Restoration", "restore"]


@attrs.frozen(kw_only=True, eq=False)
class Restoration:
    """The entries that put changes back, the account of them, and what is lost."""

    items: tuple[Item, ...]
    restored: tuple[Restored, ...]
    lost: tuple[Lost, ...]


def restore(
    objects: Objects,
    source: pygit2.Repository,
    owned: OwnedPaths,
    uncovered: Sequence[Uncovered],
    line: StableLine | None,
    policy: LostPolicy,
    taken: Iterable[str],
    base_name: str,
    date: bytes,
) -> Restoration:
    """Choose the remedy of each change that nothing covers."""
    names = set(taken)
    items: list[Item] = []
    restored: list[Restored] = []
    lost: list[Lost] = []
    # A vendor's edits come on top of what stable brings, as on the base.
    for open_change in sorted(uncovered, key=lambda entry: entry.change.origin is Origin.VENDOR):
        change = open_change.change
        if policy is LostPolicy.REFUSE and change.origin is not Origin.VENDOR:
            lost += open_change.lost
            continue
        pick = None if change.origin is Origin.VENDOR else _pick(source, change, line)
        if pick is not None:
            name = patch_name(f"restore {change.subject}", names)
            entry = SeriesEntry(name=name, pin=pick)
            items.append(item_from_commit(source, objects, entry, EntryKind.RESTORE, owned))
            restored.append(_restored(change, Remedy.PICKED, pick, name))
            names.add(name)
            continue
        for item in _carried(open_change, names, base_name, date):
            items.append(item)
            restored.append(_restored(change, Remedy.CARRIED, change.commit or base_name, item.name))
            names.add(item.name)
    return Restoration(items=tuple(items), restored=tuple(restored), lost=tuple(lost))


def _restored(change: BaseChange, how: Remedy, origin: str, name: str) -> Restored:
    return Restored(commit=change.commit, subject=change.subject, how=how, origin=origin, name=name)


def _pick(source: pygit2.Repository, change: BaseChange, line: StableLine | None) -> str | None:
    """The source's commit for a change: of the target's stable line, else of mainline."""
    known: Mapping[str, str] = {} if line is None else line.by_upstream()
    for identifier in change.upstream:
        if identifier in known:
            return known[identifier]
        if isinstance(source.get(identifier), pygit2.Commit):
            return identifier
    return None


def _carried(open_change: Uncovered, names: set[str], base_name: str, date: bytes) -> list[Item]:
    """The base's own change: one entry a commit, or one a file where there is no commit."""
    change = open_change.change
    if change.raw is not None:
        groups = [(change.subject, change.subject, open_change.left)]
    else:
        groups = [(path.path, f"{change.subject} to {path.path}", (path,)) for path in open_change.left]
    items = []
    taken = set(names)
    for label, subject, paths in groups:
        name = patch_name(f"carry {label}", taken)
        taken.add(name)
        items.append(
            Item(
                name=name,
                kind=EntryKind.RESTORE,
                commit=None,
                raw=_raw(change, subject, base_name, date),
                changes=tuple(paths),
            )
        )
    return items


def _raw(change: BaseChange, subject: str, base_name: str, date: bytes) -> RawCommit:
    if change.raw is not None:
        message = change.raw.message
        if change.commit is not None and not upstream_ids(message):
            message = message.rstrip(b"\n") + f"\n\n(cherry picked from commit {change.commit})\n".encode()
        return attrs.evolve(change.raw, message=message)
    text = f"Restore: {subject}\n\nThe base {base_name} has this, and nothing in the queue brings it.\n"
    return RawCommit(
        author=b"mptcp_series <mptcp-series@localhost> " + date,
        encoding=None,
        message=text.encode("utf-8", "surrogateescape"),
    )
