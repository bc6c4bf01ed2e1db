# SPDX-License-Identifier: MIT
"""`mptcp-series build`: whether what applies also compiles, and whose fault it is where it does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from ..engine.building.bases import build_base, build_bases
from ..engine.building.build import BuildOptions
from ..engine.building.compile import Toolchain
from ..engine.building.configuration import DEFAULT_ARCH, Request, parse_assignment
from ..engine.matrix import BaseRef
from ..engine.store.files import read_input
from ..errors import NeedsPerson
from .bases import named_bases, queue_spec, require_rows
from .build_view import build_document, build_lines, builds_lines
from .console import Progress, printable
from .inputs import load_queue
from .options import NO_ALIGN, Run, takes

__all__ = ["build"]


@click.command(short_help="Compile what the queue touches; each error at its patch.")
@click.option("--dir", "directory", metavar="DIR", help="Build directory. Default: .mptcp-series/build/<series>.")
@click.option("--fresh", is_flag=True, help="Begin the directory anew.")
@click.option(
    "--config",
    "configs",
    metavar="FILE",
    multiple=True,
    type=click.Path(dir_okay=False),
    help="Configuration; a second one is merged on top. Repeatable. Default: --defconfig with the stack switched on.",
)
@click.option("--defconfig", metavar="NAME", help="Configuration target to begin with. Default: of the architecture.")
@click.option("--set", "settings", metavar="SYMBOL=VALUE", multiple=True, help="Set a Kconfig symbol. Repeatable.")
@click.option("--arch", envvar="ARCH", default=DEFAULT_ARCH, show_default=True, help="As make's ARCH; so is $ARCH.")
@click.option("--cross-compile", metavar="PREFIX", envvar="CROSS_COMPILE", default="", help="As make's CROSS_COMPILE.")
@click.option("--cc", metavar="PROGRAM", help="The compiler, where it is not PREFIXgcc.")
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Compilers at once. Default: one a core.")
@click.option("--make-arg", "arguments", metavar="NAME=VALUE", multiple=True, help="More for make. Repeatable.")
@click.option(
    "--without", metavar="GLOB", multiple=True, help="Files that may be left out where their content is missing."
)
@click.option("--image", is_flag=True, help="Make the kernel image too.")
@click.option("--each", is_flag=True, help="Compile what each patch touches, after it: can the queue be bisected?")
@click.option("--bisect", is_flag=True, help="Find the first patch that does not build.")
@click.option("--bases", "patterns", metavar="PATTERNS", multiple=True, help="Build on many bases, as matrix has them.")
@click.option("--in", "repos", metavar="REPO", multiple=True, help="Look for bases in this repository too. Repeatable.")
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True, help="Bases at once.")
@NO_ALIGN
@takes("source", "repo", "base", "series", "overrides")
def build(
    run: Run,
    *,
    directory: str | None,
    fresh: bool,
    configs: tuple[str, ...],
    defconfig: str | None,
    settings: tuple[str, ...],
    arch: str,
    cross_compile: str,
    cc: str | None,
    jobs: int | None,
    arguments: tuple[str, ...],
    without: tuple[str, ...],
    image: bool,
    each: bool,
    bisect: bool,
    patterns: tuple[str, ...],
    repos: tuple[str, ...],
    workers: int,
    no_align: bool,
) -> None:
    """Write the result as files, configure it, compile the objects its patches touch, and say who broke what.

    DIR/source is the tree, DIR/out what make makes, DIR/logs all it said. A build that was cut off goes on.

    Exit status 1: something does not compile. 3: the machine, the tree or the configuration is not one to build with.
    """
    if each and bisect:
        raise click.UsageError("--each and --bisect exclude each other", click.get_current_context())
    if defconfig is not None and configs:
        raise click.UsageError("--defconfig and --config exclude each other", click.get_current_context())
    options = BuildOptions(
        toolchain=Toolchain(
            arch=arch,
            cross_compile=cross_compile,
            cc=cc,
            jobs=jobs or len(os.sched_getaffinity(0)),
            arguments=arguments,
        ),
        request=Request(
            target=defconfig,
            texts=tuple(_text(path) for path in configs),
            settings=tuple(map(parse_assignment, settings)),
        ),
        without=without,
        image=image,
        each=each,
        bisect=bisect,
        fresh=fresh,
    )
    if patterns:
        _on_bases(run, options, directory, patterns, repos, workers, align=not no_align)
        return
    repo, base = run.repo(), run.base()
    queue = load_queue(run)
    place = directory or f".mptcp-series/build/{queue.name}"
    with run.console.progress("building") as progress:
        row = build_base(
            queue, BaseRef(repo, base), place, options, align=not no_align, progress=_staged(run, progress)
        )
    done = row.build
    assert done is not None, "what keeps one base from being built is raised"
    run.answer(
        document=lambda: build_document(done),
        report=lambda: build_lines(done, verbose=run.console.verbose),
    )
    if row.reasons:
        raise NeedsPerson(row.reasons)


def _on_bases(
    run: Run,
    options: BuildOptions,
    directory: str | None,
    patterns: tuple[str, ...],
    repos: tuple[str, ...],
    workers: int,
    *,
    align: bool,
) -> None:
    spec = queue_spec(run, align=align)
    bases = named_bases(run, patterns, repos)
    place = directory or f".mptcp-series/build/{load_queue(run).name}"
    with run.console.progress("bases") as progress:
        found = build_bases(spec, bases, place, options, workers=workers, progress=progress)
    run.answer(document=found.to_json, report=lambda: builds_lines(found, verbose=run.console.verbose))
    require_rows(found.rows)


def _text(path: str) -> str:
    return read_input(Path(path)).decode("utf-8", "surrogateescape")


def _staged(run: Run, progress: Progress) -> Callable[[str, int, int | None], None]:
    """A line for each stage as it begins, as a build takes minutes; a bar within it on a terminal."""
    stages: list[str] = []

    def step(stage: str, done: int, total: int | None) -> None:
        if stages[-1:] != [stage] and not run.console.quiet:
            stages.append(stage)
            click.echo(printable(f"build: {stage}"), err=True)
        progress(done, total)

    return step
