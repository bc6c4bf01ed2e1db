# SPDX-License-Identifier: MIT
"""The log of a booted kernel: its lines, its splats, and the KUnit results it holds.

A splat is anything the kernel prints about a fault of its own: a WARNING, a BUG, an Oops, a report of lockdep, KASAN,
KFENCE, UBSAN, kmemleak or the slab allocator, a stalled RCU, a task that hangs, a panic. What a program of the guest
writes into the log is none, and neither is a line that names one in passing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

__all__ = ["KunitTest", "LogLine", "Splat", "kunit_tests", "log_lines", "splats"]

_STAMP = re.compile(r"\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")
_GUEST = "probe: "
_MARK = "------------[ cut here ]------------"
_END = re.compile(r"---\[ end (?:trace|Kernel panic)")

_BEGINS: Sequence[tuple[str, re.Pattern[str]]] = (
    ("panic", re.compile(r"Kernel panic - not syncing")),
    ("KASAN", re.compile(r"BUG: KASAN:")),
    ("KFENCE", re.compile(r"BUG: KFENCE:")),
    ("KCSAN", re.compile(r"BUG: KCSAN:")),
    ("lockup", re.compile(r"(?:watchdog: )?BUG: (?:soft|workqueue) lockup|(?:NMI )?watchdog: Watchdog detected")),
    ("RCU stall", re.compile(r"(?:rcu: )?INFO: \S+ (?:self-detected stall|detected (?:expedited )?stalls)")),
    (
        "lockdep",
        re.compile(
            r"WARNING: (?:possible (?:circular|recursive|irq lock)|inconsistent lock state|bad unlock balance"
            r"|suspicious RCU usage|lock held when returning|held lock freed|Nested lock was not taken"
            r"|.* lock order detected|.*-safe -> .*-unsafe|Invalid wait context)"
            r"|\[ BUG: Invalid wait context|INFO: (?:trying to register non-static key|possible |suspicious RCU)"
        ),
    ),
    ("slab", re.compile(r"BUG \S+ \(.*\): ")),
    ("BUG", re.compile(r"BUG: |kernel BUG at ")),
    ("WARNING", re.compile(r"WARNING: ")),
    (
        "Oops",
        re.compile(
            r"Oops: |Internal error: |general protection fault|stack segment: |invalid opcode: |divide error: "
            r"|double fault: |Unable to handle kernel "
        ),
    ),
    ("hung task", re.compile(r"INFO: task \S+ blocked (?:for|in) ")),
    ("UBSAN", re.compile(r"UBSAN: ")),
    ("kmemleak", re.compile(r"kmemleak: \d+ new suspected memory leaks")),
    ("leaked device", re.compile(r"unregister_netdevice: waiting for ")),
)
"""Read from the start of a line, past the time; the first that fits names the splat."""

_LONGEST = 60
"""Lines of a splat that are kept; a call trace has twenty or thirty."""

_SUITE = re.compile(r" *# Subtest: (?P<name>\S.*)")
_RESULT = re.compile(r"(?P<indent> *)(?P<not>not )?ok (?P<number>\d+) (?:- )?(?P<rest>.*)")
_HEAD = re.compile(r" *K?TAP version \d+")
_PLAN = re.compile(r"(?P<indent> *)1\.\.(?P<count>\d+)")


@attrs.frozen(kw_only=True)
class LogLine:
    """A line of the log, without its time."""

    number: int
    """1-based, in the file."""
    text: str


@attrs.frozen(kw_only=True)
class Splat:
    """A fault the kernel told of."""

    kind: str
    line: int
    """1-based, in the file."""
    title: str
    text: tuple[str, ...]
    case: str | None
    """The probe's case that ran at the time; None before the first and after the last."""


@attrs.frozen(kw_only=True)
class KunitTest:
    """One KUnit test."""

    suite: str
    name: str
    passed: bool
    skipped: bool = False
    """Passed by not being run."""


