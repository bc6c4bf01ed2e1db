# SPDX-License-Identifier: MIT
"""Whose an error is: of lines the queue wrote, of lines of the base, of patches in the window."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from mptcp_series.engine.building.blame import Blamer
from mptcp_series.engine.building.cures import from_needs, from_recipe
from mptcp_series.engine.building.each import Window, classify, step_tree
from mptcp_series.engine.queue import Queue
from mptcp_series.engine.result import Result
from mptcp_series.values.alignment import Alignment, HalfRetracted
from mptcp_series.values.built import Blame, PatchBuild, PatchFate
from mptcp_series.values.condition import Condition
from mptcp_series.values.diagnostic import Diagnostic, Note, Place, Severity
from mptcp_series.values.need import Introduction, Need, NeedKind
from mptcp_series.values.paths import OwnedPaths
from mptcp_series.values.recipe import Prerequisite, Recipe

from .conftest import MAKEFILE, Files, Lab
from .queues import queue_result

BASE: Files = {
    "Makefile": MAKEFILE,
    "include/net/tcp.h": b"void tcp_reset(struct sock *sk);\n#define TCP_FILL(x) (x)\nint tcp_room;\n",
    "net/ipv4/cookies.c": b"int a;\nvoid cookie(void)\n{\n\tmptcp_request_ops.init();\n}\n",
    "net/mptcp/pm.c": b"int pm;\nint pm2;\nint pm3;\n",
    "net/mptcp/protocol.h": b"extern struct ops mptcp_request_ops;\nint stays;\n",
}


@pytest.fixture
def result(lab: Lab, tmp_path: Path) -> Result:
    """patch-1 adds a line to the stack, patch-2 takes something away, patch-3 changes a prototype."""
    states = [BASE]
    states.append({**states[-1], "net/mptcp/pm.c": b"int pm;\n\ttcp_fill(pm);\nint pm2;\n\tTCP_FILL(pm);\nint pm3;\n"})
    states.append({**states[-1], "net/mptcp/protocol.h": b"int stays;\n"})
    header = b"void tcp_reset(struct sock *sk, int skb);\n#define TCP_FILL(x) (x)\nint tcp_room;\n"
    states.append({**states[-1], "include/net/tcp.h": header})
    return queue_result(lab, tmp_path, states)


def error(path: str, line: int, message: str, **more: object) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, path=path, line=line, message=message, **more)  # type: ignore[arg-type]


def note(path: str, line: int, message: str) -> Note:
    return Note(place=Place(path=path, line=line), message=message)


def test_the_line_is_the_patchs(result: Result) -> None:
    found = Blamer(result).lay(error("net/mptcp/pm.c", 2, "implicit declaration of function 'tcp_fill'"))
    assert found == ("patch-1.patch", Blame.LINE)


def test_a_macro_shows_where_it_is_and_is_laid_where_it_is_used(result: Result) -> None:
    message = error(
        "include/net/tcp.h", 2, "wrong type", notes=(note("net/mptcp/pm.c", 4, "in expansion of macro 'TCP_FILL'"),)
    )
    assert Blamer(result).lay(message) == ("patch-1.patch", Blame.USE)


def test_a_header_of_the_base_that_the_stack_includes(result: Result) -> None:
    message = error("include/net/sock.h", 2, "expected ';'", includes=(Place(path="net/mptcp/pm.c", line=2),))
    assert Blamer(result).lay(message) == ("patch-1.patch", Blame.USE)


def test_a_line_of_the_base_whose_ground_was_taken_away(result: Result) -> None:
    message = error("net/ipv4/cookies.c", 4, "'mptcp_request_ops' undeclared (first use in this function)")
    assert Blamer(result).lay(message) == ("patch-2.patch", Blame.REMOVED)


def test_a_line_of_the_base_that_calls_what_was_changed(result: Result) -> None:
    message = error(
        "net/ipv4/tcp.c",
        9,
        "too few arguments to function 'tcp_reset'",
        notes=(note("include/net/tcp.h", 1, "declared here"),),
    )
    assert Blamer(result).lay(message) == ("patch-3.patch", Blame.REMOVED)
    assert Blamer(result).lay(attrs.evolve(message, notes=())) == ("patch-3.patch", Blame.REMOVED)


def test_nobodys(result: Result) -> None:
    blamer = Blamer(result)
    assert blamer.lay(error("drivers/net/veth.c", 3, "expected ';'")) == (None, Blame.NOBODY)
    assert blamer.lay(error("net/mptcp/pm.c", 99, "end of file")) == (None, Blame.NOBODY)
    assert blamer.lay(Diagnostic(severity=Severity.ERROR, path=None, message="odd")) == (None, Blame.NOBODY)


def test_the_tree_after_some_patches(result: Result) -> None:
    """Before patch-2 the line of the cookies is fine, and patch-1's line is where it was."""
    message = error("net/mptcp/pm.c", 2, "x")
    assert Blamer(result, upto=1).lay(message) == ("patch-1.patch", Blame.LINE)
    assert Blamer(result, upto=0).lay(message) == (None, Blame.NOBODY)


def test_trees_of_the_steps(result: Result, lab: Lab) -> None:
    assert step_tree(result, 0) == lab.tree(BASE)
    assert step_tree(result, len(result.steps)).hex() == result.tree


def half(covered_by: str | None) -> HalfRetracted:
    return HalfRetracted(commit="1" * 40, subject="x", path="net/ipv4/a.c", covered_by=covered_by, whole=True)


