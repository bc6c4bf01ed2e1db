# SPDX-License-Identifier: MIT
"""The replay of a queue: statuses, accounts, commits, renames, and what no patch may lose."""

from __future__ import annotations

import re

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mptcp_series.engine.exchange.render import render_patch
from mptcp_series.engine.replay.change import hunk_count
from mptcp_series.engine.replay.commits import default_committer
from mptcp_series.engine.replay.item import Item, read_commit
from mptcp_series.engine.replay.replay import Replay
from mptcp_series.engine.store.objects import EXECUTABLE, LINK, Oid, hexed
from mptcp_series.errors import UnsafePath
from mptcp_series.values.person import Person
from mptcp_series.values.result import Account

from .conftest import Content, Files, Lab, Run, numbered

OLD, NEW = numbered(30), numbered(30, {15: "x\n"})
EDITED = numbered(30, {2: "edited\n"})
BOTH = numbered(30, {2: "edited\n", 15: "x\n"})
OTHER = numbered(30, {15: "y\n"})


def one(lab: Lab, before: Files, after: Files, base: Files) -> Run:
    return lab.replay(base, lab.pick(before, after))


@pytest.mark.parametrize(
    ("before", "after", "base", "files", "told"),
    [
        ({"f": OLD}, {"f": NEW}, {"f": OLD}, {"f": NEW}, ("clean", [("f", "clean")], Account(applied=1), [])),
        (
            {"f": OLD},
            {"f": NEW},
            {"f": b"n\n" + OLD},
            {"f": b"n\n" + NEW},
            ("offset", [("f", "offset")], Account(applied=1), []),
        ),
        (
            {"f": OLD, "g": OLD},
            {"f": NEW, "g": NEW},
            {"f": NEW, "g": OLD},
            {"f": NEW, "g": NEW},
            ("clean", [("f", "upstream"), ("g", "clean")], Account(applied=1, present=1), []),
        ),
        ({"f": OLD}, {"f": NEW}, {"f": NEW}, {"f": NEW}, ("upstream", [("f", "upstream")], Account(present=1), [])),
        (
            {"f": OLD, "g": OLD},
            {"f": NEW, "g": NEW},
            {"f": OTHER, "g": OLD},
            {"f": NEW, "g": NEW},
            ("conflict", [("f", "conflict"), ("g", "clean")], Account(applied=1, conflict=1), [("f", "fbce24cf62bb")]),
        ),
        (
            {},
            {"d/f": OLD},
            {"d": (LINK, b"x")},
            {"d": (LINK, b"x")},
            ("conflict", [("d/f", "conflict")], Account(conflict=1), [("d/f", None)]),
        ),
        (
            {"d/f": OLD},
            {"d/f": NEW},
            {"d": (LINK, b"e"), "e/f": b"other\n"},
            {"d": (LINK, b"e"), "e/f": b"other\n"},
            ("conflict", [("d/f", "conflict")], Account(conflict=1), [("d/f", None), ("d/f", None)]),
        ),
        # A directory that becomes a file, and a file that becomes a directory.
        (
            {"d/f": OLD, "d/g": OLD},
            {"d": NEW},
            {"d/f": OLD, "d/g": OLD},
            {"d": NEW},
            ("clean", [("d", "clean"), ("d/f", "clean"), ("d/g", "clean")], Account(applied=3), []),
        ),
        (
            {"d": b"1\n2\n"},
            {"d/f": OLD},
            {"d": b"1\n2\n"},
            {"d/f": OLD},
            ("clean", [("d", "clean"), ("d/f", "clean")], Account(applied=2), []),
        ),
        # The base has one file more in it.
        (
            {"d/f": b"1\n"},
            {"d": NEW},
            {"d/f": b"1\n", "d/z": b"2\n"},
            {"d/z": b"2\n"},
            ("conflict", [("d", "conflict"), ("d/f", "clean")], Account(applied=1, conflict=1), [("d", None)]),
        ),
        # A mode alone is a change, and has no hunk.
        (
            {"f": OLD},
            {"f": (EXECUTABLE, OLD)},
            {"f": NEW},
            {"f": (EXECUTABLE, NEW)},
            ("merged", [("f", "merged")], Account(), []),
        ),
        # An empty file too.
        ({}, {"f": b""}, {}, {"f": b""}, ("clean", [("f", "clean")], Account(), [])),
    ],
)
def test_statuses(
    lab: Lab,
    before: Files,
    after: Files,
    base: Files,
    files: Files,
    told: tuple[str, list[tuple[str, str]], Account, list[tuple[str, str | None]]],
) -> None:
    keep: dict[str, Content] = {"keep": b"kept\n"}
    run = one(lab, {**keep, **before}, {**keep, **after}, {**keep, **base})
    assert (run.told, run.files) == (told, {**keep, **files})
    assert (run.only.result_commit is None) == (told[0] in ("upstream", "conflict"))


