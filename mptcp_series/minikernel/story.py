# SPDX-License-Identifier: MIT
"""How the changes of the mini-kernel become commits: messages, dates and the ids they refer to.

A `Story` remembers the id of every commit by its key, so that later messages (`Fixes:`, `commit <id> upstream.`,
`This reverts commit <id>.`) can name it.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable

from mptcp_series.minikernel.content import makefile
from mptcp_series.minikernel.edits import Change, Edit, Swap, edit_files
from mptcp_series.minikernel.history import HistoryBuilder, Identity
from mptcp_series.minikernel.people import RELEASER
from mptcp_series.minikernel.stable import Backport, Provenance

__all__ = ["DAY", "Story", "day"]

DAY = 86_400


def day(text: str) -> int:
    """Noon of a day written `2021-02-14`, in seconds since the epoch.

    >>> day("1970-01-02") == DAY + DAY // 2
    True
    """
    year, month, number = (int(part) for part in text.split("-"))
    return calendar.timegm((year, month, number, 12, 0, 0))


class Story:
    """Commits changes through a `HistoryBuilder` and keeps their ids by key."""

    def __init__(self, builder: HistoryBuilder) -> None:
        self._builder = builder
        self._changes: dict[str, Change] = {}
        self._backports: dict[str, Backport] = {}
        self.commits: dict[str, str] = {}
        """The id of every commit so far, by key."""

    def play(self, branch: str, changes: Iterable[Change], start: int) -> None:
        """Commit upstream changes, two days apart."""
        for index, change in enumerate(changes):
            self._changes[change.key] = change
            message = f"{change.subject}\n\n{self._body(change)}{_sign(change.author)}"
            self._commit(change.key, branch, change.edits, message, change.author, start + 2 * index * DAY)

    def backport(self, branch: str, backports: Iterable[Backport], start: int) -> None:
        """Commit what a stable branch takes, an hour apart."""
        for index, backport in enumerate(backports):
            self._backports[backport.key] = backport
            time = start + index * 3600
            if backport.provenance is Provenance.REVERT:
                self._revert(branch, backport, time)
                continue
            change = self._changes[backport.of]
            message = self._backport_message(backport, change)
            edits = change.edits if backport.edits is None else backport.edits
            self._commit(backport.key, branch, edits, message, change.author, time)

    def release(self, branch: str, version: str, time: int) -> None:
        """Commit the Makefile of a release (`5.10.3`, `5.16-rc1`) and tag it."""
        numbers, dash, extra = version.partition("-")
        patchlevel, _, sublevel = numbers.partition(".")[2].partition(".")
        data = makefile(int(patchlevel), int(sublevel or 0), dash + extra)
        message = f"Linux {version}\n\n{_sign(RELEASER)}"
        self._builder.commit(branch, {"Makefile": data}, message, RELEASER, time)
        self._builder.tag(f"v{version}", branch, f"Linux {version}\n", RELEASER, time)

    def merge(self, key: str, branch: str, other: str, body: str, time: int, edits: Iterable[Edit] = ()) -> None:
        """Merge a topic; edits on top of the automatic merge make an evil merge of it."""
        message = f"Merge branch '{other}'\n\n{body}{_sign(RELEASER)}"
        # The edits apply to the automatic merge, and what they touch only our side has changed.
        changes = edit_files(self._builder.files(branch), edits)
        self.commits[key] = self._builder.merge(branch, other, message, RELEASER, time, changes)

    def _commit(self, key: str, branch: str, edits: Iterable[Edit], message: str, author: Identity, time: int) -> None:
        if key in self.commits:
            raise ValueError(f"two commits with the key {key}")
        changes = edit_files(self._builder.files(branch), edits)
        self.commits[key] = self._builder.commit(branch, changes, message, author, time)

    def _revert(self, branch: str, backport: Backport, time: int) -> None:
        change = self._changes[self._backports[backport.of].of]
        edits = [edit.inverse() for edit in reversed(change.edits) if isinstance(edit, Swap)]
        line = backport.provenance.value.format(self.commits[backport.of])
        message = f'Revert "{change.subject}"\n\n{line}\n\n{_sign(RELEASER)}'
        self._commit(backport.key, branch, edits, message, RELEASER, time)

    def _body(self, change: Change) -> str:
        head = f"This reverts commit {self.commits[change.reverts]}.\n\n" if change.reverts else ""
        tail = ""
        if change.fixes is not None:
            tail = f'Fixes: {self.commits[change.fixes][:12]} ("{self._changes[change.fixes].subject}")\n'
        return f"{head}{change.body}\n{tail}"

    def _backport_message(self, backport: Backport, change: Change) -> str:
        line = backport.provenance.value.format(self.commits[change.key])
        signed = _sign(change.author)
        if backport.edits is not None:
            signed += "[ adapted to the context of this branch ]\n"
        signed += _sign(RELEASER)
        if backport.provenance is Provenance.CHERRY_PICKED:
            return f"{change.subject}\n\n{self._body(change)}{_sign(change.author)}{line}\n{_sign(RELEASER)}"
        head = f"{line}\n\n" if line else ""
        return f"{change.subject}\n\n{head}{self._body(change)}{signed}"


def _sign(who: Identity) -> str:
    return f"Signed-off-by: {who.name} <{who.email}>\n"
