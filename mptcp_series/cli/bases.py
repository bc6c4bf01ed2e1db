# SPDX-License-Identifier: MIT
"""What commands that work on many bases at once have in common: the queue for workers, the bases, how it ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..engine.matrix import BaseRef, MatrixSpec, expand_bases
from ..errors import BadInput, EnvironmentFault, NeedsPerson, Problem
from .inputs import load_sources
from .options import Run

if TYPE_CHECKING:
    from ..values.built import BuildRow
    from ..values.matrix import MatrixRow

__all__ = ["named_bases", "queue_spec", "require_rows"]


def queue_spec(run: Run, *, align: bool) -> MatrixSpec:
    """The queue the settings name, as workers load it."""
    overrides = run.overrides()
    return MatrixSpec(
        series=str(run.series()),
        overrides=None if overrides is None else (overrides,),
        source=run.common_source(),
        sources=tuple(load_sources(run).items()),
        align=align,
    )


def named_bases(run: Run, patterns: Sequence[str], repos: Sequence[str]) -> list[BaseRef]:
    """The bases that patterns name, in the repository of the settings and in others."""
    return expand_bases(patterns, list(dict.fromkeys((run.repo(), *repos))))


def require_rows(rows: Sequence[MatrixRow] | Sequence[BuildRow]) -> None:
    """Raise what a person must settle first, then bad input, then the environment; nothing where all is well."""
    reasons = _reasons([(row.base.rev, row.reasons) for row in rows])
    if reasons:
        raise NeedsPerson(reasons)
    errors = [row for row in rows if row.error is not None]
    bad = [Problem(message=f"{row.base.rev}: {row.error}") for row in errors if not row.fault]
    if bad:
        raise BadInput(bad)
    if errors:
        raise EnvironmentFault("\n".join(f"{row.base.rev}: {row.error}" for row in errors))


def _reasons(rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """A line for each reason and run of bases that have it: of 200 bases many have the same.

    >>> _reasons([("a", ["x"]), ("b", ["x", "y"]), ("c", ["x"]), ("d", []), ("e", ["x"])])
    ['a to c (3 bases), e: x', 'b: y']
    """
    runs: dict[str, list[list[int]]] = {}
    for at, (_, reasons) in enumerate(rows):
        for reason in dict.fromkeys(reasons):
            found = runs.setdefault(reason, [])
            if found and found[-1][-1] == at - 1:
                found[-1].append(at)
            else:
                found.append([at])

    def said(run: Sequence[int]) -> str:
        first, last = rows[run[0]][0], rows[run[-1]][0]
        return first if len(run) == 1 else f"{first} to {last} ({len(run)} bases)"

    return [f"{', '.join(map(said, found))}: {reason}" for reason, found in runs.items()]
