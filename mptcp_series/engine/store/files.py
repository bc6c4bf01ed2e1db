# SPDX-License-Identifier: MIT
"""Reading files that were named; writing so that a killed run leaves the old files or the new ones, never halves."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ...errors import BadInput, EnvironmentFault

__all__ = ["read_input", "replace_directory", "replace_file"]


def read_input(path: Path) -> bytes:
    """A file the user named. Raises BadInput where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}", file=str(path)) from error


def replace_file(path: Path, data: bytes) -> None:
    """Write a file beside its place and move it there. Raises EnvironmentFault where the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(name, 0o644)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
    except OSError as error:
        raise EnvironmentFault(f"cannot write {path}: {error.strerror}") from error


def replace_directory(path: Path, files: Mapping[str, bytes]) -> None:
    """Make a directory hold exactly these files.

    An existing directory is replaced only if it is a patch directory (a `series` file, patches and
    nothing else); anything else is somebody's work and is refused.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise BadInput(f"{path}: not a directory; name another place")
    if path.exists():
        _check_patch_directory(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
        try:
            os.chmod(fresh, 0o755)
            for name, data in files.items():
                target = fresh / name
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
            if path.exists():
                old = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
                os.replace(path, old / path.name)
                try:
                    os.replace(fresh, path)
                except OSError:
                    os.replace(old / path.name, path)
                    raise
                finally:
                    if path.exists():
                        shutil.rmtree(old)
            else:
                os.replace(fresh, path)
        finally:
            if fresh.exists():
                shutil.rmtree(fresh)
    except OSError as error:
        raise EnvironmentFault(f"cannot write {path}: {error.strerror}") from error


def _is_export(name: Path) -> bool:
    return name == Path("series") or name.suffix == ".patch"


def _check_patch_directory(path: Path) -> None:
    """Refuse a directory an export did not make: what it holds would be lost."""
    present = [entry for entry in path.rglob("*") if entry.is_symlink() or not entry.is_dir()]
    if not present:
        return
    foreign = [entry for entry in present if entry.is_symlink() or not _is_export(entry.relative_to(path))]
    if foreign or not (path / "series").is_file():
        shown = foreign[0] if foreign else path
        raise BadInput(
            f"{shown}: {path} holds more than an exported queue, and would be replaced; name an empty or new directory"
        )
