# SPDX-License-Identifier: MIT
"""The programs a resolve starts for a person: an editor, chosen as git does, and a merge tool, called as git does.

Both run through the shell, as their settings may hold options. Nothing they write is trusted: what the files hold
afterwards is looked at by `resolve --done`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pygit2

from ..engine.resolving.place import Place
from ..errors import BadInput, NeedsPerson, ToolMissing

__all__ = ["asked_reason", "chosen_editor", "edit_files", "run_tool"]

_NOT_FOUND = 127


def chosen_editor(environment: Mapping[str, str]) -> str | None:
    """The user's editor: git-var(1), GIT_EDITOR. None where git would say that the terminal is dumb."""
    dumb = environment.get("TERM", "dumb") == "dumb"
    candidates = (
        environment.get("GIT_EDITOR"),
        _configured(),
        None if dumb else environment.get("VISUAL"),
        environment.get("EDITOR"),
        None if dumb or not sys.stdin.isatty() else "vi",
    )
    return next(filter(None, candidates), None)


def _configured() -> str | None:
    """`core.editor` of the user."""
    with contextlib.suppress(OSError, KeyError, pygit2.GitError):
        return pygit2.Config.get_global_config()["core.editor"]
    return None


def edit_files(paths: Sequence[Path]) -> None:
    """Open files in the user's editor and wait. Raises BadInput where there is none, ToolMissing, NeedsPerson."""
    editor = chosen_editor(os.environ)
    if editor is None:
        raise BadInput("no editor: set GIT_EDITOR or EDITOR, or change the files by other means")
    _run(editor, [*map(str, paths)], "the editor", os.environ)


def asked_reason(template: bytes) -> str:
    """The reason a person writes in their editor. Raises BadInput where there is no editor."""
    if chosen_editor(os.environ) is None:
        raise BadInput(
            "no reason: give it with --reason; without an editor (GIT_EDITOR, EDITOR) it cannot be asked for"
        )
    with tempfile.TemporaryDirectory(prefix="mptcp-series-") as directory:
        file = Path(directory) / "REASON"
        file.write_bytes(template)
        edit_files([file])
        text = file.read_bytes().decode("utf-8", "replace")
    return "\n".join(line for line in text.split("\n") if not line.startswith("#")).strip()


def run_tool(command: str, place: Place, paths: Iterable[str]) -> None:
    """Run a merge tool on each file, with $BASE, $LOCAL, $REMOTE and $MERGED as in git-mergetool(1).

    A side that is not there is an empty file. Raises NeedsPerson where the tool gives up, ToolMissing.
    """
    with tempfile.TemporaryDirectory(prefix="mptcp-series-") as directory:
        for path in paths:
            sides = {"MERGED": place.directory / "tree" / path}
            for variable, side in (("BASE", "base"), ("LOCAL", "ours"), ("REMOTE", "theirs")):
                file = place.directory / side / path
                if not file.is_file():
                    file = Path(directory) / side / Path(path).name
                    file.parent.mkdir(exist_ok=True)
                    file.write_bytes(b"")
                sides[variable] = file
            environment = {**os.environ, **{name: str(file) for name, file in sides.items()}}
            _run(command, [], f"the merge tool on {path}", environment)


def _run(command: str, arguments: Sequence[str], what: str, environment: Mapping[str, str]) -> None:
    script = f'{command} "$@"' if arguments else command
    try:
        done = subprocess.run(["sh", "-c", script, command, *arguments], env=environment, check=False)
    except OSError as error:
        raise ToolMissing(f"cannot start {command!r}: {error.strerror}") from error
    if done.returncode == _NOT_FOUND:
        raise ToolMissing(f"{command!r} is not installed")
    if done.returncode:
        raise NeedsPerson([f"{what} ended with status {done.returncode}; what it wrote is kept"])
