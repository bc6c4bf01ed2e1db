# SPDX-License-Identifier: MIT
"""`mptcp-series graph`: which applied patch stands on which other."""

from __future__ import annotations

import click

from ...engine.quilt.graph import graph as work_out
from ...errors import BadInput
from .command import quilt_verb
from .run import QuiltRun, on_quilt

__all__ = ["graph"]


@quilt_verb("graph", "Which applied patch stands on which other, for dot.", optional={"--lines": "--lines=2"})
@click.argument("patch", required=False)
@click.option("--all", "all_", is_flag=True, help="All applied patches.")
@click.option("--reduce", is_flag=True, help="Without edges that a way over others makes superfluous.")
@click.option(
    "--lines", type=click.IntRange(0, 9999), metavar="[N]", help="By overlapping lines, N of context (2), not by files."
)
@click.option("--edge-labels", type=click.Choice(["files"]), metavar="files", help="Edges with the files they are for.")
@click.option("-T", "format", type=click.Choice(["ps"]), metavar="ps", help="Refused: `| dot -Tps` draws the graph.")
@on_quilt
def graph(
    run: QuiltRun,
    patch: str | None,
    all_: bool,
    reduce: bool,
    lines: int | None,
    edge_labels: str | None,
    format: str | None,
) -> None:
    """Print the graph of the applied patches that share files with the top one, or with PATCH, in dot's language.

    A patch stands on the last one before it that changes the same file.
    """
    if format is not None:
        raise BadInput(f"-T {format}: the graph is not drawn here; pipe it into `dot -T{format}`")
    if all_ and patch is not None:
        raise BadInput("--all and a patch exclude each other")
    quilt = run.open()
    found = work_out(quilt, None if all_ else quilt.applied_patch(patch), lines=lines)
    found = found.reduced() if reduce else found
    text = found.dot(labels=edge_labels is not None)
    run.say(text.removesuffix("\n"))
    run.answer(
        lambda: {
            "command": "graph",
            "patches": [found.names[number] for number in found.nodes],
            "edges": [
                {"patch": found.names[edge.patch], "on": found.names[edge.on], "files": list(edge.files)}
                for edge in found.edges
            ],
        }
    )
