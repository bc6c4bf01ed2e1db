# SPDX-License-Identifier: MIT
"""One path of one patch: every way it can meet the file that is there."""

from __future__ import annotations

import pytest

from mptcp_series.engine.replay.change import BlobChange, TextChange, diff_hunks
from mptcp_series.engine.replay.settle import Labels, settle, settle_text
from mptcp_series.engine.store.objects import EXECUTABLE, LINK, SUBMODULE
from mptcp_series.values.hunk import hunk_ids
from mptcp_series.values.patch import Patch
from mptcp_series.values.result import Account, Conflict

from .conftest import Content, Lab, numbered

LABELS = Labels(ours="ours", base="base", theirs="theirs")
OLD, NEW = numbered(20), numbered(20, {10: "x\n"})
FIRST = numbered(40, {3: "x\n", 30: "y\n"})
ID_10 = hunk_ids(diff_hunks(OLD, NEW))[0]


def told(account: object) -> Account:
    assert isinstance(account, Account) or callable(account)
    found = account if isinstance(account, Account) else account()
    assert isinstance(found, Account)
    return found


@pytest.mark.parametrize(
    ("old", "new", "current", "entry", "status", "account"),
    [
        # Content.
        (OLD, NEW, OLD, NEW, "clean", Account(applied=1)),
        (OLD, NEW, NEW, NEW, "upstream", Account(present=1)),
        (OLD, NEW, b"n\n" + OLD, b"n\n" + NEW, "offset", Account(applied=1)),
        (OLD, NEW, numbered(20, {8: "n\n"}), numbered(20, {8: "n\n", 10: "x\n"}), "merged", Account(applied=1)),
        (OLD, NEW, b"n\n" + NEW, b"n\n" + NEW, "upstream", Account(present=1)),
        (
            numbered(40),
            FIRST,
            numbered(40, {3: "x\n"}),
            FIRST,
            "merged",
            Account(applied=1, present=1),
        ),
        (
            numbered(400),
            b"x\n" + numbered(400),
            numbered(400, {390: "y\n"}),
            b"x\n" + numbered(400, {390: "y\n"}),
            "offset",
            Account(applied=1),
        ),
        # Files that come and go.
        (None, NEW, None, NEW, "clean", Account(applied=1)),
        (None, NEW, NEW, NEW, "upstream", Account(present=1)),
        (None, b"", None, b"", "clean", Account()),
        (OLD, None, OLD, None, "clean", Account(applied=1)),
        (OLD, None, None, None, "upstream", Account(present=1)),
        # Modes.
        (OLD, (EXECUTABLE, OLD), OLD, (EXECUTABLE, OLD), "clean", Account()),
        (OLD, (EXECUTABLE, OLD), NEW, (EXECUTABLE, NEW), "merged", Account()),
        (OLD, (EXECUTABLE, OLD), (EXECUTABLE, NEW), (EXECUTABLE, NEW), "upstream", Account()),
        (OLD, NEW, (EXECUTABLE, OLD), (EXECUTABLE, NEW), "merged", Account(applied=1)),
        (OLD, NEW, (EXECUTABLE, NEW), (EXECUTABLE, NEW), "upstream", Account(present=1)),
        (OLD, (EXECUTABLE, NEW), NEW, (EXECUTABLE, NEW), "merged", Account(present=1)),
        (OLD, (EXECUTABLE, NEW), (EXECUTABLE, OLD), (EXECUTABLE, NEW), "merged", Account(applied=1)),
        (OLD, (EXECUTABLE, NEW), b"n\n" + OLD, (EXECUTABLE, b"n\n" + NEW), "offset", Account(applied=1)),
        # Links, submodules, a file that becomes a link.
        ((LINK, b"a"), (LINK, b"b"), (LINK, b"a"), (LINK, b"b"), "clean", Account(applied=1)),
        ((LINK, b"a"), (LINK, b"b"), (LINK, b"b"), (LINK, b"b"), "upstream", Account(present=1)),
        (OLD, (LINK, b"b"), OLD, (LINK, b"b"), "clean", Account(applied=1)),
        (
            (SUBMODULE, b"a" * 20),
            (SUBMODULE, b"b" * 20),
            (SUBMODULE, b"a" * 20),
            (SUBMODULE, b"b" * 20),
            "clean",
            Account(applied=1),
        ),
        # Binary files.
        (b"\0a", b"\0b", b"\0a", b"\0b", "clean", Account(applied=1)),
        (b"\0a", b"\0b", b"\0b", b"\0b", "upstream", Account(present=1)),
    ],
)
def test_settled(
    lab: Lab,
    old: Content | None,
    new: Content | None,
    current: Content | None,
    entry: Content | None,
    status: str,
    account: Account,
) -> None:
    was, will, now, wanted = (None if content is None else lab.entry(content) for content in (old, new, current, entry))
    settled = settle(lab.objects, BlobChange(path="f", old_path="f", old=was, new=will), now, "f", LABELS)
    assert (settled.entry, settled.status.value, told(settled.account)) == (wanted, status, account)
    assert (settled.conflicts, settled.marked) == ((), None)


