# SPDX-License-Identifier: MIT
"""Patch files: lossless for all that is accepted, every refusal with its line, agreement with unidiff."""

from __future__ import annotations

import base64
import time
import zlib

import pygit2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mptcp_series.engine.exchange.render import render_diff
from mptcp_series.engine.replay.change import BlobChange, diff_hunks
from mptcp_series.engine.store.objects import EXECUTABLE, REGULAR
from mptcp_series.errors import BadPatch
from mptcp_series.values.binary import literal
from mptcp_series.values.hunk import Hunk
from mptcp_series.values.patch import ChangeKind, FileChange, Patch
from mptcp_series.values.patchreader import unquote

from .conftest import Lab

ZERO, A, B = "0" * 40, "a" * 40, "b" * 40
BODY = b"@@ -1 +1 @@\n-a\n+b\n"
HUNK = Hunk(old_start=1, old_count=1, new_start=1, new_count=1, lines=(b"-a\n", b"+b\n"))
PLAIN = b"--- a/x\n+++ b/x\n" + BODY


def refused(data: bytes, strip: int = 1) -> list[str]:
    with pytest.raises(BadPatch) as caught:
        Patch.parse(data, "p.patch", strip=strip)
    return [str(problem) for problem in caught.value.problems]


def only(data: bytes, strip: int = 1) -> FileChange:
    patch = Patch.parse(data, "p.patch", strip=strip)
    assert patch.render() == data
    (change,) = patch.changes
    return change


def git(name: bytes, *extended: bytes, body: bytes = b"") -> bytes:
    return b"diff --git a/%s b/%s\n" % (name, name) + b"".join(line + b"\n" for line in extended) + body


def test_parse_whole() -> None:
    head = b"From 0123 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\nbody\n---\n x | 2 +-\n\n"
    first = (
        b"diff --git a/x b/x\nold mode 100644\nnew mode 100755\nindex aaaaaaa..bbbbbbb\n"
        b"--- a/x\n+++ b/x\n" + BODY + b"@@ -5,2 +5,2 @@ f(void)\n-c\n+d\n e\n"
    )
    second = (
        b"diff --git a/y b/y\ndeleted file mode 100644\nindex %s..%s\n--- a/y\n+++ /dev/null\n@@ -1 +0,0 @@\n-z\n"
        % (
            A.encode(),
            ZERO.encode(),
        )
    )
    data = head + first + second + b"-- \n2.39.2\n"
    patch = Patch.parse(data, "p.patch")
    assert patch == Patch(
        preamble=head,
        changes=(
            FileChange(
                kind=ChangeKind.MODIFY,
                old_path="x",
                new_path="x",
                old_mode=REGULAR,
                new_mode=EXECUTABLE,
                old_blob="aaaaaaa",
                new_blob="bbbbbbb",
                hunks=(
                    HUNK,
                    Hunk(
                        old_start=5,
                        old_count=2,
                        new_start=5,
                        new_count=2,
                        section=b" f(void)\n",
                        lines=(b"-c\n", b"+d\n", b" e\n"),
                    ),
                ),
                raw=first,
                line=8,
            ),
            FileChange(
                kind=ChangeKind.DELETE,
                old_path="y",
                new_path=None,
                old_mode=REGULAR,
                old_blob=A,
                new_blob=ZERO,
                hunks=(Hunk(old_start=1, old_count=1, new_start=0, new_count=0, lines=(b"-z\n",)),),
                raw=second,
                line=21,
            ),
        ),
        postamble=b"-- \n2.39.2\n",
    )
    assert patch.render() == data
    assert (patch.subject, patch.changes[1].path) == ("x", "y")


