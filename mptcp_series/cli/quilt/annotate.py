# SPDX-License-Identifier: MIT
"""`mptcp-series annotate`: which patch brought each line of a file."""

from __future__ import annotations

import click

from ...engine.quilt.annotate import annotate as work_out
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["annotate"]


@quilt_verb("annotate", "Which applied patch brought each line of a file.")
@click.argument("file")
@click.option("-P", "patch", metavar="PATCH", help="The file as this applied patch leaves it. Default: the top.")
@on_quilt
def annotate(run: QuiltRun, file: str, patch: str | None) -> None:
    """Print a file with the number of the patch before each line that one brought; then the patches."""
    quilt = run.open()
    found = work_out(quilt, quilt.applied_patch(patch), run.top.path(file).removeprefix("./"))
    for number, line in found.lines:
        run.say(f"{'' if number is None else number}\t{line.decode('utf-8', 'surrogateescape').removesuffix(chr(10))}")
    if found.patches:
        run.say()
    for number, name in enumerate(found.patches, start=1):
        run.say(f"{number}\t{quilt.shown(name)}")
    run.answer(
        lambda: {
            "command": "annotate",
            "file": found.path,
            "patches": list(found.patches),
            "lines": [
                {
                    "patch": None if number is None else found.patches[number - 1],
                    "text": line.decode("utf-8", "backslashreplace"),
                }
                for number, line in found.lines
            ],
        }
    )
