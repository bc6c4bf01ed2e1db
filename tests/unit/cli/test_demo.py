# SPDX-License-Identifier: MIT
"""The demo shows the whole job, ends with the branch the library gives too, and replaces nothing of anybody's."""

from __future__ import annotations

import re
from pathlib import Path

import pygit2
import pytest
from click.testing import CliRunner, Result

from mptcp_series import Queue
from mptcp_series.cli.demo import MARKER, RESULT_BRANCH, command_line
from mptcp_series.cli.main import cli
from mptcp_series.cli.settings import SETTINGS, variable
from mptcp_series.minikernel.world import BSP_BRANCH, SERIES_NAME

PLACE = Path("build/demo")
README = Path(__file__).parents[3] / "README.md"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


@pytest.fixture(autouse=True)
def _sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of the seal of this directory, which forbids processes: extract is one `git log`."""
    monkeypatch.chdir(tmp_path)
    for name in SETTINGS:
        monkeypatch.delenv(variable(name), raising=False)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Where a demo worked, and what it printed; paths in it are as a reader of README.md sees them."""
    directory = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        for name in SETTINGS:
            patch.delenv(variable(name), raising=False)
        result = run("demo", "--to", str(PLACE))
    assert result.exit_code == 0, result.output
    return directory / PLACE, result.output


@pytest.mark.parametrize(
    "line",
    [
        "44 commits in the range; 31 picks: 30 patch, 1 prerequisite",
        "  6ecbc163d524 Merge branch 'mptcp-echo'",
        "  [[include]]",
        '  commit = "82390cc90b56fd01688f86c2ac4d493d0088aac4"',
        "conflict in mptcp-let-tcp-say-how-much-room-a-fragment-has.patch",
        "  net/ipv4/tcp.c, hunk dcd4337406f3",
        "    Drop: net/ipv4/tcp.c#dcd4337406f3",
        "2 overrides against 31 patches of mini-5.15: no drift",
        "  override    mini-5.15/busy-poll-options.patch",
        "unexplained  include/uapi/linux/mptcp.h:20",
        "  3 hunks explained, 1 unexplained",
        "32 entries: 30 unchanged, 1 refreshed, 1 newly in the queue",
        "wrote build/demo/report.html: 33 patches, 2 overrides, complete",
        "  branch   mptcp-5.15 in build/demo/bsp.git",
        "  look     git -C build/demo/bsp.git log --oneline bsp-5.10..mptcp-5.15",
        "  mptcp-series extract --source linux-stable --series series/mptcp-5.15.162",
    ],
)
def test_tells_what_happens(shown: tuple[Path, str], line: str) -> None:
    assert line in shown[1].splitlines()


def test_meets_one_conflict_and_settles_it(shown: tuple[Path, str]) -> None:
    before, after = shown[1].split("3. Answer the conflict", 1)
    counts = [line for line in before.splitlines() if re.match(r"\d+ patches: ", line)]
    assert len(counts) == 1
    assert counts[0].endswith(", 1 conflict")
    counts = [line for line in after.splitlines() if re.match(r"\d+ patches: ", line)]
    assert len(counts) == 1
    assert counts[0].endswith(", 2 overridden")


def test_the_branch_is_what_the_library_gives(shown: tuple[Path, str]) -> None:
    place, output = shown
    queue = Queue.load(place / "series" / SERIES_NAME, source=place / "linux.git")
    result = queue.apply(place / "bsp.git", base=BSP_BRANCH).require()
    tip = pygit2.Repository(str(place / "bsp.git")).branches[RESULT_BRANCH].peel(pygit2.Commit)
    assert (str(tip.id), str(tip.tree_id)) == (result.commit, result.tree)
    assert f"  tree     {result.tree}" in output.splitlines()
    assert f"tip {tip.id}" in output


def test_its_directory_needs_no_options(shown: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shown[0])
    assert run("check", "-q").exit_code == 0


def test_names_no_place_but_its_own(shown: tuple[Path, str]) -> None:
    assert str(Path.home()) not in shown[1]
    assert str(shown[0].parents[1]) not in shown[1]


def test_replaces_its_own_directory(shown: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shown[0].parents[1])
    old = shown[0] / "patches" / "stale.patch"
    old.write_text("of an earlier version\n")
    result = run("demo", "--to", str(PLACE))
    assert (result.exit_code, result.output) == (0, shown[1])
    assert not old.exists()


@pytest.mark.parametrize("name", ["notes.txt", "series"])
def test_refuses_a_directory_of_somebody_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine\n")
    result = run("demo", "--to", str(tmp_path))
    assert result.exit_code == 2
    assert f"{tmp_path}: holds {name}, and no demo made it" in result.output
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_refuses_a_file(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("mine\n")
    result = run("demo", "--to", str(place))
    assert result.exit_code == 2
    assert "not a directory; name another place with --to" in result.output
    assert place.read_text() == "mine\n"


def test_works_in_a_temporary_directory_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run("demo")
    assert result.exit_code == 0, result.output
    made = [path for path in tmp_path.glob("mptcp-series-demo-*") if (path / MARKER).is_file()]
    assert len(made) == 1
    assert f"git -C {made[0]}/bsp.git log" in result.output


def test_a_command_is_shown_so_that_it_can_be_typed() -> None:
    option = ["--source", "s" * 40]
    assert command_line(["check", *option, *option]) == (
        f"mptcp-series check --source {'s' * 40} \\\n    --source {'s' * 40}"
    )


def test_the_readme_shows_this_output(shown: tuple[Path, str]) -> None:
    """Blocks of README.md behind `<!-- make demo -->` are the demo's own lines; `[...]` stands for lines left out."""
    blocks = re.findall(r"<!-- make demo -->\n+```[a-z]*\n(.*?)```", README.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        at = 0
        for piece in block.split("[...]\n"):
            found = shown[1].find(piece, at)
            assert found >= 0, f"README.md shows what the demo does not print:\n{piece}"
            at = found + len(piece)


def test_the_readme_has_a_script_that_runs(shown: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    found = re.search(r"<!-- run in build/demo -->\n+```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert found is not None
    assert len(found[1].splitlines()) <= 10
    monkeypatch.chdir(shown[0])
    bsp = pygit2.Repository("bsp.git")
    tip = bsp.branches[RESULT_BRANCH].target
    bsp.branches.delete(RESULT_BRANCH)
    exec(compile(found[1], str(README), "exec"), {})
    assert bsp.branches[RESULT_BRANCH].target == tip