def log_lines(data: bytes) -> tuple[LogLine, ...]:
    r"""Lines of a log as the serial line brought it: its ends are `\r\n`, and the last may be cut off.

    >>> log_lines(b"[    0.5][    T1] WARNING: x\r\n  ok 1\n")[0]
    LogLine(number=1, text='WARNING: x')
    """
    text = data.decode("utf-8", "backslashreplace").replace("\r", "")
    lines = text.removesuffix("\n").split("\n") if text else []
    return tuple(LogLine(number=at, text=_STAMP.sub("", line, count=1)) for at, line in _numbered(lines))


def _numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    return enumerate(lines, start=1)


def splats(lines: Sequence[LogLine]) -> tuple[Splat, ...]:
    """Every splat, in the order of the log.

    A second sign within one report (a BUG behind `cut here`, the lock that lockdep names) belongs to the first. A
    report ends with its end mark, where the probe speaks, or after 60 lines.
    """
    found: list[Splat] = []
    case: str | None = None
    at = 0
    while at < len(lines):
        text = lines[at].text
        if text.startswith(_GUEST):
            case = _case(text, case)
            at += 1
            continue
        kind = _kind(text)
        if kind is None:
            at += 1
            continue
        size = _size(lines, at)
        body = tuple(line.text for line in lines[at : at + size])
        if text == _MARK and (inner := next((k for line in body[1:] if (k := _kind(line)) is not None), None)):
            kind = inner
        title = next((line for line in body if line != _MARK and _kind(line) is not None), text)
        found.append(Splat(kind=kind, line=lines[at].number, title=title, text=body, case=case))
        at += size
    return tuple(found)


def _case(text: str, current: str | None) -> str | None:
    if begun := re.match(r"probe: step=begin case=(\S+)", text):
        return begun[1]
    return None if text.startswith("probe: step=case ") else current


def _kind(text: str) -> str | None:
    if text == _MARK:
        return "WARNING"
    return next((kind for kind, pattern in _BEGINS if pattern.match(text)), None)


def _size(lines: Sequence[LogLine], start: int) -> int:
    for size in range(1, min(_LONGEST, len(lines) - start)):
        text = lines[start + size].text
        if text.startswith(_GUEST) or text == _MARK:
            return size
        if _END.match(text):
            return size + 1
        # A stall or a lockup is told again and again, each time as long as the first.
        if _kind(text) == _kind(lines[start].text) != "WARNING":
            return size
    return min(_LONGEST, len(lines) - start)


def kunit_tests(lines: Sequence[LogLine]) -> tuple[KunitTest, ...]:
    """Every test of the log's TAP (Documentation/dev-tools/ktap.rst), also where the kernel's own lines are between.

    A test that a suite's plan promised and that never came is there too, as one that failed: the kernel died in it.
    """
    found: list[KunitTest] = []
    suite: str | None = None
    planned: int | None = None
    seen = 0
    started = False

    def close() -> None:
        if suite is not None and planned is not None:
            found.extend(
                KunitTest(suite=suite, name=f"test {number} of {planned}", passed=False)
                for number in range(seen + 1, planned + 1)
            )

    for line in lines:
        if _HEAD.fullmatch(line.text):
            started = True
        elif not started:
            continue
        elif begun := _SUITE.fullmatch(line.text):
            close()
            suite, planned, seen = begun["name"], None, 0
        elif suite is not None and planned is None and (plan := _PLAN.fullmatch(line.text)):
            planned = int(plan["count"])
        elif suite is not None and (result := _RESULT.fullmatch(line.text)):
            name, _, directive = result["rest"].partition(" # ")
            if name == suite:
                # The suite's own line: what its tests said, once more.
                close()
                suite, planned = None, None
                continue
            seen += 1
            skipped = directive.startswith("SKIP")
            found.append(KunitTest(suite=suite, name=name, passed=result["not"] is None, skipped=skipped))
    close()
    return tuple(found)
