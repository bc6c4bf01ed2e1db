# SPDX-License-Identifier: MIT
"""Problems in the forms that code reviews show beside the lines they are about.

GitHub reads workflow commands from a step's output (docs.github.com, "Workflow commands for GitHub Actions"); GitLab
reads a report in a subset of Code Climate's JSON (docs.gitlab.com, "Code Quality").
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..values.result import Drift

__all__ = ["FORMATS", "Annotation", "annotation_lines", "of_drift"]

FORMATS = ("github", "gitlab")

Annotation = tuple[str, int, str]
"""File, line (1-based) and message."""


def of_drift(drift: Drift, paths: Iterable[Path]) -> Annotation:
    """A drift at the line of its field in the override file; `paths` are where override files are."""
    found = next((path for path in paths if f"{path.parent.name}/{path.name}" == drift.file), None)
    if found is None:
        return drift.file, 1, str(drift)
    message = f"{drift.field}: {drift.why}" + (f"\n{drift.detail}" if drift.detail else "")
    return str(found), _line(found.read_bytes(), drift), message


def _line(data: bytes, drift: Drift) -> int:
    """The line of the field that drifted; of several with its name, the one whose value the message begins with.

    Of two such values, `path#id` and `path#id.2`, the longer one is meant.
    """
    lines = data.decode("utf-8", "replace").split("\n")
    if drift.field == "diff":
        ends = next((number for number, line in enumerate(lines, 1) if line.rstrip() == "---"), 0)
        return min(ends + 1, len(lines))
    named = [
        (number, line.partition(":")[2].strip())
        for number, line in enumerate(lines, 1)
        if line.lower().startswith(f"{drift.field.lower()}:")
    ]
    fitting = [(len(value), -number) for number, value in named if drift.why.startswith(value)]
    return -max(fitting)[1] if fitting else named[0][0] if named else 1


def annotation_lines(form: str, found: Sequence[Annotation]) -> list[str]:
    """The lines to print: of GitHub one for each, of GitLab one document, which may be empty."""
    found = [(_relative(Path(file)), line, text) for file, line, text in found]
    if form == "github":
        return [f"::error file={_property(file)},line={line}::{_data(text)}" for file, line, text in found]
    return [
        json.dumps(
            [
                {
                    "check_name": "mptcp-series override check",
                    "description": text,
                    "fingerprint": hashlib.sha256(f"{file}\0{text}".encode("utf-8", "surrogateescape")).hexdigest(),
                    "location": {"path": file, "lines": {"begin": line}},
                    "severity": "major",
                }
                for file, line, text in found
            ],
            indent=2,
            sort_keys=True,
        )
    ]


def _relative(path: Path) -> str:
    """As seen from the working directory, which is the checkout in both systems."""
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
