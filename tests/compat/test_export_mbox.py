# SPDX-License-Identifier: MIT
"""`git am` makes of an exported mbox the tree, authors, dates and messages of the result."""

from __future__ import annotations

import re
from pathlib import Path

import pygit2
import pytest

from mptcp_series.engine.exchange.importing import import_mbox
from mptcp_series.engine.queue import Queue
from mptcp_series.minikernel.history import Changes, FileEntry

from .conftest import AUTHOR, MAKEFILE, Git, numbered, replayed, start

LONG = "mptcp: " + "a subject so long that git format-patch folds it over several lines of the header " * 3
MESSAGES = [
    "mptcp: plain\n\nWhy.\n\nSigned-off-by: A <a@example.org>\n",
    LONG.strip() + "\n\nBody.\n",
    "mptcp: Grüße aus München — with a dash\n\nUmlauts in the body: äöü.\n",
    "[mptcp-next] mptcp: a bracket that belongs to the subject\n",
    "mptcp: [RFC] brackets inside\n",
    "mptcp: body with a diff\n\nBefore:\n\n    --- a/x\n    +++ b/x\n    @@ -1 +1 @@\n\nAfter.\n",
    "mptcp: no body\n",
    'mptcp: an = sign, =?a question?= and "quotes"\n\nFrom here on it works.\n',
    "mptcp:  two  blanks   in the subject\n\nText.\n",
]
AUTHORS = [
    ("Paolo Tester", "paolo@example.org", 0),
    ("Müller, Jörg", "joerg@example.org", 120),
    ("Dr. A. Person (ret.)", "a.person@example.org", -480),
    ('Nick "Nack" Name', "nick@example.org", 330),
    ("王小明", "wang@example.org", 480),
]
CHANGES: list[Changes] = [
    {"net/mptcp/a.c": numbered(60, {20: "twenty\n"})},
    {"net/mptcp/latin1.c": "/* Müller */\n".encode("latin-1") + numbered(9, {5: "five\n"})},
    {"net/mptcp/new.c": numbered(10, word="new"), "net/mptcp/run.sh": FileEntry(mode=0o100755, data=b"echo\n")},
    {"net/mptcp/gone.c": None},
    {"net/mptcp/old.c": None, "net/mptcp/renamed.c": numbered(30, {3: "three\n"}, word="old")},
    {"net/mptcp/nofinal.c": b"first\nlast, not ended"},
    {"net/mptcp/blob.bin": bytes(range(256)) * 3},
    {"net/mptcp/run.sh": FileEntry(mode=0o100644, data=b"echo\n")},
    {"net/mptcp/link": FileEntry(mode=0o120000, data=b"a.c")},
]


def history(directory: Path) -> Git:
    git, builder = start(directory)
    base: Changes = {
        "Makefile": MAKEFILE,
        "net/mptcp/a.c": numbered(60),
        "net/mptcp/latin1.c": "/* Müller */\n".encode("latin-1") + numbered(9),
        "net/mptcp/gone.c": numbered(5, word="gone"),
        "net/mptcp/old.c": numbered(30, word="old"),
    }
    builder.commit("base", base, "base\n", AUTHOR, 1_000_000)
    builder.tag("start", "base", "start\n", AUTHOR, 1_000_000)
    builder.fork("scratch", "base")
    for number, changes in enumerate(CHANGES):
        builder.commit("scratch", changes, f"{number}\n", AUTHOR, 1_000_001 + number)
    builder.commit("base", {"net/mptcp/a.c": b"/* moved */\n" + numbered(60)}, "moved\n", AUTHOR, 1_000_100)
    builder.publish("base", "scratch")
    # The builder knows one zone only; these commits have people of everywhere.
    repo = pygit2.Repository(str(directory))
    parent = repo.revparse_single("start").peel(pygit2.Commit).id
    trees = git.run("rev-list", "--reverse", "start..scratch").split()
    for number, commit in enumerate(trees):
        name, email, offset = AUTHORS[number % len(AUTHORS)]
        author = pygit2.Signature(name, email, 1_600_000_000 + number * 3600, offset, "utf-8")
        tree = repo[commit].peel(pygit2.Tree).id
        parent = repo.create_commit(None, author, author, MESSAGES[number % len(MESSAGES)], tree, [parent])
    repo.references.create("refs/heads/queue", parent)
    return git


def account(git: Git, range: str) -> list[str]:
    """Author, date, subject and body of every commit.

    An export quotes lines of a message with `> ` that tools would take for a diff, a header or the next mail.
    """
    text = git.run("log", "--reverse", "--format=%an|%ae|%ad|%s|%b%x01", "--date=raw", range)
    return re.sub(r"(?m)^> ", "", text).split("\x01")


@pytest.mark.parametrize("arguments", [(), ("--3way",), ("--keep-cr",)])
def test_git_am_gives_the_same_commits(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Without --keep-non-patch git am takes every bracket at the start of a subject away; several blanks in it
    become one in any case."""
    git = history(tmp_path / "repo.git")
    result = replayed(tmp_path / "series", git.directory, "start..queue", "base").require()
    assert len(result.patches) == len(CHANGES)
    result.export(tmp_path / "queue.mbox", format="mbox")
    result.write_branch("result")
    git.run("worktree", "add", "-b", "am", str(tmp_path / "work"), "base")
    work = Git(tmp_path / "work")
    work.run("am", "--keep-non-patch", *arguments, str(tmp_path / "queue.mbox"))
    assert work.run("rev-parse", "HEAD^{tree}") == result.tree
    assert account(git, "base..am") == [
        text.replace("mptcp:  two  blanks   in", "mptcp: two blanks in") for text in account(git, "base..result")
    ]


def test_git_am_makes_the_same_of_it_as_of_its_own_mbox(tmp_path: Path) -> None:
    git = history(tmp_path / "repo.git")
    result = replayed(tmp_path / "series", git.directory, "start..queue", "base").require()
    result.export(tmp_path / "ours.mbox", format="mbox")
    result.write_branch("result")
    mails = git.run("format-patch", "--stdout", "--binary", "base..result")
    (tmp_path / "gits.mbox").write_bytes((mails + "\n").encode("utf-8", "surrogateescape"))
    for name in ("ours", "gits"):
        git.run("worktree", "add", "-b", name, str(tmp_path / name), "base")
        Git(tmp_path / name).run("am", str(tmp_path / f"{name}.mbox"))
    assert account(git, "base..ours") == account(git, "base..gits")
    assert git.run("rev-parse", "ours^{tree}") == result.tree


def test_exported_mbox_is_imported_again(tmp_path: Path) -> None:
    """The same tree, authors and subjects from the mails alone; the binary file needs the repository's blobs."""
    git = history(tmp_path / "repo.git")
    first = replayed(tmp_path / "series", git.directory, "start..queue~3", "base").require()
    first.export(tmp_path / "queue.mbox", format="mbox")
    first.write_branch("first")
    import_mbox(tmp_path / "queue.mbox").write(tmp_path / "imported")
    second = Queue.load(tmp_path / "imported").apply(git.directory, base="base", align=False).require()
    assert second.tree == first.tree
    second.write_branch("second")
    # As git am does, an import takes every bracket at the start of a subject away.
    assert account(git, "base..second") == [text.replace("|[mptcp-next] ", "|") for text in account(git, "base..first")]
