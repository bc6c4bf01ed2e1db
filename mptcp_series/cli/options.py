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

from ..values.person import Person
from . import jsons
from .console import Console, Volume
from .settings import Setting, Settings, load_settings

__all__ = ["COMMITTER", "NO_ALIGN", "Run", "takes"]

Function = Callable[..., None]
Decorator = Callable[[Function], Function]

_SHARED: Mapping[str, tuple[str, str]] = {
    "source": ("REPO", "Repository that has the upstream commits; a bare clone will do."),
    "repo": ("REPO", "Repository that has the base, and gets the result. Default: the source."),
    "base": ("REV", "What is patched: a revision of the repository."),
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
        """The source, None where nobody named one: a queue of patch files needs none."""
        found = self.settings.optional("source")
        return None if found is None else self._noted(found)

    def required(self, name: str) -> str:
        return self._noted(self.settings.required(name))

    def repo(self) -> str:
        return self._noted(self.settings.repo())

    def base(self) -> str:
        return self._noted(self.settings.base())

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
            json, quiet, verbose = (parameters.pop(name) for name in ("as_json", "quiet", "verbose"))
            if quiet and verbose:
                raise click.UsageError("-q and -v exclude each other", click.get_current_context())
            run = Run(
                settings=load_settings(given, os.environ, Path.cwd()),
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
    return click.option(f"--{name}", metavar=metavar, help=text)


_OUTPUT: tuple[Decorator, ...] = (
    click.option("--json", "as_json", is_flag=True, help="Print one JSON document."),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors."),
    click.option("-v", "--verbose", is_flag=True, help="Print every patch, and where settings come from."),
)

NO_ALIGN = click.option(
    "--no-align", is_flag=True, help="Do not align owned paths first: the plain replay that git rebase does."
)


def _person(ctx: click.Context, parameter: click.Parameter, value: str | None) -> Person | None:
    if value is None:
        return None
    match = re.fullmatch(r"\s*([^<>\n]*[^<>\s])\s*<([^<>\s]+)>\s*", value)
    if match is None:
        raise click.BadParameter(f"{value!r} is not 'Name <email>'", ctx, parameter)
    return Person(name=match[1], email=match[2])


COMMITTER = click.option(
    "--committer",
    metavar="'NAME <EMAIL>'",
    callback=_person,
    help="Committer of the commits made. Default: the project itself, so that ids are the same everywhere.",
)
