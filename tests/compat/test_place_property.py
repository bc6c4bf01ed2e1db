# SPDX-License-Identifier: MIT
"""Placement beside GNU patch and `git apply` on random files, random edits and random drift, thousands of cases.

One process of each tool has a whole batch of files: a file per case, told apart by what is left of rejects.
The law: no hunk is placed elsewhere than both tools place it. And where only we refuse, the place was one of several,
the file had the change already, or it would be in the midst of the hunk before.

Files of a few lines that come again and again are cases of their own: there hunks are placed by what the others leave
them (engine/text/order.py, twins.py), or by nothing.
"""

from __future__ import annotations

import difflib
import io
import random
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
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


def repeated_case(source: random.Random, *, reverse: bool = False) -> Case:
    """A file of very few different lines, often one block many times over, and often the same edit wherever it fits."""
    words = [b"a", b"b", b"{", b"}"][: source.choice([1, 2, 2, 3, 3, 4])]

    def some(least: int, most: int, *more: bytes) -> list[bytes]:
        return [source.choice([*words, *more]) for _ in range(source.randrange(least, most))]

    base = some(1, source.choice([2, 4, 9, 21, 31]))
    if source.random() < 0.3:
        return _blocks(source, reverse=reverse)
    if source.random() < 0.5:
        block = some(1, 6)
        base = []
        for _ in range(source.randrange(1, 6)):
            base += block + ([source.choice([*words, b"x%d" % source.randrange(30)])] * (source.random() < 0.3))
    if source.random() < 0.6:
        at, size = source.randrange(len(base)), source.randrange(1, 4)
        new = _replaced(source, base, base[at : at + size], some(0, 4, b"n", b"m"), source.choice([1, 1, 1, 0.7]))
    else:
        new = list(base)
        for _ in range(source.randrange(1, 4)):
            at = source.randrange(len(new) + 1)
            new[at : at + source.randrange(3)] = some(0, 3, b"n")
    there = list(new if reverse else base)
    for _ in range(source.randrange(3)):
        at = source.randrange(len(there) + 1)
        there[at : at + source.randrange(4)] = some(0, 4, b"y")
    if source.random() < 0.5:
        there = some(1, 12, b"t", b"u") + there
    texts = [b"".join(text + b"\n" for text in side) for side in (base, new, there)]
    if source.random() < 0.05:
        texts = [text.removesuffix(b"\n") for text in texts]
    return Case(old=texts[0], new=texts[1], there=texts[2], context=source.choice([1, 1, 1, 2, 3]))


def _blocks(source: random.Random, *, reverse: bool) -> Case:
    """A few blocks, most of them the same, with the same edit in most, in a file that moved."""
    kinds = [[b"{", b"\told", b"}"], [b"{", b"\told", b"}"], [b"{", b"\told", b"\told", b"}"], [b"{", b"\tother", b"}"]]
    base = [source.choice(kinds) for _ in range(source.randrange(2, 7))]
    edit = {b"\told": source.choice([b"\tnew", b"\told\n\tmore"])}
    new = [
        [edit.get(text, text) for text in block] if source.random() < 0.85 else block
        for block in (block + [b""] * 2 for block in base)
    ]
    old = [block + [b""] * 2 for block in base]
    there = list(new if reverse else old)
    if source.random() < 0.3:
        at = source.randrange(len(there) + 1)
        there[at : at + source.randrange(2)] = [source.choice(kinds)] * source.randrange(2)
    above = [[b"top"] * source.choice([1, 2, 4, 7, 12])] if source.random() < 0.7 else []
    if above and source.random() < 0.4:
        # The file got shorter above.
        old, new, above = above + old, above + new, []
    texts = [b"".join(text + b"\n" for block in side for text in block) for side in (old, new, above + there)]
    return Case(old=texts[0], new=texts[1], there=texts[2], context=source.choice([1, 1, 2]))


