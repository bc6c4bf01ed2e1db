# SPDX-License-Identifier: MIT
"""Where a command works: options, then the environment, then `mptcp-series.toml`, then a default.

Every setting knows where it came from, so that `-v` can say it and an error can name the line. The file is found in
the working directory or its nearest parent; relative paths in it are relative to it, not to where one stands. Unknown
keys, wrong types and empty values are refused, all at once: a misspelt `source` must not fall back to another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from ..errors import BadInput
from ..values.naming import did_you_mean

__all__ = ["FILE", "SETTINGS", "SOURCES", "Setting", "Settings", "load_settings", "split_sources", "variable"]

FILE = "mptcp-series.toml"

SETTINGS: Mapping[str, str] = {
    "source": "the repository that has the upstream commits",
    "repo": "the repository that is patched",
    "base": "the revision that is patched",
    "series": "the directory of the series",
    "overrides": "the directory of override files",
}
SOURCES = "sources"
"""A table of the file: series = repository, for series of a stack that have a source of their own."""
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

    @property
    def rank(self) -> int:
        """How near to the command line it was said: 0 an option, 1 a variable, 2 the file, 3 nowhere."""
        if self.origin.startswith("--"):
            return 0
        if self.origin == variable(self.name):
            return 1
        return 3 if self.origin.startswith("default") else 2


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of one run. Each method gives a setting, by its default where nobody named it."""

    given: Mapping[str, Setting]
    directory: Path
    """The working directory: where `series/` is looked for."""
    sources: Mapping[str, Setting] = attrs.field(factory=dict)
    """Sources that are named for one series, by its name."""

    def optional(self, name: str) -> Setting | None:
        return self.given.get(name)

    def option(self, name: str) -> str | None:
        """A setting that was named on the command line, not elsewhere."""
        found = self.given.get(name)
        return found.value if found is not None and found.origin == f"--{name}" else None

    def required(self, name: str) -> Setting:
        """A setting someone must name. Raises BadInput, which says the ways to name it."""
        found = self.given.get(name)
        if found is None:
            raise BadInput(f"no {name}: name {SETTINGS[name]} with --{name}, {variable(name)}, or `{name}` in {FILE}")
        return found

    def source_of(self, series: str) -> Setting | None:
        """The source of one series: the one named for it, else the one named for all."""
        return self.sources.get(series, self.given.get("source"))

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


def split_sources(values: Iterable[str]) -> tuple[str | None, dict[str, str]]:
    """Of `--source REPO` and `--source SERIES=REPO` the first and the others. Raises BadInput for one said twice.

    A path with a `=` before its first `/` is written with `./` in front.

    >>> split_sources(["linux-stable", "mptcp-sched=../sched.git"])
    ('linux-stable', {'mptcp-sched': '../sched.git'})
    """
    plain: str | None = None
    named: dict[str, str] = {}
    for value in values:
        series, equals, place = value.partition("=")
        if not equals or "/" in series or not series:
            if plain is not None:
                raise BadInput(f"--source is given twice, {plain!r} and {value!r}; a series' own is SERIES=REPO")
            plain = value
        elif series in named:
            raise BadInput(f"--source is given twice for {series}, {named[series]!r} and {place!r}")
        elif not place.strip():
            raise BadInput(f"--source {value!r} names no repository")
        else:
            named[series] = place
    return plain, named


def load_settings(
    options: Mapping[str, str | None],
    environment: Mapping[str, str],
    directory: Path,
    sources: Mapping[str, str] | None = None,
) -> Settings:
    """Settle every setting. An empty variable counts as none, an empty option is refused.

    sources: of `--source SERIES=REPO`, by series.
    Raises BadInput with every problem of the file.
    """
    given, own = _from_file(directory)
    own |= {
        name: Setting(name=SOURCES, value=value, origin=f"--source {name}=") for name, value in (sources or {}).items()
    }
    for name in SETTINGS:
        if value := environment.get(variable(name)):
            given[name] = Setting(name=name, value=value, origin=variable(name))
        option = options.get(name)
        if option is not None:
            if not option.strip():
                raise BadInput(f"--{name} is empty; a variable of a script that is not set, perhaps")
            given[name] = Setting(name=name, value=option, origin=f"--{name}")
    return Settings(given=given, directory=directory, sources=own)


def _from_file(directory: Path) -> tuple[dict[str, Setting], dict[str, Setting]]:
    """Settings by name, and those of the table of sources by series."""
    file = next((path for parent in (directory, *directory.parents) if (path := parent / FILE).is_file()), None)
    if file is None:
        return {}, {}
    # Most directories have no such file, and a verb is to start at once.
    from ..values.tomlreader import TomlReader

    reader = TomlReader(_read(file), str(file), BadInput)
    table = reader.document.get(SOURCES)
    own: Mapping[str, object] = table if isinstance(table, Mapping) else {}
    for key, value in reader.document.items():
        if trouble := _trouble(key, value):
            reader.problem(key, trouble)
    for key, value in own.items():
        if trouble := _trouble_of_source(key, value):
            reader.problem(f"{SOURCES}.{key}", trouble)
    if reader.problems:
        raise BadInput(sorted(reader.problems, key=lambda problem: problem.line or 0))

    def read(name: str, key: str, value: object) -> Setting:
        line = reader.lines.get(key)
        return Setting(
            name=name,
            value=str(value) if name in _REVISIONS else str(file.parent / str(value)),
            origin=str(file) if line is None else f"{file}:{line}",
        )

    return (
        {key: read(key, key, value) for key, value in reader.document.items() if key != SOURCES},
        {key: read(SOURCES, f"{SOURCES}.{key}", value) for key, value in own.items()},
    )


def _trouble(key: str, value: object) -> str | None:
    if key == SOURCES:
        if isinstance(value, Mapping):
            return None
        return f"Unexpected type {type(value).__name__} (expected a table) in {key!r}"
    if key not in SETTINGS:
        return f"unknown key {key!r}{did_you_mean(key, [*SETTINGS, SOURCES])}"
    if not isinstance(value, str):
        return f"Unexpected type {type(value).__name__} (expected str) in {key!r}"
    return None if value.strip() else f"empty text in {key!r}"


def _trouble_of_source(series: str, value: object) -> str | None:
    where = f"{SOURCES}.{series}"
    if isinstance(value, Mapping):
        # TOML takes the dot of a name for one of its own.
        return f'{where!r} is a table; a name with a dot in it wants quotes: "{series}.{next(iter(value), "")}" = ...'
    if not isinstance(value, str):
        return f"Unexpected type {type(value).__name__} (expected str) in {where!r}"
    return None if value.strip() else f"empty text in {where!r}"


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=str(file)) from error
