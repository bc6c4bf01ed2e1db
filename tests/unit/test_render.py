# SPDX-License-Identifier: MIT
"""Rendered patches: the same bytes everywhere, and what is read back is what was written."""

from __future__ import annotations

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.exchange.render import render_change, render_diff, render_patch
from mptcp_series.engine.replay.change import BlobChange, tree_changes
from mptcp_series.engine.replay.item import RawCommit
from mptcp_series.engine.store.objects import Entry
from mptcp_series.values.patch import Patch

from .conftest import EXECUTABLE, LINK, SUBMODULE, Content, Files, Lab, numbered

AUTHOR = b"Paolo Tester <paolo@example.org> 1612137600 +0100"
OLD, NEW = numbered(9), numbered(9, {5: "x\n"})


def raw(message: bytes, author: bytes = AUTHOR, encoding: bytes | None = None) -> RawCommit:
    return RawCommit(author=author, encoding=encoding, message=message)


def changes(lab: Lab, before: Files, after: Files) -> list[BlobChange]:
    return tree_changes(lab.objects, lab.tree(before), lab.tree(after))


WHOLE = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Paolo Tester <paolo@example.org>
Date: Mon, 1 Feb 2021 01:00:00 +0100
Subject: [PATCH] mptcp: x

body
---

diff --git a/f b/f
index 5578ccbff170151f4f036f240512750700ef7bd2..17c4b21e5507db893ea91e6624d8f254f7be60f4 100644
--- a/f
+++ b/f
@@ -2,7 +2,7 @@ line 1
 line 2
 line 3
 line 4
-line 5
+x
 line 6
 line 7
 line 8
