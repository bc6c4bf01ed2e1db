# SPDX-License-Identifier: MIT
"""Where a command works: options, then the environment, then `mptcp-series.toml`, then a default.

Every setting knows where it came from, so that `-v` can say it and an error can name the line. The file is found in
the working directory or its nearest parent; relative paths in it are relative to it, not to where one stands. Unknown
keys, wrong types and empty values are refused, all at once: a misspelt `source` must not fall back to another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs

from ..errors import BadInput
from ..values.naming import did_you_mean
from ..values.tomlreader import TomlReader

__all__ = ["FILE", "SETTINGS", "Setting", "Settings", "load_settings", "variable"]

FILE = "mptcp-series.toml"

SETTINGS: Mapping[str, str] = {
    "source": "the repository that has the upstream commits",
    "repo": "the repository that is patched",
    "base": "the revision that is patched",
    "series": "the directory of the series",
    "overrides": "the directory of override files",
}
_REVISIONS = frozenset({"base"})


def variable(name: str) -> str:
    """The environment variable of a setting.

    >>> variable("source")
    'MPTCP_SERIES_SOURCE'
    """
    return f"MPTCP_SERIES_{name.upper()}"


@attrs.frozen(kw_only=True)
class Setting:
    """A value and where it came from: `--source`, `MPTCP_SERIES_SOURCE`, `bsp/mptcp-series.toml:3`, `default`."""

    name: str
    value: str
    origin: str

    def __str__(self) -> str:
        return f"{self.name}: {self.value} ({self.origin})"


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of one run. Each method gives a setting, by its default where nobody named it."""

    given: Mapping[str, Setting]
    directory: Path
    """The working directory: where `series/` is looked for."""

    def optional(self, name: str) -> Setting | None:
        return self.given.get(name)

    def required(self, name: str) -> Setting:
        """A setting someone must name. Raises BadInput, which says the ways to name it."""
        found = self.given.get(name)
        if found is None:
            raise BadInput(f"no {name}: name {SETTINGS[name]} with --{name}, {variable(name)}, or `{name}` in {FILE}")
        return found

    def repo(self) -> Setting:
        """What is patched; by default the source."""
        if "repo" in self.given:
            return self.given["repo"]
        if "source" in self.given:
            return Setting(name="repo", value=self.given["source"].value, origin="default: the source")
        return self.required("repo")

    def base(self) -> Setting:
        """What is patched; HEAD of a repository named for it. The HEAD of a source says nothing, so none is guessed."""
        if "base" not in self.given and "repo" in self.given:
            return Setting(name="base", value="HEAD", origin="default")
        return self.required("base")

    def series(self) -> Setting:
        """The series; by default the only one below `./series`. Raises BadInput with the candidates."""
        if "series" in self.given:
            return self.given["series"]
        found = [
            f"series/{path.name}"
            for path in sorted(self.directory.glob("series/*"))
            if (path / "series").is_file() or (path / "recipe.toml").is_file()
        ]
        if len(found) == 1:
            return Setting(name="series", value=found[0], origin="default: the only one here")
        if found:
            raise BadInput(f"several series are here: name one with --series ({', '.join(found)})")
        raise BadInput("no series: name one with --series (no directory in ./series has a series file or recipe.toml)")


def load_settings(options: Mapping[str, str | None], environment: Mapping[str, str], directory: Path) -> Settings:
    """Settle every setting. An empty variable counts as none, an empty option is refused.

    Raises BadInput with every problem of the file.
    """
    given = {setting.name: setting for setting in _from_file(directory)}
    for name in SETTINGS:
        if value := environment.get(variable(name)):
            given[name] = Setting(name=name, value=value, origin=variable(name))
        option = options.get(name)
        if option is not None:
            if not option.strip():
                raise BadInput(f"--{name} is empty; a variable of a script that is not set, perhaps")
            given[name] = Setting(name=name, value=option, origin=f"--{name}")
    return Settings(given=given, directory=directory)


def _from_file(directory: Path) -> list[Setting]:
    file = next((path for parent in (directory, *directory.parents) if (path := parent / FILE).is_file()), None)
    if file is None:
        return []
    reader = TomlReader(_read(file), str(file), BadInput)
    for key, value in reader.document.items():
        if trouble := _trouble(key, value):
            reader.problem(key, trouble)
    if reader.problems:
        raise BadInput(sorted(reader.problems, key=lambda problem: problem.line or 0))
    lines = {key: reader.lines.get(key) for key in reader.document}
    return [
        Setting(
            name=key,
            value=str(value) if key in _REVISIONS else str(file.parent / str(value)),
            origin=str(file) if lines[key] is None else f"{file}:{lines[key]}",
        )
        for key, value in reader.document.items()
    ]


def _trouble(key: str, value: object) -> str | None:
    if key not in SETTINGS:
        return f"unknown key {key!r}{did_you_mean(key, SETTINGS)}"
    if not isinstance(value, str):
        return f"Unexpected type {type(value).__name__} (expected str) in {key!r}"
    return None if value.strip() else f"empty text in {key!r}"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=str(file)) from error
