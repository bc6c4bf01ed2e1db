# SPDX-License-Identifier: MIT
"""What docs/explanation/comparison.md says of git rerere, held against git itself."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

BASE = "int limit = 1;\n" + "".join(f"int line{number};\n" for number in range(12))
ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin:/bin",
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_{what}": "t@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "base")
    git(tmp_path, "config", "rerere.enabled", "true")
    write(tmp_path, "base", "tcp.c", BASE)
    git(tmp_path, "checkout", "-q", "-b", "patch")
    write(tmp_path, "patch", "tcp.c", BASE.replace("line6", "line6_of_upstream"))
    return tmp_path


def git(place: Path, *arguments: str, fails: bool = False) -> str:
    done = subprocess.run(["git", *arguments], cwd=place, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is fails, done.stdout + done.stderr
    return done.stdout + done.stderr


def write(place: Path, message: str, name: str, text: str) -> None:
    (place / name).write_text(text)
    git(place, "add", name)
    git(place, "commit", "-q", "-m", message)


def vendor(place: Path, name: str, text: str) -> None:
    git(place, "checkout", "-q", "-b", name, "base")
    write(place, name, "tcp.c", text)


def answer(place: Path) -> None:
    """The vendor's first base, and a person who answers: both, for a limit of 1."""
    vendor(place, "vendor", BASE.replace("line6", "line6_of_vendor"))
    git(place, "cherry-pick", "patch", fails=True)
    write(place, "answered", "tcp.c", BASE.replace("int line6;", "int line6_of_vendor, line6_of_upstream;"))


def test_an_answer_is_given_again_whatever_else_changed_in_the_file(place: Path) -> None:
    """The key is the text of the conflict. That the line above has another meaning now is not asked."""
    answer(place)
    moved = BASE.replace("limit = 1", "limit = 2")
    vendor(place, "later", moved.replace("line6", "line6_of_vendor"))
    said = git(place, "cherry-pick", "patch", fails=True)
    assert "Resolved 'tcp.c' using previous resolution." in said
    assert (place / "tcp.c").read_text() == moved.replace("int line6;", "int line6_of_vendor, line6_of_upstream;")


def test_it_stops_at_a_known_conflict_too(place: Path) -> None:
    """With rerere.autoupdate the answer is staged as well; someone has to go on all the same."""
    git(place, "config", "rerere.autoupdate", "true")
    answer(place)
    vendor(place, "again", BASE.replace("line6", "line6_of_vendor"))
    git(place, "cherry-pick", "patch", fails=True)
    assert (place / ".git" / "CHERRY_PICK_HEAD").exists()
    assert git(place, "diff", "--name-only", "--diff-filter=U") == ""


def test_an_answer_has_no_name_and_no_reason_and_is_in_no_commit(place: Path) -> None:
    answer(place)
    cache = place / ".git" / "rr-cache"
    (kept,) = cache.iterdir()
    assert len(kept.name) == 40
    assert {file.name for file in kept.iterdir()} == {"preimage", "postimage"}
    assert "tcp.c" not in "".join(file.read_text() for file in kept.iterdir())
    assert "rr-cache" not in git(place, "ls-files")


def test_a_conflict_that_reads_otherwise_is_asked_again(place: Path) -> None:
    """One more word in the vendor's line, and nothing says that there was an answer to something like it."""
    answer(place)
    vendor(place, "later", BASE.replace("line6", "line6_of_vendor_2"))
    said = git(place, "cherry-pick", "patch", fails=True)
    assert "previous resolution" not in said
    assert "<<<<<<<" in (place / "tcp.c").read_text()