@pytest.mark.parametrize(
    ("before", "after", "base", "files", "told"),
    [
        # The patch renames, with edits; the base has other edits.
        (
            {"f": OLD},
            {"g": NEW},
            {"f": OLD},
            {"g": NEW},
            ("clean", [("f", "clean"), ("g", "clean")], Account(applied=2), []),
        ),
        (
            {"f": OLD},
            {"g": NEW},
            {"f": EDITED},
            {"g": BOTH},
            ("offset", [("f", "offset"), ("g", "offset")], Account(applied=2), []),
        ),
        (
            {"f": OLD},
            {"g": NEW},
            {"f": OTHER},
            {"g": NEW},
            ("conflict", [("f", "conflict"), ("g", "conflict")], Account(conflict=2), [("g", "fbce24cf62bb")]),
        ),
        (
            {"f": OLD},
            {"g": OLD},
            {"f": EDITED},
            {"g": EDITED},
            ("merged", [("f", "merged"), ("g", "merged")], Account(applied=2), []),
        ),
        # It is renamed already.
        (
            {"f": OLD},
            {"g": NEW},
            {"g": NEW},
            {"g": NEW},
            ("upstream", [("g", "upstream")], Account(present=2), []),
        ),
        # It is renamed, the edits are missing.
        (
            {"f": OLD},
            {"g": NEW},
            {"g": EDITED},
            {"g": BOTH},
            ("offset", [("g", "offset")], Account(applied=2), []),
        ),
        # Another file is where it goes to.
        (
            {"f": OLD},
            {"g": NEW},
            {"f": OLD, "g": b"other\n"},
            {"g": NEW},
            ("conflict", [("f", "conflict"), ("g", "conflict")], Account(conflict=2), [("g", None)]),
        ),
        # It is gone.
        (
            {"f": OLD},
            {"g": NEW},
            {},
            {"g": NEW},
            ("conflict", [("f", "conflict"), ("g", "conflict")], Account(conflict=2), [("g", None)]),
        ),
        # The base renames, exactly or with edits: the patch follows.
        ({"f": OLD}, {"f": NEW}, {"b": OLD}, {"b": NEW}, ("clean", [("b", "clean")], Account(applied=1), [])),
        ({"f": OLD}, {"f": NEW}, {"b": EDITED}, {"b": BOTH}, ("offset", [("b", "offset")], Account(applied=1), [])),
        (
            {"f": OLD},
            {"f": NEW},
            {"b": b"quite another\n"},
            {"b": b"quite another\n", "f": NEW},
            ("conflict", [("f", "conflict")], Account(conflict=1), [("f", None)]),
        ),
        # What the patch deletes, the base has elsewhere.
        (
            {"f": OLD},
            {},
            {"b": EDITED},
            {"b": EDITED},
            ("conflict", [("f", "conflict")], Account(conflict=1), [("f", None)]),
        ),
        (
            {"f": OLD},
            {},
            {"b": b"another\n"},
            {"b": b"another\n"},
            ("upstream", [("f", "upstream")], Account(present=1), []),
        ),
        # Both rename, to different places.
        (
            {"f": OLD},
            {"g": NEW},
            {"b": OLD},
            {"g": NEW},
            ("conflict", [("b", "conflict"), ("g", "conflict")], Account(conflict=2), [("g", None)]),
        ),
    ],
)
def test_renames(
    lab: Lab,
    before: Files,
    after: Files,
    base: Files,
    files: Files,
    told: tuple[str, list[tuple[str, str]], Account, list[tuple[str, str | None]]],
) -> None:
    keep: dict[str, Content] = {"keep": b"kept\n"}
    run = one(lab, {**keep, **before}, {**keep, **after}, {**keep, **base})
    assert (run.told, run.files) == (told, {**keep, **files})