diff --git a/gone b/gone
deleted file mode 100644
index d00491fd7e5bb6fa28c517a0bb32b8b506539d4d..0000000000000000000000000000000000000000
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-1
diff --git a/link b/link
deleted file mode 120000
index 2e65efe2a145dda7ee51d1741299f848e5bf752e..0000000000000000000000000000000000000000
--- a/link
+++ /dev/null
@@ -1 +0,0 @@
-a
\\ No newline at end of file
diff --git a/link b/link
new file mode 100644
index 0000000000000000000000000000000000000000..f73f3093ff865c514c6c51f867e35f693487d0d3
--- /dev/null
+++ b/link
@@ -0,0 +1 @@
+file
diff --git a/mode b/mode
old mode 100644
new mode 100755
diff --git a/new b/new
new file mode 100644
index 0000000000000000000000000000000000000000..1275430f1765c63e539cb0452565563bd6aef6a6
--- /dev/null
+++ b/new
@@ -0,0 +1 @@
+same
diff --git a/old b/old
deleted file mode 100644
index 1275430f1765c63e539cb0452565563bd6aef6a6..0000000000000000000000000000000000000000
--- a/old
+++ /dev/null
@@ -1 +0,0 @@
-same
diff --git a/sub/new b/sub/new
new file mode 100644
index 0000000000000000000000000000000000000000..20cbb4d89224e1ed724b7feaf5c4f4479e25212a
--- /dev/null
+++ b/sub/new
@@ -0,0 +1 @@
+no newline
\\ No newline at end of file
"""


def test_whole_patch(lab: Lab) -> None:
    before: Files = {"f": OLD, "gone": b"1\n", "mode": b"m\n", "link": (LINK, b"a"), "old": b"same\n"}
    after: Files = {
        "f": NEW,
        "sub/new": b"no newline",
        "mode": (EXECUTABLE, b"m\n"),
        "link": b"file\n",
        "new": b"same\n",
    }
    rendered = render_patch(lab.objects, raw(b"mptcp: x\n\nbody\n"), changes(lab, before, after))
    assert rendered.decode() == WHOLE + "-- \n\n"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (None, b"", "new file mode 100644\nindex {zero}..{new}\n"),
        (b"", None, "deleted file mode 100644\nindex {old}..{zero}\n"),
        (b"a\n", (EXECUTABLE, b"a\n"), "old mode 100644\nnew mode 100755\n"),
        (
            b"a\n",
            (EXECUTABLE, b"b\n"),
            "old mode 100644\nnew mode 100755\nindex {old}..{new}\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n",
        ),
        (
            b"a\r\n",
            b"\xe9",
            "index {old}..{new} 100644\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\r\n+\xe9\n\\ No newline at end of file\n",
        ),
        (
            (SUBMODULE, b"a" * 20),
            (SUBMODULE, b"b" * 20),
            "index {old}..{new} 160000\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n"
            "-Subproject commit 6161616161616161616161616161616161616161\n"
            "+Subproject commit 6262626262626262626262626262626262626262\n",
        ),
    ],
)
def test_change(lab: Lab, old: Content | None, new: Content | None, text: str) -> None:
    was, will = (None if content is None else lab.entry(content) for content in (old, new))
    ids = {"zero": "0" * 40, "old": was and was.oid.hex(), "new": will and will.oid.hex()}
    rendered = render_change(lab.objects, BlobChange(path="f", old_path="f", old=was, new=will))
    assert rendered.decode("latin-1") == "diff --git a/f b/f\n" + text.format(**ids)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("a b", "a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n"),
        ("caf\xe9", '"a/caf\\303\\251" "b/caf\\303\\251"\n--- "a/caf\\303\\251"\n+++ "b/caf\\303\\251"\n'),
        ("x\udcff", '"a/x\\377" "b/x\\377"\n--- "a/x\\377"\n+++ "b/x\\377"\n'),
        (
            't\t"q"\\\n',
            '"a/t\\t\\"q\\"\\\\\\n" "b/t\\t\\"q\\"\\\\\\n"\n--- "a/t\\t\\"q\\"\\\\\\n"\n+++ "b/t\\t\\"q\\"\\\\\\n"\n',
        ),
    ],
)
def test_names(lab: Lab, path: str, names: str) -> None:
    entries = [lab.entry(content) for content in (b"a\n", b"b\n")]
    rendered = render_change(lab.objects, BlobChange(path=path, old_path=path, old=entries[0], new=entries[1]))
    lines = rendered.decode().split("\n")
    assert "\n".join([lines[0].removeprefix("diff --git "), *lines[2:4], ""]) == names


@pytest.mark.parametrize(
    ("path", "old", "new", "lines"),
    [
        # Git does not quote these; GNU patch reads the name after `diff --git` up to its first blank.
        ("a b", b"x\n", (EXECUTABLE, b"x\n"), ['diff --git "a/a b" "b/a b"', "old mode 100644"]),
        ("a b", None, b"", ['diff --git "a/a b" "b/a b"', "new file mode 100644"]),
        ("a b", b"", None, ['diff --git "a/a b" "b/a b"', "deleted file mode 100644"]),
        ("a b", b"\0", b"\1\0", ['diff --git "a/a b" "b/a b"']),
        ("a b", b"x\n", (EXECUTABLE, b"y\n"), ["diff --git a/a b b/a b", "old mode 100644"]),
        # Of a name that ends with a blank it takes off the blank, and may find another file.
        ("a ", b"x\n", b"y\n", ['diff --git "a/a " "b/a "', '--- "a/a "', '+++ "b/a "']),
        ("a ", None, b"y\n", ['diff --git "a/a " "b/a "', "--- /dev/null", '+++ "b/a "']),
    ],
)
def test_names_that_gnu_patch_would_cut(
    lab: Lab, path: str, old: Content | None, new: Content | None, lines: list[str]
) -> None:
    was, will = (None if content is None else lab.entry(content) for content in (old, new))
    change = BlobChange(path=path, old_path=path, old=was, new=will)
    rendered = render_change(lab.objects, change)
    told = rendered.decode().split("\n")
    assert [line for line in told if line in lines] == lines
    (read,) = Patch.parse(rendered, "p.patch").changes
    assert {read.old_path, read.new_path} - {None} == {path}


def test_a_file_whose_mode_alone_changes_is_not_read(lab: Lab) -> None:
    """It may be absent from a partial clone."""
    absent = Entry(0o100644, b"a" * 20), Entry(0o100755, b"a" * 20)
    change = BlobChange(path="f", old_path="f", old=absent[0], new=absent[1])
    assert render_change(lab.objects, change) == b"diff --git a/f b/f\nold mode 100644\nnew mode 100755\n"


def header(message: bytes, author: bytes = AUTHOR, encoding: bytes | None = None) -> str:
    rendered = render_patch(Lab(REPOSITORY[0]).objects, raw(message, author, encoding), [])
    return rendered.split(b"\n", 1)[1].removesuffix(b"---\n\n-- \n\n").decode()


REPOSITORY: list[pygit2.Repository] = []


@pytest.fixture(scope="module", autouse=True)
def _repository(tmp_path_factory: pytest.TempPathFactory) -> None:
    REPOSITORY[:] = [pygit2.init_repository(str(tmp_path_factory.mktemp("render") / "lab.git"), bare=True)]


FROM = "From: Paolo Tester <paolo@example.org>\n"
DATE = "Date: Mon, 1 Feb 2021 01:00:00 +0100\n"
MIME = "MIME-Version: 1.0\nContent-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n"


@pytest.mark.parametrize(
    ("message", "author", "encoding", "text"),
    [
        (b"x\n", AUTHOR, None, FROM + DATE + "Subject: [PATCH] x\n\n"),
        (b"", AUTHOR, None, FROM + DATE + "Subject: [PATCH] \n\n"),
        # The subject is the whole first paragraph.
        (b"\nx\n y\n\n\nbody\n\n", AUTHOR, None, FROM + DATE + "Subject: [PATCH] x y\n\nbody\n"),
        (
            "\xe9\n\nb\xe9\n".encode(),
            AUTHOR,
            None,
            FROM + DATE + "Subject: =?utf-8?q?=5BPATCH=5D_=C3=A9?=\n" + MIME + "\nb\xe9\n",
        ),
        (b"x\n\nb\xe9\n", AUTHOR, b"ISO-8859-1", FROM + DATE + "Subject: [PATCH] x\n" + MIME + "\nb\xe9\n"),
        (b"x\n\nb\xe9\n", AUTHOR, None, FROM + DATE + "Subject: [PATCH] x\n" + MIME + "\nb\xe9\n"),
        (b"x\n\nb\xe9\n", AUTHOR, b"no-such", FROM + DATE + "Subject: [PATCH] x\n" + MIME + "\nb\xe9\n"),
        (b"x\n\nb\xe9\n", AUTHOR, b"UTF-8\0", FROM + DATE + "Subject: [PATCH] x\n" + MIME + "\nb\xe9\n"),
        (
            b"x\n",
            b'Last, "F" <a@b> 0 -0330',
            None,
            'From: "Last, \\"F\\"" <a@b>\nDate: Wed, 31 Dec 1969 20:30:00 -0330\nSubject: [PATCH] x\n\n',
        ),
        (b"x\n", b"A <a@b> soon", None, "From: A <a@b>\nDate: Thu, 1 Jan 1970 00:00:00 +0000\nSubject: [PATCH] x\n\n"),
        # No name; a zone that is none, as old clients wrote it.
        (b"x\n", b"<a@b> 0 +0000", None, "From: <a@b>\nDate: Thu, 1 Jan 1970 00:00:00 +0000\nSubject: [PATCH] x\n\n"),
        (
            b"x\n",
            b"A <a@b> 1612137600 +051800",
            None,
            "From: A <a@b>\nDate: Mon, 1 Feb 2021 00:00:00 +0000\nSubject: [PATCH] x\n\n",
        ),
        (
            b"x\n",
            b"A <a@b> 0 +9959",
            None,
            "From: A <a@b>\nDate: Mon, 5 Jan 1970 03:59:00 +9959\nSubject: [PATCH] x\n\n",
        ),
        (
            b"=?utf-8?q?x?=\n",
            AUTHOR,
            None,
            FROM + DATE + "Subject: =?utf-8?q?=5BPATCH=5D_=3D=3Futf-8=3Fq=3Fx=3F=3D?=\n\n",
        ),
    ],
)
def test_mail_header(message: bytes, author: bytes, encoding: bytes | None, text: str) -> None:
    assert header(message, author, encoding) == text


def test_what_tools_would_take_for_a_diff_or_the_end_is_quoted(lab: Lab) -> None:
    body = (
        b"From: somebody\n\nThis:\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\nand\n\t--- a/y\n---\n--- \nIndex: z\n"
        b"  diff --git a/x b/x\nFrom here on\n*** 1\n-- \nplain --- text\n"
    )
    quoted = (
        b"> From: somebody\n\nThis:\n> --- a/x\n> +++ b/x\n@@ -1 +1 @@\n-a\n+b\nand\n> \t--- a/y\n"
        b"> ---\n> --- \n> Index: z\n>   diff --git a/x b/x\n> From here on\n> *** 1\n-- \nplain --- text\n"
    )
    data = render_patch(lab.objects, raw(b"x\n\n" + body), changes(lab, {"f": OLD}, {"f": NEW}))
    assert b"Subject: [PATCH] x\n\n" + quoted + b"---\n\ndiff --git a/f b/f\n" in data
    patch = Patch.parse(data, "p.patch")
    assert (patch.header.body, [change.path for change in patch.changes]) == (quoted.decode(), ["f"])


CONTENT: st.SearchStrategy[Content] = st.one_of(
    st.lists(st.sampled_from([b"a\n", b"b\n", b"\n", b"\xff\r\n", b"-- \n", b"--- a\n"]), max_size=8).map(b"".join),
    st.sampled_from([b"\0", b"\0" * 600, b"a", (LINK, b"a"), (LINK, b"b"), (EXECUTABLE, b"a\n"), (EXECUTABLE, b"\0")]),
)
PATHS = st.sampled_from(["f", "g", "d/f", "d e/f", "\xe9", "d/x\t"])


@given(before=st.dictionaries(PATHS, CONTENT, max_size=4), after=st.dictionaries(PATHS, CONTENT, max_size=4))
def test_what_is_rendered_is_read_back(before: Files, after: Files) -> None:
    """Laws: it parses, it renders the same again, and on the files before it leads to the files after, all clean."""
    lab = Lab(REPOSITORY[0])
    found = changes(lab, before, after)
    data = render_patch(lab.objects, raw(b"x\n\nbody\n"), found)
    assert data == render_patch(Lab(REPOSITORY[0]).objects, raw(b"x\n\nbody\n"), reversed(found))
    if not found:
        assert render_diff(lab.objects, found) == b""
        return
    patch = Patch.parse(data, "p.patch")
    assert (patch.render(), patch.postamble, patch.header.message) == (data, b"-- \n\n", "x\n\nbody\n")
    run = lab.replay(before, lab.patch(data))
    assert (run.files, run.told[0]) == (after, "clean")
    back = lab.replay(after, lab.patch(data, reverse=True))
    assert (back.files, back.told[0]) == (before, "clean")