@pytest.mark.parametrize(
    ("data", "kind", "old", "new"),
    [
        (PLAIN, "modify", "x", "x"),
        (b"--- a/x.orig\n+++ b/x\n" + BODY, "modify", "x", "x"),
        (b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n", "add", None, "x"),
        (b"--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n", "delete", "x", None),
        # GNU diff -N: a file that is not there has the start of the epoch as its time, in any zone.
        (b"--- a/x\t1970-01-01 01:00:00.000000000 +0100\n+++ b/x\tnow\n@@ -0,0 +1 @@\n+b\n", "add", None, "x"),
        (b"--- a/x\t1969-12-31 19:00:00 -0500\n+++ b/x\tnow\n@@ -0,0 +1 @@\n+b\n", "add", None, "x"),
        (b"--- a/x\tt\n+++ b/x\t1970-01-01 00:00:00.000000000 +0000\n@@ -1 +0,0 @@\n-b\n", "delete", "x", None),
        (b"--- a/x\t1970-01-01 01:00:00 +0000\n+++ b/x\tnow\n@@ -0,0 +1 @@\n+b\n", "modify", "x", "x"),
        (b"--- a/x\t1970-01-01 00:00:00 +0000\n+++ b/x\tnow\n" + BODY, "modify", "x", "x"),
        (b"--- a/x y\tt\n+++ b/x y\tt\n" + BODY, "modify", "x y", "x y"),
        (b'--- "a/caf\\303\\251"\n+++ "b/caf\\303\\251"\n' + BODY, "modify", "caf\xe9", "caf\xe9"),
        (b"--- a/caf\xe9\n+++ b/caf\xe9\n" + BODY, "modify", "caf\udce9", "caf\udce9"),
        (b'--- "a/x\\ty"\n+++ "b/x\\ty"\n' + BODY, "modify", "x\ty", "x\ty"),
        (git(b"x", b"new file mode 100644", b"index 0000000..e69de29"), "add", None, "x"),
        (git(b"x", b"deleted file mode 100644", b"index e69de29..0000000"), "delete", "x", None),
        (git(b"x", b"old mode 100644", b"new mode 100755"), "modify", "x", "x"),
        (git(b"x y", b"old mode 100644", b"new mode 100755"), "modify", "x y", "x y"),
        (
            b"diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n",
            "rename",
            "x",
            "y",
        ),
        (
            b"diff --git a/x 1 b/y 2\nsimilarity index 90%\nrename from x 1\nrename to y 2\n"
            b"index aaaaaaa..bbbbbbb 100644\n--- a/x 1\n+++ b/y 2\n" + BODY,
            "rename",
            "x 1",
            "y 2",
        ),
        (
            b'diff --git "a/x\\n1" b/y\nsimilarity index 100%\nrename from "x\\n1"\nrename to y\n',
            "rename",
            "x\n1",
            "y",
        ),
        (b"diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n", "copy", "x", "y"),
        (b'diff --git a/x "b/\\"y\\""\nrename from x\nrename to "\\"y\\""\n', "rename", "x", '"y"'),
    ],
)
def test_names_and_kinds(data: bytes, kind: str, old: str | None, new: str | None) -> None:
    change = only(data)
    assert (change.kind.value, change.old_path, change.new_path) == (kind, old, new)


@pytest.mark.parametrize(
    ("strip", "data", "path"),
    [
        (0, b"--- x\n+++ x\n" + BODY, "x"),
        (2, b"--- a/linux/x\n+++ b/linux/x\n" + BODY, "x"),
        (0, b"diff --git x/a x/b\nrename from x/a\nrename to x/b\n", "x/b"),
        (1, b"diff --git a/x/a b/x/b\nrename from x/a\nrename to x/b\n", "x/b"),
        # git apply: names of renames have no a/ and lose one component less.
        (2, b"diff --git a/linux/a b/linux/b\nrename from linux/a\nrename to linux/b\n", "b"),
    ],
)
def test_strip_levels(strip: int, data: bytes, path: str) -> None:
    assert only(data, strip).path == path


MESSAGES = [
    b"Subject: x\n\nlike this:\n--- a/phantom\n+++ b/phantom\n\nDone.\n---\n\n",
    b"Subject: x\n\n--- a/phantom\n+++ b/phantom\n@@ -1 +1 @@\n-a\n+b\n---\n\n",
    b"Subject: x\n\nsee the line\ndiff --git a/phantom b/phantom\nof that patch\n\n",
    b"Subject: x\n\n@@ -1 +1 @@\n\n",
]


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_may_quote_a_diff(message: bytes) -> None:
    data = message + git(b"x", b"index aaaaaaa..bbbbbbb 100644", body=PLAIN)
    patch = Patch.parse(data, "p.patch")
    assert (patch.preamble, [change.path for change in patch.changes]) == (message, ["x"])
    assert patch.render() == data


@pytest.mark.parametrize("message", [MESSAGES[0], MESSAGES[2], MESSAGES[3]])
def test_a_message_of_a_plain_patch_may_quote_names(message: bytes) -> None:
    patch = Patch.parse(message + PLAIN, "p.patch")
    assert (patch.preamble, [change.path for change in patch.changes]) == (message, ["x"])


def test_text_between_files_is_kept() -> None:
    data = b"Index: x\n===\n" + PLAIN + b"Index: y\n===\n" + PLAIN.replace(b"/x", b"/y") + b"\ntail\n"
    patch = Patch.parse(data, "p.patch")
    assert [change.raw for change in patch.changes] == [
        PLAIN + b"Index: y\n===\n",
        PLAIN.replace(b"/x", b"/y"),
    ]
    assert (patch.preamble, patch.postamble, patch.render()) == (b"Index: x\n===\n", b"\ntail\n", data)


def test_no_diff_is_no_change() -> None:
    assert Patch.parse(b"just\ntext", "p.patch") == Patch(preamble=b"just\ntext", changes=())
    assert Patch.parse(b"", "p.patch") == Patch(preamble=b"", changes=())


def block(content: bytes, word: bytes = b"literal", size: int | None = None) -> bytes:
    """A block of a binary patch, as git writes it."""
    packed = zlib.compress(content)
    lines = []
    for at in range(0, len(packed), 52):
        part = packed[at : at + 52]
        length = len(part)
        column = bytes([64 + length if length <= 26 else 70 + length])
        lines.append(column + base64.b85encode(part, pad=True) + b"\n")
    return b"%s %d\n" % (word, len(content) if size is None else size) + b"".join(lines) + b"\n"


BINARY = git(b"x", b"index %s..%s 100644" % (A.encode(), B.encode()), b"GIT binary patch")


@pytest.mark.parametrize("blocks", [[b"\0a"], [b"\0" * 5000, b""], [b"", b"\0" + bytes(range(256)) * 30]])
def test_binary(blocks: list[bytes]) -> None:
    section = b"GIT binary patch\n" + b"".join(map(block, blocks))
    data = BINARY.removesuffix(b"GIT binary patch\n") + section + b"-- \n2.39\n"
    patch = Patch.parse(data, "p.patch")
    assert patch.render() == data
    assert (patch.changes[0].binary, patch.postamble) == (section, b"-- \n2.39\n")
    assert literal(section) == blocks[0]


def test_binary_delta_and_binary_files_differ() -> None:
    section = b"GIT binary patch\n" + block(b"\x05\x05\x90\x05", b"delta")
    assert only(BINARY.removesuffix(b"GIT binary patch\n") + section).binary == section
    assert literal(section) is None
    line = b"Binary files a/x and b/x differ\n"
    assert only(git(b"x", b"index aaaaaaa..bbbbbbb 100644") + line).binary == line
    assert literal(line) is None


GARBLED = "a line of binary data that is cut off or garbled"


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (
            b"--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n+b\n",
            ["p.patch:3: the hunk header promises 2 old and 1 new lines, the body has 1 and 1"],
        ),
        (
            b"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-a\n",
            ["p.patch:3: the hunk header promises 2 old and 2 new lines, the body has 1 and 0"],
        ),
        (
            b"--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n-a\n+b\n@@ -5 +5,3 @@\n-a\n+b\n",
            [
                "p.patch:3: the hunk header promises 2 old and 1 new lines, the body has 1 and 1",
                "p.patch:6: the hunk header promises 1 old and 3 new lines, the body has 1 and 1",
            ],
        ),
        (PLAIN + b"@@ -1 +1 @@\n-a\n+b\n", ["p.patch:6: hunk goes backwards or overlaps the one before it"]),
        (
            b"--- a/x\n+++ b/x\n@@ -9 +9 @@\n-a\n+b\n" + BODY,
            ["p.patch:6: hunk goes backwards or overlaps the one before it"],
        ),
        (
            b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n a\n",
            ["p.patch:3: the hunk changes nothing: it has no added and no removed line"],
        ),
        (
            PLAIN + b"@@ junk @@\n" + b"@@ -3 +3 @@@\n-a\n+b\n",
            ["p.patch:7: a hunk that belongs to no file"],
        ),
        (PLAIN + b"@@ -3 +3\n-a\n+b\n", ["p.patch:6: not a hunk header: `@@ -start,count +start,count @@` expected"]),
        (PLAIN + b"text\n" + BODY, ["p.patch:7: a hunk that belongs to no file"]),
        (
            PLAIN + b"--- a/y\n+++ b/y\n",
            ["p.patch:6: a file without hunks, or without the `diff --git` line that the others have"],
        ),
        (
            git(b"x", b"index aaaaaaa..bbbbbbb 100644", body=PLAIN) + PLAIN,
            [
                "p.patch:8: a file without hunks, or without the `diff --git` line that the others have",
                "p.patch:10: a hunk that belongs to no file",
            ],
        ),
        (
            git(b"x", b"index aaaaaaa..bbbbbbb 100644", body=PLAIN) + b"diff --git a/y b/y\n",
            ["p.patch:8: the patch ends after its `diff --git` line; it is cut off"],
        ),
        (
            git(b"x", b"index aaaaaaa..bbbbbbb 100644"),
            ["p.patch:1: the index line says that content changes, and no hunk follows; cut off, or made with -D"],
        ),
        (
            git(b"x", b"deleted file mode 100644", b"index aaaaaaa..0000000"),
            ["p.patch:1: the index line says that content changes, and no hunk follows; cut off, or made with -D"],
        ),
        (
            git(b"x", b"new file mode 100644", b"index 0000000..bbbbbbb", b"--- /dev/null"),
            [
                "p.patch:4: a `---` line without its `+++` line",
            ],
        ),
        (
            git(b"x", b"index aaaaaaa..aaaaaaa 100644"),
            ["p.patch:1: changes nothing: no hunk follows, and no change of mode; the patch is cut off"],
        ),
        (
            git(b"x", b"old mode 100644"),
            ["p.patch:1: changes nothing: no hunk follows, and no change of mode; the patch is cut off"],
        ),
        (git(b"x", b"old mode 644", b"new mode 100755"), ["p.patch:2: file mode 644 is none that git writes"]),
        (
            PLAIN + b"Binary files a/y and b/y differ\n",
            ["p.patch:6: diff left this file out: the patch does not hold its content"],
        ),
        (PLAIN + b"Only in b/net: z.c\n", ["p.patch:6: diff left this file out: the patch does not hold its content"]),
        (
            b"--- a/../x\n+++ b/../x\n" + BODY,
            [
                "p.patch:1: path 'a/../x': leaves the tree by '..'",
                "p.patch:1: path 'b/../x': leaves the tree by '..'",
            ],
        ),
        (
            b"--- ../x\n+++ ../x\n" + BODY,
            ["p.patch:1: path '../x': leaves the tree", "p.patch:1: path '../x': leaves the tree"],
        ),
        (
            b"--- /etc/passwd\n+++ /etc/passwd\n" + BODY,
            ["p.patch:1: absolute path '/etc/passwd'; paths are relative to the tree"] * 2,
        ),
        (
            b"--- a/.git/config\n+++ b/.GIT/config\n" + BODY,
            [
                "p.patch:1: path 'a/.git/config': reaches into a repository by '.git'",
                "p.patch:1: path 'b/.GIT/config': reaches into a repository by '.GIT'",
            ],
        ),
        (
            b'--- /dev/null\n+++ "b/x\\000y"\n@@ -0,0 +1 @@\n+b\n',
            ["p.patch:1: path 'b/x\\x00y': holds a NUL"],
        ),
        (
            b"--- a/x//y\n+++ b/./x\n" + BODY,
            [
                "p.patch:1: path 'a/x//y': has an empty component",
                "p.patch:1: path 'b/./x': has a '.' component",
            ],
        ),
        (
            b"diff --git a/x b/y\nrename from ../x\nrename to y/.git/hooks\n",
            [
                "p.patch:1: path 'x/../x': leaves the tree by '..'",
                "p.patch:1: path 'x/y/.git/hooks': reaches into a repository by '.git'",
            ],
        ),
        (b"--- x\n+++ x\n" + BODY, ["p.patch:1: path 'x' has too few components for -p1"] * 2),
        (
            b"diff --git a/x y b/z w\nsimilarity index 100%\n",
            ["p.patch:1: cannot tell which file this changes"],
        ),
        (BINARY, ["p.patch:3: binary patch without a `literal` or `delta` block"]),
        (BINARY + block(b"\0abc").rstrip(b"\n") + b"\n", ["p.patch:4: binary patch ends in the middle of a block"]),
        (BINARY + block(b"\0" * 5000)[:-8] + b"\n\n", [f"p.patch:5: {GARBLED}"]),
        (BINARY + b'literal 4\nL"""""""""""""""\n\n', [f"p.patch:5: {GARBLED}"]),
        (
            BINARY + block(b"\0abc", size=3),
            ["p.patch:4: binary block is garbled: it does not come to the 3 bytes it names"],
        ),
        (
            BINARY + block(b"\0abc", size=5),
            ["p.patch:4: binary block is garbled: it does not come to the 5 bytes it names"],
        ),
        (
            b"Subject: x\nContent-Transfer-Encoding: quoted-printable\n\n" + PLAIN,
            ["p.patch:2: the mail is quoted-printable-encoded; `mptcp-series import` undoes that"],
        ),
    ],
)
def test_refused(data: bytes, problems: list[str]) -> None:
    assert refused(data) == problems