@pytest.mark.parametrize(
    ("old", "new", "current", "account", "text"),
    [
        (None, NEW, OLD, Account(conflict=1), "add/add: the patch adds f, and the base has a different file there"),
        (
            None,
            NEW,
            (EXECUTABLE, NEW),
            Account(conflict=1),
            "mode: the patch makes f a file, on the base it is an executable file",
        ),
        (
            None,
            (LINK, b"x"),
            b"x",
            Account(conflict=1),
            "mode: the patch makes f a symbolic link, on the base it is a file",
        ),
        (
            OLD,
            None,
            NEW,
            Account(conflict=1),
            "delete/modify: the patch deletes f, which differs from the one it deletes",
        ),
        (OLD, NEW, None, Account(conflict=1), "modify/delete: the patch changes f, which is not there"),
        (numbered(40), FIRST, None, Account(conflict=2), "modify/delete: the patch changes f, which is not there"),
        (
            OLD,
            NEW,
            (LINK, b"x"),
            Account(conflict=1),
            "mode: the patch makes f from a file a file, on the base it is a symbolic link",
        ),
        # Even where the link holds what the file held.
        (
            OLD,
            NEW,
            (LINK, OLD),
            Account(conflict=1),
            "mode: the patch makes f from a file a file, on the base it is a symbolic link",
        ),
        (
            OLD,
            (LINK, b"x"),
            (EXECUTABLE, OLD),
            Account(conflict=1),
            "mode: the patch makes f from a file a symbolic link, on the base it is an executable file",
        ),
        ((LINK, b"a"), (LINK, b"b"), (LINK, b"c"), Account(conflict=1), "f is a symbolic link, which cannot be merged"),
        (
            (LINK, b"a"),
            (LINK, b"b"),
            b"a",
            Account(conflict=1),
            "mode: the patch makes f from a symbolic link a symbolic link, on the base it is a file",
        ),
        (
            (SUBMODULE, b"a" * 20),
            (SUBMODULE, b"b" * 20),
            (SUBMODULE, b"c" * 20),
            Account(conflict=1),
            "f is a submodule, which cannot be merged",
        ),
        (b"\0a", b"\0b", b"\0c", Account(conflict=1), "binary: f differs from the file the patch changes"),
        (OLD, NEW, OLD + b"\0", Account(conflict=1), "binary: f differs from the file the patch changes"),
    ],
)
def test_refused(
    lab: Lab, old: Content | None, new: Content | None, current: Content | None, account: Account, text: str
) -> None:
    """All hunks are in conflict, and what goes on is what the patch has."""
    was, will, now = (None if content is None else lab.entry(content) for content in (old, new, current))
    settled = settle(lab.objects, BlobChange(path="f", old_path="f", old=was, new=will), now, "f", LABELS)
    assert (settled.entry, settled.status.value, told(settled.account)) == (will, "conflict", account)
    assert settled.conflicts == (Conflict(path="f", hunk=None, text=text),)


