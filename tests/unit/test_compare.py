# SPDX-License-Identifier: MIT
"""The mutation test: every hunk of a result taken out of it in turn is named, with its patch and its override."""

from __future__ import annotations

from collections.abc import Sequence

import pygit2
import pytest

from mptcp_series import Result
from mptcp_series.engine.proof.annotate import Annotator
from mptcp_series.engine.proof.compare import differences
from mptcp_series.engine.proof.layers import Layer, Origin, Part
from mptcp_series.engine.replay.change import BlobChange, apply_exactly
from mptcp_series.engine.store.objects import EXECUTABLE, LINK, Entry
from mptcp_series.values.patch import Patch
from mptcp_series.values.result import EntryKind
from mptcp_series.values.verification import Difference, DifferenceKind, Thing

from .conftest import Lab, numbered
from .verifying import Mini, Mutation, hunks_of

FILE = "net/mptcp/a.c"
BASES = ("v5.10", "v5.10.6", "bsp-5.10")


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    return Mini.make(tmp_path_factory.mktemp("compare"))


@pytest.fixture(scope="module")
def results(mini: Mini) -> dict[str, Result]:
    return {base: mini.apply(base).write_branch(f"whole-{base}") for base in BASES}


def compared(result: Result, mutation: Mutation) -> list[Difference]:
    change = BlobChange(path=mutation.path, old_path=mutation.path, old=mutation.before, new=mutation.after)
    return list(differences(Annotator.of(result), [change]))


def blamed(repo: pygit2.Repository, tip: str, result: Result, mutation: Mutation) -> set[str]:
    """The patches that libgit2's blame gives for the lines a hunk adds."""
    if mutation.before is None:
        return set()
    names = {step.commit.hex(): step.name for step in result.steps}
    owners = [
        names.get(str(hunk.final_commit_id), "")
        for hunk in repo.blame(mutation.path, newest_commit=repo.revparse_single(tip).id)
        for _ in range(hunk.lines_in_hunk)
    ]
    at = mutation.hunk.new_start - 1
    found = set()
    for line in mutation.hunk.lines:
        if line[:1] == b"+":
            found.add(owners[at])
        at += line[:1] in b"+ "
    return found - {""}


@pytest.mark.parametrize("base", BASES)
def test_each_hunk_of_the_result_is_named_when_it_is_taken_out(
    mini: Mini, results: dict[str, Result], base: str
) -> None:
    result = results[base]
    repo = pygit2.Repository(str(mini.repo(base)))
    outcomes = {outcome.name: outcome for outcome in result.patches}
    seen = 0
    for mutation in hunks_of(result):
        found = compared(result, mutation)
        seen += 1
        shown = mutation.path, mutation.hunk.render()
        assert found, shown
        assert {(one.path, one.kind) for one in found} == {(mutation.path, DifferenceKind.MISSING)}, shown
        assert all(one.authors for one in found), shown
        authors = [author for one in found for author in one.authors]
        assert blamed(repo, f"whole-{base}", result, mutation) <= {author.name for author in authors}, shown
        for author in authors:
            # Named with it: the override of the patch, and hunks that the patch has in this file.
            assert author.override == outcomes[author.name].override
            assert mutation.path in {path.path for path in outcomes[author.name].paths}
        if mutation.before is not None and mutation.after is not None:
            # What is shown leads from the expected file to the one without the hunk.
            content: bytes | None = result.objects.read(mutation.before.oid)
            for one in reversed(found):
                assert content is not None
                text = b"--- a/f\n+++ b/f\n" + one.diff.encode("utf-8", "surrogateescape")
                content = apply_exactly(content, Patch.parse(text, "shown").changes[0].hunks)
            assert content == result.objects.read(mutation.after.oid), shown
    assert seen >= 38


def test_hunks_have_the_ids_that_overrides_use(results: dict[str, Result]) -> None:
    (mutation,) = [
        one
        for one in hunks_of(results["v5.10"])
        if one.path == "net/ipv4/tcp.c"
        and b"tcp_tail_limit" in b"".join(one.hunk.lines)
        and b"TCP_TAIL_LIMIT" in b"".join(one.hunk.lines)
        and b"queued >" in b"".join(one.hunk.lines)
    ]
    (found,) = compared(results["v5.10"], mutation)
    (author,) = found.authors
    assert (author.name, author.kind, author.hunks, author.override) == (
        "mptcp-let-tcp-say-how-much-room-a-fragment-has.patch",
        EntryKind.PATCH,
        ("dcd4337406f3",),
        None,
    )
    assert str(found) == (
        "missing hunk: net/ipv4/tcp.c:65: of mptcp-let-tcp-say-how-much-room-a-fragment-has.patch (hunk dcd4337406f3)"
    )


