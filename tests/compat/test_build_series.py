# SPDX-License-Identifier: MIT
"""Trees on the way through a queue, several bases, and the mini-kernel: built with the real make and gcc."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner

from mptcp_series.cli.main import cli
from mptcp_series.engine.building.bases import build_bases
from mptcp_series.engine.building.build import BuildOptions, build
from mptcp_series.engine.building.compile import Toolchain
from mptcp_series.engine.matrix import BaseRef, MatrixSpec
from mptcp_series.engine.queue import Queue
from mptcp_series.errors import BadInput, EnvironmentFault
from mptcp_series.minikernel.world import SERIES_NAME, World, build_world
from mptcp_series.values.alignment import Alignment, HalfRetracted
from mptcp_series.values.built import Blame, Build, PatchFate

from .buildlab import ARGUMENT, FILL, GROW, HOOK, TOKEN, Lab, Patch, needs_compiler, tree
from .minibuild import buildable_base


@pytest.fixture(autouse=True)
def compiler() -> None:
    needs_compiler()


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path, tree()).add(GROW, HOOK, TOKEN)


def test_every_patch(lab: Lab) -> None:
    """One that breaks, one that mends it, and one whose breakage stays."""
    mend = Patch("mptcp-mend", (("net/mptcp/pm.c", "\treturn tcp_fill(id);\n", "\treturn id;\n"),))
    lab.add(FILL, mend, ARGUMENT, Patch("docs", (("README", None, "words\n"),)))
    more = (("net/ipv6/tcp_ipv6.c", "int tcp6_send(struct sock *sk);\n", "int tcp6_send(struct sock *sk); /* x */\n"),)
    lab.add(Patch("tcp6", more))
    build = lab.build(each=True)
    assert build.patches is not None
    assert [(patch.name, patch.fate) for patch in build.patches] == [
        ("mptcp-grow.patch", PatchFate.BUILDS),
        ("tcp-add-a-hook.patch", PatchFate.BUILDS),
        ("mptcp-add-tokens.patch", PatchFate.BUILDS),
        ("mptcp-fill.patch", PatchFate.FAILS),
        ("mptcp-mend.patch", PatchFate.BUILDS),
        ("tcp-send-takes-a-flag.patch", PatchFate.FAILS),
        ("docs.patch", PatchFate.NOTHING),
        ("tcp6.patch", PatchFate.STILL),
    ]
    assert build.patches[-1].since == "tcp-send-takes-a-flag.patch"
    assert [one.patch for one in build.errors] == ["tcp-send-takes-a-flag.patch"]
    assert any("mptcp-fill.patch: does not build" in reason for reason in build.reasons())
    # The source is that of the result again, and what was compiled is remembered.
    count = len(list((lab.place / "logs" / "each").iterdir()))
    log = sum(path.stat().st_size for path in (lab.place / "logs" / "each").iterdir())
    assert lab.build(each=True) == build
    assert (len(list((lab.place / "logs" / "each").iterdir())), count) == (8, 8)
    assert sum(path.stat().st_size for path in (lab.place / "logs" / "each").iterdir()) == log


def test_the_first_patch_that_fails(lab: Lab) -> None:
    lab.add(*(Patch(f"before-{number}", _word(number)) for number in range(3)), FILL)
    lab.add(*(Patch(f"after-{number}", _word(number + 3)) for number in range(5)))
    build = lab.build(bisect=True)
    assert build.bisected is not None
    assert build.bisected.patch == "mptcp-fill.patch"
    assert "tcp_fill" in build.bisected.errors[0]
    assert len(build.bisected.tried) <= 4
    assert dict(build.bisected.tried)["mptcp-fill.patch"] is False
    held = json.loads((lab.place / "build.json").read_bytes())["source"]["tree"]
    assert held == build.tree, "the source is that of the result again"


def _word(number: int) -> tuple[tuple[str, str | None, str | None], ...]:
    return ((f"Documentation/{number}.txt", None, "words\n"),)


def test_a_queue_that_builds_needs_no_bisection(lab: Lab) -> None:
    assert lab.build(bisect=True).bisected is None


def test_the_window_is_named_and_not_blamed(lab: Lab) -> None:
    """FILL breaks the tree, and `mend` makes whole what was half retracted: between them it need not build."""
    mend = Patch("mptcp-mend", (("net/mptcp/pm.c", "\treturn tcp_fill(id);\n", "\treturn id;\n"),))
    late = Patch("late", (("net/mptcp/pm.c", "\treturn id;\n", "\treturn late(id);\n"),))
    lab.add(FILL, mend, late)
    half = HalfRetracted(commit="1" * 40, subject="x", path="net/ipv4/tcp.c", covered_by="mptcp-mend.patch", whole=True)
    result = attrs.evolve(lab.result(), alignment=Alignment(half_retracted=(half,)))
    build = lab.build(result=result, each=True)
    assert build.patches is not None
    assert [(patch.name, patch.fate) for patch in build.patches[3:]] == [
        ("mptcp-fill.patch", PatchFate.WINDOW),
        ("mptcp-mend.patch", PatchFate.BUILDS),
        ("late.patch", PatchFate.FAILS),
    ]
    found = lab.build(result=result, bisect=True).bisected
    assert found is not None
    assert found.patch == "late.patch"
    assert found.window == ("mptcp-grow.patch", "tcp-add-a-hook.patch", "mptcp-add-tokens.patch", "mptcp-fill.patch")
    assert "mptcp-fill.patch" not in dict(found.tried)


def test_a_base_that_cannot_be_configured(tmp_path: Path) -> None:
    files = tree()
    files["net/mptcp/Kconfig"] += "cnofig X\n"
    mend = Patch("mend", (("net/mptcp/Kconfig", "cnofig X\n", ""),))
    lab = Lab(tmp_path, files).add(mend, GROW)
    assert lab.build().reasons() == []
    with pytest.raises(EnvironmentFault, match=r"the base cannot be configured: net/mptcp/Kconfig:8: error: unknown"):
        lab.build(each=True)


def test_several_bases_by_an_executor(lab: Lab) -> None:
    """One directory a base, rows in order, a base that fails in its row only."""
    spec = MatrixSpec(series=str(lab.series), overrides=None, source=lab.repo.path)
    options = BuildOptions(toolchain=Toolchain(arch="x86_64", jobs=1))
    bases = [BaseRef(lab.repo.path, lab.base), BaseRef(lab.repo.path, "tip"), BaseRef(lab.repo.path, "nowhere")]
    with ThreadPoolExecutor(2) as pool:
        found = build_bases(spec, bases, lab.place, options, executor=pool)
    first, second, third = found.rows
    assert first.build is not None
    assert (first.build.errors, first.build.compiled) == ((), 7)
    # The queue is in it already: nothing is touched, so nothing is to be compiled.
    assert second.build is not None
    assert second.build.compiled == 0
    assert third.error is not None
    assert "nowhere" in third.error
    assert sorted(path.name for path in lab.place.iterdir()) == [lab.base, "tip"]


@attrs.frozen
class Mini:
    """The mini-kernel on a base that make and gcc build."""

    world: World
    series: Path
    base: str

    def queue(self, *, overrides: Path | None) -> Queue:
        return Queue.load(self.series, source=self.world.source, overrides=() if overrides is None else overrides)

    def build(self, place: Path, *, overrides: Path | None, **options: bool) -> Build:
        queue = self.queue(overrides=overrides)
        result = queue.apply(self.world.source, base=self.base)
        return build(
            result,
            place,
            BuildOptions(toolchain=Toolchain(arch="x86_64", jobs=2), **options),  # type: ignore[arg-type]
            owned=queue.owned,
        )


@pytest.fixture(scope="module")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    directory = tmp_path_factory.mktemp("mini")
    world = build_world(directory)
    base = buildable_base(world, world.source, "v5.10.4")
    series = directory / "series" / SERIES_NAME
    series.mkdir(parents=True)
    (series / "recipe.toml").write_bytes(world.recipe)
    done = CliRunner().invoke(cli, ["extract", "--source", str(world.source), "--series", str(series)])
    assert done.exit_code == 0, done.output
    return Mini(world=world, series=series, base=base)


def test_the_mini_kernel_builds(mini: Mini, tmp_path: Path) -> None:
    """The whole queue of the demo, aligned and with its overrides, compiled by gcc."""
    build = mini.build(tmp_path / "b", overrides=mini.world.overrides)
    assert (build.reasons(), build.known) == ([], ())
    assert {"net/core", "net/ipv4", "net/mptcp"} <= set(build.directories)
    made = {str(path.relative_to(tmp_path / "b" / "out")) for path in (tmp_path / "b" / "out").rglob("*.o")}
    assert {"net/mptcp/sockopt.o", "net/mptcp/protocol.o", "net/ipv4/tcp.o", "net/core/sock.o"} <= made
    assert "net/mptcp/token_cache.o" not in made, "the queue takes it away"
    assert build.compiled == len(made)


def test_the_mini_kernel_without_its_overrides(mini: Mini, tmp_path: Path) -> None:
    """It applies, and it does not compile: the base has no such socket options."""
    build = mini.build(tmp_path / "b", overrides=None)
    names = {one.diagnostic.missing.name for one in build.errors if one.diagnostic.missing is not None}
    assert names == {"SO_PREFER_BUSY_POLL", "SO_BUSY_POLL_BUDGET"}
    sockopt = "mptcp-sockopt-pass-on-the-busy-poll-options-and-remember-the-las.patch"
    assert {(one.patch, one.blame, one.diagnostic.path) for one in build.errors} == {
        (sockopt, Blame.LINE, "net/mptcp/sockopt.c")
    }
    lines = (tmp_path / "b" / "source" / "net" / "mptcp" / "sockopt.c").read_text().splitlines()
    for one in build.errors:
        assert one.diagnostic.line is not None
        assert one.diagnostic.missing is not None
        assert one.diagnostic.missing.name in lines[one.diagnostic.line - 1]


def test_an_override_that_comes_after_a_build(mini: Mini, tmp_path: Path) -> None:
    """The first build's result is in no repository: what its directory holds is known to the second all the same."""
    assert len(mini.build(tmp_path / "b", overrides=None).errors) == 2
    again = mini.build(tmp_path / "b", overrides=mini.world.overrides)
    assert again.reasons() == []
    assert "SO_PREFER_BUSY_POLL" not in (tmp_path / "b" / "source" / "net" / "mptcp" / "sockopt.c").read_text()
    assert len(mini.build(tmp_path / "b", overrides=None).errors) == 2
    (tmp_path / "b" / "trees.json").unlink()
    with pytest.raises(BadInput, match=r"b: nothing knows any more what its source holds .*; --fresh begins it anew"):
        mini.build(tmp_path / "b", overrides=mini.world.overrides)


