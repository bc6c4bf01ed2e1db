# SPDX-License-Identifier: MIT
"""Where a verb works: the quiltrc, the environment, and the directory that has the patches.

As quilt does it: the first directory from the working directory upwards that has `.pc` or `patches`. `--repo` names one
outright; where none is found, the `repo` and `series` of the settings the other commands use are asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from ...engine.quilt.rc import parse_rc
from ...engine.quilt.settings import Settings
from ...errors import BadInput, EnvironmentFault

__all__ = ["Top", "find_top", "read_settings"]


def read_settings(quiltrc: str | None, environment: Mapping[str, str], directory: Path) -> Settings:
    """quilt's settings, the file's over the environment's (quilt sources it). quiltrc: "-" is no file.

    Raises BadInput for a file that was named and cannot be read.
    """
    variables = {name: value for name, value in environment.items() if name.startswith("QUILT_")}
    named = quiltrc or environment.get("QUILTRC")
    home = environment.get("HOME")
    file = Path(named) if named else Path(home) / ".quiltrc" if home else None
    if file is None or named == "-" or not file.is_file():
        if quiltrc not in (None, "-"):
            raise BadInput("no such file", file=quiltrc)
        return Settings.of(variables)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise EnvironmentFault(f"cannot read {file}: {error.strerror}") from error
    rc = parse_rc(data, str(file), environment)
    assigned = {name: value for name, value in rc.values.items() if name.startswith("QUILT_")}
    settings = Settings.of({**variables, **assigned})
    return attrs.evolve(settings, unread=(*rc.unread, *settings.unread))


@attrs.frozen(kw_only=True)
class Top:
    """The top of a tree, and where one stands below it: "" or a path that ends in a slash."""

    directory: Path
    below: str = ""

    def path(self, typed: str) -> str:
        """A file as it was named from where one stands."""
        return typed if typed.startswith("/") else self.below + typed


def find_top(directory: Path, settings: Settings) -> Top | None:
    """The nearest directory upwards that has quilt's files; None where there is none."""
    for parent in (directory, *directory.parents):
        if (parent / settings.pc).is_dir() or (parent / settings.patches).is_dir():
            below = directory.relative_to(parent).as_posix()
            return Top(directory=parent, below="" if below == "." else f"{below}/")
    return None
