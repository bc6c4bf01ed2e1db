# SPDX-License-Identifier: MIT
"""The picture of the demo's report that README.md shows: there, small, and made anew by one command."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "docs" / "images" / "report.png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:24])
    return width, height


def test_the_picture_is_shown_and_small() -> None:
    assert "](docs/images/report.png)" in (ROOT / "README.md").read_text()
    assert "](../images/report.png)" in (ROOT / "docs" / "guide" / "review.md").read_text()
    assert size(PICTURE)[0] == 1400
    assert PICTURE.stat().st_size < 400_000


@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chromium; Debian: apt install chromium")
def test_it_is_made_anew(tmp_path: Path) -> None:
    made = tmp_path / "images" / "report.png"
    subprocess.run([sys.executable, "contrib/picture.py", str(made)], cwd=ROOT, check=True, timeout=300)
    assert size(made) == size(PICTURE)
    # The page itself: an empty window of that size is a few kilobytes.
    assert made.stat().st_size > 50_000
