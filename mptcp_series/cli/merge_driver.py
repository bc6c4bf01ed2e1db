# SPDX-License-Identifier: MIT
"""`mptcp-series merge-driver`: what git calls to merge a series file (gitattributes(5), custom merge drivers)."""

from __future__ import annotations

from pathlib import Path

import click

from ..engine.store.files import read_input, replace_file
from ..engine.text.merge import merge
from ..errors import BadSeries, NeedsPerson
from ..values.series import Series
from ..values.seriesmerge import merge_series
from .console import printable

__all__ = ["merge_driver"]

INSTALL = "git config merge.mptcp-series.driver 'mptcp-series merge-driver %O %A %B %P'"
ATTRIBUTE = "series/*/series merge=mptcp-series"


@click.command(
    "merge-driver",
    short_help="Merge series files by what they say; git calls it.",
    epilog=f"Install it in a clone with: {INSTALL}; and commit a .gitattributes that says: {ATTRIBUTE}",
)
@click.argument("base", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("name", required=False, default="series")
def merge_driver(base: Path, ours: Path, theirs: Path, name: str) -> None:
    """Merge a series file three ways and leave the result in OURS, as git wants it of a merge driver.

    Branches that add patches do not conflict: both are kept, ours first. What collides is said patch by patch, and the
    file is left with conflict markers, as of any text.

    Exit status 1: something collides; git then asks a person.
    """
    texts = [read_input(path) for path in (base, ours, theirs)]
    try:
        found = merge_series(
            *(Series.parse(text, f"{name} ({side})") for text, side in zip(texts, _SIDES, strict=True))
        )
    except BadSeries as error:
        # A side that is no series file is for a person too; the text is merged as git would have done it.
        _marked(ours, texts)
        raise NeedsPerson(str(problem) for problem in error.problems) from error
    if found.series is None:
        _marked(ours, texts)
        raise NeedsPerson(f"{printable(name)}: {printable(conflict)}" for conflict in found.conflicts)
    replace_file(ours, found.series.render())


_SIDES = ("base", "ours", "theirs")


def _marked(ours: Path, texts: list[bytes]) -> None:
    before, mine, other = texts
    replace_file(ours, merge(before, mine, other).with_markers("ours", "base", "theirs"))
