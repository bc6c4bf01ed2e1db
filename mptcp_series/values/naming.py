# SPDX-License-Identifier: MIT
"""How patches and commits are written down.

A queue lives in version control for years, so a patch's file name must not change because another patch
came before it: names are unnumbered and depend on the subject only. Numbered names are for exports.
Commit ids are full: an abbreviation that is unique today is not unique in next year's repository, and is refused.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet

from ..errors import BadInput

__all__ = ["did_you_mean", "numbered_name", "parse_commit_id", "patch_name"]

NAME_LENGTH = 64
"""Longest name, in characters, `.patch` not counted (git's FORMAT_PATCH_NAME_MAX)."""

_SUFFIX = ".patch"
_NAMELESS = "patch"
_COMMIT_ID = re.compile(r"[0-9a-fA-F]{40}")
_NOT_TITLE = re.compile(r"[^A-Za-z0-9._]+")
_NOT_WORD = re.compile(r"[^A-Za-z0-9._-]+")


def parse_commit_id(text: str) -> str:
    """The full commit id in lower case; raises BadInput if it is not exactly 40 hex digits.

    >>> parse_commit_id("2DCB96BACCE36021C2F3EAAE0CEF607B5BB71EDE")
    '2dcb96bacce36021c2f3eaae0cef607b5bb71ede'
    """
    if _COMMIT_ID.fullmatch(text) is None:
        raise BadInput(f"not a full commit id: {text!r} (expected 40 hex digits)")
    return text.lower()


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint to append to a message about an unknown word; empty where none of the known ones is near.

    >>> did_you_mean("reson", ["reason", "range"])
    "; did you mean 'reason'?"
    """
    spelled = {name.lower(): name for name in known}
    near = difflib.get_close_matches(word.lower(), spelled, n=1)
    return f"; did you mean {spelled[near[0]]!r}?" if near else ""


def patch_name(subject: str, taken: AbstractSet[str]) -> str:
    """A stable file name for a patch: `git format-patch`'s, without its number and in lower case.

    `taken` holds names already in the queue, `.patch` included; a second patch of one name gets `-2`.
    The name matches [a-z0-9._-]+, does not start with a dot (git would keep one), and has at most 64
    characters before `.patch`, a number included. The rules are those of git's format_sanitized_subject().

    >>> patch_name("mptcp: Fix `subflow` ... again!", frozenset())
    'mptcp-fix-subflow-.-again.patch'
    >>> patch_name("mptcp: fix", {"mptcp-fix.patch"})
    'mptcp-fix-2.patch'
    >>> patch_name("", frozenset())
    'patch.patch'
    """
    title = re.sub(r"\.\.+", ".", _NOT_TITLE.sub("-", subject)).lower().lstrip("-.")
    name = _cut(title, NAME_LENGTH)
    count = 1
    while name + _SUFFIX in taken:
        count += 1
        number = f"-{count}"
        name = _cut(title, NAME_LENGTH - len(number)) + number
    return name + _SUFFIX


def numbered_name(index: int, commit: str, subject: str) -> str:
    """A name for exports that sorts in the queue's order and tells the commit: `NNNN-<commit>-<Subject_words>.patch`.

    `index` is 1-based by custom and not negative; `commit` is a full id (BadInput otherwise). Words are joined
    with `_`, case is kept, characters outside [A-Za-z0-9._-] are dropped, the words take at most 64 characters.

    >>> numbered_name(7, "049fe386d35353398eee40ba8d76ab62cb5a24e5", "tcp: parse (reset) packets")
    '0007-049fe386d35353398eee40ba8d76ab62cb5a24e5-tcp_parse_reset_packets.patch'
    """
    if index < 0:
        raise BadInput(f"a patch cannot have the number {index}")
    words = (_NOT_WORD.sub("", word) for word in subject.split())
    title = _cut("_".join(filter(None, words)), NAME_LENGTH)
    return f"{index:04d}-{parse_commit_id(commit)}-{title}{_SUFFIX}"


def _cut(title: str, length: int) -> str:
    """At most `length` characters, without a trailing separator; never empty."""
    return title[:length].rstrip("-._") or _NAMELESS