def test_a_hunk_of_an_override_is_named_as_such(results: dict[str, Result]) -> None:
    (mutation,) = [
        one
        for one in hunks_of(results["bsp-5.10"])
        if one.path == "net/ipv4/tcp.c" and b"-\tif (queued > TCP_TAIL_LIMIT)\n" in one.hunk.lines
    ]
    (found,) = compared(results["bsp-5.10"], mutation)
    (author,) = found.authors
    assert (author.override, author.by_override) == ("mini-5.15/frag-room-offload.patch", True)


# The same on files of a few lines, case by case.


def told(lab: Lab, base: bytes, states: Sequence[bytes], actual: bytes) -> list[tuple[str, list[str], str]]:
    """(kind, authors, diff without header) of each difference; states: what each patch leads to."""
    layers = [
        Layer(
            origin=Origin(name=f"{number}.patch", kind=EntryKind.PATCH),
            files={FILE: lab.entry(state)},
        )
        for number, state in enumerate(states)
    ]
    entry = lab.entry(base)
    annotator = Annotator(lab.objects, lambda path: entry if path == FILE else None, layers)
    change = BlobChange(path=FILE, old_path=FILE, old=lab.entry(states[-1] if states else base), new=lab.entry(actual))
    return [
        (one.kind.value, [author.name for author in one.authors], one.diff.partition("\n")[2])
        for one in differences(annotator, [change])
    ]


def test_an_altered_hunk_names_all_who_wrote_it(lab: Lab) -> None:
    found = told(
        lab,
        numbered(9),
        [numbered(9, {4: "one\n"}), numbered(9, {4: "one\n", 5: "two\n"})],
        numbered(9, {4: "mine\n", 5: "mine too\n"}),
    )
    assert [entry[:2] for entry in found] == [("altered", ["0.patch", "1.patch"])]


def test_one_of_two_patches_is_missing(lab: Lab) -> None:
    """The later patch's line is as the earlier one left it: only the later one is missing."""
    found = told(lab, numbered(9), [numbered(9, {4: "one\n"}), numbered(9, {4: "two\n"})], numbered(9, {4: "one\n"}))
    assert [entry[:2] for entry in found] == [("missing", ["1.patch"])]


def test_a_hunk_that_nobody_has(lab: Lab) -> None:
    found = told(lab, numbered(20), [numbered(20, {4: "one\n"})], numbered(20, {4: "one\n", 15: "mine\n"}))
    assert found == [
        (
            "extra",
            [],
            " line 12\n line 13\n line 14\n-line 15\n+mine\n line 16\n line 17\n line 18\n",
        )
    ]


def test_a_foreign_line_inside_a_patch_s_own(lab: Lab) -> None:
    patched = b"a\nnew 1\nnew 2\nb\n"
    assert [entry[:2] for entry in told(lab, b"a\nb\n", [patched], b"a\nnew 1\nmine\nnew 2\nb\n")] == [
        ("altered", ["0.patch"])
    ]
    assert [entry[:2] for entry in told(lab, b"a\nb\n", [patched], b"a\nmine\nnew 1\nnew 2\nb\n")] == [("extra", [])]


def test_a_removal_that_is_missing(lab: Lab) -> None:
    base, patched = numbered(9), numbered(9, {5: ""})
    assert [entry[:2] for entry in told(lab, base, [patched], base)] == [("missing", ["0.patch"])]


def test_of_equal_lines_the_one_that_a_patch_brought(lab: Lab) -> None:
    """A block goes in between two like it; a differ may show any of them, the patch is named all the same."""
    block = b"{\n\tx();\n}\n\n"
    for at in range(4):
        patched = b"int a;\n" + block * 4 + b"int b;\n"
        layered = told(lab, b"int a;\n" + block * 3 + b"int b;\n", [patched], b"int a;\n" + block * 3 + b"int b;\n")
        assert [entry[:2] for entry in layered] == [("missing", ["0.patch"])], at
        partly = patched.replace(b"int b", b"}\nint b")
        assert [entry[0] for entry in told(lab, patched, [partly], patched)] == ["missing"]


def test_two_hunks_far_apart_are_two(lab: Lab) -> None:
    patched = numbered(40, {5: "one\n", 30: "two\n"})
    found = told(lab, numbered(40), [patched], numbered(40))
    assert [entry[:2] for entry in found] == [("missing", ["0.patch"])] * 2