def _replaced(
    source: random.Random, lines: list[bytes], old: list[bytes], new: list[bytes], chance: float
) -> list[bytes]:
    """The lines with others for some of them, wherever these stand, or nearly."""
    out: list[bytes] = []
    at = 0
    while at < len(lines):
        found = lines[at : at + len(old)] == old and source.random() < chance
        out += new if found else lines[at : at + 1]
        at += len(old) if found else 1
    return out


Make = Callable[..., Case]


def batch(seed: int, make: Make = case, *, reverse: bool = False) -> dict[str, Case]:
    source = random.Random(seed)
    made = [make(source, reverse=reverse) for _ in range(BATCH)]
    # A file that comes to be, or goes, is another question: GNU patch tells it from a name and a time.
    return {f"d{at}/f": one for at, one in enumerate(made) if one.old and one.new and one.there and one.old != one.new}


def ours(one: Case, name: str, fuzz: int, *, reverse: bool) -> Placement:
    (change,) = Patch.parse(one.diff(name), name).changes
    return place(one.there, (change.reversed() if reverse else change).hunks, fuzz=fuzz)


def placed_alone(one: Case, name: str, fuzz: int, number: int, *, reverse: bool) -> bool:
    """Whether a hunk has a place, or stands, without the others."""
    (change,) = Patch.parse(one.diff(name), name).changes
    hunk = (change.reversed() if reverse else change).hunks[number]
    return place(one.there, [hunk], fuzz=fuzz).complete


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


def compared(root: Path, seed: int, make: Make = case, *, fuzz: int = 0, reverse: bool = False) -> Counter[str]:
    """Hold one batch against both tools; how many cases came to what."""
    cases = batch(seed, make, reverse=reverse)
    gnu = ["patch", "-p1", f"--fuzz={fuzz}", "--forward", "--batch", "--silent", "--no-backup-if-mismatch", "--binary"]
    git = ["git", "apply", "--whitespace=nowarn", "--reject"]
    back = ["-R"] if reverse else []
    tools = [theirs(root / "gnu", cases, [*gnu, *back])]
    # What git apply places it places without fuzz; so do we, before any is tried.
    exact = [theirs(root / "git", cases, [*git, *back])]
    if fuzz:
        exact.append(theirs(root / "exact", cases, [*gnu, "--fuzz=0", *back]))
    tools += exact
    counts: Counter[str] = Counter()
    for name, one in cases.items():
        mine = ours(one, name, fuzz, reverse=reverse)
        applied = all(placed.fate is Fate.APPLIED for placed in mine.hunks)
        # What needs no fuzz is held against tools without: with it GNU patch puts hunks elsewhere that had a place.
        accepted = [tool[name] for tool in (tools if mine.fuzz or not fuzz else exact) if tool[name] is not None]
        shown = (seed, name, one, mine)
        if applied:
            counts["applied"] += 1
            counts["moved"] += any(placed.offset for placed in mine.hunks)
            counts["fuzzy"] += mine.fuzz > 0
            counts["only ours"] += not accepted
            counts["together"] += any(
                not placed_alone(one, name, fuzz, at, reverse=reverse) for at in range(len(mine.hunks))
            )
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
    return why.startswith("ambiguous: ") or "the hunk before it ends" in why


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


@EXAMPLES
@given(seed=st.integers(0, 1 << 40), reverse=st.booleans())
def test_no_hunk_is_placed_elsewhere_among_lines_that_repeat(tmp_path: Path, seed: int, reverse: bool) -> None:
    counts = compared(tmp_path, seed, repeated_case, reverse=reverse)
    assert counts["applied"] > BATCH / 4
    assert counts["refused"] > 0
    # Hunks that are ambiguous alone, and not with the others.
    assert counts["together"] > 0


@EXAMPLES
@given(seed=st.integers(0, 1 << 40), fuzz=st.integers(1, 3))
def test_no_hunk_is_placed_elsewhere_among_lines_that_repeat_with_fuzz(tmp_path: Path, seed: int, fuzz: int) -> None:
    assert compared(tmp_path, seed, repeated_case, fuzz=fuzz)["fuzzy"] > 0
