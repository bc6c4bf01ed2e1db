# SPDX-License-Identifier: MIT
"""Placement beside GNU patch and `git apply` on random files, random edits and random drift, thousands of cases.

One process of each tool has a whole batch of files: a file per case, told apart by what is left of rejects.
The law: no hunk is placed elsewhere than both tools place it. And where only we refuse, the place was one of several,
the file had the change already, or it would be in the midst of the hunk before.
"""

from __future__ import annotations

import difflib
import io
import random
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series.engine.text.place import Placement, place
from mptcp_series.values.patch import Patch
from mptcp_series.values.result import Fate

pytestmark = pytest.mark.skipif(shutil.which("patch") is None, reason="GNU patch is not installed")

BATCH = 250
EXAMPLES = settings(
    max_examples=8,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    deadline=None,
)
WORDS = [
    b"",
    b"{",
    b"}",
    b"\treturn 0;",
    b"\tgoto out;",
    b"static int f(void)",
    b"\ta = b;",
    b"out:",
    b"/* x */",
    b"#endif",
]


@attrs.frozen(kw_only=True)
class Case:
    """Two versions of a file, and a third one that the diff of the two is to be placed on."""

    old: bytes
    new: bytes
    there: bytes
    context: int

    def diff(self, name: str) -> bytes:
        """A unified diff as GNU diff writes it, with so many lines of context."""
        lines = [f"--- a/{name}\n".encode(), f"+++ b/{name}\n".encode()]
        old, new = (io.StringIO(side.decode("latin-1"), newline="\n").readlines() for side in (self.old, self.new))
        for line in list(difflib.unified_diff(old, new, n=self.context))[2:]:
            data = line.encode("latin-1")
            lines.append(data if data.endswith(b"\n") else data + b"\n\\ No newline at end of file\n")
        return b"".join(lines)


def edited(source: random.Random, lines: list[bytes], edits: int) -> list[bytes]:
    lines = list(lines)
    for _ in range(edits):
        at = source.randrange(len(lines) + 1)
        fresh = [line(source) for _ in range(source.randrange(4))]
        lines[at : at + source.randrange(3)] = fresh
    return lines


def line(source: random.Random) -> bytes:
    # Few different lines make ambiguous places; many make a file like those of a kernel.
    return source.choice(WORDS) if source.random() < 0.7 else b"\tline %d;" % source.randrange(200)


def case(source: random.Random, *, reverse: bool) -> Case:
    base = [line(source) for _ in range(source.choice([0, 1, 3, 8, 20, 60]))]
    if source.random() < 0.3:
        # A block that is there twice or more.
        base = base + base[: source.randrange(len(base) + 1)] * source.randrange(1, 3)
    new = edited(source, base, source.randrange(1, 4))
    there = edited(source, new if reverse else base, source.randrange(0, 4))
    if source.random() < 0.3:
        there = [line(source) for _ in range(source.randrange(1, 9))] + there
    end = source.choice([b"\n", b"\n", b"\n", b"\r\n"])
    texts = [b"".join(text + end for text in side) for side in (base, new, there)]
    cut = source.random() < 0.1
    texts = [text.removesuffix(b"\n") if cut and end == b"\n" else text for text in texts]
    return Case(old=texts[0], new=texts[1], there=texts[2], context=source.choice([1, 2, 3, 3, 3]))


def batch(seed: int, *, reverse: bool = False) -> dict[str, Case]:
    source = random.Random(seed)
    made = [case(source, reverse=reverse) for _ in range(BATCH)]
    # A file that comes to be, or goes, is another question: GNU patch tells it from a name and a time.
    return {f"d{at}/f": one for at, one in enumerate(made) if one.old and one.new and one.there and one.old != one.new}


def ours(one: Case, name: str, fuzz: int, *, reverse: bool) -> Placement:
    (change,) = Patch.parse(one.diff(name), name).changes
    return place(one.there, (change.reversed() if reverse else change).hunks, fuzz=fuzz)


