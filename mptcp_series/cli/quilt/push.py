# SPDX-License-Identifier: MIT
"""`mptcp-series push`, `pop` and `goto`: how far the queue is applied."""

from __future__ import annotations

import attrs
import click

from ...engine.quilt.apply import AppliedFile, AppliedHunk
from ...engine.quilt.parts import Style
from ...engine.quilt.pop import PoppedPatch
from ...engine.quilt.pop import pop as work_out_pop
from ...engine.quilt.push import Push, PushedPatch, reject_path
from ...engine.quilt.push import push as work_out_push
from ...engine.quilt.queue import Quilt
from ...errors import BadInput, NeedsPerson, NothingToDo
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["COLOR", "FUZZ", "goto", "pop", "push", "say_files"]

_COLOR = {"--color": "--color=always"}
_MERGE = {"-m": "--merge=merge", "--merge": "--merge=merge"}
COLOR = click.option("--color", type=click.Choice(["always", "auto", "tty", "never"]), help="Colour the output.")
FUZZ = click.option(
    "--fuzz", "-F", type=click.IntRange(0, 9), metavar="N", help="Lines of context that may differ. Default: 0."
)


@quilt_verb("push", "Apply patches of a quilt directory.", optional={**_COLOR, **_MERGE})
@click.argument("target", metavar="[NUM|PATCH]", required=False)
@click.option("-a", "all_", is_flag=True, help="Apply all patches.")
@click.option("-f", "force", is_flag=True, help="Apply what fits; the rest goes to *.rej files.")
@FUZZ
@click.option(
    "-m",
    "--merge",
    "merge",
    type=click.Choice([style.value for style in Style]),
    metavar="[STYLE]",
    help="Merge what does not fit; with -f, collisions stay between markers. STYLE: merge (default) or diff3.",
)
@click.option("--leave-rejects", is_flag=True, help="Write *.rej files, also of a patch that is not applied.")
@click.option("--refresh", is_flag=True, help="Refresh every patch once it is applied.")
@COLOR
@on_quilt
def push(
    run: QuiltRun,
    target: str | None,
    all_: bool,
    force: bool,
    fuzz: int | None,
    merge: str | None,
    leave_rejects: bool,
    refresh: bool,
    color: str | None,
) -> None:
    """Apply the next patch, so many, or all up to a named one.

    Hunks go where they belong for certain, or nowhere: fuzz is 0 unless it is asked for, and where a hunk fits in
    two places neither is taken. With --merge, changes that the file has already are passed over, and those whose
    context differs go to the one place that comes near.

    Exit status 1: a patch does not apply, or was forced; 2: all are applied.
    """
    if all_ and target is not None:
        raise BadInput("-a and a patch or number exclude each other")
    if force and refresh:
        raise BadInput("Options -f and --refresh are mutually exclusive")
    quilt = run.open()
    names = _to_push(quilt, target, all_=all_)
    how = PushOptions(
        force=force, fuzz=fuzz, merge=None if merge is None else Style(merge), leave_rejects=leave_rejects
    )
    if refresh:
        _push_and_refresh(run, names, how)
        return
    _push(run, quilt, names, how)


@attrs.frozen(kw_only=True)
class PushOptions:
    """How patches are applied. fuzz: None for what the settings say."""

    force: bool = False
    fuzz: int | None = None
    merge: Style | None = None
    leave_rejects: bool = False

    def work_out(self, run: QuiltRun, quilt: Quilt, names: tuple[str, ...]) -> Push:
        reader = run.reader(quilt)
        return work_out_push(
            quilt,
            names,
            reader,
            force=self.force,
            fuzz=run.settings.fuzz if self.fuzz is None else self.fuzz,
            merge=self.merge,
            leave_rejects=self.leave_rejects,
            blobs=run.blobs(reader),
        )


def _to_push(quilt: Quilt, target: str | None, *, all_: bool) -> tuple[str, ...]:
    """The patches to apply. Raises NothingToDo where there are none."""
    if target is not None and not target.isdecimal():
        stop = quilt.unapplied_patch(target)
        left = quilt.unapplied()
        return left[: left.index(stop) + 1]
    left = quilt.unapplied()
    names = left if all_ else left[: 1 if target is None else int(target)]
    if not names:
        raise NothingToDo("No patch applied")
    return names


