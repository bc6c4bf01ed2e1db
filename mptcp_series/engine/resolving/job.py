# SPDX-License-Identifier: MIT
"""What a resolve works on, and the state it left in its directory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from ...errors import BadInput
from ..queue import Queue
from ..result import Result
from .place import STATE, Place
from .state import State

__all__ = ["Job", "load_state", "open_state"]


def _absolute(path: str | Path) -> Path:
    return Path(path).absolute()


def _all_absolute(paths: Iterable[str | Path]) -> tuple[Path, ...]:
    return tuple(map(_absolute, paths))


def _values_absolute(paths: Mapping[str, str | Path]) -> Mapping[str, Path]:
    return {name: _absolute(path) for name, path in paths.items()}


@attrs.frozen(kw_only=True)
class Job:
    """What a resolve works on. Relative paths are made absolute, so that it can be gone on with from anywhere."""

    series: Path = attrs.field(converter=_absolute)
    repo: Path = attrs.field(converter=_absolute)
    """A git repository, or a plain source directory, which is never written."""
    base: str | None
    """A revision of the repository; None for a directory."""
    source: Path | None = attrs.field(default=None, converter=attrs.converters.optional(_absolute))
    overrides: tuple[Path, ...] | None = attrs.field(default=None, converter=attrs.converters.optional(_all_absolute))
    """Directories of override files, None for those the recipe names."""
    align: bool = True
    sources: Mapping[str, Path] = attrs.field(factory=dict, converter=_values_absolute)
    """Of series of a stack that have a source of their own."""

    def queue(self) -> Queue:
        return Queue.load(self.series, overrides=self.overrides, source=self.source, sources=self.sources)

    def replay(self, queue: Queue) -> Result:
        return queue.apply(self.repo, base=self.base, align=self.align)

    def digest(self) -> str:
        """Of the files that say what the queue is, and those it goes on top of."""
        digest = hashlib.sha256()
        for directory in self._directories():
            for name in ("series", "recipe.toml"):
                path = directory / name
                digest.update(path.read_bytes() if path.is_file() else b"")
                digest.update(b"\0")
        return digest.hexdigest()

    def _directories(self) -> list[Path]:
        try:
            return [queue.directory for queue in self.queue().stack]
        except BadInput:
            # It was readable when the conflict was laid out: whatever digest it has now is another one.
            return [self.series]

    @classmethod
    def of(cls, state: State) -> Job:
        return cls(
            series=state.series,
            repo=state.repo,
            base=state.rev if state.commit else None,
            source=state.source,
            overrides=state.overrides,
            align=state.align,
            sources={name: Path(place) for name, place in state.sources.items()},
        )


def load_state(place: Place) -> State:
    """What is under way. Raises BadInput where nothing is, or the state is damaged."""
    return State.parse(place.read_state(), str(place.directory / STATE))


def open_state(place: Place) -> State:
    """The state of a conflict that is laid out. Raises BadInput where laying it out was cut short."""
    state = load_state(place)
    if not state.complete:
        raise BadInput(
            f"{place.directory}: laying the conflict out was cut short; `mptcp-series resolve` begins it again, "
            "--abort takes it away"
        )
    return state
