# SPDX-License-Identifier: MIT
"""Override files: lossless, every problem with its line, and when one is in force."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadInput, BadOverride
from mptcp_series.values.condition import Condition
from mptcp_series.values.override import DropTarget, Override
from mptcp_series.values.version import KernelVersion, VersionRange

ID = "13c7ba0c8494a4fcee9e8cc163ae332d0480bde5"
HUNK = "1f2e3d4c5b6a"
DIFF = b"--- a/net/mptcp/x.c\n+++ b/net/mptcp/x.c\n@@ -1 +1 @@\n-\xff\r\n+b\n"
FILE = "overrides/q/a.patch"

SAMPLE = (
    f"""# SPDX-License-Identifier: MIT
patch: mptcp: sockopt: propagate timestamp
  request to subflows
COMMIT:{ID.upper()}
Base: >=5.10.0,<5.11
When: include/net/sock.h lacks sock_set_timestamp
When: net/core/sock.c has foo bar

Drop: net/mptcp/sockopt.c#{HUNK}
Drop: net/mptcp/sockopt.c#{HUNK}.2
Drop: net/mptcp/pm.c
Optional: Yes
Reason: 5.10 has no setter.
# a comment in between
  It came with 5.11.
 .
 See the list.
---
""".encode()
    + DIFF
)


def refused(data: bytes) -> list[str]:
    with pytest.raises(BadOverride) as caught:
        Override.parse(data, "o.patch")
    return [str(problem) for problem in caught.value.problems]


def test_parse() -> None:
    override = Override.parse(SAMPLE, FILE)
    assert override == Override(
        patch="mptcp: sockopt: propagate timestamp request to subflows",
        commit=ID,
        base=VersionRange.parse(">=5.10.0,<5.11"),
        when=(
            Condition.parse("include/net/sock.h lacks sock_set_timestamp"),
            Condition.parse("net/core/sock.c has foo bar"),
        ),
        drop=(
            DropTarget(path="net/mptcp/sockopt.c", hunk=HUNK),
            DropTarget(path="net/mptcp/sockopt.c", hunk=HUNK, nth=2),
            DropTarget(path="net/mptcp/pm.c"),
        ),
        optional=True,
        reason="5.10 has no setter.\nIt came with 5.11.\n\nSee the list.",
        diff=DIFF,
    )
    assert (override.file, override.diff_line, override.skip) == (FILE, 19, False)
    assert SAMPLE.split(b"\n")[18] == b"--- a/net/mptcp/x.c"


@pytest.mark.parametrize(
    "data",
    [
        SAMPLE,
        SAMPLE.split(b"---\n")[0],
        SAMPLE.split(b"---\n")[0] + b"---",
        SAMPLE.split(b"---\n")[0] + b"---\n\n \n",
        b"Patch: a\r\nSkip: yes\r\nReason: why\r\n---\r\n",
        b"Patch: a\nReason: why\n---\nwords first\n\ndiff --git a/x b/x\nold mode 100644\nnew mode 100755\n",
        b"\n\nReason:\n why\nSkip: YES\nPatch: a",
    ],
)
def test_lossless(data: bytes) -> None:
    assert Override.parse(data, FILE).render() == data


def test_no_diff_has_no_line() -> None:
    override = Override.parse(b"Patch: a\nSkip: yes\nReason: why\n---\n\n", FILE)
    assert (override.diff, override.diff_line) == (b"", None)


def test_canonical_form() -> None:
    override = attrs.evolve(Override.parse(SAMPLE, FILE), optional=False)
    assert override.raw is None
    assert override.render() == (
        f"""Patch: mptcp: sockopt: propagate timestamp request to subflows
Commit: {ID}
Base: >=5.10.0,<5.11
When: include/net/sock.h lacks sock_set_timestamp
When: net/core/sock.c has foo bar
Drop: net/mptcp/sockopt.c#{HUNK}
Drop: net/mptcp/sockopt.c#{HUNK}.2
Drop: net/mptcp/pm.c
Reason: 5.10 has no setter.
 It came with 5.11.
 .
 See the list.
