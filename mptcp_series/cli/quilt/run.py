# SPDX-License-Identifier: MIT
"""What a verb is handed: the quilt directory, the source of pinned patches, and a way to speak."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from ...engine.directory.rooted import Rooted
from ...engine.quilt.apply import Blobs
from ...engine.quilt.patchfile import Reader
from ...engine.quilt.queue import Quilt
from ...engine.quilt.settings import DiffFormat, Settings
from ...engine.quilt.state import APPLIED
from ...engine.quilt.transaction import recover_directory
from ...errors import BadInput, EnvironmentFault, NoRepository
from .. import jsons
from ..console import PROGRAM, Console, Volume, printable
from ..settings import Settings as Places
from ..settings import load_settings
from .command import Options
from .environment import Top, find_top

if TYPE_CHECKING:
    import pygit2

__all__ = ["CONTEXT_FORM", "QuiltRun", "diff_format", "on_quilt", "on_tree"]

Function = Callable[..., Any]


@attrs.define(kw_only=True, eq=False)
class QuiltRun:
    """One run of a verb."""

    settings: Settings
    places: Places
    console: Console
    json: bool
    top: Top
    given: Mapping[str, str | None]
    """The options that say where: `repo`, `series` and `source`, as they were given."""
    series: str | None = None
    """The patch directory that was named."""
    lines: list[str] = attrs.field(factory=list)
    _rooted: Rooted | None = None

    def open(self, *, check: bool = True) -> Quilt:
        """The quilt directory as it is now."""
        rooted = self.rooted()
        settings = self.settings
        if self.series is not None:
            settings = attrs.evolve(settings, patches=self.series)
        quilt = Quilt.open(rooted, settings, check=check)
        if self.series is not None and quilt.patches.resolve() != (self.top.directory / self.series).resolve():
            if quilt.applied:
                raise BadInput(
                    f"patches of {quilt.patches_name} are applied here; pop them before patches of {self.series} "
                    "are pushed"
                )
            quilt = attrs.evolve(quilt, patches_name=self.series)
        return quilt

    def rooted(self) -> Rooted:
        """The tree, whatever is in it. What a killed run left is seen to first."""
        if self._rooted is None:
            self._recover()
            self._rooted = Rooted(self.top.directory)
        self._rooted.forget()
        return self._rooted

    def _recover(self) -> None:
        try:
            recovered = recover_directory(self.top.directory)
        except EnvironmentFault:
            if not self.top.directory.is_dir():
                raise EnvironmentFault(f"{self.top.directory}: no such directory") from None
            raise
        if recovered is not None:
            done = "finished" if recovered.resumed else "undone; it had changed nothing"
            self.warn(f"a run was killed here; what it had begun is {done}")

    @property
    def means_git(self) -> bool:
        """Whether a verb of two meanings is about a queue in git here.

        Where patches are applied it is not. Where none are, quilt's meaning has nothing to work on, and it is if a
        series of the other commands is at hand.
        """
        applied = self.top.directory / self.settings.pc / APPLIED
        if applied.is_file() and applied.stat().st_size:
            return False
        return self.places.optional("series") is not None or any(Path.cwd().glob("series/*/series"))

    def reader(self, quilt: Quilt) -> Reader:
        return Reader(quilt, self._source() if self._has_source() else None)

    def blobs(self, reader: Reader) -> Blobs | None:
        """Files by the ids of index lines, where a source was named."""
        if not self._has_source():
            return None
        from ...engine.quilt.pins import Pins

        opened: list[Pins] = []

        def blob(name: str) -> bytes | None:
            if not opened:
                opened.append(Pins(self._source()(), reader.quilt))
            return opened[0].blob(name)

        return blob

    def _has_source(self) -> bool:
        return self.places.optional("source") is not None

    def _source(self) -> Callable[[], pygit2.Repository]:
        place = self.places.required("source").value

        def open_source() -> pygit2.Repository:
            from ...engine.store.repository import open_repository

            try:
                return open_repository(place)
            except NoRepository as error:
                raise EnvironmentFault(str(error)) from error

        return open_source

    # speaking

    def say(self, line: str = "") -> None:
        """A line of the report."""
        self.lines.append(printable(line))

    def warn(self, line: str) -> None:
        """A line on standard error."""
        click.echo(f"{PROGRAM}: {click.style('warning:', fg='yellow', bold=True)} {printable(line)}", err=True)

    def answer(self, document: Callable[[], dict[str, object]]) -> None:
        """Print the document with --json, else the lines."""
        if self.json:
            self.console.document(jsons.render({"schema": jsons.SCHEMA, **document()}))
        elif self.lines:
            click.echo("\n".join(self.lines))
        self.lines.clear()


def on_quilt(function: Function) -> Function:
    """Give a verb its run, and the options every verb has."""
    return _with_run(function, (*_PLACES, *_VOICE))


def on_tree(function: Function) -> Function:
    """Give a verb its run, and the options that say where: all others are those of another program."""
    return _with_run(function, _PLACES)


def _with_run(function: Function, options: Iterable[Callable[[Function], Function]]) -> Function:
    @functools.wraps(function)
    def verb(**parameters: Any) -> Any:
        given = {name: parameters.pop(name) for name in ("repo", "series", "source")}
        as_json, quiet, verbose = (parameters.pop(name, False) for name in ("as_json", "quiet", "verbose"))
        parameters.pop("quiltrc")
        found = click.get_current_context().find_object(Options)
        assert found is not None
        run = make_run(found.settings, given, as_json=as_json, quiet=quiet, verbose=verbose)
        return function(run, **parameters)

    wrapped: Function = verb
    for option in reversed(tuple(options)):
        wrapped = option(wrapped)
    return wrapped


def make_run(
    settings: Settings, given: dict[str, str | None], *, as_json: bool, quiet: bool, verbose: bool
) -> QuiltRun:
    """Find out where a verb works."""
    places = load_settings(given, os.environ, Path.cwd())
    volume = Volume.QUIET if quiet else Volume.VERBOSE if verbose else Volume.NORMAL
    series = given["series"]
    top = Top(directory=Path(given["repo"])) if given["repo"] is not None else find_top(Path.cwd(), settings)
    if top is None:
        named = places.optional("repo")
        top = Top(directory=Path.cwd() if named is None or not Path(named.value).is_dir() else Path(named.value))
    if (
        series is None
        and not (top.directory / settings.pc).is_dir()
        and not (top.directory / settings.patches).is_dir()
    ):
        named = places.optional("series")
        series = None if named is None else named.value
    run = QuiltRun(
        settings=attrs.evolve(settings, down="../" * top.below.count("/")),
        places=places,
        console=Console(volume=volume),
        json=as_json,
        top=top,
        given=given,
        series=None if series is None else _below(Path(series), top.directory),
    )
    for problem in settings.unread:
        run.warn(str(problem))
    return run


def _below(directory: Path, top: Path) -> str:
    """The patch directory as quilt notes it: relative to the top where it is below it, else absolute."""
    place, root = directory.resolve(), top.resolve()
    return place.relative_to(root).as_posix() if place.is_relative_to(root) and place != root else str(place)


_PLACES: tuple[Callable[[Function], Function], ...] = (
    click.option("--repo", metavar="DIR", help="Top of the tree. Default: upwards from here, where `patches` is."),
    click.option("--series", metavar="DIR", help="The patch directory. Default: QUILT_PATCHES, or `patches`."),
    click.option("--source", metavar="REPO", help="Repository that has the pinned patches."),
    click.option("--quiltrc", metavar="FILE", help="Read this in place of ~/.quiltrc; `-` reads none."),
)
_VOICE: tuple[Callable[[Function], Function], ...] = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    click.option("-q", "--quiet", is_flag=True, help="Say less."),
    click.option("-v", "--verbose", is_flag=True, help="Say more."),
)


CONTEXT_FORM = (
    click.option("-c", "contextual", is_flag=True, help="A context diff (diff -c)."),
    click.option("-C", "old_context", type=click.IntRange(0, 9999), metavar="N", help="-c with lines of context."),
)


def diff_format(
    settings: Settings, strip: str | None, context: int | None, no_index: bool, *, contextual: bool = False
) -> DiffFormat:
    """How a diff is to be written. Raises BadInput for a strip level no patch is written at."""
    form = attrs.evolve(settings.diff, unified=not contextual)
    if strip is not None:
        if strip not in ("0", "1", "ab"):
            raise BadInput(f"Cannot write patches with -p{strip}, please specify -p0, -p1, or -pab instead")
        form = attrs.evolve(form, strip=0 if strip == "0" else 1)
    if context is not None:
        form = attrs.evolve(form, context=context)
    return attrs.evolve(form, index=False) if no_index else form