def test_what_is_told_is_of_the_result_and_not_of_the_trees_tried(mini: Mini, tmp_path: Path) -> None:
    """A bisection configures other trees, and forgets what was compiled for the first one."""
    plain = mini.build(tmp_path / "a", overrides=None)
    bisected = mini.build(tmp_path / "b", overrides=None, bisect=True)
    assert bisected.bisected is not None
    assert bisected.bisected.patch == "mptcp-sockopt-pass-on-the-busy-poll-options-and-remember-the-las.patch"
    assert (bisected.compiled, bisected.hidden) == (plain.compiled, plain.hidden)


def test_the_mini_kernel_patch_by_patch(mini: Mini, tmp_path: Path) -> None:
    """A topic that only its merge made fit is found; it lies before what the alignment took out is back."""
    build = mini.build(tmp_path / "b", overrides=mini.world.overrides, each=True)
    assert (build.reasons(), build.known) == ([], ())
    assert build.patches is not None
    fates = {patch.name: patch.fate for patch in build.patches}
    assert set(fates.values()) == {PatchFate.BUILDS, PatchFate.NOTHING, PatchFate.WINDOW}
    echo = "mptcp-pm-answer-an-announced-address-with-an-echo.patch"
    assert [name for name, fate in fates.items() if fate is PatchFate.WINDOW] == [echo]
    errors = next(patch.errors for patch in build.patches if patch.name == echo)
    assert errors == ("net/mptcp/subflow.c:139:17: error: too few arguments to function 'mptcp_pm_announce_addr'",)
    names = [patch.name for patch in build.patches]
    end = "mptcp-make-requests-from-cookies-the-way-the-stack-makes-them.patch"
    assert names.index("align-to-v5.10.patch") < names.index(echo) < names.index(end)
