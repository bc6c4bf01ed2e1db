# SPDX-License-Identifier: MIT
"""A quilt directory: a tree, its patches, and how far they are applied; and how quilt finds a patch by its name.

Messages are quilt's own where quilt has one: scripts and people know them.
"""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path

import attrs

from ...errors import BadInput, BadSeries, NothingToDo
from ...values.series import Series, SeriesEntry
from ..directory.rooted import Rooted
from .settings import Settings
from .state import RESERVED, State

__all__ = ["COMPRESSED", "Quilt", "next_name"]

COMPRESSED = (".gz", ".bz2", ".xz", ".lzma")
_NUMBERED = re.compile(r"(.*?)(?:-([0-9]{1,9}))?((?:\.patch|\.diff?)?(?:\.gz|\.bz2|\.xz|\.lzma)?)", re.DOTALL)
_AB = re.compile(rb"(?m)^([^#\s]\S*[ \t]+)-pab(?=[ \t\r]|$)")


def next_name(name: str) -> str:
    """The name quilt gives a fork of a patch.

    >>> next_name("fix.patch"), next_name("fix-2.patch"), next_name("fix.diff.gz")
    ('fix-2.patch', 'fix-3.patch', 'fix-2.diff.gz')
    """
    found = _NUMBERED.fullmatch(name)
    assert found is not None
    return f"{found[1]}-{int(found[2] or 1) + 1}{found[3]}"


