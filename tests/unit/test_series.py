# SPDX-License-Identifier: MIT
"""The series file: lossless, quilt's grammar, and every place quilt would guess is named."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.errors import BadInput, BadSeries
from mptcp_series.values.series import Series, SeriesEntry

ID = "13c7ba0c8494a4fcee9e8cc163ae332d0480bde5"
ID2 = "2dcb96bacce36021c2f3eaae0cef607b5bb71ede"

SAMPLE = f"""# SPDX-License-Identifier: MIT

mptcp-a.patch # {ID}
net/b.patch -p0\t-R   # bugs here
  c.patch
 \t
d.patch #{ID2.upper()} prerequisite: why
e#1.patch -p2 #
# done""".encode()


def refused(data: bytes) -> list[str]:
    with pytest.raises(BadSeries) as caught:
        Series.parse(data, "series")
    return [str(problem) for problem in caught.value.problems]


def test_entries() -> None:
    entries = Series.parse(SAMPLE).entries
    assert entries == (
        SeriesEntry(name="mptcp-a.patch", pin=ID),
        SeriesEntry(name="net/b.patch", strip=0, reverse=True, comment="bugs here"),
        SeriesEntry(name="c.patch"),
        SeriesEntry(name="d.patch", pin=ID2, comment="prerequisite: why"),
        SeriesEntry(name="e#1.patch", strip=2),
    )
    assert [entry.line for entry in entries] == [3, 4, 5, 7, 8]


@pytest.mark.parametrize("data", [SAMPLE, SAMPLE + b"\n", SAMPLE.replace(b"\n", b"\r\n"), b"", b"\n", b"a.patch"])
def test_lossless(data: bytes) -> None:
    assert Series.parse(data).render() == data


def test_line_ends_do_not_change_the_entries() -> None:
    assert Series.parse(SAMPLE.replace(b"\n", b"\r\n")).entries == Series.parse(SAMPLE).entries


TOKENS = st.sampled_from(
    [b"a.patch", b"b/c.patch", b"\xff.patch", b" ", b"\t", b"-p1", b"-p0", b"-R", b"#", ID.encode(), b"\r", b"\n", b"x"]
)


@given(st.lists(TOKENS, max_size=40).map(b"".join) | st.binary(max_size=60))
def test_what_is_accepted_is_given_back(data: bytes) -> None:
    try:
        series = Series.parse(data, "series")
    except BadSeries as error:
        assert all(problem.line is not None for problem in error.problems)
        return
    assert series.render() == data
    rebuilt = Series.of(series.entries)
    assert rebuilt.entries == series.entries
    names = [entry.name for entry in series.entries]
    assert len(set(names)) == len(names)


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), max_size=20).map(
    lambda text: text.strip(" \t")
)
ENTRIES = st.builds(
    SeriesEntry,
    name=st.from_regex(r"[a-z]{1,3}(/[a-z0-9._-]{3})?\.patch", fullmatch=True),
    strip=st.integers(0, 999),
    reverse=st.booleans(),
    pin=st.none() | st.just(ID),
    comment=st.none() | WORDS.filter(bool),
)


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name))
def test_what_is_built_reads_back(entries: list[SeriesEntry]) -> None:
    series = Series.of(entries, header_comment="made here\n\nby hand")
    assert series.entries == tuple(entries)
    assert series.render().startswith(b"# made here\n#\n# by hand\n")
    assert Series.parse(series.render()) == series


