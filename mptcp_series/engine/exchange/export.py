# SPDX-License-Identifier: MIT
"""Writes a result as patches for other tools, the same bytes for the same result.

Patches have full index lines, three lines of context, a zeroed From line and no version of any tool (OpenWrt's have
no index lines, as its own have none).
A quilt directory is replaced as a whole or not at all; one that holds files of another making is refused. In the
directories of build systems our patches lie among others, which are left alone (`store/placed.py`).
What the tools that take the patches do not do with them is refused, or told (`carried.py`).
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from pathlib import Path

import attrs

from ...errors import BadInput, Problem
from ...values.result import BaseInfo
from ..alignment.once import once
from ..replay.replay import Replayed
from ..store.files import replace_directory, replace_file
from ..store.objects import Objects
from ..store.placed import place_files
from .bundle import bundle
from .carried import Beyond, Uncarried, uncarried
from .layouts import Layout, buildroot, openwrt, slug, yocto
from .render import render_patch

__all__ = ["NUMBER", "Export", "Format"]

NUMBER = 690
"""Of OpenWrt patches, by default: the end of the numbers it uses for the network."""


class Format(enum.Enum):
    """What an export is for."""

    QUILT = "quilt"
    MBOX = "mbox"
    YOCTO = "yocto"
    BUILDROOT = "buildroot"
    OPENWRT = "openwrt"
    GIT_BUNDLE = "git-bundle"

    @classmethod
    def parse(cls, text: str) -> Format:
        try:
            return cls(text)
        except ValueError:
            raise BadInput(f"unknown export format {text!r}; one of {', '.join(f.value for f in cls)}") from None


_GIT = frozenset({Format.MBOX, Format.GIT_BUNDLE})
"""Formats that git reads: it does all that a patch says."""
_CARRY = "--format mbox and git-bundle carry it"
_REFUSED: Mapping[Beyond, str] = {
    Beyond.BINARY: f", and GNU patch, which this build system applies patches with, cannot; {_CARRY}",
    Beyond.PLACE: f", and GNU patch, which this build system applies patches with, cannot; {_CARRY}",
    Beyond.SUBMODULE: f", of which GNU patch makes a file without a word, or stops there; {_CARRY}",
}
_WARNED: Mapping[Format, Mapping[Beyond, str]] = {
    Format.QUILT: {
        Beyond.BINARY: f", and GNU patch and quilt stop there; `mptcp-series push` applies it, {_CARRY}",
        Beyond.PLACE: f", and GNU patch, quilt and `mptcp-series push` stop there; {_CARRY}",
        Beyond.POP: ": `quilt push` does it, `quilt pop` does not undo it; `mptcp-series pop` does",
    },
    Format.OPENWRT: {
        Beyond.EMPTY: ", and OpenWrt's scripts/patch-kernel.sh takes it away where it runs `patch -E`, as older ones "
        "do; see what yours runs",
    },
}
"""What is written all the same, and what is to be said of it."""


@attrs.frozen(kw_only=True, eq=False)
class Export:
    """A result that is to be written for another tool.

    number: of OpenWrt patches, 0 to 999: where the queue stands among the other patches of the directory.
    """

    objects: Objects
    replayed: Replayed
    series: str
    base: BaseInfo
    number: int = attrs.field(default=NUMBER)

    @number.validator
    def _in_range(self, attribute: attrs.Attribute[int], value: int) -> None:
        if not 0 <= value <= 999:
            raise BadInput(f"the number of OpenWrt patches is 0 to 999, not {value}")

    def write(self, path: Path, format: Format) -> tuple[Path, ...]:
        """Write every commit of the result as one patch, or all as a bundle; the files written, sorted.

        Raises BadInput where the path holds something else, or the format cannot carry a patch.
        """
        self._refuse_what_is_lost(format)
        if format is Format.MBOX:
            replace_file(path, b"".join(self._patches().values()))
            return (path,)
        if format is Format.GIT_BUNDLE:
            replace_file(path, bundle(self.objects, self.replayed, self.series, self.base))
            return (path,)
        if format is Format.QUILT:
            files = self._patches() | {"series": self._series_file()}
            replace_directory(path, files)
            return tuple(sorted(path / name for name in files))
        layout = Layout(objects=self.objects, series=self.series, base=self.base, steps=self.replayed.steps)
        if format is Format.YOCTO:
            return place_files(path, yocto(layout), series=slug(self.series))
        _refuse_what_hides(path, format, self.base)
        made = buildroot(layout) if format is Format.BUILDROOT else openwrt(layout, self.number)
        return place_files(path, made, series=slug(self.series))

    def warnings(self, format: Format) -> tuple[str, ...]:
        """What the tools of a format do otherwise than the patches say, and do not hide; one sentence a patch."""
        said = _WARNED.get(format, {})
        return tuple(f"{found}{said[found.beyond]}" for found in self._uncarried if found.beyond in said)

    def _refuse_what_is_lost(self, format: Format) -> None:
        if format in _GIT:
            return
        told = _WARNED.get(format, {})
        problems = [
            Problem(message=f"{found}{_REFUSED[found.beyond]}")
            for found in self._uncarried
            if found.beyond in _REFUSED and found.beyond not in told
        ]
        if problems:
            raise BadInput(problems)

    @property
    def _uncarried(self) -> tuple[Uncarried, ...]:
        steps = self.replayed.steps
        question = ("uncarried", tuple((step.name, step.commit) for step in steps))
        return once(self.objects, question, lambda: tuple(uncarried(self.objects, steps)))

    def _patches(self) -> dict[str, bytes]:
        return {step.name: render_patch(self.objects, step.raw, step.changes) for step in self.replayed.steps}

    def _series_file(self) -> bytes:
        made = {step.name for step in self.replayed.steps}
        lines = [f"# {self.series}, exported by mptcp-series".encode()]
        several = len({outcome.series for outcome in self.replayed.outcomes}) > 1
        series = ""
        for outcome in self.replayed.outcomes:
            if several and outcome.series != series:
                series = outcome.series
                lines.append(f"# series: {series}".encode())
            name = outcome.name.encode("utf-8", "surrogateescape")
            lines.append(name if outcome.name in made else b"# %s: %s" % (outcome.status.value.encode(), name))
        return b"\n".join(lines) + b"\n"


def _refuse_what_hides(path: Path, format: Format, base: BaseInfo) -> None:
    """Refuse a directory in which the tool would look elsewhere than at numbered patches."""
    inside = path / "linux" if format is Format.BUILDROOT else path
    if (inside / "series").exists():
        raise BadInput(
            "is there, and the build system follows it instead of the names: it would not see these patches; "
            "export to another directory, or --format quilt",
            file=str(inside / "series"),
        )
    if format is Format.BUILDROOT and (inside / base.version).is_dir():
        raise BadInput(
            f"{inside / base.version} is there, and Buildroot takes those for {base.version} from it alone; "
            "export to another directory and name both in BR2_GLOBAL_PATCH_DIR"
        )
