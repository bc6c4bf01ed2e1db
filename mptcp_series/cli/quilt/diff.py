# SPDX-License-Identifier: MIT
"""`mptcp-series diff`: what a patch has, or what was edited since it was refreshed, or since a snapshot."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from ...engine.directory.changes import FileState
from ...engine.quilt.diffs import file_diff
from ...engine.quilt.show import Compared, Side, compare
from ...errors import BadInput, EnvironmentFault
from .command import quilt_verb
from .push import COLOR
from .run import CONTEXT_FORM, QuiltRun, diff_format, on_quilt

__all__ = ["diff"]


@quilt_verb("diff", "Show a patch as its files are now.", optional={"--color": "--color=always"})
@click.argument("file", nargs=-1)
@click.option("-p", "strip", metavar="N", help="Names in the diff: 0, 1 or ab.")
@click.option("-P", "patch", metavar="PATCH", help="An applied patch. Default: the top.")
@click.option("-U", "context", type=click.IntRange(0, 9999), metavar="N", help="Lines of context.")
@click.option("-u", "unified", is_flag=True, help="A unified diff, the default.")
@CONTEXT_FORM[0]
@CONTEXT_FORM[1]
@click.option("-z", "relative", is_flag=True, help="Only what was edited since the patch was refreshed.")
@click.option("-R", "reverse", is_flag=True, help="The reverse.")
@click.option("--combine", metavar="PATCH", help="All patches from this one on; `-` is the first applied.")
@click.option("--snapshot", is_flag=True, help="All that changed since `snapshot`.")
@click.option("--diff", "utility", metavar="UTILITY", help="Have this program compare each file, old and new.")
@click.option("--no-timestamps", is_flag=True, help="There never are any.")
@click.option("--no-index", is_flag=True, help="Without `Index:` lines.")
@click.option("--sort", is_flag=True, help="Files by name.")
@COLOR
@on_quilt
def diff(
    run: QuiltRun,
    file: tuple[str, ...],
    strip: str | None,
    patch: str | None,
    context: int | None,
    unified: bool,
    contextual: bool,
    old_context: int | None,
    relative: bool,
    reverse: bool,
    combine: str | None,
    snapshot: bool,
    utility: str | None,
    no_timestamps: bool,
    no_index: bool,
    sort: bool,
    color: str | None,
) -> None:
    """Print the diff of the top patch, or of an applied one, or of some of its files."""
    quilt = run.open()
    if (combine is not None) + relative + snapshot > 1:
        raise BadInput("Options `--combine', `--snapshot', and `-z' cannot be combined.")
    if utility is not None and run.json:
        raise BadInput("--diff and --json exclude each other")
    name = quilt.applied_patch(patch)
    context = old_context if context is None else context
    contextual = contextual or old_context is not None
    form = diff_format(run.settings, strip, context, no_index, contextual=contextual)
    level = quilt.entry(name).strip
    if strip is None:
        if level not in (0, 1):
            raise BadInput(f"Cannot diff patches with -p{level}, please specify -p0, -p1, or -pab instead")
        form = diff_format(run.settings, str(level), context, no_index, contextual=contextual)
    wanted = [run.top.path(one.removeprefix("./")) for one in file]
    first = None if combine is None else "" if combine == "-" else quilt.applied_patch(combine)
    found = compare(
        quilt, name, run.reader(quilt), first=first, relative=relative, snapshot=snapshot, only=wanted, sort=sort
    )
    if utility is not None:
        _run_utility(utility, quilt.root, found.files, reverse=reverse)
        texts = []
    else:
        texts = [file_diff(one.path, *_states(one, reverse), form) for one in found.files]
    if run.json:
        diffs = [text.decode("utf-8", "backslashreplace") for text in texts if text]
        run.answer(lambda: {"command": "diff", "patch": name, "diff": "".join(diffs)})
    else:
        _print(b"".join(texts), color)
    if found.shadowed:
        click.echo(f"Warning: more recent patches modify files in patch {quilt.shown(name)}", err=True)


def _states(one: Compared, reverse: bool) -> tuple[FileState | None, FileState | None]:
    return (one.new.state, one.old.state) if reverse else (one.old.state, one.new.state)


def _run_utility(utility: str, root: Path, files: Sequence[Compared], *, reverse: bool) -> None:
    """Start a program on the two sides of each file that differs, in the tree's top; what it prints is its own."""
    try:
        words = shlex.split(utility)
    except ValueError as error:
        raise BadInput(f"--diff {utility!r}: {error}") from error
    with tempfile.TemporaryDirectory(prefix="mptcp-series-diff-") as temporary:
        for one in files:
            before, after = (b"" if state is None else state.data for state in _states(one, reverse=False))
            if before == after:
                continue
            places = [_place(one.old, Path(temporary) / one.path), _place(one.new, Path(temporary) / one.path)]
            try:
                # Whether it finds a difference is its exit status to tell, and no failure.
                subprocess.run([*words, *(reversed(places) if reverse else places)], cwd=root, check=False)
            except OSError as error:
                raise EnvironmentFault(f"cannot run {words[0] if words else utility!r}: {error.strerror}") from error


def _place(side: Side, spare: Path) -> str:
    """A file to give to a program: the one there is, `/dev/null` for none, or a copy of what is in memory only."""
    if side.state is None or not side.state.data:
        return "/dev/null"
    if side.place is not None:
        return side.place
    spare.parent.mkdir(parents=True, exist_ok=True)
    spare.write_bytes(side.state.data)
    return str(spare)


_STYLES = (
    (re.compile(rb"(?:Index:|---|\+\+\+|diff|={60}) .*|={67}"), "green"),
    (re.compile(rb"\+.*"), "cyan"),
    (re.compile(rb"-.*"), "magenta"),
    (re.compile(rb"@@ .*"), "yellow"),
)


def _print(text: bytes, color: str | None) -> None:
    """Print the diff as it is, or in colours."""
    context = click.get_current_context()
    if color in (None, "never"):
        click.echo(text, nl=False)
        return
    if color == "always":
        context.color = True
    for line in text.decode("utf-8", "surrogateescape").splitlines():
        raw = line.encode("utf-8", "surrogateescape")
        style = next((style for pattern, style in _STYLES if pattern.match(raw)), None)
        shown = line.encode("utf-8", "backslashreplace").decode()
        click.echo(click.style(shown, fg=style) if style else shown)