@given(st.lists(ENTRIES, unique_by=lambda entry: entry.name, min_size=2), st.booleans(), st.booleans())
def test_edits_change_one_line_only(entries: list[SeriesEntry], crlf: bool, final: bool) -> None:
    *some, new = entries
    data = Series.of(some, header_comment="keep").render()
    data = (data if final else data[:-1]).replace(b"\n", b"\r\n" if crlf else b"\n")
    series = Series.parse(data)
    assert series.append(new).entries == tuple(entries)
    assert series.append(new).remove(new.name).render().removesuffix(b"\r\n" if crlf else b"\n") == data.removesuffix(
        b"\r\n" if crlf else b"\n"
    )
    for index, entry in enumerate(some):
        assert series.insert_before(entry.name, new).entries == (*some[:index], new, *some[index:])
        assert series.insert_before(entry.name, new).remove(new.name).render() == data
        assert series.remove(entry.name).entries == (*some[:index], *some[index + 1 :])
        assert series.replace_entry(entry.name, new).entries == (*some[:index], new, *some[index + 1 :])
        assert series.replace_entry(entry.name, entry) is series
        gone = series.comment_out(entry.name, "upstream")
        assert gone.entries == series.remove(entry.name).entries
        assert len(gone.lines) == len(series.lines)


def test_editing_keeps_comments_and_odd_lines() -> None:
    series = Series.parse(SAMPLE)
    assert series.append(SeriesEntry(name="z.patch", strip=0)).render() == SAMPLE + b"\nz.patch -p0\n"
    assert series.remove("c.patch").render() == SAMPLE.replace(b"  c.patch\n", b"")
    assert series.find("c.patch") == SeriesEntry(name="c.patch")
    assert series.find("y.patch") is None
    assert Series().append(SeriesEntry(name="a.patch")).render() == b"a.patch\n"


@pytest.mark.parametrize(
    ("line", "commented"),
    [
        (b"a.patch\n", b"# a.patch # upstream: 5.10.90 has it\n"),
        (b"a.patch -R # note\n", b"# a.patch -R # note; upstream: 5.10.90 has it\n"),
        (f"a.patch #{ID}\n".encode(), f"# a.patch # {ID} upstream: 5.10.90 has it\n".encode()),
        (f"a.patch # {ID} why\n".encode(), f"# a.patch # {ID} why; upstream: 5.10.90 has it\n".encode()),
    ],
)
def test_comment_out(line: bytes, commented: bytes) -> None:
    series = Series.parse(b"x\n" + line + b"y\n").comment_out("a.patch", " upstream:\n5.10.90 has it")
    assert series.render() == b"x\n" + commented + b"y\n"
    back = Series.parse(series.render().replace(b"# a.patch", b"a.patch")).find("a.patch")
    original = Series.parse(line).entries[0]
    assert back is not None
    assert attrs.evolve(back, comment=None) == attrs.evolve(original, comment=None)


def test_edits_of_a_patch_that_is_not_there() -> None:
    series = Series.parse(b"a\n", "q/series")
    entry = SeriesEntry(name="b")
    edits: list[Callable[[], Series]] = [
        lambda: series.remove("x"),
        lambda: series.insert_before("x", entry),
        lambda: series.replace_entry("x", entry),
        lambda: series.comment_out("x", "why"),
    ]
    for edit in edits:
        with pytest.raises(BadSeries) as caught:
            edit()
        assert str(caught.value) == "q/series: no patch 'x' in the series"