def test_followed_rename_names_both_paths(lab: Lab) -> None:
    run = one(lab, {"f": OLD}, {"f": NEW}, {"b": OLD})
    assert [(path.path, path.source_path) for path in run.only.paths] == [("b", "f")]


def test_a_rename_by_an_earlier_patch_is_followed(lab: Lab) -> None:
    """Also after the finder looked for another file, and found none."""
    first = lab.pick({"f": OLD, "h": b"h\n", "k": b"k\n"}, {"f": OLD, "h": b"h\n", "k": b"K\n"}, name="lost.patch")
    moves = lab.patch(b"diff --git a/f b/sub/f\nsimilarity index 100%\nrename from f\nrename to sub/f\n", "moves.patch")
    edits = lab.pick({"f": OLD}, {"f": NEW}, name="edits.patch")
    run = lab.replay({"f": OLD, "h": b"h\n"}, first, moves, edits)
    assert [(outcome.status.value, [path.path for path in outcome.paths]) for outcome in run.replayed.outcomes] == [
        ("conflict", ["k"]),
        ("clean", ["f", "sub/f"]),
        ("clean", ["sub/f"]),
    ]
    assert run.files["sub/f"] == NEW


RENAME = b"diff --git a/f b/g\nsimilarity index 100%\nrename from f\nrename to g\n"
EDITS = b"--- a/f\n+++ b/g\n@@ -14,3 +14,3 @@\n line 14\n-line 15\n+x\n line 16\n"
COPY = b"diff --git a/f b/g\nsimilarity index 90%\ncopy from f\ncopy to g\n"


@pytest.mark.parametrize(
    ("data", "base", "files", "told"),
    [
        (RENAME, {"f": OLD}, {"g": OLD}, ("clean", [("f", "clean"), ("g", "clean")], Account(), [])),
        (RENAME, {"g": OLD}, {"g": OLD}, ("upstream", [("f", "upstream"), ("g", "upstream")], Account(), [])),
        (
            RENAME + EDITS,
            {"f": EDITED},
            {"g": BOTH},
            ("clean", [("f", "clean"), ("g", "clean")], Account(applied=1), []),
        ),
        (
            RENAME + EDITS,
            {"f": NEW},
            {"g": NEW},
            ("merged", [("f", "merged"), ("g", "merged")], Account(present=1), []),
        ),
        (
            RENAME + EDITS,
            {"g": EDITED},
            {"g": BOTH},
            ("clean", [("f", "clean"), ("g", "clean")], Account(applied=1), []),
        ),
        (
            RENAME + EDITS,
            {"g": NEW},
            {"g": NEW},
            ("upstream", [("f", "upstream"), ("g", "upstream")], Account(present=1), []),
        ),
        (
            RENAME + EDITS,
            {"f": OLD, "g": OLD},
            {"g": NEW},
            ("conflict", [("f", "conflict"), ("g", "conflict")], Account(conflict=1), [("g", None)]),
        ),
        (
            RENAME + EDITS,
            {},
            {},
            ("conflict", [("f", "conflict"), ("g", "conflict")], Account(conflict=1), [("g", None)]),
        ),
        (COPY, {"f": OLD}, {"f": OLD, "g": OLD}, ("clean", [("g", "clean")], Account(), [])),
        (COPY + EDITS, {"f": EDITED}, {"f": EDITED, "g": BOTH}, ("clean", [("g", "clean")], Account(applied=1), [])),
        (
            COPY + EDITS,
            {"f": OLD, "g": NEW},
            {"f": OLD, "g": NEW},
            ("upstream", [("g", "upstream")], Account(present=1), []),
        ),
        (
            COPY + EDITS,
            {"f": OLD, "g": b"g\n"},
            {"f": OLD, "g": NEW},
            ("conflict", [("g", "conflict")], Account(conflict=1), [("g", None)]),
        ),
    ],
)
def test_renames_and_copies_without_blobs(
    lab: Lab,
    data: bytes,
    base: Files,
    files: Files,
    told: tuple[str, list[tuple[str, str]], Account, list[tuple[str, str | None]]],
) -> None:
    keep: dict[str, Content] = {"keep": b"kept\n"}
    run = lab.replay({**keep, **base}, lab.patch(b"x\n---\n" + data))
    assert (run.told, run.files) == (told, {**keep, **files})
    assert (run.only.result_commit is not None) == (run.told[0] in ("clean", "merged"))


