# SPDX-License-Identifier: MIT
"""Where the measured commands run: a checkout for git, a plain directory for quilt, a series for ours.

Every run starts from the same state and, for those that write objects, from the same empty object
store: nobody profits from what an earlier run wrote. The tree each side ends with is computed over
the whole directory, so that a stray or lost file counts as a difference.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import attrs
import click
from generate import BASE, RANGE, STABLE, Say, Spec, ensure, git_environment

__all__ = ["CommandFailed", "Lab", "Sample"]

_RECIPE = """\
[series]
name = "{name}"
range = "{range}"
match = ["net/mptcp"]
{pathspecs}owned = ["net/mptcp/", "include/net/mptcp.h", "include/uapi/linux/mptcp.h",
         "include/trace/events/mptcp.h", "tools/testing/selftests/net/mptcp/"]
root = "{root}"
"""


class CommandFailed(Exception):
    """A measured command ended with a status other than 0."""

    def __init__(self, command: list[str], status: int, output: str) -> None:
        super().__init__(f"status {status}: {' '.join(command)}\n{output}")


@attrs.frozen(kw_only=True)
class Sample:
    """One run of one whole process: wall-clock time and the peak of its resident memory."""

    seconds: float
    peak_mb: float


class Lab:
    """The directories of one generated kernel; what exists is used again."""

    def __init__(self, work: Path, spec: Spec, say: Say) -> None:
        work.mkdir(parents=True, exist_ok=True)
        self._lock = (work / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.UsageError(f"another benchmark runs in {work}") from None
        self.source = ensure(work, spec, say)
        self.expected = (self.source / "expected.txt").read_text().split()
        self._say = say
        self._home = work / f"lab-{spec.name.removesuffix('.git')}"
        self._home.mkdir(exist_ok=True)
        self.environment = git_environment(self._home) | {
            "GIT_EDITOR": "true",
            "QUILT_PATCHES": "patches",
        }
        # As it is installed: an interpreter told to keep no compiled modules would compile ours in every run.
        self.environment.pop("PYTHONDONTWRITEBYTECODE", None)
        self.checkout = self._home / "checkout"
        self.plain = self._home / "plain"
        self.mbox = self._home / "queue.mbox"
        self.todo = self._home / "todo"
        self.patches = self._home / "patches"
        self._index = self._home / "plain.index"
        self._spent = self._home / "spent"
        self._objects = self._home / "objects"
        self._queue_objects = self._home / "queue-objects"
        self.series = self._home / "series" / "bench"
        self.series_paths = self._home / "series" / "bench-paths"
        self._store = {self.source / name for name in (self.source / "objects.txt").read_text().splitlines()}
        self.reset_source()
        for pack in self.source.glob("objects/pack/*"):
            with pack.open("rb") as file:
                while file.read(1 << 24):
                    pass

    # processes

    def git(self, *arguments: str, at: Path | None = None, text: str | None = None, **extra: str) -> str:
        """The output of an unmeasured git command."""
        command = ["git", "-C", str(at or self.source), *arguments]
        environment = self.environment | extra
        done = subprocess.run(
            command, input=text, capture_output=True, env=environment, encoding="latin-1", check=False
        )
        if done.returncode:
            raise CommandFailed(command, done.returncode, done.stderr)
        return done.stdout

    def measure(self, command: list[str], at: Path, **extra: str) -> Sample:
        """Run a command to its end; output goes to the null device, the end of its error output into the exception."""
        # Who waits for the disk must not wait for what the side before left to be written.
        os.sync()
        log = self._home / "stderr"
        launcher = [sys.executable, "-I", "-S", str(Path(__file__).with_name("launch.py")), *command]
        with log.open("wb") as errors:
            environment = self.environment | extra
            done = subprocess.run(
                launcher, cwd=at, env=environment, stdout=subprocess.PIPE, stderr=errors, encoding="ascii", check=False
            )
        if done.returncode or not done.stdout.startswith("0 "):
            status = int(done.stdout.split()[0]) if done.stdout else done.returncode
            raise CommandFailed(command, status, log.read_text(errors="replace")[-2000:])
        _, seconds, peak = done.stdout.split()
        return Sample(seconds=float(seconds), peak_mb=int(peak) / 1024)

    # what the sides need

    def series_file(self, directory: Path) -> Path:
        """A series directory that holds the recipe and nothing else; the series file `extract` is to write."""
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)
        pathspecs = 'pathspecs = ["net/mptcp"]\n' if directory == self.series_paths else ""
        text = _RECIPE.format(name=directory.name, range=RANGE, root=BASE, pathspecs=pathspecs)
        (directory / "recipe.toml").write_text(text)
        return directory / "series"

    def ensure_series(self) -> None:
        """The series `apply` reads: what `extract` wrote in this or an earlier run, else the same pins written here."""
        if not (self.series / "series").exists():
            lines = [f"queue-{number:04}.patch # {commit}\n" for number, commit in enumerate(self.expected, 1)]
            self.series_file(self.series).write_text("".join(lines))

    def pins(self, directory: Path) -> list[str]:
        """The commits a series file names, in its order."""
        return re.findall(r"^[^#\s]\S*.*#\s*([0-9a-f]{40})\b", (directory / "series").read_text(), re.MULTILINE)

    def expected_with_paths(self) -> list[str]:
        order = ("--no-merges", "--full-history", "--topo-order", "--reverse", "--format=%H")
        return self.git("log", *order, RANGE, "--", "net/mptcp").split()

    def prepare_mails(self) -> None:
        """The queue as one mailbox, as single patches with a series file, and as a todo list for rebase."""
        if self.todo.exists():
            return
        self._say("writing the queue as mails")
        form = ("--format=mboxrd", "--patch", "--stat", "--binary", "--full-index", "--no-renames")
        mails = self.git("log", "--no-walk=unsorted", "--stdin", *form, text="\n".join(self.expected))
        self.mbox.write_bytes(mails.encode("latin-1"))
        shutil.rmtree(self.patches, ignore_errors=True)
        self.patches.mkdir()
        self.git("mailsplit", "--mboxrd", f"-o{self.patches}", str(self.mbox))
        names = sorted(path.name for path in self.patches.iterdir())
        (self.patches / "series").write_text("".join(f"{name}\n" for name in names))
        self.todo.write_text("".join(f"pick {commit}\n" for commit in self.expected))

    def prepare_checkout(self) -> None:
        """A work tree of the base with an index that is up to date, HEAD detached."""
        if not (self.checkout / ".git" / "ready").exists():
            self._say(f"checking out {BASE}")
            shutil.rmtree(self.checkout, ignore_errors=True)
            self.git("clone", "-q", "--shared", "--no-checkout", str(self.source), str(self.checkout), at=self._home)
            self.git("config", "gc.auto", "0", at=self.checkout)
            (self.checkout / ".git" / "ready").touch()
        self.reset_checkout(BASE)

    def prepare_plain(self) -> None:
        """A plain directory with the base's files, the queue below `patches`, and an index kept elsewhere."""
        if not self._index.exists():
            self._say(f"laying out {BASE} as a plain directory")
            shutil.rmtree(self.plain, ignore_errors=True)
            self.plain.mkdir()
            (self.plain / "patches").symlink_to(self.patches)
            self.reset_plain()
        self.reset_plain()

    # states

    def writing(self, with_queue: bool = False) -> dict[str, str]:
        """Environment for a git command that writes into an empty object store of its own.

        What an earlier run kept of the queue is seen only with `with_queue`: git writes no object it sees.
        """
        self._set_aside(self._objects)
        self._objects.mkdir()
        return self._stores(with_queue)

    def _stores(self, with_queue: bool = True) -> dict[str, str]:
        others = [self.source / "objects"]
        if with_queue and self._queue_objects.exists():
            others.append(self._queue_objects)
        return {
            "GIT_OBJECT_DIRECTORY": str(self._objects),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(map(str, others)),
        }

    def reset_checkout(self, revision: str) -> None:
        self._objects.mkdir(exist_ok=True)
        stores = self._stores()
        for state in ("rebase-merge", "rebase-apply"):
            shutil.rmtree(self.checkout / ".git" / state, ignore_errors=True)
        commit = self.git("rev-parse", f"{revision}^{{commit}}", at=self.checkout, **stores).strip()
        self.git("update-ref", "--no-deref", "HEAD", commit, at=self.checkout, **stores)
        self.git("read-tree", "-u", "--reset", commit, at=self.checkout, **stores)
        self.git("clean", "-fdxq", at=self.checkout, **stores)
        self.git("update-index", "-q", "--refresh", at=self.checkout, **stores)

    def checkout_tree(self) -> str:
        """The tree of HEAD, after a look whether the work tree really is at HEAD."""
        stores = self._stores()
        dirt = self.git("status", "--porcelain", at=self.checkout, **stores)
        tree = self.git("rev-parse", "HEAD^{tree}", at=self.checkout, **stores).strip()
        return f"{tree} and uncommitted changes" if dirt else tree

    def keep_queue(self) -> None:
        """Keep the commits the checkout is at, with all their objects, as the queue `rebase` starts from."""
        stores = self._stores()
        tip = self.git("rev-parse", "HEAD", at=self.checkout, **stores).strip()
        fresh = self._home / "queue-objects.new"
        shutil.rmtree(fresh, ignore_errors=True)
        (fresh / "pack").mkdir(parents=True)
        wanted = f"{tip}\n^{BASE}\n"
        self.git("pack-objects", "-q", "--revs", f"{fresh}/pack/pack", at=self.checkout, text=wanted, **stores)
        shutil.rmtree(self._queue_objects, ignore_errors=True)
        fresh.rename(self._queue_objects)
        (self._home / "queue-tip").write_text(tip)

    def queue_tip(self) -> str:
        """The queue as commits on the base; applied with git am, unmeasured, where no run has kept it."""
        kept = self._home / "queue-tip"
        if not kept.exists():
            self._say("applying the queue once")
            self.reset_checkout(BASE)
            command = ["git", "am", "-q", "--patch-format=mboxrd", str(self.mbox)]
            self.measure(command, self.checkout, **self.writing())
            self.keep_queue()
        return kept.read_text()

    def _plain_git(self, *arguments: str, index: Path) -> str:
        repository = {"GIT_DIR": str(self.checkout / ".git"), "GIT_WORK_TREE": str(self.plain)}
        return self.git(*arguments, at=self.plain, **self._stores(), **repository, GIT_INDEX_FILE=str(index))

    def reset_plain(self) -> None:
        self._objects.mkdir(exist_ok=True)
        self._set_aside(self.plain / ".pc")
        self._plain_git("read-tree", "-u", "--reset", BASE, index=self._index)
        self._plain_git("clean", "-fdxq", "-e", "patches", index=self._index)
        self._plain_git("update-index", "-q", "--refresh", index=self._index)

    def _set_aside(self, directory: Path) -> None:
        """Have a directory gone, and deleted in the end.

        A file system without a journal passes over inodes that were freed within the last minute (ext4:
        recently_deleted); whoever makes files then pays for what the run before left.
        """
        if directory.exists():
            self._spent.mkdir(exist_ok=True)
            directory.rename(self._spent / f"{time.time_ns()}")

    def clear(self) -> None:
        """Delete what the runs left."""
        shutil.rmtree(self._spent, ignore_errors=True)

    def plain_tree(self) -> str:
        """The tree of all files in the plain directory but quilt's own, and ours."""
        self.writing()
        index = self._home / "plain.now"
        shutil.copy2(self._index, index)
        self._plain_git("add", "-A", "-f", ".", ":!patches", ":!.pc", ":!.mptcp-series.applied", index=index)
        return self._plain_git("write-tree", index=index).strip()

    def reset_source(self) -> None:
        """Remove all refs and objects that are not as generated: the repository belongs to the benchmark."""
        for ref in self.git("for-each-ref", "--format=%(refname)").splitlines():
            if not ref.startswith(("refs/tags/v5.", "refs/heads/linux-5.")):
                self.git("update-ref", "-d", ref)
        for path in (self.source / "objects").rglob("*"):
            if path.is_file() and path not in self._store:
                path.unlink()

    def source_tree(self, branch: str) -> str:
        return self.git("rev-parse", f"refs/heads/{branch}^{{tree}}").strip()

    def names(self) -> dict[str, str]:
        """What `{...}` in a configured command may name."""
        return {
            "source": str(self.source),
            "plain": str(self.plain),
            "range": RANGE,
            "base": BASE,
            "stable": STABLE,
            "series": str(self.series),
            "series_paths": str(self.series_paths),
            "mbox": str(self.mbox),
            "patches": str(self.patches),
            "todo": str(self.todo),
        }
