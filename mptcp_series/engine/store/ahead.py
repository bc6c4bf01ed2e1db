# SPDX-License-Identifier: MIT
"""What pinned commits change, read by git beside the program: it is done by the time that all modules are loaded.

A head start and nothing else. A commit git does not tell of is read as if nobody had asked git, and what is wrong with
it is said there.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import IO

from .gitprogram import DIFF_TREE, READING, own_repository, reading_environment

__all__ = ["PinnedChanges", "RawChange", "raw_changes"]

RawChange = tuple[bytes, int, bytes, int, bytes]
"""A path, mode and id before, mode and id after; mode 0 where there is none."""

_PIN = re.compile(rb"^[^#\s][^#\n]*#[ \t]*([0-9a-f]{40})\b", re.MULTILINE)
_OTHER_PARENTS = ("shallow", "info/grafts")
"""Where git is told of other parents than a commit names."""
_WORDS = (*DIFF_TREE, "--raw", "--no-abbrev", "--format=//%H")


class PinnedChanges:
    """Begun with the pins of a series; the changes by commit when asked for. Merges have none here."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._process = process
        self._output = output

    @classmethod
    def begin(cls, place: str | Path, series: Path) -> PinnedChanges | None:
        """Have git look at what a series pins; None where there is nothing to gain, or no git."""
        directory, file = own_repository(place), series / "series"
        if directory is None or not file.is_file() or any((directory / name).exists() for name in _OTHER_PARENTS):
            return None
        pins = _PIN.findall(file.read_bytes())
        if not pins:
            return None
        # Files: git must not wait for somebody to read.
        output = tempfile.TemporaryFile()  # noqa: SIM115 - read when the changes are asked for
        with tempfile.TemporaryFile() as given:
            given.write(b"\n".join([*pins, b""]))
            given.seek(0)
            try:
                process = subprocess.Popen(
                    ["git", *READING, f"--git-dir={directory}", *_WORDS],
                    stdin=given,
                    stdout=output,
                    stderr=subprocess.DEVNULL,
                    env=reading_environment(),
                )
            except BaseException as error:
                output.close()
                if isinstance(error, OSError):
                    return None
                raise
        return cls(process, output)

    @cached_property
    def changes(self) -> Mapping[str, list[RawChange]]:
        """What git told, by commit id; nothing where it did not get to its end."""
        status = self._process.wait()
        with self._output:
            self._output.seek(0)
            return {} if status else raw_changes(self._output.read())

    def end(self) -> None:
        """Leave nothing of it, whether anybody asked or not."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._output.close()


def raw_changes(data: bytes) -> dict[str, list[RawChange]]:
    """Read `git diff-tree -z --raw --no-abbrev --format=//%H`: no path of a tree has two slashes in a row."""
    found: dict[str, list[RawChange]] = {}
    for record in data.split(b"//")[1:]:
        commit, _, rest = record.partition(b"\0")
        fields = rest.removeprefix(b"\n").split(b"\0")
        changes = found[commit.decode("ascii")] = []
        for head, path in zip(fields[0::2], fields[1::2], strict=False):
            before, after, old, new, _ = head.removeprefix(b":").split(b" ")
            sides = int(before, 8), bytes.fromhex(old.decode()), int(after, 8), bytes.fromhex(new.decode())
            changes.append((path, *sides))
    return found
