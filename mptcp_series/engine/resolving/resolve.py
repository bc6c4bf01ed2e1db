# SPDX-License-Identifier: MIT
"""Settles the first conflict of a queue with a person: laid out as files, captured as an override.

A resolution belongs under review, so what comes out is an override file and nothing else. It is written only after
the queue was replayed with it and gave exactly the files the person left. Whoever calls holds `Place.locked()`
around everything but `begin`, which takes the lock itself. `resolve_prove` is the step in between.
"""

from __future__ import annotations

import attrs

from ...errors import BadInput, EnvironmentFault
from ..replay.overrides import override_file
from ..replay.replay import Stuck
from ..result import Result
from ..store.objects import SUBMODULE, Entry, Objects, hexed
from .job import Job, load_state, open_state
from .layout import Layout, lay_out
from .place import Content, Place
from .prove import Answer
from .readme import patch_text, readme_text
from .state import Asked, State, item_digest

__all__ = ["SIDES", "Report", "abort", "begin", "go_on", "overridden", "take"]

SIDES = ("ours", "theirs", "keep")
"""What a whole file can be answered by."""


@attrs.frozen(kw_only=True, eq=False)
class Report:
    """What a step came to: the entry that is laid out now, None when nothing is in conflict any more."""

    state: State | None
    result: Result


def begin(job: Job, place: Place, *, replace: bool = False, options: str = "") -> Report:
    """Lay the first entry in conflict out. Nothing is made where nothing is in conflict.

    replace: an override in force that leaves the conflict may be replaced by the answer.
    Raises BadInput where a resolve is under way in that place already.
    """
    _refuse_second(place)
    queue = job.queue()
    result = job.replay(queue)
    if result.stuck is None:
        return Report(state=None, result=result)
    layout = _layout(result, replace)
    fresh = not place.exists
    made = place.claim()
    try:
        with place.locked():
            _refuse_second(place)
            known = 0 if fresh else load_state(place).made
            return Report(state=_lay(job, place, layout, result, max(made, known), options), result=result)
    except BaseException:
        if fresh and not (place.exists and load_state(place).complete):
            place.remove(made)
        raise


def _refuse_second(place: Place) -> None:
    if place.exists and (state := load_state(place)).complete:
        raise BadInput(
            f"a resolve of {state.patch} is under way in {place.directory}; --done captures it, --abort takes it away"
        )


def _layout(result: Result, replace: bool) -> Layout:
    stuck = result.stuck
    assert stuck is not None
    if stuck.override is not None and not replace:
        raise BadInput(overridden(stuck, result.base.version))
    return lay_out(stuck)


def overridden(stuck: Stuck, version: str) -> str:
    """What to do about a conflict that an override in force leaves."""
    assert stuck.override is not None
    clauses = [] if stuck.override.base is None else stuck.override.base.text.split(",")
    older = [part.strip() for part in clauses if not part.strip().startswith("<")] + [f"<{version}"]
    return (
        f"{stuck.item.name} has an override in force, {override_file(stuck.override)}, and still is in conflict: "
        f"to keep that for older bases, write `Base: {','.join(older)}` in it and `resolve` again; or "
        "`resolve --replace` lets one answer take its place on all its bases"
    )


def _lay(job: Job, place: Place, layout: Layout, result: Result, made: int, options: str) -> State:
    """Write the directory anew; the state is complete last of all."""
    stuck = layout.stuck
    replaces = None if stuck.override is None else override_file(stuck.override)
    state = State(
        complete=False,
        made=made,
        series=str(job.series),
        source=None if job.source is None else str(job.source),
        sources={name: str(path) for name, path in job.sources.items()},
        repo=str(job.repo),
        overrides=None if job.overrides is None else tuple(map(str, job.overrides)),
        align=job.align,
        rev=result.base.rev,
        commit=result.base.commit or "",
        version=result.base.version,
        queue=job.digest(),
        patch=stuck.item.name,
        upstream=stuck.item.commit,
        subject=stuck.item.subject,
        changes=item_digest(stuck.item),
        tree=hexed(stuck.tree),
        replaces=replaces,
        files={path: Asked.of(laid) for path, laid in layout.files.items()},
    )
    place.write_state(state.render())
    place.clear_but_state()
    objects = stuck.objects
    sides = {
        side: {path: _content(objects, getattr(laid, field)) for path, laid in layout.files.items()}
        for side, field in (("tree", "start"), ("base", "base"), ("ours", "ours"), ("theirs", "theirs"))
    }
    texts = {
        "README": readme_text(layout, result.base, replaces, options),
        "PATCH": patch_text(objects, stuck.item),
    }
    if stuck.override is not None:
        texts["OVERRIDE"] = stuck.override.render()
    place.lay(sides, texts)
    state = attrs.evolve(state, complete=True)
    place.write_state(state.render())
    return state


def _content(objects: Objects, entry: Entry | None) -> Content | None:
    if entry is None or entry.mode == SUBMODULE:
        return None
    return entry.mode, objects.read(entry.oid)


def take(place: Place, path: str, side: str) -> None:
    """Answer for a whole file: as the base has it (ours), as the patch has it (theirs), as it lies there (keep)."""
    state = open_state(place)
    asked = state.files.get(path)
    if asked is None:
        known = ", ".join(sorted(state.files))
        raise BadInput(f"{path} is no file of {state.patch}; its files are {known}")
    if side != "keep":
        content = place.read(side, path)
        if content is None and getattr(asked, side) is None and side == "theirs" and _is_unknown(asked):
            raise BadInput(f"{path}: the patch does not hold the whole file; write it to {place.directory}/tree/{path}")
        place.write("tree", path, content)
    decided = attrs.evolve(asked, decided=True)
    place.write_state(attrs.evolve(state, files={**state.files, path: decided}).render())


def _is_unknown(asked: Asked) -> bool:
    """Whether the patch's side is not at hand: hunks of a file that is not there."""
    return asked.base is None and asked.ours is None


def go_on(answer: Answer, *, options: str = "") -> Report:
    """After an answer was written: lay the next conflict out in its place, or take the directory away."""
    result = answer.result
    place, made = answer.place, answer.state.made
    stuck = result.stuck
    if stuck is None or stuck.override is not None:
        # An override that leaves a conflict is replaced only when someone says so.
        place.remove(made)
        return Report(state=None, result=result)
    try:
        return Report(state=_lay(answer.job, place, lay_out(stuck), result, made, options), result=result)
    except EnvironmentFault as error:
        raise EnvironmentFault(f"{answer.path} was written; laying the next conflict out failed: {error}") from error


def abort(place: Place) -> None:
    """Take everything away that the resolve made. Overrides that were written stay."""
    made = 1
    if place.exists:
        try:
            made = load_state(place).made
        except BadInput:
            # A state nobody can read: the directory goes, what is above it stays.
            made = 1
    else:
        place.read_state()
    place.remove(made)
