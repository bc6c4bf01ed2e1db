# SPDX-License-Identifier: MIT
"""`mptcp-series import`: a queue that others keep, as a series of its own.

The destination is named on the command line only: a default would write into the series one works on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from ..engine.exchange.importing import Imported, import_mbox, import_quilt, import_range
from .console import printable
from .jsons import SCHEMA
from .options import Run, takes
from .tables import counted

__all__ = ["import_"]


@click.command("import", short_help="Make a series of a quilt directory, an mbox or a git range.")
@click.argument("kind", type=click.Choice(["quilt", "mbox", "range"]))
@click.argument("what")
@click.option("--series", "directory", metavar="DIR", required=True, help="Directory the series is written to.")
@click.option("--materialise", is_flag=True, help="Of a range: write the patch files too, not only pins.")
@takes("source", "repo")
def import_(run: Run, kind: str, what: str, directory: str, materialise: bool) -> None:
    """Read WHAT and write it as a series: a quilt DIRECTORY, an mbox FILE, or a RANGE (REV..REV) of --repo.

    Nothing that is there is overwritten. What is left out (a patch that no line of a quilt series names, a mail
    without a diff) is listed.
    """
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
