# SPDX-License-Identifier: MIT
"""The example of a series from a second repository: the recipe in docs/examples, as it stands, does what is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pygit2
from click.testing import CliRunner

from mptcp_series.cli.main import cli
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.history import HistoryBuilder, Identity
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from .conftest import Git

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "mptcp-sched-redundant"
AUTHOR = Identity(name="Scheduler Author", email="sched@example.org")

SCHEDULER = b"""\
// SPDX-License-Identifier: GPL-2.0
/* Sends what there is to send on every subflow that takes it. */
#include "protocol.h"

int mptcp_sched_redundant(struct mptcp_sock *msk)
{
	return 0;
}
"""


def second_repository(world: World, directory: Path) -> Path:
    """The stack of v5.15 in one commit, which shares no history with the source, and a scheduler in two."""
    repo = pygit2.init_repository(str(directory), bare=True)
    tree = pygit2.Repository(str(world.source)).revparse_single("v5.15").peel(pygit2.Tree)
    files = {}
    pending = [("", tree)]
    while pending:
        prefix, below = pending.pop()
        for entry in below:
            if isinstance(entry, pygit2.Tree):
                pending.append((f"{prefix}{entry.name}/", entry))
            elif isinstance(entry, pygit2.Blob):
                files[f"{prefix}{entry.name}"] = entry.data
    builder = HistoryBuilder(repo)
    builder.commit("redundant", files, "The stack as of v5.15\n", AUTHOR, 1_000_000)
    builder.tag("stack-5.15", "redundant", "what the scheduler was written on\n", AUTHOR, 1_000_000)
    builder.commit(
        "redundant", {"net/mptcp/sched_redundant.c": SCHEDULER}, "mptcp: a redundant scheduler\n", AUTHOR, 1_000_001
    )
    header = files["net/mptcp/protocol.h"]
    assert isinstance(header, bytes)
    hooked = header.replace(b"#endif", b"int mptcp_sched_redundant(struct mptcp_sock *msk);\n\n#endif", 1)
    assert hooked != header
    builder.commit("redundant", {"net/mptcp/protocol.h": hooked}, "mptcp: declare the scheduler\n", AUTHOR, 1_000_002)
    builder.commit("redundant", {"README.sched": b"How to use it.\n"}, "a readme\n", AUTHOR, 1_000_003)
    builder.publish("redundant")
    return directory


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cli, arguments, prog_name="mptcp-series")
    assert result.exit_code == 0, result.output
    return result.stdout


def test_a_scheduler_from_a_second_repository(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    text = world.recipe.replace(b'name = "mini-5.15"', b'name = "mptcp-5.15"')
    lower = tmp_path / "series" / "mptcp-5.15"
    extract(Recipe.parse(text, "recipe.toml"), world.source).write(lower)
    (lower / "recipe.toml").write_bytes(text)
    second = second_repository(world, tmp_path / "sched.git")
    upper = tmp_path / "series" / "mptcp-sched-redundant"
    shutil.copytree(EXAMPLE, upper)
    (tmp_path / "mptcp-series.toml").write_text(
        f'source = "{world.source}"\n\n[sources]\nmptcp-sched-redundant = "{second}"\n'
    )
    stack = ("--series", str(upper), "--source", str(world.source), "--source", f"mptcp-sched-redundant={second}")
    extracted = json.loads(run("extract", "--json", *stack))
    assert [pick["subject"] for pick in extracted["picks"]] == [
        "mptcp: a redundant scheduler",
        "mptcp: declare the scheduler",
    ]
    document = json.loads(run("check", "--json", *stack, "--repo", str(world.source), "--base", "v5.10.2"))
    assert document["stack"] == ["mptcp-5.15", "mptcp-sched-redundant"]
    assert [patch["status"] for patch in document["patches"] if patch["series"] == "mptcp-sched-redundant"] == [
        "clean",
        "clean",
    ]
    run("apply", "--branch", "out", *stack, "--repo", str(world.source), "--base", "v5.10.2")
    git = Git(world.source)
    assert git.run("show", "out:net/mptcp/sched_redundant.c") == SCHEDULER.decode().strip()
    assert git.run("log", "-1", "--format=%an <%ae>", "out") == "Scheduler Author <sched@example.org>"
    git.run("fsck", "--connectivity-only", "out")
