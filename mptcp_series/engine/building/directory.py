# SPDX-License-Identifier: MIT
"""A build directory: `source`, `out`, `logs` and the state file, held by one run at a time.

    DIR/source       the tree of the result
    DIR/out          what make makes of it (`make O=`)
    DIR/logs         all that make said, appended run after run
    DIR/base         the same three of the unpatched base, where its words had to be compared
    DIR/build.json   the state
    DIR/trees.json   of the trees that `source` held, the objects that no repository has

A directory of another job, or one that no build made, is refused: objects of two jobs must not be mixed, and
somebody's files must not be written over.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

from ...errors import BadInput, EnvironmentFault
from ..store.files import replace_file
from .state import BuildState, DamagedState, Identity, Ledger

__all__ = ["STATE", "BuildDirectory"]

STATE = "build.json"
_LEDGER = "objects.json"
_LOCK = "lock"
_TREES = "trees.json"
_OURS = frozenset(
    {STATE, _LEDGER, _LOCK, _TREES, "base", "logs", "out", "patches.json", "requested.config", "source", "stubs"}
)
_PATIENCE = 60.0
"""Seconds to wait for what a killed run left at work: a compiler at its last file."""


@attrs.frozen
class BuildDirectory:
    """Where a build is."""

    path: Path

    @property
    def source(self) -> Path:
        return self.path / "source"

    @property
    def out(self) -> Path:
        return self.path / "out"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def stubs(self) -> Path:
        """Empty headers that stand for missing ones."""
        return self.path / "stubs"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def base(self) -> BuildDirectory:
        """The directory of the unpatched base."""
        return BuildDirectory(self.path / "base")

    @contextlib.contextmanager
    def claimed(self) -> Iterator[int]:
        """Make the directory where it is not there, and hold it; a descriptor that keeps it held while open.

        Raises BadInput for somebody's directory, EnvironmentFault where another build is at work in it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            foreign = sorted(name for name in os.listdir(self.path) if not _is_ours(name))
            if foreign or ((self.path / "source").exists() and not (self.path / _LOCK).exists()):
                shown = foreign[0] if foreign else "source"
                raise BadInput(f"{self.path} holds {shown}, and no build made it; name a new directory with --dir")
            descriptor = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except (FileExistsError, NotADirectoryError):
            raise BadInput(f"{self.path}: not a directory; name another place with --dir") from None
        except OSError as error:
            raise EnvironmentFault(f"cannot write {self.path}: {error.strerror}") from error
        try:
            self._lock(descriptor)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
            for below in (self.logs, self.out):
                below.mkdir(exist_ok=True)
            yield descriptor
        finally:
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        """Take the lock. Where its holder is dead, the make it left behind is waited for."""
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                holder = os.pread(descriptor, 32, 0).strip().decode()
                if _is_alive(holder) or time.monotonic() > end:
                    who = f"process {holder}" if _is_alive(holder) else "a make that a killed build left behind"
                    raise EnvironmentFault(f"{self.path}: {who} is building in it; wait for it to end") from None
                time.sleep(0.1)
            else:
                return

    def state(self, identity: Identity) -> BuildState:
        """The state of this job here: the one that was left, or a new one.

        Raises BadInput with the reason where the directory is of another job.
        """
        file = self.path / STATE
        try:
            state = BuildState.parse(file.read_bytes())
        except FileNotFoundError:
            return BuildState(identity=identity)
        except DamagedState as error:
            raise BadInput(f"{error}; --fresh begins the directory anew", file=str(file)) from error
        except OSError as error:
            raise EnvironmentFault(f"{file}: cannot be read: {error.strerror}") from error
        other = state.identity.differs(identity)
        if other is not None:
            raise BadInput(
                f"the directory is of another build: {other}; name another with --dir, or begin it anew with --fresh",
                file=str(file),
            )
        return state

    def save(self, state: BuildState) -> None:
        replace_file(self.path / STATE, state.render())

    def ledger(self) -> Ledger:
        """What is known of the objects in `out`. A damaged one is as good as none: all is compiled again."""
        try:
            return Ledger.parse((self.path / _LEDGER).read_bytes())
        except (FileNotFoundError, DamagedState):
            return Ledger()
        except OSError as error:
            raise EnvironmentFault(f"{self.path / _LEDGER}: cannot be read: {error.strerror}") from error

    def save_ledger(self, ledger: Ledger) -> None:
        replace_file(self.path / _LEDGER, ledger.render())

    def trees(self) -> list[bytes]:
        """Tree objects that an earlier run kept; none where the file is not there or damaged."""
        try:
            return [base64.b64decode(one, validate=True) for one in json.loads((self.path / _TREES).read_bytes())]
        except (FileNotFoundError, ValueError, TypeError):
            return []
        except OSError as error:
            raise EnvironmentFault(f"{self.path / _TREES}: cannot be read: {error.strerror}") from error

    def save_trees(self, trees: Iterable[bytes]) -> None:
        """Keep tree objects: a run makes those of its result in memory, and the next one starts from them."""
        kept = [base64.b64encode(one).decode("ascii") for one in sorted(trees)]
        replace_file(self.path / _TREES, (json.dumps(kept, indent=0) + "\n").encode())

    def clear(self) -> None:
        """Take away all that builds made here; the lock stays."""
        try:
            for name in sorted(_OURS - {_LOCK}):
                path = self.path / name
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            for below in (self.logs, self.out):
                below.mkdir(exist_ok=True)
        except OSError as error:
            raise EnvironmentFault(f"cannot clear {self.path}: {error.strerror}") from error


def _is_ours(name: str) -> bool:
    """Whether a build makes a file of this name; a killed one leaves half of one, with a dot in front."""
    return name in _OURS or any(name.startswith(f".{ours}.") for ours in (STATE, _LEDGER, _TREES, "patches.json"))


def _is_alive(process: str) -> bool:
    if not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