---
""".encode()
        + DIFF
    )


LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1).map(lambda text: text.strip(" \t"))
WORDS = LINE.filter(bool)
REASON = st.lists(LINE.filter(lambda line: line != "."), min_size=1).map("\n".join).filter(lambda t: bool(t.strip()))
DROPS = st.builds(
    DropTarget, path=st.sampled_from(["net/a b.c", "net/b#c.c"]), hunk=st.just(HUNK), nth=st.integers(0, 3)
) | st.just(DropTarget(path="net/a b.c"))


@st.composite
def overrides(draw: st.DrawFn) -> Override:
    skip = draw(st.booleans())
    drop = () if skip else tuple(draw(st.lists(DROPS, unique=True, max_size=3)))
    diff = b"" if skip or (drop and draw(st.booleans())) else draw(st.binary()) + b"\n" + DIFF + draw(st.binary())
    return Override(
        patch=draw(WORDS),
        commit=draw(st.none() | st.just(ID)),
        base=draw(st.none() | st.just(VersionRange.parse("<5.11"))),
        when=draw(st.just(()) | WORDS.map(lambda text: (Condition.parse("a has " + text),))),
        skip=skip,
        drop=drop,
        optional=draw(st.booleans()),
        reason=draw(REASON),
        diff=diff,
    )


@given(overrides())
def test_what_is_built_reads_back(override: Override) -> None:
    again = Override.parse(override.render(), FILE)
    assert again == override
    assert again.render() == override.render()


PIECES = st.sampled_from(
    [line + b"\n" for line in SAMPLE.split(b"\n")] + [b"Skip: yes\n", b"Skip: no\n", b"x", b"---\r\n"]
)


@given(st.lists(PIECES, max_size=12).map(b"".join) | st.binary(max_size=60))
def test_what_is_accepted_is_given_back(data: bytes) -> None:
    try:
        override = Override.parse(data, FILE)
    except BadOverride as error:
        assert all(problem.file == FILE for problem in error.problems)
        return
    assert override.render() == data
    assert Override.parse(attrs.evolve(override).render(), FILE) == override


GOOD = b"Patch: a\nSkip: yes\nReason: why\n"


@pytest.mark.parametrize(
    ("data", "problems"),
    [
        (GOOD + b"Resaon: x\n more\n", ["o.patch:4: unknown field 'Resaon'; did you mean 'Reason'?"]),
        (GOOD + b"Origin: x\n", ["o.patch:4: unknown field 'Origin'"]),
        (
            b"\xef\xbb\xbf" + GOOD,
            [
                "o.patch:1: unknown field '\\ufeffPatch'; did you mean 'Patch'?",
                "o.patch: missing field 'Patch' or 'Commit'",
            ],
        ),
        (GOOD + b"skip: yes\n", ["o.patch:4: field 'Skip' is given twice, first on line 2"]),
        (GOOD + b"REASON: x\n", ["o.patch:4: field 'Reason' is given twice, first on line 3"]),
        (GOOD + b"free text\n", ["o.patch:4: not a header field: 'free text' (expected 'Name: value')"]),
        (b" x\n" + GOOD, ["o.patch:1: an indented line that continues no field"]),
        (GOOD + b"\n after a blank line\n", ["o.patch:5: an indented line that continues no field"]),
        (b"", [
            "o.patch: missing field 'Patch' or 'Commit'",
            "o.patch: missing field 'Reason'",
            "o.patch: no effect: neither 'Skip', 'Drop' nor a diff",
        ]),
        (b"Skip: yes\nReason: why\n", ["o.patch: missing field 'Patch' or 'Commit'"]),
        (b"Skip: yes\nPatch:\nReason: why\n", ["o.patch:2: field 'Patch' is empty"]),
        (b"Skip: yes\nPatch: a\n", ["o.patch: missing field 'Reason'"]),
        (b"Skip: yes\nPatch: a\nReason:\n---\n", ["o.patch:3: field 'Reason' is empty"]),
        (b"Patch: a\nReason: why\n", ["o.patch: no effect: neither 'Skip', 'Drop' nor a diff"]),
        (b"Patch: a\nReason: why\nSkip: no\n---\n \n", ["o.patch: no effect: neither 'Skip', 'Drop' nor a diff"]),
        (GOOD + b"Drop: x.c\n", ["o.patch:2: 'Skip' leaves the whole patch out and excludes 'Drop'"]),
        (GOOD + b"---\n" + DIFF, ["o.patch:2: 'Skip' leaves the whole patch out and excludes a diff"]),
        (
            b"Patch: a\nReason: why\n---\n\nnot a diff\n-- \n",
            ["o.patch:5: text after '---' is no diff: no line starts with '--- ' or 'diff --git '"],
        ),
        (
            b"Patch: a\nReason: why\n---\n\n--- a/x.c\n+++ b/x.c\n@@ -1,3 +1 @@\n-a\n+b\n",
            ["o.patch:7: the hunk header promises 3 old and 1 new lines, the body has 1 and 1"],
        ),
        (
            b"Patch: a\nBase: x\nReason: why\n---\n--- a/../x.c\n+++ b/.git/x.c\n@@ -1 +1 @@\n-a\n+b\n",
            [
                "o.patch:2: field 'Base': bad version range 'x': Invalid specifier: 'x' "
                "(expected such as '>=5.10.0,<5.11')",
                "o.patch:5: path 'a/../x.c': leaves the tree by '..'",
                "o.patch:5: path 'b/.git/x.c': reaches into a repository by '.git'",
            ],
        ),
        (
            b"Patch: a\nReason: why\n---\n--- a/x.c\n+++ b/x.c\n",
            ["o.patch:4: no file starts here: `---`, `+++` and `@@` lines expected"],
        ),
        (b"Patch: a\nReason: why\n" + DIFF, ["o.patch:3: a diff starts here without a line '---' before it"]),
        (
            GOOD + b"Base: 5.10\n",
            ["o.patch:4: field 'Base': bad version range '5.10': Invalid specifier: '5.10' "
             "(expected such as '>=5.10.0,<5.11')"],
        ),
        (
            GOOD + b"When: a.c is b\n",
            ["o.patch:4: field 'When': bad condition 'a.c is b': unknown word 'is' "
             "(expected 'path has text' or 'path lacks text')"],
        ),
        (
            GOOD + b"When: ../a.c has b\n",
            ["o.patch:4: field 'When': unsafe path '../a.c': leaves the tree by '..'"],
        ),
        (GOOD + b"When: a has b\nWhen: a  has b\n", ["o.patch:5: 'a  has b' is given twice in 'When'"]),
        (
            GOOD + b"Commit: 13c7ba0c8494\n",
            ["o.patch:4: field 'Commit': not a full commit id: '13c7ba0c8494' (expected 40 hex digits)"],
        ),
        (
            b"Patch: a\nReason: why\nDrop: /etc/passwd\nDrop: x#12\nDrop: y#1F2E3D4C5B6A\nDrop: z#1f2e3d4c5b6a.0\n",
            [
                "o.patch:3: field 'Drop': unsafe path '/etc/passwd': is absolute",
                "o.patch:4: field 'Drop': bad hunk id '12' (expected 12 hex digits, or such as '1f2e3d4c5b6a.2')",
                "o.patch:5: field 'Drop': bad hunk id '1F2E3D4C5B6A' "
                "(expected 12 hex digits, or such as '1f2e3d4c5b6a.2')",
                "o.patch:6: field 'Drop': bad hunk id '1f2e3d4c5b6a.0' "
                "(expected 12 hex digits, or such as '1f2e3d4c5b6a.2')",
            ],
        ),
        (b"Patch: a\nSkip: maybe\nReason: why\n", [
            "o.patch:2: field 'Skip': bad value 'maybe' (expected yes or no)",
        ]),
        (GOOD + b"Optional: 1\n", ["o.patch:4: field 'Optional': bad value '1' (expected yes or no)"]),
        (b"Patch: a\nSkip: yes\nReason: \xff\n# \xfe\n", [
            "o.patch:3: the header is not UTF-8",
            "o.patch:4: the header is not UTF-8",
        ]),
    ],
)  # fmt: skip
def test_refuses(data: bytes, problems: list[str]) -> None:
    assert refused(data) == problems


def test_names_every_problem_in_order() -> None:
    assert refused(b"Skipp: yes\nBase: x\nCommit: y\n\xff\n---\nwords\n") == [
        "o.patch:1: unknown field 'Skipp'; did you mean 'Skip'?",
        "o.patch:2: field 'Base': bad version range 'x': Invalid specifier: 'x' (expected such as '>=5.10.0,<5.11')",
        "o.patch:3: field 'Commit': not a full commit id: 'y' (expected 40 hex digits)",
        "o.patch:4: the header is not UTF-8",
        "o.patch:4: not a header field: '\ufffd' (expected 'Name: value')",
        "o.patch:6: text after '---' is no diff: no line starts with '--- ' or 'diff --git '",
        "o.patch: missing field 'Reason'",
    ]


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        ({"patch": None}, ["missing field 'Patch' or 'Commit'"]),
        ({"reason": " \n"}, ["missing field 'Reason'"]),
        ({"reason": "a\n.\nb"}, ["field 'Reason' has a line that is a single dot, which stands for an empty line"]),
        ({"skip": False}, ["no effect: neither 'Skip', 'Drop' nor a diff"]),
        ({"drop": (DropTarget(path="a"),)}, ["'Skip' leaves the whole patch out and excludes 'Drop'"]),
        ({"diff": DIFF}, ["'Skip' leaves the whole patch out and excludes a diff"]),
        (
            {"skip": False, "diff": b"x"},
            ["the diff has no line that starts with '--- ' or 'diff --git '"],
        ),
        ({"patch": " a"}, ["field 'Patch' is not one line without surrounding blanks: ' a'"]),
        ({"patch": "a\nSkip: no"}, ["field 'Patch' is not one line without surrounding blanks: 'a\\nSkip: no'"]),
        ({"patch": "\udcff"}, ["field 'Patch' cannot be written as UTF-8: '\\udcff'"]),
    ],
)
def test_one_that_is_built_cannot_hold_nonsense(changes: dict[str, object], messages: list[str]) -> None:
    with pytest.raises(BadOverride) as caught:
        attrs.evolve(Override.parse(GOOD, FILE), **changes)  # type: ignore[arg-type]
    assert str(caught.value).split("\n") == [f"{FILE}: {message}" for message in messages]


@pytest.mark.parametrize("text", ["net/x.c", f"net/x.c#{HUNK}", f"net/x.c#{HUNK}.1", f"a#b.c#{HUNK}.12"])
def test_drop_target_reads_back(text: str) -> None:
    assert str(DropTarget.parse(text)) == text


def test_a_bare_id_is_not_the_first_of_two() -> None:
    bare, first, second = (DropTarget.parse(f"x#{HUNK}{number}") for number in ("", ".1", ".2"))
    assert (bare.id, first.id, second.id) == (HUNK, HUNK + ".1", HUNK + ".2")
    assert (bare.nth, first.nth, second.nth) == (0, 1, 2)
    assert DropTarget.parse("x").id is None


@pytest.mark.parametrize(
    ("path", "hunk", "nth", "message"),
    [
        ("a", None, 2, "bad drop of 'a': no hunk id (expected 12 hex digits after '#')"),
        ("a#b", None, 0, "bad drop of 'a#b': no hunk id (expected 12 hex digits after '#')"),
        ("a", "12", 0, "bad hunk id '12' (expected 12 hex digits, or such as '1f2e3d4c5b6a.2')"),
        ("a", HUNK, -1, f"bad hunk id '{HUNK}.-1' (expected 12 hex digits, or such as '1f2e3d4c5b6a.2')"),
        (".git/x", HUNK, 0, "unsafe path '.git/x': reaches into a repository by '.git'"),
    ],
)
def test_drop_target_cannot_hold_nonsense(path: str, hunk: str | None, nth: int, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        DropTarget(path=path, hunk=hunk, nth=nth)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("header", "version", "content", "in_force"),
    [
        (b"", "5.15.0", None, True),
        (b"Base: <5.11\n", "5.10.66", None, True),
        (b"Base: <5.11\n", "5.15.0", None, False),
        (b"When: a.h lacks foo\n", "5.10.66", None, True),
        (b"When: a.h lacks foo\n", "5.10.66", b"foo", False),
        (b"When: a.h has foo\nWhen: a.h lacks bar\n", "5.10.66", b"foo", True),
        (b"When: a.h has foo\nWhen: a.h lacks bar\n", "5.10.66", b"foo bar", False),
        (b"Base: <5.11\nWhen: a.h has foo\n", "5.11.0", b"foo", False),
    ],
)
def test_in_force(header: bytes, version: str, content: bytes | None, in_force: bool) -> None:
    override = Override.parse(header + GOOD, FILE)
    assert override.in_force(KernelVersion.parse(version), {"a.h": content}.get) is in_force
