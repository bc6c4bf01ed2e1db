# SPDX-License-Identifier: MIT
"""A queue built on several bases, one directory a base, through the same interface as `engine.matrix`.

make uses all cores by itself, so bases are built one after the other by default; a build farm passes its executor.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path

import attrs

from ...errors import BadInput, MptcpSeriesError, NeedsPerson
from ...values.built import BuildRow, Builds
from ...values.paths import OwnedPaths
from ...values.result import BaseInfo
from ..matrix import BaseRef, MatrixProgress, MatrixSpec
from ..queue import Queue
from ..store.repository import open_repository, resolve_commit
from .build import BuildOptions, build
from .compile import StageProgress
from .cures import Cures

__all__ = ["build_base", "build_bases", "directory_name"]


_STACK = OwnedPaths(patterns=("net/mptcp/",))
"""Where the stack's Kconfig is, for a queue without a recipe."""


def directory_name(rev: str) -> str:
    """The directory of a base, below the one that is named for all.

    >>> directory_name("v5.10.66"), directory_name("origin/bsp~1")
    ('v5.10.66', 'origin-bsp-1')
    """
    return re.sub(r"[^\w.+-]", "-", rev).strip(".-") or "base"


@attrs.frozen(kw_only=True)
class _Task:
    spec: MatrixSpec
    base: BaseRef
    directory: str
    options: BuildOptions


def build_base(
    queue: Queue,
    base: BaseRef,
    directory: str | Path,
    options: BuildOptions,
    *,
    align: bool = True,
    progress: StageProgress | None = None,
) -> BuildRow:
    """Replay a queue on one base and build the result. Raises what `engine.building.build.build` raises."""
    result = queue.apply(base.repo, base=base.rev, align=align)
    cures = Cures(queue=queue, result=result)
    owned = queue.owned if queue.owned.patterns else _STACK
    done = build(result, directory, options, owned=owned, cure=cures.cure, progress=progress)
    done = attrs.evolve(done, notes=(*done.notes, *cures.notes))
    return BuildRow(repo=base.repo, base=done.base, build=done, reasons=tuple(done.reasons()))


def _evaluate(task: _Task) -> BuildRow:
    """One row, by whatever worker this runs in. Trouble with one base is that row's."""
    spec = task.spec
    queue = spec.queue()
    try:
        return build_base(queue, task.base, task.directory, task.options, align=spec.align)
    except NeedsPerson as error:
        return BuildRow(repo=task.base.repo, base=_info(task.base), reasons=error.reasons)
    except MptcpSeriesError as error:
        return BuildRow(
            repo=task.base.repo,
            base=_info(task.base),
            error=str(error).split("\n", 1)[0],
            fault=not isinstance(error, BadInput),
        )


def _info(base: BaseRef) -> BaseInfo:
    try:
        commit = str(resolve_commit(open_repository(base.repo), base.rev).id)
    except MptcpSeriesError:
        commit = None
    return BaseInfo(rev=base.rev, commit=commit, version="")


def build_bases(
    spec: MatrixSpec,
    bases: Sequence[BaseRef],
    directory: str | Path,
    options: BuildOptions,
    *,
    executor: Executor | None = None,
    workers: int = 1,
    progress: MatrixProgress | None = None,
) -> Builds:
    """Build a queue on every base; rows in the order of `bases`.

    directory: each base has one below it, named as the base is.
    executor: where bases are built; default: a process pool of `workers`, or this process for one.

    Raises what is wrong with the queue; what is wrong with a base is in its row.
    """
    name = spec.queue().name
    names = [directory_name(base.rev) for base in bases]
    twice = sorted({one for one in names if names.count(one) > 1})
    if twice:
        raise BadInput(f"two bases would be built in {Path(directory) / twice[0]}; build them in two runs")
    tasks = [
        _Task(spec=spec, base=base, directory=str(Path(directory) / below), options=options)
        for base, below in zip(bases, names, strict=True)
    ]
    if executor is not None:
        rows = _gathered(executor.map(_evaluate, tasks), len(tasks), progress)
    elif min(workers, len(tasks)) <= 1:
        rows = _gathered(map(_evaluate, tasks), len(tasks), progress)
    else:
        with ProcessPoolExecutor(max_workers=min(workers, len(tasks))) as pool:
            rows = _gathered(pool.map(_evaluate, tasks), len(tasks), progress)
    return Builds(series=name, rows=rows)


def _gathered(
    found: Iterable[BuildRow], total: int, progress: Callable[[int, int], None] | None
) -> tuple[BuildRow, ...]:
    rows = []
    for row in found:
        rows.append(row)
        if progress is not None:
            progress(len(rows), total)
    return tuple(rows)
