# SPDX-License-Identifier: MIT
"""The git program at work in a bare repository of ours: its transports, its credentials, its exit status.

Runs without a terminal, so nothing can be asked; dies with the run that started it. What a transfer brought is told by
the objects that are there: git's messages are shown to people when it fails, and never read.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import attrs
import pygit2

from ...errors import BadInput, EnvironmentFault, ToolMissing
from ..store.gitprogram import git_environment, git_program

__all__ = ["FetchProgress", "Git", "absolute_origin", "checked_program"]

FetchProgress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and of how much (0: not known).

While git receives, the amount is KiB; while history is read, commits. A note comes once, with 0 and 0."""

_OLDEST = (2, 30)


def absolute_origin(origin: str) -> str:
    """The origin as git is to have it: a path must not depend on where git runs."""
    if not origin or origin.startswith("-") or not origin.isprintable():
        raise BadInput(f"bad origin {origin!r} (expected a URL or a path)")
    return str(Path(origin).resolve()) if Path(origin).exists() else origin


def checked_program() -> str:
    """Path of git. Raises ToolMissing where it is absent or too old to fetch objects by id from standard input."""
    program = git_program()
    said = subprocess.run([program, "version"], capture_output=True, env=git_environment(), check=False).stdout
    found = re.search(rb"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST:
        shown = said.decode("utf-8", "replace").strip() or "of an unknown version"
        raise ToolMissing(f"{program} is {shown}; fetch needs git 2.30 or later")
    return program


@attrs.define(kw_only=True)
class Git:
    """The git program at work in one directory."""

    program: str
    directory: Path
    origin: str
    progress: FetchProgress | None
    notes: list[str] = attrs.field(factory=list)

    @property
    def shown(self) -> str:
        """The origin as messages have it, without a password."""
        return re.sub(r"//[^/@]*@", "//", self.origin)

    def report(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)

    def note(self, text: str) -> None:
        self.notes.append(text)
        self.report(text, 0, 0)

    def repository(self) -> pygit2.Repository:
        """The bare repository, made or found; what a killed run left of it is made whole."""
        try:
            repo = pygit2.init_repository(str(self.directory), bare=True, initial_head="main")
            repo.config["remote.origin.url"] = self.origin
        except pygit2.GitError as error:
            raise EnvironmentFault(f"cannot make a repository in {self.directory}: {error}") from error
        for rest in (self.directory / "objects" / "pack").glob("tmp_*"):
            rest.unlink(missing_ok=True)
        return repo

    def fetch(
        self,
        *flags: str,
        what: str,
        options: Sequence[str] = (),
        refspecs: Sequence[str] = (),
        stdin: Sequence[str] = (),
    ) -> None:
        self.run(
            *("fetch", "--no-tags", "--no-prune", "--no-write-fetch-head", "--recurse-submodules=no"),
            *("--no-auto-maintenance", "--no-progress", *flags, *(["--stdin"] if stdin else []), "origin", *refspecs),
            # Packs only: a loose commit of a killed run would look as if its history were there.
            options=(*options, "-c", "fetch.unpackLimit=1"),
            stdin="".join(f"{line}\n" for line in stdin).encode(),
            what=what,
        )

    def fetch_in_full(self, repo: pygit2.Repository) -> None:
        """Fetch the references that are here once more, with all blobs.

        Git would not ask again for what it has, so this happens in a repository beside, whose packs then move here.
        """
        beside = attrs.evolve(self, directory=self.directory / "full.git", notes=[])
        beside.repository()
        local = [name for name in repo.references if not name.startswith("refs/mptcp-series/")]
        remote = [name.replace("refs/remotes/origin/", "refs/heads/", 1) for name in local]
        beside.fetch(refspecs=[f"+{there}:{here}" for there, here in zip(remote, local, strict=True)], what="all blobs")
        packs = self.directory / "objects" / "pack"
        # Git sees a pack by its index, which therefore moves last.
        for path in sorted((beside.directory / "objects" / "pack").iterdir(), key=lambda path: path.suffix == ".idx"):
            os.replace(path, packs / path.name)
        shutil.rmtree(beside.directory)

    def run(
        self, command: str, *arguments: str, options: Sequence[str] = (), stdin: bytes = b"", what: str = ""
    ) -> bytes:
        """Run git and give its output. Raises EnvironmentFault with the last lines it said."""
        line = [self.program, f"--git-dir={self.directory}", *options, command, *arguments]
        environment = {"GIT_ASKPASS": "", "SSH_ASKPASS_REQUIRE": "never", **git_environment()}
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as errors:
            given.write(stdin)
            given.seek(0)
            # Without a terminal of its own neither git nor ssh can ask anything.
            process = subprocess.Popen(
                line, stdin=given, stdout=said, stderr=errors, env=environment, start_new_session=True
            )
            try:
                while process.returncode is None:
                    if what:
                        self.report(what, self._received(), 0)
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=0.2)
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                process.wait()
                raise
            if process.returncode != 0:
                errors.seek(0)
                last = errors.read().decode("utf-8", "replace").strip().splitlines()[-3:]
                raise EnvironmentFault(
                    f"`git {command}` of {what or 'references'} from {self.shown} failed: "
                    + ("; ".join(text.strip() for text in last) or f"exit status {process.returncode}")
                )
            said.seek(0)
            return said.read()

    def _received(self) -> int:
        """KiB of the pack that is coming in."""
        sizes = 0
        for path in (self.directory / "objects" / "pack").glob("tmp_pack_*"):
            with contextlib.suppress(FileNotFoundError):
                sizes += path.stat().st_size
        return sizes // 1024
