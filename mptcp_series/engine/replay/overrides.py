# SPDX-License-Identifier: MIT
"""Which override is in force for which patch, and what it makes of the patch.

An override that no longer fits is refused by name: that is `Drift`, a value with the file, the field
and what is wrong. It is never skipped in silence, and never applied to something like what it meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import attrs

from ...errors import BadPatch
from ...values.hunk import Hunk, hunk_ids
from ...values.override import DropTarget, Override
from ...values.patch import ChangeKind, FileChange, Patch
from ...values.result import Account, Drift
from ...values.version import KernelVersion
from ..store.objects import Objects
from .change import BlobChange, Change, TextChange, apply_exactly, entry_text, file_hunks, hunk_count, made_entry
from .drift import hunk_detail
from .item import Item

__all__ = ["Adapted", "Assignment", "adapt", "assign", "check_override", "find_target"]


@attrs.frozen(kw_only=True)
class Assignment:
    """The override of each patch on one base, and the account of the others."""

    by_patch: Mapping[str, Override]
    not_needed: tuple[str, ...]
    drift: tuple[Drift, ...]
    unmatched: tuple[Override, ...] = ()
    """In force, and for no patch here: each is drift, or not needed, unless another part of the queue has its patch."""


def override_file(override: Override) -> str:
    return override.file if override.file is not None else "(unnamed override)"


def find_target(override: Override, items: Sequence[Item]) -> tuple[Item | None, Drift | None]:
    """The patch an override names: by commit, else by patch name, else by exact subject.

    Two matches are drift; none is drift unless the override is optional.
    """
    file = override_file(override)
    if override.commit is not None:
        found = [item for item in items if item.commit == override.commit]
        found = found or [item for item in items if override.commit in item.upstream]
        field, value = "Commit", override.commit
    else:
        assert override.patch is not None
        found = [item for item in items if item.name == override.patch]
        found = found or [item for item in items if item.subject == override.patch]
        field, value = "Patch", override.patch
    if len(found) == 1:
        return found[0], None
    if found:
        names = ", ".join(item.name for item in found)
        return None, Drift(file=file, field=field, why=f"{value} fits {len(found)} patches of the queue: {names}")
    if override.optional:
        return None, None
    return None, Drift(file=file, field=field, why=f"no patch of the queue is {value}")


def assign(
    overrides: Iterable[Override],
    items: Sequence[Item],
    version: KernelVersion,
    read: Callable[[str], bytes | None],
) -> Assignment:
    """Decide for one base which override is in force for which patch."""
    by_patch: dict[str, Override] = {}
    not_needed: list[str] = []
    drift: list[Drift] = []
    unmatched: list[Override] = []
    for override in overrides:
        file = override_file(override)
        if not override.in_force(version, read):
            not_needed.append(file)
            continue
        target, problem = find_target(override, items)
        if problem is not None:
            drift.append(problem)
            unmatched.append(override)
        elif target is None:
            # Optional: another part of the queue may have its patch.
            not_needed.append(file)
            unmatched.append(override)
        elif target.skip_reason is not None:
            not_needed.append(file)
        elif target.name in by_patch:
            other = override_file(by_patch[target.name])
            drift.append(
                Drift(
                    file=file,
                    field="Commit" if override.commit is not None else "Patch",
                    why=f"{other} is in force for {target.name} on {version} too; "
                    "narrow the Base or When of one of them",
                )
            )
        else:
            by_patch[target.name] = override
    return Assignment(by_patch=by_patch, not_needed=tuple(not_needed), drift=tuple(drift), unmatched=tuple(unmatched))


@attrs.frozen(kw_only=True)
class Adapted:
    """A patch as an override leaves it: the kept changes, what was dropped, the diff to add."""

    changes: tuple[Change, ...]
    dropped: Mapping[str, Account]
    """Hunks left out, by path."""
    diff: tuple[FileChange, ...]
    drift: tuple[Drift, ...]


def adapt(objects: Objects, item: Item, override: Override) -> Adapted:
    """Take the dropped hunks out of a patch. A drop that fits nothing is drift."""
    file = override_file(override)
    drift: list[Drift] = []
    changes = _expanded(item.changes, {target.path for target in override.drop})
    dropped: dict[str, Account] = {}
    kept: list[Change] = []
    unknown = {target.path for target in override.drop} - {change.path for change in changes}
    for path in sorted(unknown):
        touched = ", ".join(change.path for change in changes)
        drift.append(Drift(file=file, field="Drop", why=f"{item.name} does not touch {path}; it touches {touched}"))
    for change in changes:
        targets = [target for target in override.drop if target.path == change.path]
        if not targets:
            kept.append(change)
            continue
        left, account, problems = _without(objects, change, targets, override)
        drift += problems
        dropped[change.path] = dropped.get(change.path, Account()) + account
        if left is not None:
            kept.append(left)
    return Adapted(changes=tuple(kept), dropped=dropped, diff=override_diff(override, drift), drift=tuple(drift))


def override_diff(override: Override, drift: list[Drift] | None = None) -> tuple[FileChange, ...]:
    """The files of an override's diff. Raises BadPatch, or adds to `drift` where one is given."""
    if not override.diff:
        return ()
    try:
        changes = Patch.parse(override.diff, override_file(override)).changes
        if not changes:
            raise BadPatch("no file starts here: `---`, `+++` and `@@` lines expected", file=override_file(override))
    except BadPatch as error:
        if drift is None:
            raise
        drift += [Drift(file=override_file(override), field="diff", why=p.message) for p in error.problems]
        return ()
    return changes


