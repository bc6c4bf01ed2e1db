# SPDX-License-Identifier: MIT
"""The report of a result: rows, conflicts without a text to merge, the account of alignment."""

from __future__ import annotations

from pathlib import Path

import attrs
import click
import pytest

from mptcp_series import Queue
from mptcp_series.cli.tables import conflict_lines, diff_lines, result_lines
from mptcp_series.values.alignment import Alignment, HalfRetracted, Lost, Reinstated, Remedy, Restored, Retracted
from mptcp_series.values.result import Conflict, EntryKind, PatchOutcome, PathOutcome, Status

from .conftest import Kernel


def outcome(kind: EntryKind = EntryKind.PATCH, override: str | None = None, *conflicts: Conflict) -> PatchOutcome:
    return PatchOutcome(
        name="a.patch",
        kind=kind,
        commit="1" * 40,
        subject="mptcp: a",
        status=Status.CONFLICT,
        override=override,
        conflicts=conflicts,
    )


def plain(lines: object) -> list[str]:
    assert hasattr(lines, "__iter__")
    return [click.unstyle(line) for line in lines]


def test_a_patch_without_conflicts_has_no_lines() -> None:
    assert plain(conflict_lines(outcome())) == []


def test_conflicts_in_words_and_of_a_materialised_hunk() -> None:
    found = outcome(
        EntryKind.PATCH,
        None,
        Conflict(path="net/a.c", hunk=None, text="modify/delete: the patch changes net/a.c, which is not there"),
        Conflict(path="net/b.c", hunk="1f2e3d4c5b6a", text="fits 2 places: line 3, line 9\n@@ -1 +1 @@\n-x\n\n+y\n"),
    )
    assert plain(conflict_lines(found)) == [
        "",
        "conflict 1 of 2 in a.patch",
        "  net/a.c",
        "    modify/delete: the patch changes net/a.c, which is not there",
        "",
        "conflict 2 of 2 in a.patch",
        "  net/b.c, hunk 1f2e3d4c5b6a",
        "    fits 2 places: line 3, line 9",
        "    @@ -1 +1 @@",
        "    -x",
        "",
        "    +y",
        "  next: mptcp-series resolve, or by hand: mptcp-series override new a.patch",
    ]


@pytest.mark.parametrize(
    ("kind", "override", "line"),
    [
        (EntryKind.PATCH, None, "  next: mptcp-series resolve, or by hand: mptcp-series override new a.patch"),
        (
            EntryKind.PATCH,
            "q/o.patch",
            "  next: mend q/o.patch; `mptcp-series override show` lays it beside the patch",
        ),
        (
            EntryKind.RESTORE,
            None,
            "  next: mptcp-series resolve, or an [[acknowledge]] in recipe.toml",
        ),
    ],
    ids=["patch", "override", "restore"],
)
def test_what_to_do_next(kind: EntryKind, override: str | None, line: str) -> None:
    found = outcome(kind, override, Conflict(path="x", hunk=None, text="binary"))
    assert plain(conflict_lines(found))[-1] == line


def test_of_many_places_the_first_is_shown() -> None:
    places = [Conflict(path="x", hunk=str(number), text="no place\n") for number in range(4)]
    few, many = outcome(EntryKind.PATCH, None, *places[:3]), outcome(EntryKind.PATCH, None, *places)
    assert list(conflict_lines(few, verbose=False)) == list(conflict_lines(few))
    assert plain(conflict_lines(many, verbose=False)) == [
        *plain(conflict_lines(many))[:4],
        "  3 more places are not shown; -v shows them",
        plain(conflict_lines(many))[-1],
    ]


def test_the_sides_of_a_conflict_have_colours_of_their_own() -> None:
    text = "before\n<<<<<<< bsp\nours\n||||||| was\nbase\n=======\ntheirs\n>>>>>>> a.patch\nafter\n"
    lines = list(conflict_lines(outcome(EntryKind.PATCH, None, Conflict(path="x", hunk=None, text=text))))
    assert lines[3:-1] == [
        "    before",
        "    \x1b[1m<<<<<<< bsp\x1b[0m",
        "    \x1b[36mours\x1b[0m",
        "    \x1b[1m||||||| was\x1b[0m",
        "    \x1b[33mbase\x1b[0m",
        "    \x1b[1m=======\x1b[0m",
        "    \x1b[32mtheirs\x1b[0m",
        "    \x1b[1m>>>>>>> a.patch\x1b[0m",
        "    after",
    ]


def test_a_diff_has_git_s_colours() -> None:
    assert list(diff_lines("@@ -1 +1 @@\n-a\n+b\n c\n")) == [
        "\x1b[36m@@ -1 +1 @@\x1b[0m",
        "\x1b[31m-a\x1b[0m",
        "\x1b[32m+b\x1b[0m",
        " c",
    ]