def test_a_line_without_newline_inside_a_hunk_is_refused() -> None:
    data = b"--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n a\n\\ No newline at end of file\n+b\n"
    assert refused(data) == [
        "p.patch:3: a line without newline is followed by another one: only the last of a file can lack it"
    ]


def test_reversed() -> None:
    change = only(b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n")
    back = change.reversed()
    assert (back.kind, back.old_path, back.new_path) == (ChangeKind.DELETE, "x", None)
    assert back.hunks == (Hunk(old_start=1, old_count=1, new_start=0, new_count=0, lines=(b"-b\n",)),)
    assert back.reversed() == change


@pytest.mark.parametrize(
    "data",
    [
        b"--- a/x\n+++ b/x\n@@ -1,999999999 +1,999999999 @@\n" + b" a\n" * 200_000,
        b"--- a/x\n+++ b/x\n" + b"".join(b"@@ -%d +%d @@\n-a\n+b\n" % (at, at) for at in range(1, 50_000)),
        b"diff --git a/x b/x\n" * 200_000,
        b"--- a/x\n" * 200_000,
        b"--- a/x\n+++ b/x\n" * 100_000,
        b"diff --git " + b'"' * 2_000_000 + b"\nindex 1\n",
        b"From: " + b"(" * 500_000 + b"\nSubject: " + b"=?a?q?" * 200_000 + b"\n\n" + PLAIN,
        b"Subject: x\n" + b" folded\n" * 300_000 + b"\n" + b"\n" * 300_000 + PLAIN,
        b"\n" * 1_000_000,
        BINARY + block(b"\0" * 300_000_000, size=10),
    ],
    ids=["counts", "hunks", "diff", "minus", "pairs", "quotes", "words", "folds", "blank", "bomb"],
)
def test_hostile_sizes_are_quick(data: bytes) -> None:
    start = time.process_time()
    try:
        patch = Patch.parse(data, "p.patch")
    except BadPatch:
        pass
    else:
        assert patch.render() == data
        assert patch.header.message
    assert time.process_time() - start < 10


# Any bytes in lines and names; few different lines, so that they repeat.
LINE = st.one_of(
    st.sampled_from([b"a\n", b"b\n", b"\n", b"\r\n", b"-- \n", b"--- a/x\n", b"+++ b/x\n", b"diff --git a/x b/x\n"]),
    st.binary(max_size=6).map(lambda data: data.replace(b"\n", b"").replace(b"\0", b"") + b"\n"),
)
TEXT = st.builds(lambda lines, end: b"".join(lines) + end, st.lists(LINE, max_size=12), st.sampled_from([b"", b"z"]))
NAME = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0\\", exclude_categories=["Cs"]), min_size=1, max_size=8
)
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)
PLAIN_PREAMBLES = [b"", b"Subject: x\n\nbody\n---\n\n", b"mptcp: x\r\n\r\n\xff\n", MESSAGES[0], MESSAGES[2]]
PREAMBLE = st.sampled_from([*PLAIN_PREAMBLES, MESSAGES[1]])
POSTAMBLE = st.sampled_from([b"", b"-- \n2.39.2\n\n", b"\n", b"-- \n"])


