# SPDX-License-Identifier: MIT
"""A command group that imports a command only when it is used.

The module of one command brings the engine, tomli or rich along; `--help` and `--version` need none of them. So the
names and their one-line summaries stand in a table, and the tests hold the table against the commands.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import attrs
import click

from ..values.naming import did_you_mean

__all__ = ["Entry", "LazyGroup"]


@attrs.frozen
class Entry:
    """A command that is not imported yet: where it is, and what the list of commands says of it."""

    place: str
    """`module:attribute`, relative to this package."""
    summary: str
    heading: str = "Commands"
    """Under which the list of commands has it."""

    def load(self) -> click.Command:
        module, _, attribute = self.place.partition(":")
        command = getattr(importlib.import_module(module, __package__), attribute)
        assert isinstance(command, click.Command)
        return command


class LazyGroup(click.Group):
    """A click group over a table of entries."""

    def __init__(self, *args: Any, entries: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries = entries

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.entries and not name.startswith("-"):
            ctx.fail(f"no command is called {name!r}{did_you_mean(name, self.entries)}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        return None if entry is None else entry.load()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading in dict.fromkeys(entry.heading for entry in self.entries.values()):
            rows = [(name, entry.summary) for name, entry in self.entries.items() if entry.heading == heading]
            with formatter.section(heading):
                formatter.write_dl(rows)