ALIGNMENT = Alignment(
    retracted=(
        Retracted(commit="1" * 40, subject="mptcp: a", upstream="2" * 40, covered_by="a.patch"),
        Retracted(commit=None, subject="", upstream=None, covered_by=None, path="net/mptcp/x.c", hunk="1f2e3d4c5b6a"),
    ),
    restored=(
        Restored(commit="3" * 40, subject="mptcp: fix", how=Remedy.PICKED, origin="4" * 40, name="fix.patch"),
        Restored(commit=None, subject="vendor edit", how=Remedy.CARRIED, origin="bsp", name="carry.patch"),
    ),
    acknowledged=(
        Lost(commit=None, subject="", upstream=None, path="net/mptcp/y.c", hunk="0" * 12, reason="not ours"),
    ),
    reinstated=(Reinstated(commit="5" * 40, subject="Revert a", name="a.patch"),),
    half_retracted=(
        HalfRetracted(commit="6" * 40, subject="mptcp: b", path="net/ipv4/tcp.c", covered_by="b.patch", whole=False),
        HalfRetracted(commit="7" * 40, subject="mptcp: c", path="net/ipv4/ip.c", covered_by="c.patch", whole=True),
    ),
    lost=(Lost(commit="8" * 40, subject="mptcp: gone", upstream=None),),
    warnings=("the Makefile says 5.10.9, the files are those of 5.10.8",),
)
SUMMARY = """\
warning: the Makefile says 5.10.9, the files are those of 5.10.8
alignment: 2 retracted, 2 restored, 1 acknowledged, 1 reinstated, 1 half retracted, 1 lost
"""
RETRACTED = """\
  retracted     111111111111 mptcp: a: covered by a.patch
  retracted     net/mptcp/x.c#1f2e3d4c5b6a: nothing covers it
"""
REST = """\
  restored      333333333333 mptcp: fix: picked
  restored      carry.patch vendor edit: carried
  acknowledged  net/mptcp/y.c#000000000000: not ours
  reinstated    555555555555 Revert a: a.patch brings it again
  half          666666666666 mptcp: b: its part in net/ipv4/tcp.c stays
  lost          888888888888 mptcp: gone
between the retraction and c.patch the tree need not build
"""


@pytest.mark.parametrize("verbose", [False, True], ids=["normal", "verbose"])
def test_the_account_of_alignment(kernel: Kernel, verbose: bool) -> None:
    queue = Queue.load(kernel.series, source=kernel.source.path)
    result = attrs.evolve(queue.apply(kernel.source.path, base="v5.10"), alignment=ALIGNMENT)
    lines = plain(result_lines(result, verbose=verbose, closing=["the end"]))
    tail = SUMMARY + (RETRACTED if verbose else "") + REST + "the end"
    assert "\n".join(lines).endswith("\n5 hunks: 5 applied\n" + tail)


def test_rows_of_other_kinds_and_of_a_renamed_path(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue.load(kernel.series, source=kernel.source.path)
    result = queue.apply(kernel.source.path, base="v5.10")
    patch = PatchOutcome(
        name="a.patch",
        kind=EntryKind.PREREQUISITE,
        commit=None,
        subject="",
        status=Status.OFFSET,
        paths=(
            PathOutcome(path="net/new.c", status=Status.OFFSET, source_path="net/old.c"),
            PathOutcome(path="net/same.c", status=Status.CLEAN),
        ),
    )
    monkeypatch.setattr(type(result), "patches", (patch,))
    assert plain(result_lines(result, verbose=True))[1:] == [
        "",
        "offset      a.patch (prerequisite)",
        "  upstream    ",
        "  hunks       none",
        "  offset      net/new.c (net/old.c upstream)",
        "  clean       net/same.c",
        "",
        "1 patch: 1 offset",
        "0 hunks: none",
    ]
    # It went in as it was made.
    assert plain(result_lines(result, verbose=False))[1:] == ["", "1 patch: 1 offset", "0 hunks: none"]


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.UPSTREAM])
def test_of_a_patch_that_is_left_out_the_files_are_not_told(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    result = Queue.load(kernel.series, source=kernel.source.path).apply(kernel.source.path, base="v5.10")
    paths = (PathOutcome(path="net/new.c", status=status),)
    patch = PatchOutcome(name="a.patch", kind=EntryKind.PATCH, commit=None, subject="", status=status, paths=paths)
    monkeypatch.setattr(type(result), "patches", (patch,))
    assert plain(result_lines(result, verbose=False))[2:4] == [f"{status.value:<10}  a.patch", ""]
    assert f"  {status.value:<10}  net/new.c" in plain(result_lines(result, verbose=True))


def test_every_line_of_a_long_name_stands_as_it_is(kernel: Kernel, work: Path) -> None:
    """Names are never cut or wrapped: what is copied from the report names the patch."""
    name = "mptcp-" + "x" * 90 + ".patch"
    (kernel.series / "series").write_text(f"{name} # {kernel.hook}\n")
    queue = Queue.load(kernel.series, source=kernel.source.path)
    lines = plain(result_lines(queue.apply(kernel.source.path, base="bsp"), verbose=False))
    assert f"conflict    {name}" in lines