@attrs.frozen(kw_only=True, slots=False)
class Quilt:
    """A tree with patches. What a verb does is worked out on it, and it is read anew after each."""

    rooted: Rooted = attrs.field(repr=False)
    settings: Settings
    state: State
    patches_name: str
    """The patch directory as quilt notes it: relative to the top, or absolute."""
    series_name: str

    @classmethod
    def open(cls, rooted: Rooted, settings: Settings, *, check: bool = True) -> Quilt:
        """Read the state and the series. What `.pc` remembers of places wins over the settings, as in quilt.

        check: refuse a series that no longer has the applied patches in their order (quilt: all verbs but `pop`).
        Raises BadInput, BadSeries.
        """
        state = State.read(rooted, settings.pc)
        quilt = cls(
            rooted=rooted,
            settings=settings,
            state=state,
            patches_name=(state.patches or settings.patches).rstrip("/") or "/",
            series_name=state.series or settings.series,
        )
        if quilt.patches == rooted.root / settings.pc:
            raise BadInput(f"QUILT_PATCHES({quilt.patches_name}) must differ from QUILT_PC({settings.pc})")
        if check:
            quilt.check_order()
        return quilt

    @property
    def root(self) -> Path:
        return self.rooted.root

    @property
    def patches(self) -> Path:
        return self.root / self.patches_name

    @cached_property
    def series_file(self) -> Path:
        """Where the series file is, or is to be: quilt looks in `.pc`, then in the tree, then beside the patches."""
        if self.series_name.startswith("/"):
            return Path(self.series_name)
        for place in (self.root / self.state.place / self.series_name, self.root / self.series_name):
            if place.is_file():
                return place
        return self.patches / self.series_name

    @cached_property
    def found_series(self) -> Series | None:
        """The series, None where there is no file."""
        file = self.series_file
        if not file.exists():
            return None
        if not file.is_file():
            raise BadSeries("is not a regular file", file=str(file))
        try:
            data = file.read_bytes()
        except OSError as error:
            raise BadInput(f"cannot be read: {error.strerror}", file=str(file)) from error
        # `quilt new -p ab` writes what no program can apply, until a refresh takes it away; it means -p1.
        series = Series.parse(_AB.sub(rb"\1-p1", data), str(file))
        for entry in series.entries:
            if entry.name.split("/")[0] in RESERVED:
                raise BadSeries(
                    f"no patch can be called {entry.name!r}: quilt has a file of that name in .pc",
                    file=str(file),
                    line=entry.line,
                )
        return series

    @property
    def series(self) -> Series:
        """The series. Raises BadInput where there is none."""
        found = self.found_series
        if found is None:
            raise BadInput("No series file found", file=None)
        return found

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every patch of the series, in order. Raises BadInput where there is no series file."""
        return tuple(entry.name for entry in self.series.entries)

    @property
    def applied(self) -> tuple[str, ...]:
        return self.state.applied

    def check_order(self) -> None:
        """Raise BadInput unless the applied patches are the first of the series, in its order."""
        top = self.state.top
        if top is None:
            return
        known = () if self.found_series is None else self.names
        if known[: len(self.applied)] != self.applied:
            raise BadInput("The series file no longer matches the applied patches. Please run 'mptcp-series pop -a'.")

    # finding patches

    def shown(self, name: str) -> str:
        """A patch's name as it is printed."""
        return f"{self.settings.down}{self.patches_name}/{name}" if self.settings.prefix else name

    def entry(self, name: str) -> SeriesEntry:
        """The line of a patch; of an applied one that the series has no more, as if it had no options."""
        return self._entries.get(name) or SeriesEntry(name=name)

    @cached_property
    def _entries(self) -> dict[str, SeriesEntry]:
        series = self.found_series
        return {} if series is None else {entry.name: entry for entry in series.entries}

    def patch_file(self, name: str) -> Path:
        return self.patches / name

    def find(self, name: str) -> str:
        """A patch by its name, which may lack `.patch` or `.diff` and a suffix of compression, and may have the
        directory before it. Raises BadInput."""
        names = self.names
        plain = name.removeprefix(self.settings.down).removeprefix(f"{self.patches_name}/")
        suffixes = [ending + packed for ending in ("", ".patch", ".diff", ".dif") for packed in ("", *COMPRESSED)]
        fits = [known for known in names if known in {plain + suffix for suffix in suffixes}]
        if plain in fits:
            return plain
        if len(fits) == 1:
            return fits[0]
        if not names:
            raise BadInput("No patches in series")
        raise BadInput(f"Patch {name} is not in series")

    def first(self) -> str:
        """The first patch of the series. Raises BadInput."""
        if not self.names:
            raise BadInput("No patches in series")
        return self.names[0]

    def top(self) -> str:
        """The top patch. Raises BadInput where none is applied."""
        if self.state.top is None:
            self.first()
            raise BadInput("No patches applied")
        return self.state.top

    def in_series(self, name: str | None) -> str:
        """A named patch of the series, or the top."""
        return self.top() if name is None else self.find(name)

    def applied_patch(self, name: str | None) -> str:
        """A named applied patch, or the top. Raises BadInput."""
        if name is None:
            return self.top()
        found = self.find(name)
        if found not in self.applied:
            raise BadInput(f"Patch {self.shown(found)} is not applied")
        return found

    def after(self, name: str | None) -> tuple[str, ...]:
        """The patches of the series behind one; all of them where None is named."""
        if name is None:
            return self.names
        return self.names[self.names.index(name) + 1 :] if name in self.names else ()

    def unapplied(self) -> tuple[str, ...]:
        """What is left to apply. Raises NothingToDo where nothing is, BadInput where the series is empty."""
        top = self.state.top
        if top is None:
            self.first()
        left = self.after(top)
        if not left:
            raise NothingToDo(f"File series fully applied, ends at patch {self.shown(top or '')}")
        return left

    def unapplied_patch(self, name: str) -> str:
        """A named patch that is not applied. Raises NothingToDo where it is."""
        found = self.find(name)
        if found in self.applied:
            raise NothingToDo(f"Patch {self.shown(found)} is currently applied")
        return found

    def check_new_name(self, name: str, hint: str = "") -> str:
        """A name for a new patch, without the directory before it. Raises BadInput for one that cannot be."""
        name = name.removeprefix(f"{self.patches_name}/")
        if " " in name:
            raise BadInput(f"Patch name '{name}' invalid: cannot contain spaces.")
        if name == self.series_name or name.split("/")[0] in RESERVED:
            raise BadInput(
                f"No patch can be named '{name}' as this would conflict with a file used internally by quilt."
            )
        SeriesEntry(name=name)
        if self.found_series is not None and self.found_series.find(name) is not None:
            raise BadInput(f"Patch {self.shown(name)} exists already{hint}")
        return name

    def inserted(self, entry: SeriesEntry) -> Series:
        """The series with a patch behind the top one."""
        series = self.found_series
        if series is None:
            return Series.of([entry], file=str(self.series_file))
        following = self.after(self.state.top) if self.state.top is None or self.state.top in self.names else ()
        return series.insert_before(following[0], entry) if following else series.append(entry)

    def write_series(self, series: Series) -> None:
        """Put a series in place of the one that is there, if it differs."""
        if self.found_series is None or series.render() != self.found_series.render():
            # tempfile and what it needs is not for a push to wait for.
            from ..store.files import replace_file

            replace_file(self.series_file.resolve(), series.render())