def test_a_last_line_without_newline_is_shown_as_diff_shows_it(lab: Lab) -> None:
    found = told(lab, b"a\nb\n", [b"a\nb"], b"a\nb\n")
    assert found == [("missing", ["0.patch"], " a\n-b\n\\ No newline at end of file\n+b\n")]


def entries(lab: Lab, base: Entry | None, patched: Entry | None, actual: Entry | None) -> list[Difference]:
    layers = [Layer(origin=Origin(name="0.patch", kind=EntryKind.PATCH), files={FILE: patched})]
    annotator = Annotator(lab.objects, lambda path: base if path == FILE else None, layers if patched != base else [])
    return list(differences(annotator, [BlobChange(path=FILE, old_path=FILE, old=patched, new=actual)]))


def shown(found: Sequence[Difference]) -> list[tuple[str, str, list[str]]]:
    return [(one.kind.value, one.thing.value, [author.name for author in one.authors]) for one in found]


def test_files_as_a_whole(lab: Lab) -> None:
    plain, other = lab.entry(b"a\n"), lab.entry(b"b\n")
    assert shown(entries(lab, None, plain, None)) == [("missing", "file", ["0.patch"])]
    assert shown(entries(lab, plain, plain, None)) == [("missing", "file", [])]
    assert shown(entries(lab, plain, None, plain)) == [("missing", "file", ["0.patch"])]
    assert shown(entries(lab, plain, None, other)) == [("altered", "file", ["0.patch"])]
    assert shown(entries(lab, None, None, other)) == [("extra", "file", [])]


def test_modes(lab: Lab) -> None:
    plain, runs = lab.entry(b"a\n"), lab.entry((EXECUTABLE, b"a\n"))
    (found,) = entries(lab, plain, plain, runs)
    assert str(found) == f"extra mode: {FILE}: of the base: it is an executable file, and should be a file"
    assert shown(entries(lab, plain, runs, plain)) == [("missing", "mode", ["0.patch"])]
    link = lab.entry((LINK, b"a\n"))
    assert shown(entries(lab, plain, runs, link)) == [("altered", "mode", ["0.patch"])]


def test_what_has_no_lines(lab: Lab) -> None:
    one, two, three = (lab.entry(b"\0%d" % number) for number in range(3))
    assert shown(entries(lab, one, two, one)) == [("missing", "content", ["0.patch"])]
    assert shown(entries(lab, one, two, three)) == [("altered", "content", ["0.patch"])]
    assert shown(entries(lab, one, one, two)) == [("extra", "content", [])]
    links = [lab.entry((LINK, b"%d" % number)) for number in range(2)]
    assert shown(entries(lab, links[0], links[1], links[0])) == [("missing", "content", ["0.patch"])]


def test_a_content_that_is_not_at_hand_differs_all_the_same(lab: Lab) -> None:
    """Snapshots lack blobs that nobody touches; that one is altered is known by its id."""
    absent = Entry(0o100644, b"\1" * 20)
    annotator = Annotator(lab.objects, lambda path: absent, [])
    assert shown(list(differences(annotator, [BlobChange(path=FILE, old_path=FILE, old=absent, new=None)]))) == [
        ("missing", "file", [])
    ]
    change = BlobChange(path=FILE, old_path=FILE, old=absent, new=lab.entry(b"a\n"))
    (found,) = differences(annotator, [change])
    assert (found.thing, found.kind, found.detail.split(" ")[2]) == (
        Thing.CONTENT,
        DifferenceKind.EXTRA,
        lab.entry(b"a\n").oid.hex() + ",",
    )


def test_the_part_of_a_layer_is_told_apart(lab: Lab) -> None:
    kept, whole = numbered(9, {3: "kept\n"}), numbered(9, {3: "kept\n", 7: "diffed\n"})
    origin = Origin(name="0.patch", kind=EntryKind.PATCH, override="q/0.patch")
    layers = [
        Layer(origin=origin, files={FILE: lab.entry(kept)}),
        Layer(
            origin=Origin(name="0.patch", kind=EntryKind.PATCH, override="q/0.patch", part=Part.OVERRIDE),
            files={FILE: lab.entry(whole)},
        ),
    ]
    base = lab.entry(numbered(9))
    annotator = Annotator(lab.objects, lambda path: base, layers)
    change = BlobChange(path=FILE, old_path=FILE, old=lab.entry(whole), new=base)
    found = list(differences(annotator, [change]))
    assert [(one.line, [author.by_override for author in one.authors]) for one in found] == [
        (3, [False]),
        (7, [True]),
    ]