def theirs(root: Path, cases: dict[str, Case], command: list[str]) -> dict[str, bytes | None]:
    """What a tool makes of each file; None where it refuses a hunk of it."""
    if root.exists():
        shutil.rmtree(root)
    for name, one in cases.items():
        (root / name).parent.mkdir(parents=True)
        (root / name).write_bytes(one.there)
    data = b"".join(one.diff(name) for name, one in cases.items())
    done = subprocess.run(command, cwd=root, input=data, capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr.decode("utf-8", "replace")
    return {name: None if (root / f"{name}.rej").exists() else _read(root / name) for name in cases}


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else b""


def compared(root: Path, seed: int, *, fuzz: int = 0, reverse: bool = False) -> Counter[str]:
    """Hold one batch against both tools; how many cases came to what."""
    cases = batch(seed, reverse=reverse)
    gnu = ["patch", "-p1", f"--fuzz={fuzz}", "--forward", "--batch", "--silent", "--no-backup-if-mismatch", "--binary"]
    git = ["git", "apply", "--whitespace=nowarn", "--reject"]
    back = ["-R"] if reverse else []
    tools = [theirs(root / "gnu", cases, [*gnu, *back])]
    # What git apply places it places without fuzz; so do we, before any is tried.
    tools.append(theirs(root / "git", cases, [*git, *back]))
    counts: Counter[str] = Counter()
    for name, one in cases.items():
        mine = ours(one, name, fuzz, reverse=reverse)
        applied = all(placed.fate is Fate.APPLIED for placed in mine.hunks)
        accepted = [tool[name] for tool in tools if tool[name] is not None]
        shown = (seed, name, one, mine)
        if applied:
            counts["applied"] += 1
            counts["moved"] += any(placed.offset for placed in mine.hunks)
            counts["fuzzy"] += mine.fuzz > 0
            counts["only ours"] += not accepted
            # The two differ: git apply puts a hunk before the one that comes before it in the patch, and only to GNU
            # patch less context after a change than before it means the end of the file.
            assert not accepted or mine.content in accepted, shown
        elif accepted and mine.complete:
            counts["present"] += 1
        elif accepted:
            counts["refused"] += 1
            if not fuzz and _ends_in_newlines(one):
                assert _refused_with_reason(mine), shown
    return counts


def _ends_in_newlines(one: Case) -> bool:
    # Without them git apply runs lines into one another (tests/compat/test_place_patch.py).
    return all(side.endswith(b"\n") for side in (one.old, one.new, one.there))


def _refused_with_reason(placement: Placement) -> bool:
    """Whether a place that a tool accepts was refused because it is one of several, or not after the hunk before."""
    if any(placed.fate is Fate.PRESENT for placed in placement.hunks):
        return True
    why = next(placed.why for placed in placement.hunks if placed.fate is Fate.CONFLICT)
    return why.startswith("ambiguous: ") or "where the hunk before it ends" in why


@EXAMPLES
@given(seed=st.integers(0, 1 << 40))
def test_no_hunk_is_placed_elsewhere(tmp_path: Path, seed: int) -> None:
    counts = compared(tmp_path, seed)
    # The batches hold what they are for.
    assert counts["applied"] > BATCH / 8
    assert counts["moved"] > 0
    assert counts["refused"] > 0


@EXAMPLES
@given(seed=st.integers(0, 1 << 40))
def test_no_hunk_is_taken_back_elsewhere(tmp_path: Path, seed: int) -> None:
    counts = compared(tmp_path, seed, reverse=True)
    assert counts["applied"] > BATCH / 8
    assert counts["moved"] > 0


@EXAMPLES
@given(seed=st.integers(0, 1 << 40), fuzz=st.integers(1, 3))
def test_no_hunk_is_placed_elsewhere_with_fuzz(tmp_path: Path, seed: int, fuzz: int) -> None:
    assert compared(tmp_path, seed, fuzz=fuzz)["fuzzy"] > 0
