# SPDX-License-Identifier: MIT
"""A small upstream and a queue picked from it, to ask what the queue needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from mptcp_series.engine.needs.find import find_needs
from mptcp_series.engine.queue import Queue
from mptcp_series.values.need import Need, Needs

from .conftest import Files, Lab

__all__ = ["MPTCP", "SOCK", "Upstream", "makefile"]

SOCK = "include/net/sock.h"
MPTCP = "net/mptcp/protocol.c"

RECIPE = """\
[series]
name = "q"
range = "v5.10..v5.15"
match = ["net/mptcp"]
owned = ["net/mptcp/", "include/net/mptcp.h"]
root = "v5.10"
"""


def makefile(sublevel: int, patchlevel: int = 10) -> bytes:
    return b"VERSION = 5\nPATCHLEVEL = %d\nSUBLEVEL = %d\nEXTRAVERSION =\n" % (patchlevel, sublevel)


@attrs.define
class Upstream:
    """A line of commits in a repository; each changes some files of the one before."""

    lab: Lab
    directory: Path
    files: dict[str, bytes] = attrs.field(factory=dict)
    tip: str | None = None
    picked: list[str] = attrs.field(factory=list)

    def commit(
        self,
        subject: str,
        changes: Mapping[str, bytes | None],
        *,
        tag: str | None = None,
        pick: bool = False,
        merge: Sequence[str] = (),
    ) -> str:
        """Change files (None takes one away), and go on from there. pick: into the queue."""
        for path, content in changes.items():
            if content is None:
                del self.files[path]
            else:
                self.files[path] = content
        parents = [*([] if self.tip is None else [self.tip]), *merge]
        self.tip = self.lab.commit(self.files, subject + "\n", parents)
        if tag is not None:
            self.tag(tag)
        if pick:
            self.picked.append(self.tip)
        return self.tip

    def tag(self, name: str) -> None:
        assert self.tip is not None
        self.lab.repo.references.create(f"refs/tags/{name}", self.tip, force=True)

    def branch(self, start: str | None = None) -> Upstream:
        """Another line that begins here, or at the commit of a line's files."""
        other = Upstream(self.lab, self.directory, dict(self.files), start or self.tip)
        other.picked = self.picked
        return other

    def queue(self, recipe: str = RECIPE, overrides: Mapping[str, str] | None = None) -> Queue:
        """The series of what was picked: p1.patch, p2.patch."""
        series = self.directory / "series" / "q"
        series.mkdir(parents=True, exist_ok=True)
        (series / "recipe.toml").write_text(recipe)
        lines = [f"p{number}.patch # {commit}\n" for number, commit in enumerate(self.picked, start=1)]
        (series / "series").write_text("".join(lines))
        place = self.directory / "overrides" / "q"
        place.mkdir(parents=True, exist_ok=True)
        for name, text in (overrides or {}).items():
            (place / name).write_text(text)
        return Queue.load(series, source=self.lab.repo.path)

    def needs(self, base: str = "v5.10", recipe: str = RECIPE, overrides: Mapping[str, str] | None = None) -> Needs:
        queue = self.queue(recipe, overrides)
        return find_needs(queue.apply(self.lab.repo.path, base=base), queue)

    @classmethod
    def at(cls, lab: Lab, directory: Path, files: Files) -> Upstream:
        """A line that begins with v5.10."""
        upstream = cls(lab, directory)
        content = {path: data for path, data in files.items() if isinstance(data, bytes)}
        upstream.commit("Linux 5.10", {"Makefile": makefile(0), **content}, tag="v5.10")
        return upstream


def one(needs: Needs) -> Need:
    (found,) = needs.needs
    return found
