# SPDX-License-Identifier: MIT
"""Writes a result as patches for other tools, the same bytes for the same result.

Patches have full index lines, three lines of context, a zeroed From line and no version of any tool.
A directory is replaced as a whole or not at all; one that holds files of another making is refused.
"""

from __future__ import annotations

import enum
from pathlib import Path

from ...errors import BadInput
from ..replay.replay import Replayed
from ..store.files import replace_directory, replace_file
from ..store.objects import Objects
from .render import render_patch

__all__ = ["Format", "export"]


class Format(enum.Enum):
    """What an export is for."""

    QUILT = "quilt"
    MBOX = "mbox"

    @classmethod
    def parse(cls, text: str) -> Format:
        try:
            return cls(text)
        except ValueError:
            raise BadInput(f"unknown export format {text!r}; one of {', '.join(f.value for f in cls)}") from None


def export(objects: Objects, replayed: Replayed, series: str, path: Path, format: Format) -> tuple[Path, ...]:
    """Write every commit of a result as one patch."""
    patches = {step.name: render_patch(objects, step.raw, step.changes) for step in replayed.steps}
    if format is Format.MBOX:
        replace_file(path, b"".join(patches.values()))
        return (path,)
    lines = [f"# {series}, exported by mptcp-series".encode()]
    for outcome in replayed.outcomes:
        name = outcome.name.encode("utf-8", "surrogateescape")
        if outcome.name in patches:
            lines.append(name)
        else:
            lines.append(b"# %s: %s" % (outcome.status.value.encode(), name))
    files = patches | {"series": b"\n".join(lines) + b"\n"}
    replace_directory(path, files)
    return tuple(sorted(path / name for name in files))
