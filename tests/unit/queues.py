# SPDX-License-Identifier: MIT
"""A queue and its result from the states a tree goes through."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result

from .conftest import Files, Lab

__all__ = ["queue_result"]


def queue_result(lab: Lab, directory: Path, states: Sequence[Files], *, base: Files | None = None) -> Result:
    """The result of `patch-1.patch`, `patch-2.patch`, ... that lead from each state to the next.

    base: what they are put on; default the first state.
    """
    head = lab.commit(states[0], "Linux 5.10.66\n")
    start = head if base is None else lab.commit(base, "a base\n")
    lines = []
    for number, files in enumerate(states[1:], start=1):
        head = lab.commit(files, f"patch {number}\n", [head])
        lines.append(f"patch-{number}.patch # {head}\n")
    place = directory / "series" / "q"
    place.mkdir(parents=True)
    (place / "series").write_text("".join(lines))
    return Queue.load(place, source=lab.repo.path).apply(lab.repo.path, base=start)
