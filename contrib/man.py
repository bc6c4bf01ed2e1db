# SPDX-License-Identifier: MIT
"""Writes the manual pages of every command, from the program's own help: `python contrib/man.py DIRECTORY`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click_man.core import write_man_pages  # type: ignore[import-untyped]

from mptcp_series import __version__
from mptcp_series.cli.main import cli

__all__ = ["main"]


def main(directory: Path) -> None:
    """One page a command, `mptcp-series-<command>.1`; the same bytes every time."""
    context = click.Context(cli)
    # click-man looks at what a group has loaded, and ours loads a command when it is used.
    loaded = {name: command for name in cli.list_commands(context) if (command := cli.get_command(context, name))}
    whole = click.Group("mptcp-series", commands=loaded, help=cli.help, params=cli.params)
    directory.mkdir(parents=True, exist_ok=True)
    write_man_pages("mptcp-series", whole, version=__version__, target_dir=str(directory), date=" ")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