def parses(path: str) -> bool:
    """Whether a plain diff can name the path: without quotes, and no spelling of `.git`."""
    try:
        patch = Patch.parse(b"--- a/%s\t\n+++ b/%s\t\n" % (path.encode(), path.encode()) + BODY, "p.patch")
    except BadPatch:
        return False
    return [change.path for change in patch.changes] == [path]


@st.composite
def git_patches(draw: st.DrawFn) -> tuple[bytes, list[tuple[str, bytes, bytes]]]:
    """A patch as git writes it, and its files: path, old and new content."""
    lab = Lab(pygit2.Repository(LAB[0]))
    files = []
    for path in sorted(draw(st.sets(PATH, min_size=1, max_size=3))):
        old, new = draw(st.one_of(st.none(), TEXT)), draw(st.one_of(st.none(), TEXT))
        modes = [draw(st.sampled_from([REGULAR, EXECUTABLE])) for _ in (old, new)]
        entries = [
            None if text is None else lab.entry((mode, text)) for text, mode in zip((old, new), modes, strict=True)
        ]
        if entries[0] != entries[1] and all(
            part not in (".", "..") and not part.lower().startswith((".git", "git~1")) for part in path.split("/")
        ):
            files.append(
                (path, old or b"", new or b"", BlobChange(path=path, old_path=path, old=entries[0], new=entries[1]))
            )
    diff = render_diff(lab.objects, [change for *_, change in files])
    data = draw(PREAMBLE) + diff + draw(POSTAMBLE) if diff else b""
    return data, [(path, old, new) for path, old, new, _ in files]