def test_a_patch_that_names_a_file_twice_is_accounted_for_twice(lab: Lab) -> None:
    again = b"--- a/f\n+++ b/f\n@@ -24,3 +24,3 @@\n line 24\n-line 25\n+z\n line 26\n"
    run = lab.replay({"f": OLD}, lab.patch(b"x\n---\n" + EDITS.replace(b"b/g", b"b/f") + again))
    assert run.told == ("clean", [("f", "clean")], Account(applied=2), [])
    assert run.files == {"f": numbered(30, {15: "x\n", 25: "z\n"})}


def test_a_patch_that_cancels_itself_leaves_nothing(lab: Lab) -> None:
    forth = b"--- a/f\n+++ b/f\n@@ -14,3 +14,3 @@\n line 14\n-line 15\n+x\n line 16\n"
    back = b"--- a/f\n+++ b/f\n@@ -14,3 +14,3 @@\n line 14\n-x\n+line 15\n line 16\n"
    after = lab.pick({"f": OLD}, {"f": EDITED}, name="after.patch")
    run = lab.replay({"f": OLD}, lab.patch(b"x\n---\n" + forth + back), after)
    assert [outcome.status.value for outcome in run.replayed.outcomes] == ["upstream", "clean"]
    (step,) = run.replayed.steps
    assert [(change.path, change.old, change.new) for change in step.changes] == [
        ("f", lab.entry(OLD), lab.entry(EDITED))
    ]


THROUGH = b"diff --git a/%b b/%b\n--- a/%b\n+++ b/%b\n@@ -1 +1 @@\n-a\n+b\n"
NEW_FILE = b"diff --git a/%b b/%b\nnew file mode 100644\n--- /dev/null\n+++ b/%b\n@@ -0,0 +1 @@\n+b\n"


def test_a_patch_file_that_goes_through_a_link_is_bad_input(lab: Lab) -> None:
    base: Files = {"l": (LINK, b"../outside"), "d/l": (LINK, b"/etc"), "e/f": b"a\n"}
    data = b"".join(
        template.replace(b"%b", path)
        for template, path in ((THROUGH, b"e/f"), (NEW_FILE, b"d/l/x"), (THROUGH, b"l/a/b"))
    )
    with pytest.raises(UnsafePath) as caught:
        lab.replay(base, lab.patch(b"x\n---\n" + data))
    assert str(caught.value) == (
        "change.patch:9: changes d/l/x, and d/l is a symbolic link on base; patch the file where it is\n"
        "change.patch:15: changes l/a/b, and l is a symbolic link on base; patch the file where it is"
    )


