# SPDX-License-Identifier: MIT
"""Many runs of one queue: the same results as one at a time, and the queue read once."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.runs import Runs
from mptcp_series.errors import BadInput

from .conftest import MAKEFILE, Lab, numbered

TCP = "net/ipv4/tcp.c"


@pytest.fixture
def queue(lab: Lab, tmp_path: Path) -> Queue:
    """A prerequisite that old bases need, and a patch on top of it."""
    base = {"Makefile": MAKEFILE, TCP: numbered(30)}
    needed = lab.commit({**base, TCP: numbered(30, {3: "three\n"})}, "tcp: three\n", [lab.commit(base)])
    patch = lab.commit({**base, TCP: numbered(30, {3: "three\n", 20: "x\n"})}, "mptcp: x\n", [needed])
    directory = tmp_path / "series" / "q"
    directory.mkdir(parents=True)
    (directory / "series").write_text(f"needed.patch # {needed}\nx.patch # {patch}\n")
    (directory / "recipe.toml").write_text(
        '[series]\nname = "q"\nrange = "a..b"\nmatch = ["net/mptcp"]\nowned = []\nbases = "<5.15"\n'
        f'[[prerequisite]]\ncommit = "{needed}"\nreason = "why"\nwhen = "{TCP} lacks three"\n'
    )
    return Queue.load(directory, source=lab.repo.path)


def test_a_dry_run_is_the_run_without_commits(lab: Lab, queue: Queue) -> None:
    runs = Runs(queue, lab.repo.path)
    bases = [
        lab.commit({"Makefile": MAKEFILE, TCP: numbered(30, edits)})
        for edits in ({}, {3: "three\n"}, {20: "y\n"}, {10: "ten\n"}, {3: "three\n", 29: "z\n"})
    ]
    for base in [*bases, *bases]:
        real, dry, alone = runs.run(base), runs.dry_run(base), queue.apply(lab.repo.path, base=base)
        for result in (dry, alone):
            assert [(patch.name, patch.status, patch.hunks) for patch in result.patches] == [
                (patch.name, patch.status, patch.hunks) for patch in real.patches
            ]
            assert (result.tree, result.counts, result.reasons()) == (real.tree, real.counts, real.reasons())
        assert alone.commit == real.commit
        assert not dry.steps
    assert [patch.status.value for patch in runs.dry_run(bases[1]).patches] == ["skipped", "clean"]


def test_the_queue_is_read_once(lab: Lab, queue: Queue) -> None:
    runs = Runs(queue, lab.repo.path)
    base = lab.commit({"Makefile": MAKEFILE, TCP: numbered(30)})
    assert runs.run(base).complete
    (queue.directory / "series").unlink()
    assert runs.items() is runs.items()
    assert runs.run(base).complete


def test_a_base_outside_the_recipe(lab: Lab, queue: Queue) -> None:
    base = lab.commit({"Makefile": MAKEFILE.replace(b"= 10", b"= 15"), TCP: numbered(30)})
    for run in (Runs(queue, lab.repo.path).run, Runs(queue, lab.repo.path).dry_run):
        with pytest.raises(BadInput, match=f"base {base} is 5.15.66, and this queue is for <5.15"):
            run(base)
