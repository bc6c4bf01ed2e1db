# SPDX-License-Identifier: MIT
"""The options commands share, and what a command is handed for them.

`@takes("source", "base")` adds these options, `--json`, `-q` and `-v`, and gives the command one `Run` in their
place. A command answers once, through `Run.answer`: a document or a report, and only the one asked for is made.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import click

from ..errors import BadInput, Problem
from ..values.person import Person
from . import jsons
from .console import Console, Volume
from .settings import Setting, Settings, load_settings, split_sources

__all__ = ["COMMITTER", "FUZZ", "NO_ALIGN", "Run", "takes"]

Function = Callable[..., None]
Decorator = Callable[[Function], Function]

_SHARED: Mapping[str, tuple[str, str]] = {
    "source": (
        "[SERIES=]REPO",
        "Repository that has the upstream commits; a bare clone will do. With SERIES= the one of a series of a stack; "
        "repeatable.",
    ),
    "repo": (
        "REPO|DIR",
        "Repository that has the base, and gets the result; or a source directory without git. Default: the source.",
    ),
    "base": ("REV", "What is patched: a revision of the repository. A directory is itself the base."),
    "series": ("DIR", "Directory of the series. Default: the only one below ./series."),
    "overrides": ("DIR", "Directory of override files. Default: those the recipe names."),
}


@attrs.frozen(kw_only=True)
class Run:
    """What a command was asked for, besides its own arguments."""

    settings: Settings
    console: Console
    json: bool

    def source(self) -> str | None:
        """The source of the series, None where nobody named one: a queue of patch files needs none."""
        found = self.source_setting()
        return None if found is None else self._noted(found)

    def source_setting(self) -> Setting | None:
        """The same and where it is said, without a word of it."""
        return self._own_source() or self.settings.optional("source")

    def common_source(self) -> str | None:
        """The source of the series of a stack that have none of their own."""
        found = self.settings.optional("source")
        return None if found is None else self._noted(found)

    def sources(self) -> Mapping[str, Setting]:
        """Sources that are named for one series, by its name."""
        for setting in self.settings.sources.values():
            self._noted(setting)
        return self.settings.sources

    def required(self, name: str) -> str:
        own = self._own_source() if name == "source" else None
        return self._noted(self.settings.required(name) if own is None else own)

    def _own_source(self) -> Setting | None:
        if not self.settings.sources:
            return None
        return self.settings.sources.get(Path(self.settings.series().value).resolve().name)

    def repo(self) -> str:
        return self._noted(self.settings.repo())

    def base(self) -> str:
        return self._noted(self.settings.base())

    def target(self) -> tuple[str, str | None]:
        """What is patched: a repository and a revision of it, or a plain directory and None."""
        # Only commands that replay a queue get here; the others start without what reads repositories.
        from ..engine.store.repository import plain_directory

        self._all_named()
        repo = self.settings.repo()
        if plain_directory(repo.value) is None:
            return self.repo(), self.base()
        base = self.settings.optional("base")
        if base is not None and base.rank <= repo.rank:
            raise BadInput(
                f"{base.origin}: {repo.value} is a source directory without git, which has no revisions; "
                "leave the base out"
            )
        return self.repo(), None

    def _all_named(self) -> None:
        """Raises BadInput with everything that is not named, where something is not: not one today, one tomorrow."""
        problems: list[Problem] = []
        asked = (self.settings.repo, self.settings.series)
        for ask in asked if "repo" in self.settings.given else (*asked, self.settings.base):
            try:
                ask()
            except BadInput as error:
                problems += error.problems
        if problems:
            raise BadInput(problems)

    def has_base(self) -> bool:
        return self.settings.optional("base") is not None

    def series(self) -> Path:
        return Path(self._noted(self.settings.series()))

    def overrides(self) -> str | None:
        found = self.settings.optional("overrides")
        return None if found is None else self._noted(found)

    def answer(self, *, document: Callable[[], jsons.Json], report: Callable[[], Iterable[str]]) -> None:
        """Print what was found: the document with `--json`, else the report, nothing with `-q`."""
        if self.json:
            self.console.document(jsons.render(document()))
        elif not self.console.quiet:
            self.console.report(report())

    def _noted(self, setting: Setting) -> str:
        self.console.note(str(setting))
        return setting.value


def takes(*names: str) -> Decorator:
    """Give a command the shared options of these names, and the output options."""

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def command(**parameters: Any) -> None:
            given = {name: parameters.pop(name) for name in names}
            own: Mapping[str, str] = {}
            if "source" in given:
                given["source"], own = split_sources(given["source"])
            json, quiet, verbose = (parameters.pop(name) for name in ("as_json", "quiet", "verbose"))
            if quiet and verbose:
                raise click.UsageError("-q and -v exclude each other", click.get_current_context())
            run = Run(
                settings=load_settings(given, os.environ, Path.cwd(), own),
                console=Console(volume=Volume.QUIET if quiet else Volume.VERBOSE if verbose else Volume.NORMAL),
                json=json,
            )
            function(run, **parameters)

        wrapped: Function = command
        options: list[Decorator] = [*map(_shared, names), *_OUTPUT]
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


def _shared(name: str) -> Decorator:
    metavar, text = _SHARED[name]
    if name == "source":
        # Of a stack several series may have one each.
        return click.option(f"--{name}", metavar=metavar, help=text, multiple=True)
    return click.option(f"--{name}", metavar=metavar, help=text)


_OUTPUT: tuple[Decorator, ...] = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors."),
    click.option("-v", "--verbose", is_flag=True, help="Print every patch, and where settings come from."),
)

NO_ALIGN = click.option(
    "--no-align",
    is_flag=True,
    help="Do not take the base's own changes to the stack's files out first: the plain replay that git rebase does.",
)


def _person(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Person | None:
    if value is None:
        return None
    match = re.fullmatch(r"\s*([^<>\n]*[^<>\s])\s*<([^<>\s]+)>\s*", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not 'Name <email>'", ctx, parameter)
    return Person(name=match[1], email=match[2])


FUZZ = click.option(
    "--fuzz",
    type=click.IntRange(0, 9),
    default=0,
    metavar="N",
    help="Lines of context that hunks of patch files may leave out where they fit nowhere with all. Default: 0.",
)


COMMITTER = click.option(
    "--committer",
    metavar="'NAME <EMAIL>'",
    callback=_person,
    help="Committer of the commits made. Default: the project itself, so that ids are the same everywhere.",
)