def test_a_link_that_an_earlier_patch_makes_is_no_way_out(lab: Lab) -> None:
    link = b"diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+/etc\n"
    with pytest.raises(UnsafePath, match=r"two\.patch:3: changes l/x, and l is a symbolic link"):
        lab.replay(
            {"f": b"a\n"},
            lab.patch(b"x\n---\n" + link + b"\\ No newline at end of file\n", "one.patch"),
            lab.patch(b"x\n---\n" + NEW_FILE.replace(b"%b", b"l/x"), "two.patch"),
        )


def test_a_link_may_become_a_directory(lab: Lab) -> None:
    gone = b"diff --git a/l b/l\ndeleted file mode 120000\n--- a/l\n+++ /dev/null\n@@ -1 +0,0 @@\n-/etc\n"
    data = b"x\n---\n" + gone + b"\\ No newline at end of file\n" + NEW_FILE.replace(b"%b", b"l/x")
    assert lab.replay({"l": (LINK, b"/etc")}, lab.patch(data)).files == {"l/x": b"b\n"}


def test_reverse(lab: Lab) -> None:
    assert lab.replay({"f": NEW}, lab.pick({"f": OLD}, {"f": NEW}, reverse=True)).files == {"f": OLD}
    assert lab.replay({"g": NEW}, lab.pick({"f": OLD}, {"g": NEW}, reverse=True)).files == {"f": OLD}
    assert lab.replay({"g": NEW}, lab.patch(b"x\n---\n" + RENAME + EDITS, reverse=True)).files == {"f": OLD}
    plain = b"x\n---\n" + EDITS.replace(b"b/g", b"b/f")
    assert lab.replay({"f": NEW}, lab.patch(plain, reverse=True)).files == {"f": OLD}


BINARY = [b"\0old", b"\0new"]


def binary_patch(lab: Lab) -> bytes:
    item = lab.pick({"f": BINARY[0]}, {"f": BINARY[1]})
    (change,) = item.changes
    return render_patch(lab.objects, item.raw, [change])  # type: ignore[list-item]


def test_binary_patch_without_blobs(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = binary_patch(lab)
    fresh = Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("fresh")), bare=True))
    run = fresh.replay({"f": BINARY[0]}, fresh.patch(data))
    assert (run.told[0], run.files) == ("clean", {"f": BINARY[1]})
    assert fresh.replay({"f": BINARY[1]}, fresh.patch(data)).told[0] == "upstream"
    # Its second block is the way back; without it there is none.
    other = Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("other")), bare=True))
    back = other.replay({"f": BINARY[1]}, other.patch(data, reverse=True))
    assert (back.told[0], back.files) == ("clean", {"f": BINARY[0]})
    cut = data[: data.rindex(b"literal ")]
    other = Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("cut")), bare=True))
    reverse = other.replay({"f": BINARY[1]}, other.patch(cut, reverse=True))
    assert [conflict.text for conflict in reverse.only.conflicts] == [
        "binary: needs the blobs it was made from; name a source that has them"
    ]
    wrong = other.replay({"f": b"\0third"}, other.patch(data))
    assert [conflict.text for conflict in wrong.only.conflicts] == ["binary: f differs from the file the patch changes"]
    # Where both images are at hand, it goes either way.
    assert lab.replay({"f": BINARY[1]}, lab.patch(data, reverse=True)).files == {"f": BINARY[0]}


# Commits.


def commits(run: Run, lab: Lab) -> list[bytes]:
    return [lab.objects.read(step.commit) for step in run.replayed.steps]


def test_commit_whole(lab: Lab) -> None:
    """Author, date and message of the original; provenance; a fixed committer. So ids never change."""
    item = lab.pick({"f": OLD}, {"f": NEW}, message="mptcp: x\n\nbody\n\nSigned-off-by: a <a@b>\n")
    run = lab.replay({"f": b"n\n" + OLD}, item)
    base = lab.commit({"f": b"n\n" + OLD}, "base\n")
    assert item.commit is not None
    assert commits(run, lab) == [
        b"tree " + hexed(lab.tree({"f": b"n\n" + NEW})).encode() + b"\n"
        b"parent " + base.encode() + b"\n"
        b"author Paolo Tester <paolo@example.org> 1612137600 +0100\n"
        b"committer mptcp_series <mptcp-series@localhost> 1612137600 +0100\n\n"
        b"mptcp: x\n\ncommit " + item.commit.encode() + b" upstream.\n\nbody\n\nSigned-off-by: a <a@b>\n"
    ]
    assert (item.commit, run.only.result_commit) == (LITERAL_PICK, LITERAL_RESULT)


