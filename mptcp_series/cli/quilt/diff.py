# SPDX-License-Identifier: MIT
"""`mptcp-series diff`: what a patch has, or what was edited since it was refreshed."""

from __future__ import annotations

import re

import click

from ...engine.quilt.diffs import file_diff
from ...engine.quilt.show import compare
from ...errors import BadInput
from .command import quilt_verb
from .push import COLOR
from .run import QuiltRun, diff_format, on_quilt

__all__ = ["diff"]


@quilt_verb("diff", "Show a patch as its files are now.", optional={"--color": "--color=always"})
@click.argument("file", nargs=-1)
@click.option("-p", "strip", metavar="N", help="Names in the diff: 0, 1 or ab.")
@click.option("-P", "patch", metavar="PATCH", help="An applied patch. Default: the top.")
@click.option("-U", "context", type=click.IntRange(0, 9999), metavar="N", help="Lines of context.")
@click.option("-u", "unified", is_flag=True, help="A unified diff, the only form there is.")
@click.option("-z", "relative", is_flag=True, help="Only what was edited since the patch was refreshed.")
@click.option("-R", "reverse", is_flag=True, help="The reverse.")
@click.option("--combine", metavar="PATCH", help="All patches from this one on; `-` is the first applied.")
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
    relative: bool,
    reverse: bool,
    combine: str | None,
    no_timestamps: bool,
    no_index: bool,
    sort: bool,
    color: str | None,
) -> None:
    """Print the diff of the top patch, or of an applied one, or of some of its files."""
    quilt = run.open()
    if combine is not None and relative:
        raise BadInput("Options `--combine' and `-z' cannot be combined.")
    name = quilt.applied_patch(patch)
    form = diff_format(run.settings, strip, context, no_index)
    level = quilt.entry(name).strip
    if strip is None:
        if level not in (0, 1):
            raise BadInput(f"Cannot diff patches with -p{level}, please specify -p0, -p1, or -pab instead")
        form = diff_format(run.settings, str(level), context, no_index)
    wanted = [run.top.path(one.removeprefix("./")) for one in file]
    first = None if combine is None else "" if combine == "-" else quilt.applied_patch(combine)
    found = compare(quilt, name, run.reader(quilt), first=first, relative=relative, only=wanted, sort=sort)
    texts = []
    for path, old, new in found.files:
        old, new = (new, old) if reverse else (old, new)
        texts.append(file_diff(path, old, new, form))
    if run.json:
        diffs = [text.decode("utf-8", "backslashreplace") for text in texts if text]
        run.answer(lambda: {"command": "diff", "patch": name, "diff": "".join(diffs)})
    else:
        _print(b"".join(texts), color)
    if found.shadowed:
        click.echo(f"Warning: more recent patches modify files in patch {quilt.shown(name)}", err=True)


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
