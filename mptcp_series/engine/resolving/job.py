# SPDX-License-Identifier: MIT
"""What a resolve works on, and the state it left in its directory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
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


@attrs.frozen(kw_only=True)
class Job:
    """What a resolve works on. Relative paths are made absolute, so that it can be gone on with from anywhere."""

    series: Path = attrs.field(converter=_absolute)
    repo: Path = attrs.field(converter=_absolute)
    base: str
    source: Path | None = attrs.field(default=None, converter=attrs.converters.optional(_absolute))
    overrides: tuple[Path, ...] | None = attrs.field(default=None, converter=attrs.converters.optional(_all_absolute))
    """Directories of override files, None for those the recipe names."""
    align: bool = True

    def queue(self) -> Queue:
        return Queue.load(self.series, overrides=self.overrides, source=self.source)

    def replay(self, queue: Queue) -> Result:
        return queue.apply(self.repo, base=self.base, align=self.align)

    def digest(self) -> str:
        """Of the files that say what the queue is."""
        digest = hashlib.sha256()
        for name in ("series", "recipe.toml"):
            path = self.series / name
            digest.update(path.read_bytes() if path.is_file() else b"")
            digest.update(b"\0")
        return digest.hexdigest()

    @classmethod
    def of(cls, state: State) -> Job:
        return cls(
            series=state.series,
            repo=state.repo,
            base=state.rev,
            source=state.source,
            overrides=state.overrides,
            align=state.align,
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
