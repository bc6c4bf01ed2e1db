# SPDX-License-Identifier: MIT
"""Makes docs/images/report.png anew: the report of the demo, light, as headless Chromium shows it at 1400 pixels.

python contrib/picture.py [FILE]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WIDTH, HEIGHT = 1400, 1375
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SERIES = (sys.executable, "-m", "mptcp_series")


def take(picture: Path) -> None:
    """Write the picture. Raises FileNotFoundError without Chromium, CalledProcessError where a step fails."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise FileNotFoundError("no Chromium; Debian: apt install chromium")
    picture = picture.resolve()
    picture.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    with tempfile.TemporaryDirectory() as scratch:
        demo, report = Path(scratch) / "build" / "demo", Path(scratch) / "report.html"
        for step in (
            (*SERIES, "demo", "--to", str(demo)),
            (*SERIES, "report", "-q", "--to", str(report), "--bases", "v5.10.*", "--in", "linux.git"),
            (
                browser,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                f"--user-data-dir={scratch}/profile",
                f"--window-size={WIDTH},{HEIGHT}",
                f"--screenshot={picture}",
                report.as_uri(),
            ),
        ):
            # The demo makes its own directory; the steps after it run there, by its settings.
            place = demo if demo.is_dir() else None
            subprocess.run(step, check=True, capture_output=True, cwd=place, env=environment, timeout=300)


if __name__ == "__main__":
    take(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images/report.png"))
