# SPDX-License-Identifier: MIT
"""The source files of a quilt directory: all but its patches and quilt's own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import BadInput
from .queue import Quilt
from .transaction import JOURNAL

__all__ = ["source_files"]


def source_files(quilt: Quilt, places: Sequence[str] = ()) -> Iterator[str]:
    """Regular files at or below some places, or of the whole tree, by path from its top, sorted in each directory.

    Raises BadInput for a place that is not there.
    """
    own = {quilt.patches.resolve(), (quilt.root / quilt.state.place).resolve()}
    for place in places or [""]:
        start = quilt.root / place
        if not start.is_dir():
            if not start.is_file():
                raise BadInput(f"{place}: no such file or directory")
            yield place
            continue
        for directory, names, files in os.walk(start):
            here = Path(directory)
            names[:] = sorted(name for name in names if (here / name).resolve() not in own)
            for name in sorted(files):
                path = here / name
                if name != JOURNAL and path.is_file() and not path.is_symlink():
                    yield os.path.relpath(path, quilt.root)
