# SPDX-License-Identifier: MIT
"""Which commits a message says it fixes or reverts, and a walk over the messages that say so.

One `git log` process reads a whole history and hands on only messages that cite something. Kernel ids
are cut to twelve digits or more, older ones to seven; what an id stands for is for the caller to find out.
"""

from __future__ import annotations

import enum
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO

import attrs
import pygit2

from ...errors import MissingObject
from ...values.provenance import upstream_ids
from ..store.gitprogram import git_environment, git_program
from .history import WalkProgress

__all__ = ["Citation", "FixKind", "Message", "citations", "citing"]


class FixKind(enum.Enum):
    """What a commit does to the one it cites."""

    FIX = "fix"
    REVERT = "revert"


@attrs.frozen
class Citation:
    """A commit that a message fixes or reverts: its id as far as it is written, and the subject beside it."""

    kind: FixKind
    prefix: str
    subject: str | None = None


@attrs.frozen(kw_only=True)
class Message:
    """A commit that cites others."""

    commit: str
    subject: str
    upstream: tuple[str, ...]
    cites: tuple[Citation, ...]


_CHUNK = 1 << 16
_FIXES = re.compile(
    rb"^[ \t]*Fixes:[ \t]*(?:commit[ \t]+)?([0-9a-f]{7,40})\b(?:[ \t,:]*\(?[ \t]*\"(.*)\"[ \t]*\)?)?",
    re.IGNORECASE | re.MULTILINE,
)
# Long messages break the line between `commit` and the id.
_REVERTS = re.compile(rb"This reverts commit\s+([0-9a-f]{7,40})\b", re.IGNORECASE)


def citations(message: bytes) -> tuple[Citation, ...]:
    r"""What a message cites, in order, each once.

    >>> citations(b'mptcp: x\n\nFixes: 049fe386d353 ("tcp: parse")\n')
    (Citation(kind=<FixKind.FIX: 'fix'>, prefix='049fe386d353', subject='tcp: parse'),)
    """
    found = [
        Citation(FixKind.FIX, match[1].decode().lower(), None if match[2] is None else _text(match[2]))
        for match in _FIXES.finditer(message)
    ]
    found += [Citation(FixKind.REVERT, prefix.decode().lower()) for prefix in _REVERTS.findall(message)]
    return tuple(dict.fromkeys(found))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip()


def citing(
    source: pygit2.Repository, tips: Sequence[str], start: str, progress: WalkProgress | None = None
) -> Iterator[Message]:
    """Commits reachable from tips (ids) and not from start whose messages cite something, newest first.

    Merges are left out: what they quote is of the commits they bring. Raises MissingObject where the
    history cannot be read to its end.
    """
    command = [
        git_program(),
        *("-c", "log.showSignature=false"),
        f"--git-dir={source.path}",
        *("log", "-z", "--no-merges", "--no-color", "--no-notes", "--no-decorate", "--encoding=UTF-8", "--no-mailmap"),
        *("--extended-regexp", "--regexp-ignore-case"),
        *("--grep=^[[:space:]]*fixes:[[:space:]]*", "--grep=this reverts commit"),
        "--format=%H%n%B",
        "--stdin",
    ]
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as errors:
        given.write("".join(f"{tip}\n" for tip in [*tips, f"^{start}"]).encode())
        given.seek(0)
        with subprocess.Popen(
            command, stdin=given, stdout=subprocess.PIPE, stderr=errors, env=git_environment()
        ) as process:
            assert process.stdout is not None
            try:
                for count, record in enumerate(_records(process.stdout), start=1):
                    if progress is not None and count % 500 == 0:
                        progress(count, None)
                    head, _, message = record.partition(b"\n")
                    cites = citations(message)
                    if cites:
                        yield Message(
                            commit=head.decode("ascii"),
                            subject=_text(message.split(b"\n", 1)[0]),
                            upstream=upstream_ids(message),
                            cites=cites,
                        )
            except BaseException:
                process.kill()
                raise
        if process.returncode != 0:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace").strip().splitlines()
            raise MissingObject(
                f"`git log` failed in {source.path}: {said[-1] if said else process.returncode}; "
                "its history is not whole: run `git fetch`, or `mptcp-series fetch`"
            )


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    """Texts between NUL bytes."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        *records, rest = (rest + chunk).split(b"\0")
        yield from records
    if rest:
        yield rest