def test_the_window_ends_with_the_last_patch_that_makes_whole(result: Result) -> None:
    assert Window(result).end == 0
    names = [half("patch-2.patch"), half("patch-3.patch"), half(None)]
    window = Window(attrs.evolve(result, alignment=Alignment(half_retracted=tuple(names))))
    assert window.end == 2
    assert [window.excuses(number, error("a.c", 1, "x")) for number in (1, 2, 3)] == [True, True, False]
    assert Window(attrs.evolve(result, alignment=Alignment(half_retracted=(half("patch-1.patch"),)))).end == 0


def test_a_window_nobody_told_the_length_of(lab: Lab, tmp_path: Path) -> None:
    """A squashed base: the alignment takes away what a file around the stack uses, and a later patch brings it back."""
    root: Files = {**BASE, "net/mptcp/protocol.h": b"int stays;\n", "net/ipv4/cookies.c": b"int a;\n"}
    states = [root, {**root, "net/mptcp/pm.c": b"int pm;\nint one;\n"}]
    states.append({**states[-1], "net/mptcp/protocol.h": BASE["net/mptcp/protocol.h"]})
    states.append({**states[-1], "net/mptcp/pm.c": b"int pm;\nint two;\n"})
    head = lab.commit(root, "Linux 5.10\n")
    lab.repo.references.create("refs/tags/v5.10", head)
    base = lab.commit(BASE, "up to 5.10.66\n")
    lines = []
    for number, files in enumerate(states[1:], start=1):
        head = lab.commit(files, f"patch {number}\n", [head])
        lines.append(f"patch-{number}.patch # {head}\n")
    lab.repo.references.create("refs/tags/v5.15", head)
    place = tmp_path / "series" / "q"
    place.mkdir(parents=True)
    (place / "series").write_text("".join(lines))
    recipe = 'name = "q"\nrange = "v5.10..v5.15"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/"]\nroot = "v5.10"\n'
    (place / "recipe.toml").write_text(f"[series]\n{recipe}")
    result = Queue.load(place, source=lab.repo.path).apply(lab.repo.path, base=base)
    assert [step.name for step in result.steps][1:] == ["patch-1.patch", "patch-2.patch", "patch-3.patch"]
    assert {entry.covered_by for entry in result.alignment.retracted} == {"patch-2.patch"}
    assert result.alignment.window == ()
    window = Window(result)
    uses = error("net/ipv4/cookies.c", 4, "'mptcp_request_ops' undeclared (first use in this function)")
    assert [window.excuses(number, uses) for number in (1, 2, 3, 4)] == [True, True, False, False]
    other = error("net/mptcp/pm.c", 2, "'one' is odd")
    assert [window.excuses(number, other) for number in (1, 2)] == [False, False]


def never(number: int, one: Diagnostic) -> bool:
    return False


A, B, C = (error("a.c", number, f"error {number}") for number in (1, 2, 3))


def test_each_patch_answers_for_its_own_errors() -> None:
    records = [("p1", (A,)), ("p2", None), ("p3", (A, B)), ("p4", (attrs.evolve(A, line=9),)), ("p5", ())]
    assert classify(records, (), never) == (
        PatchBuild(name="p1", fate=PatchFate.FAILS, errors=(str(A),)),
        PatchBuild(name="p2", fate=PatchFate.NOTHING),
        PatchBuild(name="p3", fate=PatchFate.FAILS, errors=(str(B),)),
        PatchBuild(name="p4", fate=PatchFate.STILL, errors=("a.c:9: error: error 1",), since="p1"),
        PatchBuild(name="p5", fate=PatchFate.BUILDS),
    )


def test_what_the_base_has_is_no_patchs() -> None:
    assert classify([("p1", (A,)), ("p2", (A, B))], (A,), never) == (
        PatchBuild(name="p1", fate=PatchFate.BUILDS),
        PatchBuild(name="p2", fate=PatchFate.FAILS, errors=(str(B),)),
    )


def test_patches_in_the_window_are_named_and_not_blamed() -> None:
    """The one that ends it has to build; what is broken in it and stays so is told with its patch."""
    records = [("align", (A,)), ("p1", (A, B)), ("p2", ()), ("end", (B, C)), ("p4", (B,))]
    assert classify(records, (), lambda number, one: number <= 3) == (
        PatchBuild(name="align", fate=PatchFate.WINDOW, errors=(str(A),)),
        PatchBuild(name="p1", fate=PatchFate.WINDOW, errors=(str(A), str(B))),
        PatchBuild(name="p2", fate=PatchFate.BUILDS),
        PatchBuild(name="end", fate=PatchFate.FAILS, errors=(str(C),)),
        PatchBuild(name="p4", fate=PatchFate.STILL, errors=(str(B),), since="p1"),
    )


def test_what_would_cure() -> None:
    recipe = Recipe(
        name="q",
        range="a..b",
        match=("net/mptcp",),
        owned=OwnedPaths(patterns=("net/mptcp/",)),
        prerequisites=(
            Prerequisite(
                commit="4" * 40,
                reason="a byte sysctl",
                when=Condition.parse("include/linux/sysctl.h lacks proc_dou8vec"),
            ),
            Prerequisite(commit="5" * 40, reason="needed always"),
        ),
    )
    assert from_recipe(recipe) == {"proc_dou8vec": "prerequisite 444444444444 of the recipe (a byte sysctl)"}
    assert from_recipe(None) == {}
    need = Need(identifier="f", kind=NeedKind.FUNCTION, defined_in="include/net/tcp.h", line=3, used_by=())
    assert from_needs(need) is None
    introduced = Introduction(commit="6" * 40, subject="tcp: export f")
    full = attrs.evolve(need, introduced_by=introduced, former_name="__f", base_release="v5.10.178")
    assert from_needs(full) == "666666666666 tcp: export f; the base calls it __f; v5.10.178 has it"
    assert from_needs(attrs.evolve(full, answered_by="7" * 40)) == (
        "777777777777 of the recipe, once `extract` has put it into the series"
    )