def test_an_edit_cannot_make_a_name_stand_twice() -> None:
    with pytest.raises(BadSeries) as caught:
        Series.parse(b"a\n", "series").append(SeriesEntry(name="a"))
    assert str(caught.value) == "series:2: patch 'a' stands in the series twice, first on line 1"


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        # quilt: cat_series strips blanks after it has deleted the lines that start with '#'
        ("  # note", "quilt reads this indented comment as the patch name '#'; start it in the first column"),
        ("\t#note", "quilt reads this indented comment as the patch name '#note'; start it in the first column"),
        # quilt: patch_args hands every word to patch
        ("a --fuzz=3", "unknown option '--fuzz=3' (expected '-pN' or '-R')"),
        ("a -pab", "unknown option '-pab' (expected '-pN' or '-R')"),
        ("a -r", "unknown option '-r' (expected '-pN' or '-R')"),
        ("a -p1#x", "unknown option '-p1#x' (expected '-pN' or '-R')"),
        ("a b", "unexpected word 'b' after the patch name (a comment starts with ' #')"),
        # quilt: patch takes the last, patch_strip_level the first
        ("a -p1 -p0", "strip level given twice: '-p1', then '-p0'"),
        ("a -R -R", "option '-R' given twice"),
        # quilt: push runs `patch -p 1`, patch_strip_level gives ''
        ("a -p 1", "option '-p' without its number; write '-p1'"),
        ("a -p", "option '-p' without its number"),
        ("-p1 a", "patch name '-p1' reads as an option; the name comes first"),
        ("../a", "unsafe patch name '../a': leaves the tree by '..'"),
        ("/a", "unsafe patch name '/a': is absolute"),
        ("b/.Git/a", "unsafe patch name 'b/.Git/a': reaches into a repository by '.Git'"),
        ("./a", "unsafe patch name './a': has a '.' component"),
        ("a\\b", "unsafe patch name 'a\\\\b': holds a backslash"),
        ("a\0b", "unsafe patch name 'a\\x00b': holds a NUL"),
        ('a"b', "patch name 'a\"b' holds a double quote, which quilt cannot look up"),
        ("a\x0bb", "patch name 'a\\x0bb' holds a blank or a control character"),
        ("a\r\r", "patch name 'a\\r' holds a blank or a control character"),
    ],
)
def test_refuses(line: str, trouble: str) -> None:
    assert refused(b"ok.patch\n" + line.encode() + b"\n") == [f"series:2: {trouble}"]


def test_names_every_problem() -> None:
    assert refused(b"../a -x y\n# fine\n  # n\nb\nb -R # again\nb\n") == [
        "series:1: unsafe patch name '../a': leaves the tree by '..'",
        "series:1: unknown option '-x' (expected '-pN' or '-R')",
        "series:1: unexpected word 'y' after the patch name (a comment starts with ' #')",
        "series:3: quilt reads this indented comment as the patch name '#'; start it in the first column",
        "series:5: patch 'b' stands in the series twice, first on line 4",
        "series:6: patch 'b' stands in the series twice, first on line 4",
    ]


@pytest.mark.parametrize("comment", [ID[:-1], ID + "0", ID + ": why", "see " + ID])
def test_comments_that_are_no_pin(comment: str) -> None:
    (entry,) = Series.parse(f"a # {comment}\n".encode()).entries
    assert (entry.pin, entry.comment) == (None, comment)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "a b"}, "patch name 'a b' holds a blank or a control character"),
        ({"name": "a", "strip": -1}, "strip level -1 of 'a' is not in 0..999"),
        ({"name": "a", "comment": ""}, "comment '' of 'a' is not one line without surrounding blanks"),
        ({"name": "a", "comment": "x\ny"}, "comment 'x\\ny' of 'a' is not one line without surrounding blanks"),
        ({"name": "a", "comment": ID}, f"comment '{ID}' of 'a' would be read as a pin"),
    ],
)
def test_an_entry_cannot_hold_nonsense(fields: dict[str, object], message: str) -> None:
    with pytest.raises(BadSeries) as caught:
        SeriesEntry(**fields)  # type: ignore[arg-type]
    assert str(caught.value) == message


def test_a_pin_is_a_full_id() -> None:
    with pytest.raises(BadInput) as caught:
        SeriesEntry(name="a", pin="13c7ba0c8494")
    assert str(caught.value) == "not a full commit id: '13c7ba0c8494' (expected 40 hex digits)"
    with pytest.raises(BadInput) as caught:
        Series.of([SeriesEntry(name="a", comment="\ud800")])
    assert str(caught.value) == "'a # \\ud800' cannot be turned into bytes: surrogates not allowed"


def test_names_that_are_not_utf8_survive() -> None:
    (entry,) = Series.parse(b"\xe9t\xe9.patch # \xff\n").entries
    assert entry.name.encode("utf-8", "surrogateescape") == b"\xe9t\xe9.patch"
    assert Series.of([entry]).render() == b"\xe9t\xe9.patch # \xff\n"
