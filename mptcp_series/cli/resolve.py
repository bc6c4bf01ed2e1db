# SPDX-License-Identifier: MIT
"""`mptcp-series resolve`: the first conflict as files to be edited, and the answer as an override to be reviewed."""

from __future__ import annotations

import shlex
from pathlib import Path

import attrs
import click

from ..engine.resolving.job import Job, load_state, open_state
from ..engine.resolving.place import STATE, Place
from ..engine.resolving.prove import Answer, prepare, prepare_skip
from ..engine.resolving.resolve import abort, begin, go_on, overridden, take
from ..engine.resolving.state import State
from ..engine.result import Result
from ..engine.store.objects import LINK
from ..errors import BadInput, NeedsPerson, Problem
from ..values.result import Status
from ..values.version import VersionRange
from .inputs import load_sources
from .options import NO_ALIGN, Run, takes
from .resolve_tools import asked_reason, edit_files, run_tool
from .resolve_view import Shown, conflicts, reason_template

__all__ = ["resolve"]

PLACES = Path(".mptcp-series") / "resolve"


def _range(ctx: click.Context, parameter: click.Parameter, value: str | None) -> VersionRange | None:
    try:
        return None if value is None else VersionRange.parse(value)
    except BadInput as error:
        raise click.BadParameter(error.problems[0].message, ctx, parameter) from None


@attrs.frozen(kw_only=True)
class _Asked:
    """What one run of the command is to do."""

    done: bool
    skip: bool
    abort: bool
    status: bool
    reason: str | None
    base_range: VersionRange | None
    replace: bool
    ours: tuple[str, ...]
    theirs: tuple[str, ...]
    keep: tuple[str, ...]
    add: tuple[str, ...]
    edit: bool
    tool: str | None
    directory: str | None
    no_align: bool

    def check(self) -> None:
        """Raises UsageError for options that do not go together."""
        actions = [f"--{name}" for name in ("done", "skip", "abort", "status") if getattr(self, name)]
        if len(actions) > 1:
            raise click.UsageError(f"{' and '.join(actions)} exclude each other", click.get_current_context())
        only: dict[str, tuple[bool, tuple[str, ...]]] = {
            "--reason": (self.reason is not None, ("--done", "--skip")),
            "--base-range": (self.base_range is not None, ("--done", "--skip")),
            "--add": (bool(self.add), ("--done",)),
            "--replace": (self.replace, ()),
            "--edit": (self.edit, ()),
            "--tool": (self.tool is not None, ()),
        }
        if self.taken and actions and not self.done:
            only[f"--{self.taken[0][0]}"] = (True, ())
        for option, (given, where) in only.items():
            if given and (actions or where) and not set(actions) & set(where):
                what = f"goes with {' or '.join(where)}" if where else f"does not go with {actions[0]}"
                raise click.UsageError(f"{option} {what}", click.get_current_context())

    @property
    def begins(self) -> bool:
        """Whether it may begin a resolve."""
        return not (self.done or self.skip or self.abort or self.status or self.taken)

    @property
    def taken(self) -> list[tuple[str, str]]:
        sides = (("ours", self.ours), ("theirs", self.theirs), ("keep", self.keep))
        return [(side, path) for side, paths in sides for path in paths]


@click.command(short_help="Answer the first conflict, as an override.")
@click.option("--done", is_flag=True, help="Capture the answer, prove it and write it as an override.")
@click.option("--skip", is_flag=True, help="Answer by leaving the whole patch out.")
@click.option("--abort", is_flag=True, help="Take the directory away, and all in it.")
@click.option("--status", is_flag=True, help="Say where one stands.")
@click.option("--reason", metavar="TEXT", help="Why, for the reviewer. Default: asked for in the editor.")
@click.option(
    "--base-range",
    metavar="SPEC",
    callback=_range,
    help="Kernel versions the answer is for. Default: from this base's version to the end of its line.",
)
@click.option("--replace", is_flag=True, help="Let the answer replace an override of the patch that is in force.")
@click.option("--ours", metavar="PATH", multiple=True, help="Answer a file as the base has it.")
@click.option("--theirs", metavar="PATH", multiple=True, help="Answer a file as the patch has it.")
@click.option("--keep", metavar="PATH", multiple=True, help="Answer a file as it lies below tree/.")
@click.option(
    "--add", metavar="PATH", multiple=True, help="A file below tree/ that the patch does not have belongs to it."
)
@click.option("--edit", is_flag=True, help="Open the files in your editor, which is the one git would open.")
@click.option("--tool", metavar="CMD", help="Run a merge tool on each file: $BASE $LOCAL $REMOTE $MERGED.")
@click.option("--dir", "directory", metavar="DIR", help="Where to lay out. Default: .mptcp-series/resolve/<series>.")
@NO_ALIGN
@takes("source", "repo", "base", "series", "overrides")
def resolve(run: Run, **parameters: object) -> None:
    """Lay the first conflict out as files, and capture the edited files as an override.

    Without --done, --skip, --abort or --status it begins, or says what is under way. The files are in a directory of
    their own, with diff3 markers; no repository is touched. --done replays the queue with the override and writes it
    only if that gives exactly your files, then lays the next conflict out.

    Exit status: 0 nothing is in conflict any more; 1 a conflict is laid out, or something else needs a person.
    """
    asked = _Asked(**parameters)  # type: ignore[arg-type]
    asked.check()
    place = _place(run, asked)
    options = "" if asked.directory is None else f" --dir {shlex.quote(asked.directory)}"
    if asked.abort:
        _abort(run, asked, place)
    elif asked.status:
        _status(run, asked, place, options)
    elif asked.done or asked.skip:
        _close(run, asked, place, options)
    else:
        _open(run, asked, place, options)


