# SPDX-License-Identifier: MIT
"""A small quilt directory, and short ways to say what is in it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs
import pytest

from mptcp_series.engine.directory.rooted import Rooted
from mptcp_series.engine.quilt.patchfile import Reader
from mptcp_series.engine.quilt.pop import Pop, pop
from mptcp_series.engine.quilt.push import Push, push
from mptcp_series.engine.quilt.queue import Quilt
from mptcp_series.engine.quilt.settings import Settings

__all__ = ["Tree", "diff", "lines"]


def lines(*texts: str) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def diff(path: str, old: Iterable[str], new: Iterable[str], at: int = 1) -> bytes:
    """A plain diff: the old lines go and the new ones come in their place; a blank in front makes context."""
    body = [text if text.startswith(" ") else f"-{text}" for text in old]
    last = max((index for index, text in enumerate(body) if text.startswith("-")), default=len(body) - 1)
    body[last + 1 : last + 1] = [f"+{text}" for text in new]
    context = sum(text.startswith(" ") for text in body)
    removed, added = (sum(text.startswith(sign) for text in body) for sign in "-+")
    head = f"--- a/{path}\n+++ b/{path}\n@@ -{at},{context + removed} +{at},{context + added} @@\n"
    return (head + "".join(f"{text}\n" for text in body)).encode()


@attrs.define
class Tree:
    """A directory with `patches/`."""

    top: Path
    settings: Settings = attrs.field(factory=Settings)
    _rooted: Rooted | None = None

    def write(self, files: Mapping[str, bytes]) -> None:
        for name, data in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def patch(self, **patches: bytes) -> None:
        """Patch files, by name with `_` for `.`; they are the series."""
        named = {name.replace("_", "."): data for name, data in patches.items()}
        self.write({f"patches/{name}": data for name, data in named.items()})
        self.write({"patches/series": "".join(f"{name}\n" for name in named).encode()})

    def series(self, text: str) -> None:
        self.write({"patches/series": text.encode()})

    def read(self, name: str) -> bytes | None:
        path = self.top / name
        return path.read_bytes() if path.is_file() else None

    def files(self) -> dict[str, bytes]:
        """Every file of the tree but patches and state."""
        return {
            name: data
            for name, data in self.all().items()
            if not name.startswith(("patches/", ".pc/")) and not name.startswith(".mptcp")
        }

    def state(self) -> dict[str, bytes]:
        """Every file of `.pc`."""
        return {name: data for name, data in self.all().items() if name.startswith(".pc/")}

    def all(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.top)): path.read_bytes()
            for path in sorted(self.top.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }

    def open(self, *, check: bool = True) -> Quilt:
        self.close()
        self._rooted = Rooted(self.top)
        return Quilt.open(self._rooted, self.settings, check=check)

    def close(self) -> None:
        if self._rooted is not None:
            os.close(self._rooted.descriptor)
            self._rooted.forget()
            self._rooted = None

    def push(self, count: int = 1, *, force: bool = False, fuzz: int = 0) -> Push:
        quilt = self.open()
        done = push(quilt, quilt.unapplied()[:count], Reader(quilt), force=force, fuzz=fuzz)
        done.write()
        return done

    def push_all(self) -> Push:
        return self.push(1000)

    def pop(self, count: int = 1, *, force: bool = False) -> Pop:
        quilt = self.open(check=False)
        done = pop(quilt, tuple(reversed(quilt.applied))[:count], Reader(quilt), force=force)
        done.write()
        return done


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    top = tmp_path / "tree"
    (top / "patches").mkdir(parents=True)
    made = Tree(top)
    yield made
    made.close()