LITERAL_PICK = "c43637a05b1efd6dabe987dc4bd5973c9c50476b"
LITERAL_RESULT = "325316269e290b807cd3fb8aa97bbf63bda2e3bd"


@pytest.mark.parametrize(
    ("message", "result"),
    [
        ("mptcp: x\n", "mptcp: x\n\ncommit {} upstream.\n"),
        ("mptcp: x", "mptcp: x\n\ncommit {} upstream.\n"),
        ("mptcp: x\n\ncommit " + "a" * 40 + " upstream.\n", "mptcp: x\n\ncommit " + "a" * 40 + " upstream.\n"),
        ("mptcp: x\n\n[ Upstream commit " + "a" * 40 + " ]\n", "mptcp: x\n\n[ Upstream commit " + "a" * 40 + " ]\n"),
    ],
)
def test_provenance(lab: Lab, message: str, result: str) -> None:
    item = lab.pick({"f": OLD}, {"f": NEW}, message=message)
    (commit,) = commits(lab.replay({"f": OLD}, item), lab)
    assert commit.partition(b"\n\n")[2].decode() == result.format(item.commit)


def test_materialised_patch_has_provenance_only_with_a_pin(lab: Lab) -> None:
    data = b"From: A <a@b>\nDate: Mon, 1 Feb 2021 01:00:00 +0100\nSubject: [PATCH] y\n\nwhy\n---\n" + EDITS.replace(
        b"b/g", b"b/f"
    )
    pin = "a" * 40
    for item, message in (
        (lab.patch(data), b"y\n\nwhy\n"),
        (lab.patch(data, pin=pin), b"y\n\ncommit " + pin.encode() + b" upstream.\n\nwhy\n"),
    ):
        (commit,) = commits(lab.replay({"f": OLD}, item), lab)
        assert commit.partition(b"\n\n")[2] == message
        assert b"\nauthor A <a@b> 1612137600 +0100\n" in commit


def raw_pick(lab: Lab, head: bytes, message: bytes) -> Item:
    """A pinned patch whose commit object has these lines and this message."""
    before = lab.commit({"f": OLD})
    data = b"tree %s\nparent %s\n" % (hexed(lab.tree({"f": NEW})).encode(), before.encode()) + head + b"\n" + message
    pin = lab.repo.write(pygit2.enums.ObjectType.COMMIT, data)
    return lab.pinned(str(pin))


def test_bytes_and_encoding_are_kept(lab: Lab) -> None:
    head = (
        b"author J\xf6rg <j@x> 1612137600 -0330\ncommitter C <c@x> 1612137601 +0000\n"
        b"encoding ISO-8859-1\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n author not me\n -----END PGP SIGNATURE-----\n"
    )
    item = raw_pick(lab, head, b"caf\xe9\n\nbody \xff\n")
    assert item.commit is not None
    assert item.raw == read_commit(lab.repo[item.commit].read_raw())
    (commit,) = commits(lab.replay({"f": OLD}, item), lab)
    assert re.sub(rb"(tree|parent) [0-9a-f]{40}\n", b"", commit) == (
        b"author J\xf6rg <j@x> 1612137600 -0330\ncommitter mptcp_series <mptcp-series@localhost> 1612137600 -0330\n"
        b"encoding ISO-8859-1\n\ncaf\xe9\n\ncommit " + item.commit.encode() + b" upstream.\n\nbody \xff\n"
    )


