# SPDX-License-Identifier: MIT
"""A sealed place for the commands: small bare repositories, no home, no configuration, no terminal, no process."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import attrs
import pygit2
import pytest
from click.testing import CliRunner

from mptcp_series.cli.main import cli
from mptcp_series.cli.settings import SETTINGS, variable
from mptcp_series.engine.store.ahead import PinnedChanges
from mptcp_series.engine.upstream.history import Walk

PROTOCOL = b"".join(b"int line%d;\n" % number for number in range(1, 31))
TCP = b"".join(b"int tcp%d;\n" % number for number in range(1, 31))
MAKEFILE = b"VERSION = 5\nPATCHLEVEL = 10\nSUBLEVEL = 0\nEXTRAVERSION =\n"

RECIPE = b"""[series]
name = "q"
range = "v5.10..v5.15"
match = ["net/mptcp"]
owned = ["net/mptcp/"]
root = "v5.10"
"""


@attrs.frozen(kw_only=True)
class Outcome:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


def run(*arguments: str, color: bool = False) -> Outcome:
    """Run the command line in this process."""
    result = CliRunner().invoke(cli, arguments, prog_name="mptcp-series", color=color)
    return Outcome(code=result.exit_code, out=result.stdout, err=result.stderr)


@attrs.frozen(kw_only=True)
class Repository:
    """A bare repository under construction; the same calls give the same ids."""

    path: Path
    git: pygit2.Repository

    @classmethod
    def make(cls, path: Path) -> Repository:
        return cls(path=path, git=pygit2.init_repository(str(path), bare=True))

    def commit(self, branch: str, message: str, files: Mapping[str, bytes | None], parent: str | None = None) -> str:
        """A commit that changes these files (None: takes it away) of the branch, or of `parent` for a new one."""
        reference = f"refs/heads/{branch}"
        tip = self.git.references.get(reference)
        before = parent if parent is not None else None if tip is None else str(tip.target)
        index = pygit2.Index()
        if before is not None:
            index.read_tree(self.git[before].peel(pygit2.Tree))
        for name, data in files.items():
            if data is None:
                index.remove(name)
            else:
                index.add(pygit2.IndexEntry(name, self.git.create_blob(data), pygit2.enums.FileMode.BLOB))
        person = pygit2.Signature("A U Thor", "author@example.org", 1_600_000_000, 60)
        tree = index.write_tree(self.git)
        made = self.git.create_commit(None, person, person, message, tree, [] if before is None else [before])
        self.git.references.create(reference, made, force=True)
        return str(made)

    def tag(self, name: str, commit: str) -> None:
        self.git.references.create(f"refs/tags/{name}", commit)

    def branches(self) -> dict[str, str]:
        return {name: str(self.git.branches[name].target) for name in sorted(self.git.branches.local)}


@attrs.frozen(kw_only=True)
class Kernel:
    """v5.10, three commits of a stack up to v5.15, and a base that the second one collides with."""

    source: Repository
    series: Path
    overrides: Path
    old: str
    counter: str
    hook: str
    new: str
    bsp: str

    @property
    def options(self) -> tuple[str, ...]:
        return ("--source", "linux.git", "--series", "series/q")

    def on(self, base: str) -> tuple[str, ...]:
        return (*self.options, "--base", base)

    def override(self, name: str, text: str) -> Path:
        self.overrides.mkdir(parents=True, exist_ok=True)
        path = self.overrides / name
        path.write_text(text)
        return path


@pytest.fixture(autouse=True)
def _sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for name in (*map(variable, SETTINGS), "NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, in which no process is started."""

    def no_process(*arguments: object, **options: object) -> None:
        raise AssertionError("a unit test of the commands starts no process")

    monkeypatch.setattr("subprocess.Popen.__init__", no_process)
    # What git is begun with before anything is known to be wrong.
    monkeypatch.setattr(Walk, "begin", lambda *arguments: None)
    monkeypatch.setattr(PinnedChanges, "begin", lambda *arguments: None)
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def kernel(work: Path) -> Kernel:
    """The repository `linux.git` and the series `series/q`, in the working directory."""
    source = Repository.make(work / "linux.git")
    start = {"Makefile": MAKEFILE, "net/mptcp/protocol.c": PROTOCOL, "net/ipv4/tcp.c": TCP}
    old = source.commit("stable", "Linux 5.10\n", start)
    counter = source.commit(
        "main",
        "mptcp: add a counter\n\nIt counts.\n",
        {"net/mptcp/protocol.c": PROTOCOL.replace(b"int line3;\n", b"int line3;\nint counter;\n")},
        old,
    )
    hook = source.commit(
        "main",
        "mptcp: hook into tcp\n",
        {
            "net/mptcp/protocol.c": PROTOCOL.replace(b"int line3;\n", b"int line3;\nint counter;\n").replace(
                b"int line20;\n", b"int hooked;\n"
            ),
            "net/ipv4/tcp.c": TCP.replace(b"int tcp5;\n", b"int tcp5_hook;\n").replace(b"int tcp25;\n", b"int last;\n"),
        },
    )
    new = source.commit("main", "mptcp: a file of its own\n", {"net/mptcp/pm.c": b"int pm;\n"})
    bsp = source.commit("bsp", "vendor: tcp\n", {"net/ipv4/tcp.c": TCP.replace(b"int tcp5;", b"int vendor;")}, old)
    source.tag("v5.10", old)
    source.tag("v5.15", new)
    series = work / "series" / "q"
    series.mkdir(parents=True)
    (series / "recipe.toml").write_bytes(RECIPE)
    names = {"counter.patch": counter, "hook.patch": hook, "new.patch": new}
    (series / "series").write_text("".join(f"{name} # {commit}\n" for name, commit in names.items()))
    return Kernel(
        source=source,
        series=series,
        overrides=work / "overrides" / "q",
        old=old,
        counter=counter,
        hook=hook,
        new=new,
        bsp=bsp,
    )