def test_conflict_of_lines(lab: Lab) -> None:
    old, new = numbered(40), numbered(40, {5: "theirs\n", 30: "y\n"})
    now = numbered(40, {5: "ours\n"})
    entries = [lab.entry(content) for content in (old, new, now)]
    change = BlobChange(path="f", old_path="f", old=entries[0], new=entries[1])
    settled = settle(lab.objects, change, entries[2], "g", LABELS)
    block = "<<<<<<< ours\nours\n||||||| base\nline 5\n=======\ntheirs\n>>>>>>> theirs\n"
    context = ["line 2\nline 3\nline 4\n", "line 6\nline 7\nline 8\n"]
    assert settled.entry == lab.entry(new)
    assert (settled.status.value, settled.account) == ("conflict", Account(applied=1, conflict=1))
    first = hunk_ids(diff_hunks(old, new))[0]
    assert settled.conflicts == (Conflict(path="g", hunk=first, text=block.join(context)),)
    assert settled.marked == numbered(40, {5: block, 30: "y\n"})


def test_conflict_text_of_any_bytes(lab: Lab) -> None:
    entries = [lab.entry(content) for content in (b"a\xff\n", b"b\n", b"c\n")]
    change = BlobChange(path="f", old_path="f", old=entries[0], new=entries[1])
    (conflict,) = settle(lab.objects, change, entries[2], "f", LABELS).conflicts
    assert conflict.text == "<<<<<<< ours\nc\n||||||| base\na\\xff\n=======\nb\n>>>>>>> theirs\n"


def text_change(data: bytes) -> TextChange:
    (file,) = Patch.parse(data, "p.patch").changes
    return TextChange(file=file)


def diff(old: bytes, new: bytes) -> bytes:
    return b"".join(hunk.render() for hunk in diff_hunks(old, new))


PLAIN = b"--- a/f\n+++ b/f\n" + diff(OLD, NEW)
GIT = b"diff --git a/f b/f\n"
DELETE = b"--- a/f\n+++ /dev/null\n" + diff(OLD, b"")
ADD = b"--- /dev/null\n+++ b/f\n" + diff(b"", NEW)
MODES = b"old mode 100644\nnew mode 100755\n"


@pytest.mark.parametrize(
    ("data", "current", "entry", "status", "account"),
    [
        (PLAIN, OLD, NEW, "clean", Account(applied=1)),
        (PLAIN, b"n\n" + OLD, b"n\n" + NEW, "offset", Account(applied=1)),
        (PLAIN, NEW, NEW, "upstream", Account(present=1)),
        (PLAIN, (EXECUTABLE, OLD), (EXECUTABLE, NEW), "clean", Account(applied=1)),
        # An index line states the mode and changes none.
        (
            GIT + b"index aaaaaaa..bbbbbbb 100644\n" + PLAIN,
            (EXECUTABLE, OLD),
            (EXECUTABLE, NEW),
            "clean",
            Account(applied=1),
        ),
        (GIT + MODES, OLD, (EXECUTABLE, OLD), "clean", Account()),
        (GIT + MODES, (EXECUTABLE, OLD), (EXECUTABLE, OLD), "upstream", Account()),
        (GIT + MODES + PLAIN, OLD, (EXECUTABLE, NEW), "clean", Account(applied=1)),
        (GIT + MODES + PLAIN, NEW, (EXECUTABLE, NEW), "offset", Account(present=1)),
        (ADD, None, NEW, "clean", Account(applied=1)),
        (ADD, NEW, NEW, "upstream", Account(present=1)),
        (GIT + b"new file mode 100755\n" + ADD, None, (EXECUTABLE, NEW), "clean", Account(applied=1)),
        (
            GIT + b"new file mode 120000\n--- /dev/null\n+++ b/f\n" + diff(b"", b"x"),
            None,
            (LINK, b"x"),
            "clean",
            Account(applied=1),
        ),
        (
            GIT
            + b"new file mode 160000\n--- /dev/null\n+++ b/f\n"
            + diff(b"", b"Subproject commit " + b"61" * 20 + b"\n"),
            None,
            (SUBMODULE, b"a" * 20),
            "clean",
            Account(applied=1),
        ),
        (GIT + b"new file mode 100644\n", None, b"", "clean", Account()),
        # GNU patch: -0,0 is an empty file, or none.
        (b"--- a/f\n+++ b/f\n" + diff(b"", NEW), None, NEW, "clean", Account(applied=1)),
        (b"--- a/f\n+++ b/f\n" + diff(b"", NEW), b"", NEW, "clean", Account(applied=1)),
        (DELETE, OLD, None, "clean", Account(applied=1)),
        (DELETE, None, None, "upstream", Account(present=1)),
        (GIT + b"deleted file mode 100644\n", b"", None, "clean", Account()),
        (b"--- a/f\n+++ b/f\n" + diff(OLD, b""), OLD, b"", "clean", Account(applied=1)),
    ],
)
def test_settled_without_blobs(
    lab: Lab, data: bytes, current: Content | None, entry: Content | None, status: str, account: Account
) -> None:
    now, wanted = (None if content is None else lab.entry(content) for content in (current, entry))
    settled = settle_text(lab.objects, text_change(data), now, "f")
    assert (settled.entry, settled.status.value, told(settled.account), settled.conflicts) == (
        wanted,
        status,
        account,
        (),
    )