def _push(run: QuiltRun, quilt: Quilt, names: tuple[str, ...], how: PushOptions) -> None:
    done = how.work_out(run, quilt, names)
    done.write()
    for patch in done.patches:
        _pushed_lines(run, quilt, patch)
    problems = [str(problem) for patch in done.patches for problem in patch.problems()]
    if not problems and done.refused is None and done.top is not None:
        run.say(f"Now at patch {quilt.shown(done.top)}")
    run.answer(lambda: _push_document(done))
    if done.refused is not None:
        raise NeedsPerson([*problems, _refusal(quilt, done.refused)])
    if problems:
        raise NeedsPerson(problems)


def _refusal(quilt: Quilt, patch: PushedPatch) -> str:
    name = quilt.shown(patch.name)
    if patch.missing:
        return f"Patch {name} does not exist"
    return (
        f"Patch {name} can be reverse-applied" if patch.reversible else f"Patch {name} does not apply (enforce with -f)"
    )


def _pushed_lines(run: QuiltRun, quilt: Quilt, patch: PushedPatch) -> None:
    """What GNU patch and quilt say of a patch."""
    name = quilt.shown(patch.name)
    run.say(f"Applying patch {name}")
    say_files(run, patch, rejects=patch.rejects)
    if patch.refused:
        return
    if patch.missing:
        run.say(f"Patch {name} does not exist; applied empty patch")
    elif patch.empty:
        run.say(f"Patch {name} appears to be empty; applied")
    elif patch.forced:
        run.say(f"Applied patch {name} (forced; needs refresh)")
    if not run.console.quiet and not patch.forced:
        run.say()


def say_files(run: QuiltRun, patch: PushedPatch, *, rejects: bool) -> None:
    """What GNU patch says of the files of a patch. rejects: whether they are written."""
    for file in patch.applied.files:
        _file_lines(run, file, rejects=rejects)


def _file_lines(run: QuiltRun, file: AppliedFile, *, rejects: bool) -> None:
    if not run.console.quiet and not file.missing:
        run.say(f"patching file {file.path}")
    if file.missing:
        run.say("No file to patch.  Skipping patch.")
    if file.trouble:
        count = len(file.hunks) or 1
        run.say(f"{count} out of {count} hunk{'s' * (count > 1)} ignored")
        return
    for hunk in file.hunks:
        if not run.console.quiet or (hunk.failed and hunk.parts):
            _hunk_line(run, hunk)
    if file.merged and not run.console.quiet:
        run.say("Merged with the file the patch was made from.")
    if file.rejects:
        count = len(file.hunks)
        where = f" -- saving rejects to file {reject_path(file.path)}" if rejects else ""
        if not rejects and not run.console.quiet:
            where = f" -- rejects in file {file.path}"
        run.say(f"{len(file.rejects)} out of {count} hunk{'s' * (count > 1)} FAILED{where}")


def _hunk_line(run: QuiltRun, hunk: AppliedHunk) -> None:
    if hunk.parts:
        run.say(f"Hunk #{hunk.number} {', '.join(map(str, hunk.parts))}.")
    elif hunk.failed:
        run.say(f"Hunk #{hunk.number} FAILED at {hunk.line}.")
    elif hunk.offset or hunk.fuzz:
        fuzz = f" with fuzz {hunk.fuzz}" if hunk.fuzz else ""
        offset = f" (offset {hunk.offset} line{'s' * (abs(hunk.offset) != 1)})" if hunk.offset else ""
        run.say(f"Hunk #{hunk.number} succeeded at {hunk.hunk.new_start + hunk.offset}{fuzz}{offset}.")


def _push_document(done: Push) -> dict[str, object]:
    return {
        "command": "push",
        "patches": [
            {
                "name": patch.name,
                "applied": not patch.refused,
                "forced": patch.forced,
                "files": [
                    {
                        "path": file.path,
                        "why": file.trouble or None,
                        "merged": file.merged,
                        "hunks": [
                            {
                                "number": h.number,
                                "offset": h.offset,
                                "fuzz": h.fuzz,
                                "why": h.why or None,
                                "merge": [{"word": p.word.value, "lines": [p.first, p.last]} for p in h.parts],
                            }
                            for h in file.hunks
                        ],
                    }
                    for file in patch.applied.files
                ],
            }
            for patch in done.patches
        ],
        "top": done.top,
    }


def _push_and_refresh(run: QuiltRun, names: tuple[str, ...], how: PushOptions) -> None:
    from .refresh import refresh_lines

    for name in names:
        quilt = run.open()
        done = how.work_out(run, quilt, (name,))
        done.write()
        _pushed_lines(run, quilt, done.patches[0])
        if done.refused is not None:
            run.answer(lambda done=done: _push_document(done))  # type: ignore[misc]
            problems = [str(problem) for problem in done.refused.problems()]
            raise NeedsPerson([*problems, _refusal(quilt, done.refused)])
        if run.lines and not run.lines[-1]:
            run.lines.pop()
        refresh_lines(run, run.open(), name)
        if not run.console.quiet:
            run.say()
    quilt = run.open()
    run.say(f"Now at patch {quilt.shown(names[-1])}")
    run.answer(lambda: {"command": "push", "patches": [{"name": name} for name in names], "top": names[-1]})


