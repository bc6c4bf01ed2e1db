# SPDX-License-Identifier: MIT
"""`extract`: what is told of a pick. The walk itself is a git process and has its own tests; here it is given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mptcp_series.engine.upstream import extract as engine
from mptcp_series.engine.upstream.extract import Excluded, Extraction, Pick, Uncovered
from mptcp_series.errors import BadInput, ShallowSource
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.result import EntryKind
from mptcp_series.values.series import Series, SeriesEntry

from .conftest import Kernel, Outcome, run

OTHER, GONE = "4" * 40, "5" * 40


@pytest.fixture
def calls(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stands for the engine: notes what it was asked, and gives a pick of everything there is to tell."""
    asked: list[dict[str, Any]] = []

    def extract(recipe: Recipe, source: str, **options: Any) -> Extraction:
        progress = options.pop("progress")
        progress(1, None)
        assert options.pop("walk") is None
        asked.append({"recipe": recipe.name, "source": source, **options})
        picks = (
            Pick(commit=kernel.counter, subject="mptcp: add a counter", name="counter.patch", kind=EntryKind.PATCH),
            Pick(
                commit=kernel.hook,
                subject="mptcp: hook into tcp",
                name="hook.patch",
                kind=EntryKind.PREREQUISITE,
                is_merge=True,
            ),
        )
        return Extraction(
            series=Series.of(SeriesEntry(name=pick.name, pin=pick.commit) for pick in picks),
            picks=picks,
            uncovered=(Uncovered(commit=OTHER, subject="uapi: \x1b[31mx", paths=("include/uapi/linux/mptcp.h",)),),
            excluded=(Excluded(commit=GONE, subject="mptcp: bpf", reason="5.10 has no hook\nfor it"),),
            examined=17,
            source=kernel.source.git,
            owned=recipe.owned,
        )

    monkeypatch.setattr(engine, "extract", extract)
    return asked


def test_report(kernel: Kernel, calls: list[dict[str, Any]]) -> None:
    assert run("extract", *kernel.options) == Outcome(
        code=0,
        out=f"""\
q: v5.10..v5.15
17 commits in the range; 2 picks: 1 patch, 1 prerequisite
merges whose result on owned paths is not the automatic one, each an entry of its own:
  {kernel.hook[:12]} mptcp: hook into tcp
left out by the recipe:
  555555555555 mptcp: bpf
    5.10 has no hook
    for it
not picked, and touch owned paths; to add one, append its lines to series/q/recipe.toml:

  # include/uapi/linux/mptcp.h
  [[include]]
  commit = "{OTHER}"
  reason = "uapi: \\u001b[31mx"

wrote series/q/series
""",
        err="",
    )
    assert (kernel.series / "series").read_text() == (f"counter.patch # {kernel.counter}\nhook.patch # {kernel.hook}\n")
    assert len(calls) == 1
    previous = calls[0].pop("previous")
    assert [entry.name for entry in previous.entries] == ["counter.patch", "hook.patch", "new.patch"]
    assert calls == [{"recipe": "q", "source": "linux.git", "numbered": False}]


def test_verbose_lists_the_picks(kernel: Kernel, calls: list[dict[str, Any]]) -> None:
    outcome = run("extract", "-v", *kernel.options)
    assert outcome.err == "series: series/q (--series)\nsource: linux.git (--source)\n"
    assert outcome.out.splitlines()[2:4] == [
        f"  {kernel.counter[:12]} counter.patch: mptcp: add a counter",
        f"  {kernel.hook[:12]} hook.patch: mptcp: hook into tcp",
    ]


def test_materialise_and_numbered(kernel: Kernel, calls: list[dict[str, Any]]) -> None:
    (kernel.series / "series").unlink()
    outcome = run("extract", "--materialise", "--numbered", *kernel.options)
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "3 files in series/q")
    assert (calls[0]["numbered"], calls[0]["previous"]) == (True, None)
    assert (kernel.series / "counter.patch").read_text().startswith("From ")


def test_quiet(kernel: Kernel, calls: list[dict[str, Any]]) -> None:
    assert run("extract", "-q", *kernel.options) == Outcome(code=0, out="", err="")


def test_json(kernel: Kernel, calls: list[dict[str, Any]]) -> None:
    assert json.loads(run("extract", "--json", *kernel.options).out) == {
        "schema": 1,
        "command": "extract",
        "series": "q",
        "examined": 17,
        "picks": [
            {
                "commit": kernel.counter,
                "subject": "mptcp: add a counter",
                "name": "counter.patch",
                "kind": "patch",
                "merge": False,
            },
            {
                "commit": kernel.hook,
                "subject": "mptcp: hook into tcp",
                "name": "hook.patch",
                "kind": "prerequisite",
                "merge": True,
            },
        ],
        "uncovered": [{"commit": OTHER, "subject": "uapi: \x1b[31mx", "paths": ["include/uapi/linux/mptcp.h"]}],
        "excluded": [{"commit": GONE, "subject": "mptcp: bpf", "reason": "5.10 has no hook\nfor it"}],
        "files": ["series/q/series"],
    }


@pytest.mark.parametrize(
    ("error", "code"),
    [(BadInput("range v1..v1 is empty", file="recipe.toml"), 2), (ShallowSource("cut inside the range"), 3)],
    ids=["empty", "shallow"],
)
def test_what_the_engine_refuses(kernel: Kernel, monkeypatch: pytest.MonkeyPatch, error: Exception, code: int) -> None:
    def refuse(*arguments: object, **options: object) -> Extraction:
        raise error

    before = (kernel.series / "series").read_bytes()
    monkeypatch.setattr(engine, "extract", refuse)
    outcome = run("extract", *kernel.options)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.splitlines()[0] == f"mptcp-series: error: {error}"
    assert (kernel.series / "series").read_bytes() == before


def test_a_directory_without_a_recipe(work: Path) -> None:
    (work / "series" / "x").mkdir(parents=True)
    assert run("extract", "--series", "series/x", "--source", "s") == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: series/x/recipe.toml: no such file; a recipe says what to pick and how\n",
    )


def test_every_problem_of_the_recipe(kernel: Kernel) -> None:
    (kernel.series / "recipe.toml").write_text('[series]\nname = 5\nrange = "x"\nmatch = ["m"]\nowned = []\n')
    assert run("extract", *kernel.options) == Outcome(
        code=2,
        out="",
        err="mptcp-series: error: series/q/recipe.toml:2: Unexpected type int (expected str) in 'series.name'\n"
        "mptcp-series: error: series/q/recipe.toml:3: bad range 'x' (expected 'A..B') in 'series.range'\n",
    )