@pytest.mark.parametrize(
    ("author", "date"),
    [
        (b"A <a@b> 1 +0100", b"1 +0100"),
        (b"A <a> b> 12 -9999", b"12 -9999"),
        (b"A <a@b>", b"0 +0000"),
        (b"A <a@b> x +0100", b"0 +0000"),
        (b"", b"0 +0000"),
        (b"A <a@b> 1612137600 +051800", b"1612137600 +0000"),
        (b"A <a@b> 1612137600", b"1612137600 +0000"),
    ],
)
def test_default_committer(author: bytes, date: bytes) -> None:
    assert default_committer(author) == b"mptcp_series <mptcp-series@localhost> " + date


def test_committer_given_keeps_the_dates(lab: Lab) -> None:
    base: dict[str, Content] = {"f": OLD}
    item = lab.pick(base, {"f": NEW})
    replay = Replay(
        objects=lab.objects,
        base=bytes.fromhex(lab.commit(base)),
        base_tree=lab.tree(base),
        base_name="base",
        committer=Person(name="B <x>", email="b@c", time=99, offset=99),
    )
    replay.run([item])
    (outcome,) = replay.run([]).steps
    assert b"\ncommitter B x <b@c> 1612137600 +0100\n" in lab.objects.read(outcome.commit)


def test_upstream_and_skipped_make_no_commit_and_conflicts_end_them(lab: Lab) -> None:
    def pick(number: int, before: bytes, after: bytes) -> Item:
        return lab.pick({"f": before}, {"f": after}, name=f"{number}.patch")

    one_two = numbered(30, {15: "x\n", 25: "2\n"})
    items = [pick(1, OLD, NEW), pick(2, OLD, NEW), pick(3, OLD, OTHER), pick(4, NEW, one_two), pick(5, OLD, EDITED)]
    run = lab.replay({"f": OLD}, *items)
    assert [
        (outcome.name, outcome.status.value, outcome.result_commit is not None) for outcome in run.replayed.outcomes
    ] == [
        ("1.patch", "clean", True),
        ("2.patch", "upstream", False),
        ("3.patch", "conflict", False),
        ("4.patch", "offset", False),
        ("5.patch", "offset", False),
    ]
    # The branch of a partial run ends before the conflict; the dry run goes on with the patch's lines.
    assert (run.replayed.complete, run.replayed.tree) == (False, lab.tree({"f": NEW}))
    assert run.files == {"f": numbered(30, {2: "edited\n", 15: "y\n", 25: "2\n"})}
    assert [step.name for step in run.replayed.steps] == ["1.patch"]
    assert hexed(run.replayed.commit) == run.replayed.outcomes[0].result_commit


def test_progress(lab: Lab) -> None:
    seen: list[tuple[int, int]] = []
    replay = Replay(objects=lab.objects, base=bytes(20), base_tree=lab.tree({}), base_name="base")
    replay.run([lab.pick({}, {"f": OLD}), lab.pick({}, {"g": OLD})], lambda done, every: seen.append((done, every)))
    assert seen == [(1, 2), (2, 2)]


# Laws over random histories.

TEXT = st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"d\n"]), max_size=10).map(b"".join)
CONTENT: st.SearchStrategy[Content] = st.one_of(
    TEXT, TEXT.map(lambda text: (EXECUTABLE, text)), st.just((LINK, b"f")), st.just(b"\0")
)
PATHS = st.sampled_from(["f", "g", "d/f", "d/g", "e", "d"])
SETS = st.dictionaries(PATHS, CONTENT, max_size=4)
STEPS = st.dictionaries(PATHS, st.one_of(st.none(), CONTENT), max_size=2)


def sound(files: Files) -> Files:
    """Without the directory where there is a file of its name."""
    return {path: content for path, content in files.items() if not (path.startswith("d/") and "d" in files)}


