# SPDX-License-Identifier: MIT
"""`mptcp-series import`: a queue that others keep, as a series of its own; or patch files, into a quilt directory.

The two are told apart by the first word and `--series`: `import quilt|mbox|range WHAT --series DIR` makes a series,
anything else is quilt's `import PATCH...`. (A patch file that is called `quilt` is `./quilt`.) The destination of a
series is named on the command line only: a default would write into the series one works on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ..engine.exchange.importing import Imported, import_mbox, import_quilt, import_range
from ..errors import BadInput, NeedsPerson
from .console import printable
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["import_"]

_KINDS = ("quilt", "mbox", "range")


@click.command("import", short_help="Make a series of a queue kept elsewhere; or take patches in.")
@click.argument("what", nargs=-1, required=True, metavar="{quilt|mbox|range} WHAT | PATCH...")
@click.option("--series", "directory", metavar="DIR", help="Directory the series is written to.")
@click.option("--materialise", is_flag=True, help="Of a range: write the patch files too, not only pins.")
@click.option("-p", "strip", type=click.IntRange(0, 999), metavar="N", help="Of patches: strip level. Default: 1.")
@click.option("-R", "reverse", is_flag=True, help="Of patches: to be applied in reverse.")
@click.option("-P", "name", metavar="NAME", help="Of one patch: its name in the series.")
@click.option("-f", "force", is_flag=True, help="Of patches: replace those that are there.")
@click.option("-d", "keep", type=click.Choice(["o", "a", "n"]), help="With -f: keep the old header, all, or the new.")
@takes("source", "repo")
def import_(
    run: Run,
    what: tuple[str, ...],
    directory: str | None,
    materialise: bool,
    strip: int | None,
    reverse: bool,
    name: str | None,
    force: bool,
    keep: str | None,
) -> None:
    """Read WHAT and write it as a series: a quilt DIRECTORY, an mbox FILE, or a RANGE (REV..REV) of --repo.

    Nothing that is there is overwritten. What is left out (a patch that no line of a quilt series names, a mail
    without a diff) is listed.

    Without `--series`, and in a quilt directory: put PATCH files behind the top patch, to be pushed, as quilt does.
    """
    if directory is None and what[0] not in _KINDS:
        if materialise:
            raise click.UsageError("--materialise goes with a range; patches have files already")
        _into_quilt(run, what, name=name, strip=1 if strip is None else strip, reverse=reverse, force=force, keep=keep)
        return
    if strip is not None or reverse or name is not None or force or keep is not None:
        raise click.UsageError("-p, -R, -P, -f and -d go with patches that are put into a quilt directory")
    _make_series(run, what, directory, materialise=materialise)


def _make_series(run: Run, words: Sequence[str], directory: str | None, *, materialise: bool) -> None:
    if words[0] not in _KINDS:
        shown = ", ".join(repr(kind) for kind in _KINDS)
        raise click.UsageError(
            f"{words[0]!r} is not one of {shown}, which --series wants; a patch goes into a quilt directory without it"
        )
    if len(words) != 2:
        raise click.UsageError(f"{words[0]} takes one WHAT, {len(words) - 1} are given")
    if directory is None:
        raise click.UsageError("Missing option '--series'.")
    kind, what = words
    if materialise and kind != "range":
        raise click.UsageError("--materialise goes with a range; quilt and mbox have files already")
    if kind == "quilt":
        imported = import_quilt(Path(what))
    elif kind == "mbox":
        imported = import_mbox(Path(what))
    else:
        imported = import_range(run.repo(), what, materialise=materialise)
    files = imported.write(Path(directory))
    run.answer(
        document=lambda: {
            "schema": SCHEMA,
            "command": "import",
            "names": imported.names,
            "unlisted": imported.unlisted,
            "files": [str(file) for file in files],
        },
        report=lambda: _lines(imported, files, directory, verbose=run.console.verbose),
    )


def _lines(imported: Imported, files: Sequence[Path], directory: str, *, verbose: bool) -> Iterator[str]:
    if verbose:
        yield from map(printable, imported.names)
    if imported.unlisted:
        yield "not imported:"
        yield from (f"  {printable(name)}" for name in imported.unlisted)
    yield f"{counted(len(imported.names), 'patch', 'patches')}, {counted(len(files), 'file')} in {printable(directory)}"


def _into_quilt(
    run: Run, sources: Sequence[str], *, name: str | None, strip: int, reverse: bool, force: bool, keep: str | None
) -> None:
    from .quilt.environment import read_settings
    from .quilt.importing import import_into_quilt
    from .quilt.run import make_run

    given = {"repo": run.settings.option("repo"), "series": None, "source": run.settings.option("source")}
    try:
        quilt = make_run(
            read_settings(None, os.environ, Path.cwd()),
            given,
            as_json=run.json,
            quiet=run.console.quiet,
            verbose=run.console.verbose,
        )
        import_into_quilt(quilt, sources, name=name, strip=strip, reverse=reverse, force=force, keep=keep)
    except BadInput as error:
        # As all of quilt's verbs: 2 would say that there is nothing to do.
        raise NeedsPerson(map(str, error.problems)) from error
