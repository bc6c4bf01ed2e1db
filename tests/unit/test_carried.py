# SPDX-License-Identifier: MIT
"""What exports refuse and warn about, by the rules of the tools that apply them; the tools are in tests/compat."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from mptcp_series.engine.exchange.carried import Beyond, uncarried
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.replay.change import tree_changes
from mptcp_series.engine.replay.commits import Step
from mptcp_series.engine.replay.item import RawCommit
from mptcp_series.errors import BadInput, NeedsPerson

from .conftest import EXECUTABLE, LINK, MAKEFILE, SUBMODULE, Content, Files, Lab, numbered
from .test_layouts import ROOT, replayed

TEXT, OTHER = numbered(12), numbered(12, {6: "six\n"})
LOGO = bytes(range(256))
SUB: Content = (SUBMODULE, b"s" * 20)
BUILD_SYSTEMS = ("yocto", "buildroot", "openwrt")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        # What arrives, and comes back.
        ({"a.c": TEXT}, {"a.c": OTHER}, {}),
        ({"a.sh": TEXT}, {"a.sh": (EXECUTABLE, TEXT)}, {}),
        ({"a.sh": (EXECUTABLE, TEXT)}, {"a.sh": OTHER}, {}),
        ({"a.c": TEXT}, {"b.c": TEXT}, {}),
        ({"a.c": TEXT}, {"b.c": OTHER}, {}),
        ({"a.c": TEXT}, {"a.c": TEXT, "b.c": TEXT}, {}),
        ({}, {"a.sh": (EXECUTABLE, TEXT)}, {}),
        ({}, {"l": (LINK, b"Makefile")}, {}),
        ({"l": TEXT}, {"l": (LINK, b"Makefile")}, {}),
        ({"logo.bin": LOGO}, {"logo.bin": (EXECUTABLE, LOGO)}, {}),
        # Beyond GNU patch.
        ({}, {"logo.bin": LOGO}, {Beyond.BINARY: ["logo.bin"]}),
        ({"logo.bin": LOGO}, {}, {Beyond.BINARY: ["logo.bin"]}),
        ({"logo.bin": LOGO}, {"logo.bin": TEXT}, {Beyond.BINARY: ["logo.bin"]}),
        ({"logo.bin": LOGO}, {"b.bin": LOGO}, {Beyond.BINARY: ["b.bin", "logo.bin"]}),
        ({}, {"sub": SUB}, {Beyond.SUBMODULE: ["sub"]}),
        ({"sub": SUB}, {"sub": (SUBMODULE, b"t" * 20)}, {Beyond.SUBMODULE: ["sub"]}),
        ({"sub": SUB}, {}, {Beyond.SUBMODULE: ["sub"]}),
        ({"d": TEXT}, {"d/x/y": TEXT}, {Beyond.PLACE: ["d"]}),
        ({"d/x/y": TEXT}, {"d": OTHER}, {Beyond.PLACE: ["d"]}),
        ({"d/x": TEXT, "d/y": TEXT}, {"d/x": OTHER}, {}),
        # Beyond quilt's pop.
        ({"l": (LINK, b"Makefile")}, {"l": (LINK, b"n")}, {Beyond.POP: ["l"]}),
        ({"l": (LINK, b"Makefile")}, {}, {Beyond.POP: ["l"]}),
        ({"l": (LINK, b"Makefile")}, {"l": TEXT}, {Beyond.POP: ["l"]}),
        ({"e": b""}, {}, {Beyond.POP: ["e"]}),
        ({"e": b""}, {"e": TEXT}, {Beyond.POP: ["e"]}),
        # Beyond patch -E.
        ({}, {"e": b""}, {Beyond.EMPTY: ["e"]}),
        ({"e": TEXT}, {"e": b""}, {Beyond.EMPTY: ["e"]}),
        ({"e": b""}, {"e": (EXECUTABLE, b"")}, {Beyond.POP: ["e"], Beyond.EMPTY: ["e"]}),
    ],
)
def test_kinds_of_changes(lab: Lab, before: Files, after: Files, found: dict[Beyond, list[str]]) -> None:
    changes = tree_changes(lab.objects, lab.tree({**ROOT, **before}), lab.tree({**ROOT, **after}), renames=False)
    step = Step(
        name="p.patch", commit=b"c" * 20, raw=RawCommit(author=b"", encoding=None, message=b""), changes=tuple(changes)
    )
    assert {one.beyond: one.paths for one in uncarried(lab.objects, [step])} == found


@attrs.frozen
class Case:
    """A queue of one patch, and what is said of it."""

    before: Files
    after: Files
    told: str


BINARY = Case({}, {"logo.bin": LOGO}, "changes a binary file (logo.bin), and GNU patch")
PLACE = Case(
    {"d": TEXT}, {"d/x": TEXT}, "puts a directory in the place of a file, or a file in that of a directory (d), and GNU"
)
SUBMODULES = Case(
    {}, {"sub": SUB}, "changes a submodule (sub), of which GNU patch makes a file without a word, or stops"
)
NEITHER = "GNU patch, which this build system applies patches with, cannot; --format mbox and git-bundle carry it"


def patch_of(lab: Lab, directory: Path, case: Case, name: str = "p1.patch") -> Queue:
    base = lab.commit({**ROOT, **case.before}, "base\n")
    pin = lab.commit({**ROOT, **case.after}, "mptcp: number 1\n", [base])
    series = directory / "series" / "mptcp-5.15"
    series.mkdir(parents=True)
    (series / "series").write_text(f"{name} # {pin}\n")
    lab.repo.references.create("refs/heads/base", base, force=True)
    return Queue.load(series, source=lab.repo.path)


@pytest.mark.parametrize("format", BUILD_SYSTEMS)
@pytest.mark.parametrize("case", [BINARY, PLACE, SUBMODULES], ids=["binary", "place", "submodule"])
def test_build_systems_get_nothing_that_gnu_patch_cannot_do(lab: Lab, tmp_path: Path, case: Case, format: str) -> None:
    result = patch_of(lab, tmp_path, case).apply(lab.repo.path, base="base").require()
    with pytest.raises(BadInput) as caught:
        result.export(tmp_path / "out", format=format)
    (problem,) = caught.value.problems
    assert problem.message.startswith(f"p1.patch: {case.told}")
    assert problem.message.endswith("--format mbox and git-bundle carry it")
    assert case is SUBMODULES or problem.message.endswith(NEITHER)
    assert not (tmp_path / "out").exists()


def test_a_submodule_is_refused_for_quilt_too(lab: Lab, tmp_path: Path) -> None:
    """GNU patch ends with 0 there: a build would be without it, and nobody told."""
    result = patch_of(lab, tmp_path, SUBMODULES).apply(lab.repo.path, base="base").require()
    with pytest.raises(BadInput) as caught:
        result.export(tmp_path / "out")
    assert str(caught.value) == (
        "p1.patch: changes a submodule (sub), of which GNU patch makes a file without a word, or stops there; "
        "--format mbox and git-bundle carry it"
    )
    assert result.export_warnings() == ()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("before", "after", "warning"),
    [
        (
            {},
            {"logo.bin": LOGO},
            "p1.patch: changes a binary file (logo.bin), and GNU patch and quilt stop there; `mptcp-series push` "
            "applies it, --format mbox and git-bundle carry it",
        ),
        (
            {"d/x": TEXT},
            {"d": TEXT},
            "p1.patch: puts a directory in the place of a file, or a file in that of a directory (d), and GNU patch, "
            "quilt and `mptcp-series push` stop there; --format mbox and git-bundle carry it",
        ),
        (
            {"l": (LINK, b"Makefile"), "e": b""},
            {},
            "p1.patch: changes or deletes a symbolic link or an empty file (e, l): `quilt push` does it, `quilt pop` "
            "does not undo it; `mptcp-series pop` does",
        ),
    ],
)
def test_a_quilt_directory_is_written_with_a_warning(
    lab: Lab, tmp_path: Path, before: Files, after: Files, warning: str
) -> None:
    result = patch_of(lab, tmp_path, Case(before, after, "")).apply(lab.repo.path, base="base").require()
    result.export(tmp_path / "out")
    assert (tmp_path / "out" / "p1.patch").is_file()
    assert result.export_warnings() == (warning,)
    for format in ("mbox", "git-bundle"):
        result.export(tmp_path / format, format=format)
        assert result.export_warnings(format=format) == ()


def test_openwrt_may_delete_empty_files(lab: Lab, tmp_path: Path) -> None:
    result = patch_of(lab, tmp_path, Case({"a": TEXT}, {"a": b""}, "")).apply(lab.repo.path, base="base").require()
    assert result.export_warnings(format="openwrt") == (
        "p1.patch: leaves an empty file (a), and OpenWrt's scripts/patch-kernel.sh takes it away where it runs "
        "`patch -E`, as older ones do; see what yours runs",
    )
    assert [result.export_warnings(format=format) for format in ("yocto", "buildroot", "quilt")] == [(), (), ()]


def test_each_patch_is_named_in_order(lab: Lab, tmp_path: Path) -> None:
    states: list[Files] = [{**ROOT, "b.bin": LOGO}, {**ROOT, "b.bin": LOGO, "sub": SUB}, {**ROOT, "sub": SUB}]
    result = replayed(lab, tmp_path, states)
    with pytest.raises(BadInput) as caught:
        result.export(tmp_path / "out", format="buildroot")
    assert [problem.message.partition(" (")[0] for problem in caught.value.problems] == [
        "p1.patch: changes a binary file",
        "p2.patch: changes a submodule",
        "p3.patch: changes a binary file",
    ]


def test_a_message_that_speaks_of_binary_patches_is_text(lab: Lab, tmp_path: Path) -> None:
    base = lab.commit(ROOT, "base\n")
    after: Files = {**ROOT, "a.c": TEXT}
    pin = lab.commit(after, "mptcp: x\n\nAs in\nGIT binary patch\nliteral 3\n", [base])
    (tmp_path / "series").write_text(f"p1.patch # {pin}\n")
    result = Queue.load(tmp_path, source=lab.repo.path).apply(lab.repo.path, base=base).require()
    assert [path.name for path in result.export(tmp_path / "out", format="buildroot")] == ["0001-p1.patch"]


def test_an_override_that_leaves_the_file_out_makes_it_fit(lab: Lab, tmp_path: Path) -> None:
    queue = patch_of(lab, tmp_path, Case({}, {"logo.bin": LOGO, "a.c": TEXT}, ""))
    overrides = tmp_path / "overrides" / "mptcp-5.15"
    overrides.mkdir(parents=True)
    (overrides / "no-logo.patch").write_text("Patch: p1.patch\nDrop: logo.bin\nReason: nothing here shows it\n---\n")
    result = Queue.load(queue.directory, source=lab.repo.path).apply(lab.repo.path, base="base").require()
    result.export(tmp_path / "out", format="buildroot")
    written = (tmp_path / "out" / "linux" / "0001-p1.patch").read_bytes()
    assert (b"+++ b/a.c\n" in written, b"logo.bin" in written) == (True, False)
    assert result.export_warnings(format="buildroot") == ()


def test_warnings_need_a_whole_result(lab: Lab, tmp_path: Path) -> None:
    queue = patch_of(lab, tmp_path, Case({"a.c": TEXT}, {"a.c": OTHER}, ""))
    base = lab.commit({"Makefile": MAKEFILE, "a.c": numbered(12, {6: "VI\n"})}, "another\n")
    with pytest.raises(NeedsPerson):
        queue.apply(lab.repo.path, base=base).export_warnings()