@st.composite
def histories(draw: st.DrawFn) -> list[Files]:
    """A base, and states that follow one another by small steps; the first is the upstream start."""
    states = [sound(draw(SETS))]
    for _ in range(draw(st.integers(1, 4))):
        state = dict(states[-1])
        for path, content in draw(STEPS).items():
            if content is None:
                state.pop(path, None)
            else:
                state[path] = content
        states.append(sound(state))
    base = dict(states[0])
    for path, content in draw(STEPS).items():
        base.pop(path, None)
        if content is not None:
            base[path] = content
    return [sound(base), *states]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(pygit2.init_repository(str(tmp_path_factory.mktemp("replay") / "lab.git"), bare=True))


def check_laws(lab: Lab, run: Run, items: list[Item]) -> None:
    """Laws that hold for every replay."""
    tip, tree = "", bytes(0)
    broken = False
    for item, outcome in zip(items, run.replayed.outcomes, strict=True):
        # The account is complete: every hunk of the patch has one fate.
        assert outcome.hunks.total == sum(hunk_count(lab.objects, change) for change in item.changes)
        assert (outcome.status.value == "conflict") == bool(outcome.conflicts)
        assert bool(outcome.hunks.conflict) <= (outcome.status.value == "conflict")
        assert outcome.status.value != "upstream" or outcome.hunks.applied == 0
        broken = broken or outcome.status.value == "conflict"
        makes_commit = outcome.status.makes_commit and not broken
        assert (outcome.result_commit is not None) == makes_commit
        assert len({path.path for path in outcome.paths}) == len(outcome.paths)
        if outcome.result_commit is not None:
            tip = outcome.result_commit
    assert run.replayed.complete == (not broken)
    for step in run.replayed.steps:
        assert step.changes
        tree = Oid.fromhex(lab.objects.read(step.commit)[5:45].decode())
    if run.replayed.steps:
        assert (hexed(run.replayed.commit), run.replayed.tree) == (tip, tree)
    if not broken:
        assert run.replayed.predicted_tree == run.replayed.tree


@settings(max_examples=300)
@given(states=histories())
def test_laws_of_pinned_patches(shared: Lab, states: list[Files]) -> None:
    """Laws: accounts are complete, commits are made for what changes the tree; on its own start, all is clean."""
    base, start, *rest = states
    pins = [shared.commit(start, "start\n")]
    for state in rest:
        pins.append(shared.commit(state, "step\n", pins[-1:]))
    items = [shared.pinned(pin, f"{at}.patch") for at, pin in enumerate(pins[1:])]
    run = shared.replay(base, *items)
    check_laws(shared, run, items)
    home = shared.replay(start, *items)
    check_laws(shared, home, items)
    assert {outcome.status.value for outcome in home.replayed.outcomes} <= {"clean", "upstream"}
    assert home.files == rest[-1]
    assert shared.replay(start, *items).replayed.commit == home.replayed.commit


@settings(max_examples=300)
@given(states=histories())
def test_laws_of_materialised_patches(
    shared: Lab, tmp_path_factory: pytest.TempPathFactory, states: list[Files]
) -> None:
    """Laws: the same for patches without blobs; on their own start they lead to the same files."""
    base, start, *rest = states
    empty = Lab(pygit2.init_repository(str(tmp_path_factory.getbasetemp() / "empty.git"), bare=True))
    pins = [shared.commit(start, "start\n")]
    for state in rest:
        pins.append(shared.commit(state, "step\n", pins[-1:]))
    items, own = [], []
    for at, pin in enumerate(pins[1:]):
        picked = shared.pinned(pin)
        data = render_patch(shared.objects, picked.raw, picked.changes)  # type: ignore[arg-type]
        if b"diff --git" in data:
            items.append(empty.patch(data, f"{at}.patch"))
            own.append(shared.patch(data, f"{at}.patch"))
    try:
        check_laws(empty, empty.replay(base, *items), items)
    except UnsafePath:
        # No patch file goes through a link.
        assert any(state.get("d", b"")[:1] == (LINK,) for state in states)
    home = shared.replay(start, *own)
    check_laws(shared, home, own)
    assert {outcome.status.value for outcome in home.replayed.outcomes} <= {"clean", "upstream"}
    assert home.files == rest[-1]
