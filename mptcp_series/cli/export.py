# SPDX-License-Identifier: MIT
"""`mptcp-series export`: the queue as it stands on a base, for tools that know nothing of this one."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.exchange.export import NUMBER, Format
from ..values.person import Person
from .inputs import replay
from .options import COMMITTER, FUZZ, NO_ALIGN, Run, takes
from .tables import counted, result_lines

__all__ = ["export"]


@click.command(short_help="Write the queue as it stands on a base for other tools.")
@click.option(
    "--format",
    "format_",
    type=click.Choice([format.value for format in Format]),
    default=Format.QUILT.value,
    show_default=True,
    help="quilt: a directory of patches and a series file; mbox: one file for git am; git-bundle: one for git fetch; "
    "yocto, buildroot, openwrt: files of a layer, a global patch directory, a target's patch directory.",
)
@click.option("--to", "place", metavar="PATH", required=True, help="Directory or file to write.")
@click.option(
    "--number",
    type=click.IntRange(0, 999),
    help=f"openwrt: where the queue stands among the other patches. Default: {NUMBER}.",
)
@NO_ALIGN
@FUZZ
@COMMITTER
@takes("source", "repo", "base", "series", "overrides")
def export(
    run: Run, format_: str, place: str, number: int | None, no_align: bool, fuzz: int, committer: Person | None
) -> None:
    """Write the patches of the result on a base, with overrides in them, the same bytes every time.

    A quilt directory is replaced as a whole, and only if it holds an exported queue or nothing. In the directories of
    build systems only files that an export of this series wrote are replaced or taken away.

    What the tools that take the patches would lose is refused, or told on standard error where they stop there by
    themselves.

    Exit status 1: a person is needed; nothing was written.
    """
    if number is not None and format_ != Format.OPENWRT.value:
        raise click.UsageError(f"--number places patches among OpenWrt's; --format {format_} has no use for it")
    result = replay(run, align=not no_align, committer=committer, fuzz=fuzz)
    files: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()
    if result.complete:
        files = result.export(place, format=format_, number=NUMBER if number is None else number)
        warnings = result.export_warnings(format=format_)
    written = f"{counted(len(files), 'file')} in {place}" if files else "nothing was written"
    run.answer(
        document=lambda: {
            **result.to_json("export"),
            "files": [str(file) for file in files],
            "warnings": list(warnings),
        },
        report=lambda: result_lines(result, verbose=run.console.verbose, closing=[written]),
    )
    for warning in warnings:
        run.console.warn(warning)
    result.require()
