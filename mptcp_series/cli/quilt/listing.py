# SPDX-License-Identifier: MIT
"""`mptcp-series top`, `next`, `previous`, `applied`, `unapplied`, `series`, `files` and `patches`: what there is."""

from __future__ import annotations

from collections.abc import Iterable

import click

from ...engine.quilt.queue import Quilt
from ...errors import BadInput, NothingToDo
from .command import quilt_verb
from .push import COLOR
from .run import QuiltRun, on_quilt

__all__ = ["applied", "files", "next_", "patches", "previous", "series", "top", "unapplied"]

_COLOR = {"--color": "--color=always"}


def _names(run: QuiltRun, quilt: Quilt, command: str, names: Iterable[str]) -> None:
    found = list(names)
    for name in found:
        run.say(quilt.shown(name))
    run.answer(lambda: {"command": command, "patches": found})


@quilt_verb("top", "The patch on top.")
@on_quilt
def top(run: QuiltRun) -> None:
    """Print the top patch.

    Exit status 2: no patch is applied.
    """
    quilt = run.open()
    if quilt.state.top is None:
        quilt.first()
        raise NothingToDo("No patches applied")
    _names(run, quilt, "top", [quilt.state.top])


@quilt_verb("next", "The patch that a push would apply.")
@click.argument("patch", required=False)
@on_quilt
def next_(run: QuiltRun, patch: str | None) -> None:
    """Print the patch after the top one, or after PATCH.

    Exit status 2: there is none.
    """
    quilt = run.open()
    if patch is None:
        following = quilt.unapplied()
    else:
        following = quilt.after(quilt.find(patch))
        if not following:
            raise NothingToDo(f"File series fully applied, ends at patch {quilt.shown(quilt.names[-1])}")
    _names(run, quilt, "next", following[:1])


@quilt_verb("previous", "The patch below the top.")
@click.argument("patch", required=False)
@on_quilt
def previous(run: QuiltRun, patch: str | None) -> None:
    """Print the patch before the top one, or before PATCH.

    Exit status 2: there is none.
    """
    quilt = run.open()
    name = quilt.in_series(patch)
    before = quilt.names[: quilt.names.index(name)]
    if not before:
        raise NothingToDo(f"No patch comes before {quilt.shown(name)}")
    _names(run, quilt, "previous", before[-1:])


@quilt_verb("applied", "The patches that are applied.")
@click.argument("patch", required=False)
@on_quilt
def applied(run: QuiltRun, patch: str | None) -> None:
    """Print the applied patches, or those up to PATCH."""
    quilt = run.open()
    last = quilt.applied_patch(patch)
    _names(run, quilt, "applied", quilt.applied[: quilt.applied.index(last) + 1])


@quilt_verb("unapplied", "The patches that are not applied.")
@click.argument("patch", required=False)
@on_quilt
def unapplied(run: QuiltRun, patch: str | None) -> None:
    """Print the patches that are not applied, or those behind PATCH."""
    quilt = run.open()
    if patch is None:
        try:
            left = quilt.unapplied()
        except NothingToDo as error:
            # quilt ends with 1 here, and scripts know it so.
            raise BadInput(str(error)) from error
    else:
        left = quilt.after(quilt.find(patch))
    _names(run, quilt, "unapplied", left)


def _color(color: str | None) -> bool:
    """Follow --color; whether colours are wanted at all."""
    context = click.get_current_context()
    if color in ("always", "never"):
        context.color = color == "always"
    return color not in (None, "never")


def _colored(name: str, text: str, quilt: Quilt, wanted: bool) -> str:
    if not wanted:
        return text
    if name == quilt.state.top:
        return click.style(text, fg="yellow")
    return click.style(text, fg="green") if name in quilt.applied else text


def _say_marked(run: QuiltRun, quilt: Quilt, names: Iterable[str], color: str | None) -> None:
    wanted = _color(color)
    for name in names:
        mark = ""
        if run.console.verbose:
            mark = "= " if name == quilt.state.top else "+ " if name in quilt.applied else "  "
        run.say(mark + quilt.shown(name))
        run.lines[-1] = _colored(name, run.lines[-1], quilt, wanted)


@quilt_verb("series", "The patches of the series.", optional=_COLOR)
@COLOR
@on_quilt
def series(run: QuiltRun, color: str | None) -> None:
    """Print every patch of the series; with -v, `+` before applied ones and `=` before the top."""
    quilt = run.open()
    _say_marked(run, quilt, quilt.names, color)
    run.answer(lambda: {"command": "series", "patches": list(quilt.names), "applied": list(quilt.applied)})


@quilt_verb("patches", "The patches that change a file.", optional=_COLOR)
@click.argument("file", nargs=-1, required=True)
@COLOR
@on_quilt
def patches(run: QuiltRun, file: tuple[str, ...], color: str | None) -> None:
    """Print the patches, applied or not, that change one of the files."""
    quilt = run.open()
    reader = run.reader(quilt)
    wanted = {run.top.path(one).removeprefix("./") for one in file}
    found = []
    for name in quilt.names:
        if name in quilt.applied:
            changed = set(quilt.state.files(name))
        else:
            changed = _named(reader.read(name).changes) if reader.readable(name) else set()
        if changed & wanted:
            found.append(name)
    _say_marked(run, quilt, found, color)
    run.answer(lambda: {"command": "patches", "patches": found})


def _named(changes: Iterable[object]) -> set[str]:
    return {
        path
        for change in changes
        for path in (getattr(change, "old_path", None), getattr(change, "new_path", None))
        if path is not None
    }


@quilt_verb("files", "The files a patch changes.")
@click.argument("patch", required=False)
@click.option("-a", "all_", is_flag=True, help="Of all applied patches.")
@click.option("-l", "labels", is_flag=True, help="With the name of the patch.")
@click.option("--combine", metavar="PATCH", help="Of all patches from this one on; `-` is the first applied.")
@on_quilt
def files(run: QuiltRun, patch: str | None, all_: bool, labels: bool, combine: str | None) -> None:
    """Print the files the top patch, or PATCH, changes; with -v, `+` before new ones and `-` before those that go."""
    quilt = run.open()
    last = quilt.in_series(patch)
    names: tuple[str, ...] = (last,)
    if all_ or combine is not None:
        first = quilt.find(combine) if combine not in (None, "-") else next(iter(quilt.applied), last)
        upto = quilt.names[: quilt.names.index(last) + 1]
        if first not in upto:
            raise BadInput(f"Patch {quilt.shown(first)} not applied before patch {quilt.shown(last)}")
        names = upto[upto.index(first) :]
    reader = run.reader(quilt)
    verbose = run.console.verbose
    document = []
    for name in names:
        is_applied = name in quilt.applied
        found = quilt.state.files(name) if is_applied else sorted(_named(reader.read(name).changes))
        document.append({"name": name, "files": list(found)})
        if verbose and len(names) > 1 and not labels:
            run.say(name)
        for path in found:
            if labels:
                run.say(f"[{name}] {path}" if verbose else f"{name} {path}")
            else:
                run.say(f"{_status(quilt, name, path) if is_applied else ' '} {path}" if verbose else path)
    run.answer(lambda: {"command": "files", "patches": document})


def _status(quilt: Quilt, name: str, path: str) -> str:
    """`+` for a file that was not there before the patch, `-` for one that is not there now."""
    there = quilt.rooted.status(path)
    now = there is not None and there.st_size > 0
    if quilt.state.backup(name, path) is not None:
        return " " if now else "-"
    return "+" if now else " "
