# SPDX-License-Identifier: MIT
"""From the files a person left to an override that is known to give them.

The conflict is come to again, and must be the one that was laid out: an answer to another base, series or source
would be captured against the wrong files. Then the queue is replayed with the override, before anything is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from ...errors import BadInput, NeedsPerson, UnknownRevision
from ...values.override import Override
from ...values.result import EntryKind, Status
from ...values.version import KernelVersion, VersionRange
from ..queue import Queue, lower_places, override_directories
from ..replay.item import Item
from ..replay.overrides import find_target, override_file
from ..result import Result
from ..store.files import replace_file
from ..store.objects import SUBMODULE, Entry, Oid, hexed
from ..store.repository import open_repository, resolve_commit
from .answer import Captured, DroppedHunk, capture
from .file import default_range, free_name, named, override_bytes, override_home
from .job import Job, open_state
from .layout import Layout, lay_out
from .place import Place
from .standing import open_lines
from .state import State, entry_name, item_digest

__all__ = ["Answer", "prepare", "prepare_skip"]

_ASKED = "(no reason was given yet)"


@attrs.frozen(kw_only=True, eq=False)
class Answer:
    """A captured answer that was proven, and is written nowhere yet."""

    place: Place
    state: State
    job: Job
    path: Path
    """The override file it will be."""
    override: Override
    hunks: tuple[DroppedHunk, ...]
    result: Result
    """The queue with it."""

    def text(self, reason: str) -> bytes:
        """The override file. Raises BadOverride for a reason that says nothing."""
        override = attrs.evolve(self.override, reason=reason)
        return override_bytes(override, self.hunks, self.state.version)

    def write(self, reason: str) -> None:
        """Write the override file, at once."""
        replace_file(self.path, self.text(reason))


def prepare(place: Place, *, base_range: VersionRange | None = None, add: Iterable[str] = ()) -> Answer:
    """Capture the answer and prove it. Nothing is written.

    add: files of the answer that were not laid out and belong to it.
    Raises NeedsPerson while markers or questions are left, BadInput where base, series or source have changed since,
    or where the answer is none an override can give.
    """
    state = open_state(place)
    added = set(add)
    problems = open_lines(place, state) + [
        f"{place.directory / 'tree' / path}: not a file of the patch; take it away, or say --add {path}"
        for path in sorted(set(place.files("tree")) - set(state.files) - added)
    ]
    if problems:
        raise NeedsPerson(problems)
    again = _Again.of(place, state)
    captured = capture(again.layout, _answer(again.layout, place, added))
    if not (captured.drop or captured.diff):
        raise BadInput("the answer is what the patch does by itself; that is no override")
    return again.proven(captured, base_range)


def prepare_skip(place: Place, *, base_range: VersionRange | None = None) -> Answer:
    """An override that leaves the whole patch out, proven. Nothing is written."""
    again = _Again.of(place, open_state(place))
    nothing = Captured(drop=(), hunks=(), diff=b"", tree=again.layout.stuck.tree)
    return again.proven(nothing, base_range, skip=True)


def _answer(layout: Layout, place: Place, added: Iterable[str]) -> Mapping[str, Entry | None]:
    """The files below tree/, as entries."""
    objects = layout.stuck.objects
    wanted: dict[str, Entry | None] = {}
    for path in {*layout.files, *added}:
        content = place.read("tree", path)
        laid = layout.files.get(path)
        start = None if laid is None else laid.start
        if content is None:
            # A submodule is not laid out; it stays.
            wanted[path] = start if start is not None and start.mode == SUBMODULE else None
            continue
        mode, data = content
        if start is not None and start.mode >> 12 == mode >> 12 and start.mode & 0o100 == mode & 0o100:
            # Old trees have modes that a file system does not tell apart.
            mode = start.mode
        wanted[path] = Entry(mode, objects.write("blob", data))
    return wanted


@attrs.frozen(kw_only=True, eq=False)
class _Again:
    """The conflict, come to again."""

    place: Place
    state: State
    job: Job
    queue: Queue
    layout: Layout

    @classmethod
    def of(cls, place: Place, state: State) -> _Again:
        """Raises BadInput where something has changed under the conflict."""
        job = Job.of(state)
        trouble = _moved(job, state)
        if trouble is None:
            queue = job.queue()
            stuck = job.replay(queue).stuck
            if stuck is None:
                trouble = f"{state.patch} was laid out, and nothing is in conflict now"
            elif stuck.item.name != state.patch:
                trouble = f"{state.patch} was laid out, and {stuck.item.name} is the first conflict now"
            else:
                layout = lay_out(stuck)
                trouble = _changed(layout, state)
                if trouble is None:
                    return cls(place=place, state=state, job=job, queue=queue, layout=layout)
        raise BadInput(
            f"stale: {trouble}; your edits are in {place.directory / 'tree'}: copy what you need, then "
            "`mptcp-series resolve --abort` takes it away and `resolve` begins anew"
        )

    def proven(self, captured: Captured, base_range: VersionRange | None, *, skip: bool = False) -> Answer:
        """Make the override and hold the queue with it against the answer."""
        stuck = self.layout.stuck
        item, old = stuck.item, stuck.override
        owner = self._owner(item, old)
        items = owner.items(stuck.objects)
        kept = [one for one in owner.overrides if one is not old]
        path = self._file(owner, item.name, old)
        patch, commit = named(item, items)
        override = Override(
            patch=patch,
            commit=commit,
            base=self._range([one for one in kept if _is_for(one, item, items)], old, base_range),
            when=() if old is None else old.when,
            skip=skip,
            drop=captured.drop,
            optional=item.kind in (EntryKind.RESTORE, EntryKind.ALIGN) or (old is not None and old.optional),
            reason=_ASKED,
            diff=captured.diff,
            file=f"{path.parent.name}/{path.name}",
        )
        result = self.job.replay(_with(self.queue, owner, (*kept, override)))
        _prove(result, override, item.name, stuck.tree, captured.tree)
        return Answer(
            place=self.place,
            state=self.state,
            job=self.job,
            path=path,
            override=override,
            hunks=captured.hunks,
            result=result,
        )

    def _range(
        self, others: Sequence[Override], old: Override | None, given: VersionRange | None
    ) -> VersionRange | None:
        """The bases the override is for: those asked for, those of the one it replaces, or the default."""
        version = KernelVersion.parse(self.state.version)
        if given is None:
            return default_range(version, others) if old is None else old.base
        if not given.contains(version):
            raise BadInput(f"--base-range {given} does not hold {version}, the base that the answer is for")
        return given

    def _owner(self, item: Item, old: Override | None) -> Queue:
        """The queue of the stack the override belongs to: the patch's own.

        What is restored comes at the end of the whole stack, so its override is the uppermost queue's.
        """
        if old is not None:
            return next(queue for queue in self.queue.stack if any(one is old for one in queue.overrides))
        if item.kind is EntryKind.RESTORE:
            return self.queue
        return next(queue for queue in self.queue.stack if queue.name == item.series)

    def _file(self, owner: Queue, patch: str, old: Override | None) -> Path:
        """Where the override goes: in the place of the one it replaces, else a name nobody has."""
        recipe = owner.recipe
        given: Sequence[Path] | None = self.job.overrides
        if owner is not self.queue:
            given = lower_places(owner.directory, recipe, given)
        if old is None:
            home = override_home(owner.directory, recipe, given)
            return home / free_name(patch, [path.name for path in home.glob("*")])
        for place in override_directories(owner.directory, recipe, given):
            for path in place.glob("*.patch"):
                if f"{place.name}/{path.name}" == old.file:
                    return path
        raise BadInput(f"the override in force, {old.file}, is in none of the directories of overrides")


def _with(queue: Queue, owner: Queue, overrides: tuple[Override, ...]) -> Queue:
    """The stack with other overrides of one of its queues."""
    if owner is queue:
        return attrs.evolve(queue, overrides=overrides)
    below = tuple(attrs.evolve(one, overrides=overrides) if one is owner else one for one in queue.below)
    return attrs.evolve(queue, below=below)


def _moved(job: Job, state: State) -> str | None:
    """What of base and series has changed, None if nothing has.

    Of a directory nobody knows before it was read again: the tree under the patch tells then.
    """
    if job.base is not None:
        try:
            commit = str(resolve_commit(open_repository(job.repo), job.base).id)
        except UnknownRevision as error:
            return str(error)
        if commit != state.commit:
            return f"the base {state.rev} was {state.commit[:12]}, and is {commit[:12]} now"
    if job.digest() != state.queue:
        return f"the series in {state.series} has changed since the conflict was laid out"
    return None


def _changed(layout: Layout, state: State) -> str | None:
    """What of the conflict has changed, None if nothing has."""
    stuck = layout.stuck
    name = state.patch
    if item_digest(stuck.item) != state.changes or stuck.item.commit != state.upstream:
        return f"{name} is another patch now; the source or its file has changed"
    if hexed(stuck.tree) != state.tree:
        return f"the tree under {name} has changed; an override before it was edited"
    replaces = None if stuck.override is None else override_file(stuck.override)
    if replaces != state.replaces:
        return f"the override in force for {name} was {state.replaces or 'none'}, and is {replaces or 'none'} now"
    laid = {path: entry_name(one.start) for path, one in layout.files.items()}
    if laid != {path: asked.start for path, asked in state.files.items()}:
        return f"{name} would be laid out otherwise now; the override in force was edited"
    return None


def _is_for(override: Override, item: Item, items: Sequence[Item]) -> bool:
    """Whether an override is for the patch that an entry is; the queue does not hold restored ones."""
    target, _ = find_target(override, items)
    return override.patch == item.name if target is None else target.name == item.name


def _prove(result: Result, override: Override, name: str, before: Oid, wanted: Oid) -> None:
    """Raise BadInput unless the entry, with the override, leads to exactly the wanted tree."""
    drift = [str(one) for one in result.overrides.drift if one.file == override.file]
    if drift:
        raise BadInput(f"the answer cannot be captured: the override made of it does not fit: {'; '.join(drift)}")
    outcome = next((patch for patch in result.patches if patch.name == name), None)
    if outcome is None or outcome.status is Status.CONFLICT or outcome.override != override.file:
        raise BadInput(f"the answer cannot be captured: with the override made of it {name} still is in conflict")
    step = next((step for step in result.steps if step.name == name), None)
    tree = before
    if step is not None:
        tree = bytes.fromhex(result.objects.read(step.commit).split(b"\n", 1)[0].removeprefix(b"tree ").decode())
    if tree != wanted:
        raise BadInput(
            f"the answer cannot be captured: the override made of it gives the tree {hexed(tree)}, and the answer is "
            f"{hexed(wanted)}; nothing was written, please report it"
        )