def _place(run: Run, asked: _Asked) -> Place:
    """Where the resolve is, or is to be."""
    if asked.directory is not None:
        if not asked.directory.strip():
            raise BadInput("--dir is empty; a variable of a script that is not set, perhaps")
        return Place(Path(asked.directory))
    here = sorted(path.parent for path in PLACES.glob(f"*/{STATE}"))
    series = run.settings.given.get("series")
    # Who goes on need not say again with which options it was begun; the file of settings may name another series.
    if here and (series is None or (series.rank > 1 and not asked.begins)):
        own = _own_place(run)
        if own is not None and (own.exists or asked.begins):
            return own
        if len(here) > 1:
            names = ", ".join(path.name for path in here)
            raise BadInput(f"several resolves are under way: name the series of one with --series ({names})")
        return Place(here[0])
    return Place(PLACES / run.series().resolve().name)


def _own_place(run: Run) -> Place | None:
    """Where a resolve of the series of the settings would be; None where these name none."""
    try:
        return Place(PLACES / Path(run.settings.series().value).resolve().name)
    except BadInput:
        return None


def _agreed(run: Run, asked: _Asked, state: State) -> None:
    """Raise BadInput for every option that names another thing than the resolve under way was begun with."""
    settings = run.settings
    known: dict[str, tuple[str, ...] | None] = {
        "base": (state.rev, state.commit),
        "repo": (state.repo,),
        "source": None if state.source is None else (state.source,),
        "series": (state.series,),
        "overrides": state.overrides,
    }
    problems = []
    for name, values in known.items():
        given = settings.option(name)
        if given is not None and not _is_one(given, values or (), path=name != "base"):
            shown = given if name == "base" else str(Path(given).absolute())
            problems.append(_other(f"--{name} is {shown}", "without it" if values is None else f"of {values[0]}"))
    for series, setting in settings.sources.items():
        was = state.sources.get(series)
        if setting.origin.startswith("--") and not _is_one(setting.value, () if was is None else (was,), path=True):
            shown = f"--source of {series} is {Path(setting.value).absolute()}"
            problems.append(_other(shown, "without it" if was is None else f"of {was}"))
    if asked.no_align and state.align:
        problems.append(_other("--no-align is given", "without it"))
    if problems:
        raise BadInput(problems)


def _is_one(given: str, values: tuple[str, ...], *, path: bool) -> bool:
    """Whether what an option names is one of these, however it is written."""
    return given in values or (path and Path(given).resolve() in {Path(value).resolve() for value in values})


def _other(said: str, begun: str) -> Problem:
    return Problem(
        message=f"{said}, and the resolve under way is {begun}; leave the option out, or end it with --done or --abort "
        "first"
    )


def _abort(run: Run, asked: _Asked, place: Place) -> None:
    place.read_state()
    with place.locked():
        # What cannot be read, or was cut short, is to go whatever it is of.
        state = _readable(place)
        if state is not None and state.complete:
            _agreed(run, asked, state)
        abort(place)
    said = f"took {place.directory} away; overrides that were written stay"
    shown = Shown(place=place, said=(said,))
    run.answer(document=shown.document, report=shown.lines)


def _readable(place: Place) -> State | None:
    try:
        return load_state(place)
    except BadInput:
        return None


def _status(run: Run, asked: _Asked, place: Place, options: str) -> None:
    if not place.exists:
        shown = Shown(place=place, said=(f"no resolve is under way in {place.directory}",))
        run.answer(document=shown.document, report=shown.lines)
        return
    state = open_state(place)
    _agreed(run, asked, state)
    _tell(run, Shown.of(place, state, options=options))