@pytest.mark.parametrize(
    ("data", "current", "entry", "account", "hunk", "text"),
    [
        (
            ADD,
            OLD,
            NEW,
            Account(conflict=1),
            None,
            "add/add: the patch adds f, and the base has a different file there",
        ),
        (
            ADD,
            b"",
            NEW,
            Account(conflict=1),
            None,
            "add/add: the patch adds f, and the base has a different file there",
        ),
        (PLAIN, None, None, Account(conflict=1), None, "modify/delete: the patch changes f, which is not there"),
        (
            GIT + b"index aaaaaaa..bbbbbbb 100644\n--- a/f\n+++ b/f\n" + diff(b"", NEW),
            None,
            None,
            Account(conflict=1),
            None,
            "modify/delete: the patch changes f, which is not there",
        ),
        (PLAIN, (LINK, b"x"), (LINK, b"x"), Account(conflict=1), None, "f is a symbolic link, which has no lines"),
        (
            PLAIN,
            (SUBMODULE, b"x" * 20),
            (SUBMODULE, b"x" * 20),
            Account(conflict=1),
            None,
            "f is a submodule, which has no lines",
        ),
        (
            GIT + b"old mode 100755\nnew mode 120000\n" + PLAIN,
            OLD,
            OLD,
            Account(conflict=1),
            None,
            "mode: f is a file on the base",
        ),
        (
            GIT + b"new file mode 160000\n--- /dev/null\n+++ b/f\n" + diff(b"", b"x\n"),
            None,
            None,
            Account(conflict=1),
            None,
            "f is a submodule, and no line says which commit of it",
        ),
        (
            DELETE,
            OLD + b"more\n",
            OLD + b"more\n",
            Account(conflict=1),
            None,
            "delete/modify: f has more than the patch deletes",
        ),
        (
            GIT + b"deleted file mode 100644\n",
            OLD,
            OLD,
            Account(),
            None,
            "delete/modify: f has more than the patch deletes",
        ),
        (
            PLAIN,
            numbered(20, {9: "n\n"}),
            numbered(20, {9: "n\n"}),
            Account(conflict=1),
            ID_10,
            "its 7 lines of pre-image, wanted at line 7, are nowhere in the file\n" + diff(OLD, NEW).decode(),
        ),
        (
            GIT + b"index aaaaaaa..bbbbbbb 100644\nBinary files a/f and b/f differ\n",
            OLD,
            None,
            Account(conflict=1),
            None,
            "binary: needs the blobs it was made from; name a source that has them",
        ),
    ],
)
def test_refused_without_blobs(
    lab: Lab,
    data: bytes,
    current: Content | None,
    entry: Content | None,
    account: Account,
    hunk: str | None,
    text: str,
) -> None:
    now, wanted = (None if content is None else lab.entry(content) for content in (current, entry))
    settled = settle_text(lab.objects, text_change(data), now, "f")
    assert (settled.entry, settled.status.value, told(settled.account)) == (wanted, "conflict", account)
    assert settled.conflicts == (Conflict(path="f", hunk=hunk, text=text),)