@quilt_verb("pop", "Take patches off a quilt directory.")
@click.argument("target", metavar="[NUM|PATCH]", required=False)
@click.option("-a", "all_", is_flag=True, help="Take off all patches.")
@click.option("-f", "force", is_flag=True, help="Give up what was edited and not refreshed.")
@click.option("-R", "verify", is_flag=True, help="Verify by content. It is always done; quilt relies on times.")
@click.option("--refresh", is_flag=True, help="Refresh every patch before it is taken off.")
@on_quilt
def pop(run: QuiltRun, target: str | None, all_: bool, force: bool, verify: bool, refresh: bool) -> None:
    """Take off the top patch, so many, or all above a named one.

    A patch whose files were edited since it was refreshed stays, and so do those below it.

    Exit status 1: such a patch is in the way; 2: no patch is applied.
    """
    if all_ and target is not None:
        raise BadInput("-a and a patch or number exclude each other")
    if force and refresh:
        raise BadInput("Options -f and --refresh are mutually exclusive")
    quilt = run.open(check=False)
    names = _to_pop(quilt, target, all_=all_)
    if refresh:
        for name in names:
            from .refresh import refresh_lines

            refresh_lines(run, run.open(check=False), name)
            _pop(run, run.open(check=False), (name,), force=False, last=name == names[-1])
        return
    _pop(run, quilt, names, force=force)


def _to_pop(quilt: Quilt, target: str | None, *, all_: bool) -> tuple[str, ...]:
    """The patches to take off, the top first. Raises NothingToDo where there are none."""
    if not quilt.applied and quilt.found_series is None:
        raise BadInput("No series file found")
    names = tuple(reversed(quilt.applied))
    if target is not None and not target.isdecimal():
        stop = quilt.applied_patch(target)
        names = names[: names.index(stop)]
    elif not all_:
        names = names[: 1 if target is None else int(target)]
    if not names:
        raise NothingToDo("No patch removed")
    return names


def _pop(run: QuiltRun, quilt: Quilt, names: tuple[str, ...], *, force: bool = False, last: bool = True) -> None:
    reader = run.reader(quilt)
    done = work_out_pop(quilt, names, reader, force=force, blobs=run.blobs(reader))
    done.write()
    for patch in done.patches:
        _popped_lines(run, quilt, patch)
    if done.stuck is None and last:
        run.say("No patches applied" if done.top is None else f"Now at patch {quilt.shown(done.top)}")
    run.answer(
        lambda: {
            "command": "pop",
            "patches": [patch.name for patch in done.patches],
            "stuck": done.stuck,
            "pending": list(done.pending),
            "top": done.top,
        }
    )
    if done.stuck is not None:
        why = f": {done.why}" if done.why else ""
        raise NeedsPerson(
            [
                *(f"{quilt.root / path}: changed since {done.stuck} was applied{why}" for path in done.pending),
                f"Patch {quilt.shown(done.stuck)} does not remove cleanly (refresh it or enforce with -f)",
            ]
        )


def _popped_lines(run: QuiltRun, quilt: Quilt, patch: PoppedPatch) -> None:
    name = quilt.shown(patch.name)
    if patch.empty:
        run.say(f"Patch {name} appears to be empty, removing")
    else:
        run.say(f"Removing patch {name}")
        if not run.console.quiet:
            for path in patch.removed:
                run.say(f"Removing {path}")
            for path in patch.restored:
                run.say(f"Restoring {path}")
    if not run.console.quiet:
        run.say()


@quilt_verb("goto", "Push or pop until a named patch is on top.")
@click.argument("patch")
@click.option("-f", "force", is_flag=True, help="As for push, or for pop.")
@FUZZ
@on_quilt
def goto(run: QuiltRun, patch: str, force: bool, fuzz: int | None) -> None:
    """Push or pop until PATCH is on top.

    Exit status 2: it is.
    """
    quilt = run.open()
    name = quilt.find(patch)
    if name == quilt.state.top:
        raise NothingToDo(f"Patch {quilt.shown(name)} is on top already")
    if name in quilt.applied:
        _pop(run, quilt, _to_pop(quilt, name, all_=False), force=force)
    else:
        _push(run, quilt, _to_push(quilt, name, all_=False), PushOptions(force=force, fuzz=fuzz))
