# SPDX-License-Identifier: MIT
"""`mptcp-series add`, `remove` and `revert`: the files of a patch."""

from __future__ import annotations

import click

from ...engine.quilt.membership import Membership, Word
from ...engine.quilt.membership import add as work_out_add
from ...engine.quilt.membership import remove as work_out_remove
from ...engine.quilt.membership import revert as work_out_revert
from ...errors import NeedsPerson, NothingToDo
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["add", "add_files", "remove", "revert"]

PATCH = click.option("-P", "patch", metavar="PATCH", help="An applied patch. Default: the top.")
FILES = click.argument("file", nargs=-1, required=True)


def tell(run: QuiltRun, command: str, done: Membership, said: str) -> list[str]:
    """Say what became of each file; what was refused is given back."""
    name = done.quilt.shown(done.patch)
    refused = []
    words = {
        Word.DONE: said,
        Word.UNCHANGED: "File {path} is unchanged",
        Word.ALREADY: "File {path} is already in patch {name}",
        Word.NOT_IN: "File {path} is not in patch {name}",
        Word.ABOVE: "File {path} modified by patch {by}",
        Word.LINK: "Cannot add symbolic link {path}",
        Word.OWN: "File {path} is located below {by}/",
    }
    for member in done.members:
        by = done.quilt.shown(member.by) if member.word is Word.ABOVE else member.by
        line = words[member.word].format(path=member.path, name=name, by=by)
        if member.word in (Word.DONE, Word.UNCHANGED):
            run.say(line)
        else:
            refused.append(line)
    run.answer(
        lambda: {
            "command": command,
            "patch": done.patch,
            "files": [{"path": member.path, "result": member.word.value} for member in done.members],
        }
    )
    return refused


def add_files(run: QuiltRun, patch: str | None, file: tuple[str, ...]) -> tuple[list[str], bool]:
    """Take files into a patch; what was refused, and whether all of that is in the patch already."""
    quilt = run.open()
    done = work_out_add(quilt, quilt.applied_patch(patch), map(run.top.path, file))
    done.write()
    refused = tell(run, "add", done, "File {path} added to patch {name}")
    return refused, all(member.word in (Word.DONE, Word.ALREADY) for member in done.members)


@quilt_verb("add", "Take files into a patch, before they are edited.")
@FILES
@PATCH
@on_quilt
def add(run: QuiltRun, file: tuple[str, ...], patch: str | None) -> None:
    """Take files into the top patch, or an applied one, as they are now.

    Exit status 1: a file was refused; 2: they are in it already.
    """
    refused, only_known = add_files(run, patch, file)
    if refused and only_known:
        raise NothingToDo("\n".join(refused))
    if refused:
        raise NeedsPerson(refused)


@quilt_verb("remove", "Take files out of a patch, and put them back.")
@FILES
@PATCH
@on_quilt
def remove(run: QuiltRun, file: tuple[str, ...], patch: str | None) -> None:
    """Take files out of the top patch, or an applied one; they are as they were under it then."""
    quilt = run.open()
    done = work_out_remove(quilt, quilt.applied_patch(patch), [run.top.path(one) for one in file])
    done.write()
    if refused := tell(run, "remove", done, "File {path} removed from patch {name}"):
        raise NeedsPerson(refused)


@quilt_verb("revert", "Give up edits that were not refreshed.")
@FILES
@PATCH
@on_quilt
def revert(run: QuiltRun, file: tuple[str, ...], patch: str | None) -> None:
    """Put files as the top patch, or an applied one, has them: `diff -z` shows nothing then."""
    quilt = run.open()
    paths = [run.top.path(one) for one in file]
    done = work_out_revert(quilt, quilt.applied_patch(patch), paths, run.reader(quilt))
    done.write()
    if refused := tell(run, "revert", done, "Changes to {path} in patch {name} reverted"):
        raise NeedsPerson(refused)
