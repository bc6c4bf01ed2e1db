# SPDX-License-Identifier: MIT
"""Files of ours among other people's: put there, brought up to date, and taken away again.

A build system's patch directory is shared: a board's own patches lie beside an exported queue. So a hidden
list of what an export wrote, with checksums (`sha256sum -c` reads it), lies there too. A file is ours when the
list names it and it has the bytes that are listed; anything else is somebody's work and is never overwritten.

The list is written before the files, with the old sums and the new ones, and once more after them: a run that
is killed in between leaves nothing that the next one would take for somebody else's.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from ...errors import BadInput, EnvironmentFault, Problem
from ...values.paths import check_tree_path
from .files import replace_file

__all__ = ["list_name", "place_files"]

_LINE = re.compile(r"([0-9a-f]{64})  ([^\n]+)")


def list_name(series: str) -> str:
    """The file that lists what an export of a series wrote."""
    return f".mptcp-series-{series}.sha256"


def place_files(directory: Path, files: Mapping[str, bytes], *, series: str) -> tuple[Path, ...]:
    """Make a directory hold these files of a series, and none of it that were exported before; those now there, sorted.

    files: contents by path below the directory; the paths are safe.
    Raises BadInput, with every problem and nothing written, where one of the files is there and is not ours, or is
    ours and was changed since; EnvironmentFault where the disk refuses.
    """
    if directory.is_symlink() or (directory.exists() and not directory.is_dir()):
        raise BadInput(f"{directory}: not a directory; name another place")
    listing = directory / list_name(series)
    known = _listed(listing)
    problems = _problems(directory, files, known, listing.name)
    if problems:
        raise BadInput(problems)
    wanted = {name: _sum(data) for name, data in files.items()}
    replace_file(listing, _rendered({name: known.get(name, set()) | {wanted.get(name, "")} for name in known | wanted}))
    for name, data in files.items():
        if _read(directory / name) != data:
            replace_file(directory / name, data)
    for name in known:
        if name not in files:
            _remove(directory / name)
    replace_file(listing, _rendered({name: {digest} for name, digest in wanted.items()}))
    return tuple(sorted(directory / name for name in files))


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _rendered(sums: Mapping[str, set[str]]) -> bytes:
    lines = [f"{digest}  {name}\n" for name in sorted(sums) for digest in sorted(filter(None, sums[name]))]
    return "".join(lines).encode()


def _listed(listing: Path) -> dict[str, set[str]]:
    """What the list names, with the sums its files may have. Raises BadInput for lines it cannot have."""
    data = _read(listing)
    found: dict[str, set[str]] = {}
    problems = []
    for number, line in enumerate((data or b"").decode("utf-8", "surrogateescape").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        trouble = "expected `<sha256>  <file>`" if match is None else check_tree_path(match[2])
        if match is None or trouble is not None:
            problems.append(Problem(file=str(listing), line=number, message=f"not a list of exported files: {trouble}"))
        else:
            found.setdefault(match[2], set()).add(match[1])
    if problems:
        raise BadInput(problems)
    return found


def _problems(
    directory: Path, files: Mapping[str, bytes], known: Mapping[str, set[str]], listing: str
) -> list[Problem]:
    found = []
    for name in sorted({*files, *known}):
        path = directory / name
        inside = [directory.joinpath(*path.relative_to(directory).parts[:depth]) for depth in range(1, len(path.parts))]
        link = next((place for place in inside if place.is_symlink()), None)
        if link is not None:
            found.append(Problem(file=str(link), message="a symbolic link is in the way; export to another directory"))
            continue
        data = _read(path)
        if data is None or data == files.get(name) or _sum(data) in known.get(name, ()):
            continue
        if name in known:
            said = f"was changed since it was exported; move it away, or take its line out of {listing} to keep it"
        else:
            said = (
                "is there already, and no export of this series wrote it; export to another directory or move it away"
            )
        found.append(Problem(file=str(path), message=said))
    return found


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except IsADirectoryError:
        raise BadInput("a directory is in the way of a file; export to another directory", file=str(path)) from None
    except OSError as error:
        raise EnvironmentFault(f"cannot read {path}: {error.strerror}") from error


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise EnvironmentFault(f"cannot remove {path}: {error.strerror}") from error