LAB: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _laboratory(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("patch") / "lab.git")
    pygit2.init_repository(path, bare=True)
    LAB[:] = [path]


@given(git_patches())
def test_git_patches_are_kept_and_understood(case: tuple[bytes, list[tuple[str, bytes, bytes]]]) -> None:
    """Laws: parse(x).render() == x; each file is found with the hunks that lead from one content to the other."""
    data, files = case
    try:
        patch = Patch.parse(data, "p.patch")
    except BadPatch as error:
        problems = error.problems
    else:
        problems = ()
    if problems:
        # Only for names no kernel has: git's other spellings of `.git`.
        assert all("reaches into a repository" in problem.message for problem in problems)
        return
    assert patch.render() == data
    found = sorted((change.path, change.hunks) for change in patch.changes)
    assert found == sorted((path, tuple(diff_hunks(old, new))) for path, old, new in files)


@given(
    st.sampled_from(PLAIN_PREAMBLES),
    st.lists(st.tuples(PATH.filter(parses), TEXT, TEXT), max_size=3),
    POSTAMBLE,
    st.booleans(),
)
def test_plain_patches_are_kept_and_understood(
    preamble: bytes, files: list[tuple[str, bytes, bytes]], postamble: bytes, cut: bool
) -> None:
    """Law: parse(x).render() == x, also for plain diffs that lost their final newline."""
    files = [(path, old, new) for path, old, new in files if old != new]
    data = preamble
    for path, old, new in files:
        data += b"Index: %s\n" % path.encode() + b"--- a/%s\tt\n+++ b/%s\tt\n" % (path.encode(), path.encode())
        data += b"".join(hunk.render() for hunk in diff_hunks(old, new))
    data += postamble if files else b""
    data = data[:-1] if cut and not postamble else data
    patch = Patch.parse(data, "p.patch")
    assert patch.render() == data
    assert [(change.path, [hunk.post_image for hunk in change.hunks]) for change in patch.changes] == [
        (path, [hunk.post_image for hunk in diff_hunks(old, new)]) for path, old, new in files
    ]