def _expanded(changes: Sequence[Change], paths: AbstractSet[str]) -> tuple[Change, ...]:
    """Renames of these paths as a deletion and an addition: hunk ids know no renames."""
    out: list[Change] = []
    for change in changes:
        if isinstance(change, BlobChange) and change.renames and paths & {change.path, change.old_path}:
            out.append(BlobChange(path=change.old_path, old_path=change.old_path, old=change.old, new=None))
            out.append(BlobChange(path=change.path, old_path=change.path, old=None, new=change.new))
        else:
            out.append(change)
    return tuple(out)


def _without(
    objects: Objects, change: Change, targets: Sequence[DropTarget], override: Override
) -> tuple[Change | None, Account, list[Drift]]:
    hunks: Sequence[Hunk]
    hunks = change.file.hunks if isinstance(change, TextChange) else file_hunks(objects, change.old, change.new)
    if any(target.hunk is None for target in targets):
        return None, Account(dropped=hunk_count(objects, change)), []
    ids = hunk_ids(hunks)
    out: set[int] = set()
    problems = []
    for target in targets:
        why = _misfit(target, ids)
        if why is None:
            out.add(_position(target, ids))
        else:
            detail = hunk_detail(override.remembered.get(target.hunk or "", ()), ids, hunks)
            problems.append(Drift(file=override_file(override), field="Drop", why=f"{target}: {why}", detail=detail))
    rest = [hunk for at, hunk in enumerate(hunks) if at not in out]
    account = Account(dropped=len(out))
    if isinstance(change, TextChange):
        moves = change.file.kind in (ChangeKind.RENAME, ChangeKind.COPY)
        changes_mode = change.file.kind is ChangeKind.MODIFY and change.file.old_mode != change.file.new_mode
        if not (rest or moves or changes_mode):
            return None, account, problems
        return TextChange(file=attrs.evolve(change.file, hunks=tuple(rest))), account, problems
    content = apply_exactly(entry_text(objects, change.old), rest)
    assert content is not None, "hunks of a diff fit the file the diff was made from"
    if change.new is None and not rest:
        return None, account, problems
    if change.old is None and not rest:
        return None, account, problems
    new = None if change.new is None else made_entry(objects, change.new.mode, content)
    left = attrs.evolve(change, new=new)
    return (None if left.old == left.new else left), account, problems


def _position(target: DropTarget, ids: Sequence[str]) -> int:
    assert target.listed is not None
    return ids.index(target.listed)


def _misfit(target: DropTarget, ids: Sequence[str]) -> str | None:
    """Why a dropped hunk cannot be found among a file's hunk ids, None if it can."""
    same = [identifier for identifier in ids if identifier.split(".")[0] == target.hunk]
    if not same:
        return f"the patch has no such hunk there; it has {', '.join(ids) or 'no hunks'}"
    if target.nth == 0 and len(same) > 1:
        return f"fits {len(same)} hunks of the same text; name one of {target.hunk}.1 to {target.hunk}.{len(same)}"
    if target.nth > len(same):
        return f"the patch has only {len(same)} such hunk(s) there"
    return None


def check_override(objects: Objects, override: Override, items: Sequence[Item]) -> list[Drift]:
    """Whether an override, in force or not, fits the queue: its patch, its hunk ids, a diff that parses."""
    target, problem = find_target(override, items)
    if problem is not None:
        return [problem]
    if target is None:
        return []
    return list(adapt(objects, target, override).drift)