def _open(run: Run, asked: _Asked, place: Place, options: str) -> None:
    """Begin, or go on with what is under way: take sides, start an editor or a tool, say where one stands."""
    said: tuple[str, ...] = ()
    if not asked.begins or (place.exists and load_state(place).complete):
        state = open_state(place)
        _agreed(run, asked, state)
        if asked.begins and not (asked.edit or asked.tool):
            said = ("this is under way:",)
        more = 0
    else:
        job = _job(run, asked)
        _refuse_inside(job, place)
        report = begin(job, place, replace=asked.replace, options=options)
        if report.state is None:
            _nothing(run, place, report.result)
            return
        state, more = report.state, _others(report.result)
    with place.locked():
        for side, path in asked.taken:
            take(place, path, side)
        state = open_state(place)
        _start_programs(asked, place, state)
    _tell(run, Shown.of(place, state, said=said, more=more, options=options))


def _refuse_inside(job: Job, place: Place) -> None:
    """Raise BadInput for a place in the source directory that is the base: that one is not to be touched."""
    if job.base is None and place.directory.resolve().is_relative_to(job.repo.resolve()):
        raise BadInput(
            f"{place.directory} is inside {job.repo}, the base, which stays as it is; name another place with --dir"
        )


def _start_programs(asked: _Asked, place: Place, state: State) -> None:
    shown = Shown.of(place, state)
    open_files = [one.path for one in shown.files if one.markers or one.question is not None]
    found = {path: place.read("tree", path) for path in open_files}
    texts = [path for path, content in found.items() if content is not None and content[0] != LINK]
    if asked.tool is not None:
        run_tool(asked.tool, place, [path for path in texts if state.files[path].marked])
    if asked.edit:
        if not texts:
            raise BadInput("no file is left to edit; --status says where one stands")
        edit_files([place.directory / "tree" / path for path in texts])


def _close(run: Run, asked: _Asked, place: Place, options: str) -> None:
    """Capture, prove, write, and go on to the next."""
    place.read_state()
    with place.locked():
        _agreed(run, asked, open_state(place))
        for side, path in asked.taken:
            take(place, path, side)
        answer = (
            prepare_skip(place, base_range=asked.base_range)
            if asked.skip
            else prepare(place, base_range=asked.base_range, add=asked.add)
        )
        answer.write(_reason(asked, answer))
        report = go_on(answer, options=options)
    if report.state is None:
        _nothing(run, place, report.result, answer)
        return
    _tell(
        run,
        Shown.of(
            place,
            report.state,
            written=answer.path,
            override=answer.override,
            replaced=answer.state.replaces is not None,
            more=_others(report.result),
            options=options,
        ),
    )


def _reason(asked: _Asked, answer: Answer) -> str:
    reason = asked.reason if asked.reason is not None else asked_reason(reason_template(answer))
    if not reason.strip():
        raise BadInput("the reason is empty; nothing was written")
    return reason


def _job(run: Run, asked: _Asked) -> Job:
    overrides = run.overrides()
    repo, base = run.target()
    return Job(
        repo=repo,
        base=base,
        series=run.series(),
        source=run.common_source(),
        sources=load_sources(run),
        overrides=None if overrides is None else (Path(overrides),),
        align=not asked.no_align,
    )


def _others(result: Result) -> int:
    """Patches in conflict after the first."""
    return max(0, sum(patch.status is Status.CONFLICT for patch in result.patches) - 1)


def _nothing(run: Run, place: Place, result: Result, answer: Answer | None = None) -> None:
    """Nothing is laid out any more; what else needs a person is told, and ends the command."""
    reasons = result.reasons()
    if not reasons:
        said = f"nothing is in conflict on {result.base.rev}"
    elif result.stuck is None:
        said = f"nothing is in conflict on {result.base.rev}; something else needs a person"
    else:
        said = overridden(result.stuck, result.base.version)
    shown = Shown(
        place=place,
        written=None if answer is None else answer.path,
        override=None if answer is None else answer.override,
        replaced=answer is not None and answer.state.replaces is not None,
        more=_others(result) + (result.stuck is not None),
    )
    run.answer(document=shown.document, report=lambda: [*shown.lines(), said])
    result.require()


def _tell(run: Run, shown: Shown) -> None:
    """Say what is laid out; that it is ends the command with status 1."""
    run.answer(document=shown.document, report=shown.lines)
    assert shown.state is not None
    raise NeedsPerson(conflicts(shown.state, shown.files))