@given(
    st.lists(
        st.one_of(LINE, st.sampled_from([*BODY.splitlines(True), *BINARY.splitlines(True), *PLAIN.splitlines(True)])),
        max_size=30,
    )
)
@example([b"diff --git a/x b/x\n", b"index 1..2\n"])
def test_whatever_is_accepted_is_kept(lines: list[bytes]) -> None:
    """Law: a heap of lines is refused with problems at its lines, or kept to the byte."""
    data = b"".join(lines)
    try:
        patch = Patch.parse(data, "p.patch")
    except BadPatch as error:
        told = [problem.line for problem in error.problems]
        rendered = data
    else:
        told, rendered = [], patch.render()
    assert rendered == data
    assert all(line is not None and 1 <= line <= len(lines) for line in told)


TEXTUAL = st.lists(
    st.text(st.characters(codec="latin-1", exclude_characters="\n\0"), max_size=5).map(lambda text: text + "\n"),
    max_size=12,
).map(lambda lines: "".join(lines).encode("latin-1"))


@given(
    st.sets(NAME.filter(parses), max_size=3).flatmap(
        lambda names: st.tuples(*(st.tuples(st.just(n), TEXTUAL, TEXTUAL) for n in sorted(names)))
    )
)
def test_agreement_with_unidiff(files: tuple[tuple[str, bytes, bytes], ...]) -> None:
    """Law: unidiff finds the same files, hunks and lines, and gives back the same bytes."""
    files = tuple((path, old, new) for path, old, new in files if old != new)
    data = b"".join(
        b"--- a/%s\t\n+++ b/%s\t\n" % (path.encode(), path.encode())
        + b"".join(hunk.render() for hunk in diff_hunks(old, new))
        for path, old, new in files
    )
    patch = Patch.parse(data, "p.patch")
    found = patch.as_unidiff()
    assert len(found) == len(patch.changes)
    for theirs, ours in zip(found, patch.changes, strict=True):
        assert [(hunk.source_start, hunk.source_length, hunk.target_start, hunk.target_length) for hunk in theirs] == [
            (hunk.old_start, hunk.old_count, hunk.new_start, hunk.new_count) for hunk in ours.hunks
        ]
        assert [
            [line.value.encode("latin-1") for line in hunk if line.is_context or line.is_added] for hunk in theirs
        ] == [hunk.post_image for hunk in ours.hunks]
        assert [
            [line.value.encode("latin-1") for line in hunk if line.is_context or line.is_removed] for hunk in theirs
        ] == [hunk.pre_image for hunk in ours.hunks]


def test_as_unidiff_quotes_names_that_would_break_a_line() -> None:
    change = only(b'--- "a/x\\n+++ b"\n+++ "b/x\\n+++ b"\n' + BODY)
    assert change.path == "x\n+++ b"
    found = Patch(preamble=b"", changes=(change,)).as_unidiff()
    assert [(file.source_file, file.target_file, len(file)) for file in found] == [
        ('"a/x\\012+++ b"', '"b/x\\012+++ b"', 1)
    ]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"plain", b"plain"),
        (b'"a\\tb\\n\\"\\\\"', b'a\tb\n"\\'),
        (b'"\\303\\251\\000"', b"\xc3\xa9\0"),
        (b'"open', b'"open'),
        (b'"\\a\\b\\v\\f\\r"', b"\a\b\v\f\r"),
    ],
)
def test_unquote(written: bytes, name: bytes) -> None:
    assert unquote(written) == name
