# SPDX-License-Identifier: MIT
"""`fixes`: what is told of them, and how it ends. The reading of messages is a git process and has its own tests."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mptcp_series.cli import fixes as command
from mptcp_series.engine.upstream.fixes import Fix, Fixes, FixKind

from .conftest import Kernel, Outcome, run

FIX, BACKPORT, REVERT = "4" * 40, "5" * 40, "6" * 40
Given = Callable[[Fixes], None]

MISSING = Fix(
    commit=BACKPORT,
    upstream=FIX,
    subject="mptcp: count \x1b[31monce",
    kind=FixKind.FIX,
    fixes="counter.patch",
    release="v5.15.3",
    later_target=True,
    before="hook.patch",
)
TAKEN_BACK = Fix(
    commit=REVERT, subject='Revert "mptcp: hook"', kind=FixKind.REVERT, fixes="hook.patch", via=FIX, in_range=True
)
DECIDED = Fix(commit=FIX, subject="mptcp: x", kind=FixKind.FIX, fixes="counter.patch", reason="no such\nhook")


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    """Say what the engine finds."""

    def give(found: Fixes) -> None:
        monkeypatch.setattr(command, "find_fixes", lambda items, recipe, source, progress: found)

    return give


def test_report(kernel: Kernel, given: Given) -> None:
    given(
        Fixes(
            missing=(MISSING, TAKEN_BACK),
            acknowledged=(DECIDED,),
            upto=("v5.15.9", "v6.1"),
            target="v5.15.3",
            covers=1,
        )
    )
    assert run("fixes", *kernel.options) == Outcome(
        code=1,
        out="""\
q: fixes of v5.10..v5.15, up to v5.15.9 and v6.1
fix     555555555555 mptcp: count \\x1b[31monce
  fixes counter.patch
  upstream 444444444444
  since v5.15.3
revert  666666666666 Revert "mptcp: hook"
  reverts hook.patch by way of 444444444444, which is not queued either
  in no release that the source has; in the range, and not picked
fix     444444444444 mptcp: x
  fixes counter.patch
  in no release that the source has
  acknowledged: no such
    hook
not queued: 1 fix and 1 revert, 1 acknowledged
range = "v5.10..v5.15.3" brings 1 of 2
or append to series/q/recipe.toml:

  [[prerequisite]]
  commit = "5555555555555555555555555555555555555555"
  reason = "fixes counter.patch: mptcp: count  [31monce"
  before = "hook.patch"

  [[include]]
  commit = "6666666666666666666666666666666666666666"
  reason = "reverts hook.patch: Revert \\"mptcp: hook\\""
""",
        err="mptcp-series: error: not queued: 555555555555 mptcp: count \\x1b[31monce (fixes counter.patch)\n"
        'mptcp-series: error: not queued: 666666666666 Revert "mptcp: hook" (reverts hook.patch)\n',
    )


def test_nothing_to_report(kernel: Kernel, given: Given) -> None:
    given(Fixes(acknowledged=(DECIDED,), upto=("v5.15",)))
    outcome = run("fixes", *kernel.options)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == "not queued: none, 1 acknowledged"


def test_json(kernel: Kernel, given: Given) -> None:
    given(Fixes(missing=(MISSING,), upto=("v5.15.9",), target="v5.15.3", covers=1))
    outcome = run("fixes", "--json", *kernel.options)
    assert outcome.code == 1
    document = json.loads(outcome.out)
    assert {key: document[key] for key in ("schema", "command", "series", "target", "covers", "upto")} == {
        "schema": 1,
        "command": "fixes",
        "series": "q",
        "target": "v5.15.3",
        "covers": 1,
        "upto": ["v5.15.9"],
    }
    (entry,) = document["missing"]
    assert (entry["commit"], entry["upstream"], entry["kind"], entry["fixes"]) == (
        BACKPORT,
        FIX,
        "fix",
        "counter.patch",
    )
    assert entry["recipe"].startswith("[[prerequisite]]\n")


def test_needs_a_recipe(kernel: Kernel, given: Given) -> None:
    given(Fixes())
    (kernel.series / "recipe.toml").unlink()
    outcome = run("fixes", *kernel.options)
    assert outcome.code == 2
    assert "no such file; a recipe says what to pick and how" in outcome.err
