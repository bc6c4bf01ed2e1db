# SPDX-License-Identifier: MIT
"""What a boot proves: each case, what was expected of it, what was observed, and the verdict.

A case is proved when it came to its end and every expectation holds. A kernel that lacks what a case needs has it
`absent`, one that would not do it `refused`; neither is proved. All expectations are here, none is in the probe.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

import attrs

from .guestlog import LogLine, Splat, kunit_tests, log_lines, splats
from .probeoutput import CaseRun, Ending, ProbeRun, read_probe

__all__ = ["CASES", "BootReport", "Case", "Check", "Comparison", "GuestEnd", "Verdict", "judge"]

_NO_COUNTER = "no such counter"
_SHARE = 10
"""Per cent of a transfer that a link must have carried to count as used."""


class Verdict(enum.Enum):
    """What a case came to."""

    PROVED = "proved"
    FAILS = "fails"
    HANGS = "hangs"
    ABSENT = "absent"
    REFUSED = "refused"
    NOT_RUN = "not run"


class GuestEnd(enum.Enum):
    """How the guest ended."""

    ITSELF = "by itself"
    TIMEOUT = "stopped after the time limit"
    NOISE = "stopped after more log than can be kept"


@attrs.frozen(kw_only=True)
class Check:
    """One expectation of a case."""

    what: str
    expected: str
    observed: str
    holds: bool

    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, observed {self.observed}"

    def to_json(self) -> Mapping[str, object]:
        return {"what": self.what, "expected": self.expected, "observed": self.observed, "holds": self.holds}


@attrs.frozen(kw_only=True)
class Case:
    """One case on one kernel."""

    name: str
    verdict: Verdict
    note: str
    """In a few words: what was seen, or why it is not proved."""
    checks: tuple[Check, ...] = ()
    run: CaseRun | None = None

    @property
    def reason(self) -> str:
        """The first expectation that does not hold, else the note."""
        return next((str(check) for check in self.checks if not check.holds), self.note)

    def to_json(self) -> Mapping[str, object]:
        run = self.run
        return {
            "verdict": self.verdict.value,
            "note": self.note,
            "checks": [check.to_json() for check in self.checks],
            "ms": None if run is None else run.ms,
            "after_cut_ms": None if run is None else run.number("after-cut", "ms"),
            "counters": {} if run is None else {side: dict(counters) for side, counters in run.counters.items()},
            "links": {} if run is None else dict(run.links),
        }


@attrs.frozen(kw_only=True)
class BootReport:
    """One kernel, booted once."""

    kernel: str
    """Its release, as it tells it."""
    cases: tuple[Case, ...]
    splats: tuple[Splat, ...] = ()

    @property
    def proved(self) -> bool:
        return all(case.verdict is Verdict.PROVED for case in self.cases)

    def case(self, name: str) -> Case:
        """A case by its name. Raises KeyError."""
        for case in self.cases:
            if case.name == name:
                return case
        raise KeyError(name)


@attrs.frozen(kw_only=True)
class Comparison:
    """A kernel, and the one it is held against."""

    patched: BootReport
    base: BootReport | None = None

    def separates(self, name: str) -> bool:
        """Whether the case is proved on the patched kernel and not on the other."""
        if self.base is None:
            return False
        return self.patched.case(name).verdict is Verdict.PROVED and self.base.case(name).verdict is not Verdict.PROVED

    def to_json(self) -> Mapping[str, object]:
        base = self.base
        return {
            "kernels": {"patched": self.patched.kernel, "base": None if base is None else base.kernel},
            "proved": self.patched.proved,
            "cases": [
                {
                    "name": case.name,
                    "what": CASES[case.name],
                    "patched": case.to_json(),
                    "base": None if base is None else base.case(case.name).to_json(),
                    "separates": self.separates(case.name),
                }
                for case in self.patched.cases
            ],
            "splats": {
                "patched": [_splat_json(splat) for splat in self.patched.splats],
                "base": None if base is None else [_splat_json(splat) for splat in base.splats],
            },
        }


def _splat_json(splat: Splat) -> Mapping[str, object]:
    return {
        "kind": splat.kind,
        "line": splat.line,
        "title": splat.title,
        "case": splat.case,
        "text": list(splat.text),
    }


def judge(log: bytes, end: GuestEnd, release: str) -> BootReport:
    """Cases and verdicts from a guest's log; `release` is what the image says of its kernel."""
    lines = log_lines(log)
    probe = read_probe(line.text for line in lines)
    faults = splats(lines)
    cases = [_boot(probe, end, faults)]
    for name, checks in _CHECKS.items():
        cases.append(_case(name, probe, checks))
    cases.append(_kunit(lines))
    cases.append(_log(faults, probe))
    return BootReport(kernel=probe.kernel or release, cases=tuple(cases), splats=faults)


CASES: Mapping[str, str] = {
    "boot": "the kernel starts, and the probe comes to its end",
    "capable": "MP_CAPABLE: a connection of one subflow, and a transfer on it",
    "join": "MP_JOIN: a second subflow, and a transfer over both links",
    "cut": "the sender's first interface goes down during a transfer",
    "cut-far": "the receiver's first interface goes down during a transfer",
    "fullmesh-2x1": "fullmesh: two endpoints, then an offered address",
    "fullmesh-1x1": "fullmesh: an offered address, then one endpoint",
    "fullmesh-1x2": "fullmesh: an offered address, then two endpoints",
    "fullmesh-limited": "fullmesh: the same within a limit of four subflows",
    "kunit": "the stack's KUnit tests",
    "log": "no splat in the kernel's log",
}
"""Every case and what it proves, in the order of the report."""

Checks = Callable[[CaseRun, Mapping[str, str]], Sequence[Check]]


def _equal(what: str, expected: int, observed: int | None) -> Check:
    return Check(what=what, expected=str(expected), observed=_shown(observed), holds=observed == expected)


def _least(what: str, expected: int, observed: int | None) -> Check:
    holds = observed is not None and observed >= expected
    return Check(what=what, expected=f"{expected} or more", observed=_shown(observed), holds=holds)


def _shown(number: int | None) -> str:
    return "nothing" if number is None else str(number)


def _hashes(run: CaseRun) -> Check:
    transfer = run.facts.get("transfer", {})
    sent = f"{transfer.get('sent', 'no')} bytes, hash {transfer.get('sent_hash', 'none')}"
    received = f"{transfer.get('received', 'no')} bytes, hash {transfer.get('received_hash', 'none')}"
    return Check(what="transfer", expected=sent, observed=received, holds=bool(transfer) and sent == received)


def _counter(run: CaseRun, side: str, name: str, expected: int) -> Check:
    return _equal(f"{name} of the {side}", expected, run.counter(side, name))


def _capable(run: CaseRun, features: Mapping[str, str]) -> Sequence[Check]:
    return (
        _counter(run, "server", "MPCapableSYNRX", 1),
        _counter(run, "server", "MPCapableACKRX", 1),
        _counter(run, "server", "MPCapableFallbackACK", 0),
        _counter(run, "client", "MPCapableFallbackSYNACK", 0),
        _hashes(run),
    )


def _join(run: CaseRun, features: Mapping[str, str]) -> Sequence[Check]:
    share = (run.number("transfer", "sent") or 0) * _SHARE // 100
    return (
        _counter(run, "server", "MPCapableSYNRX", 1),
        _counter(run, "server", "MPJoinSynRx", 1),
        _counter(run, "client", "MPJoinSynAckRx", 1),
        _counter(run, "server", "MPJoinAckRx", 1),
        _least("bytes on link1", max(share, 1), run.links.get("link1")),
        _least("bytes on link2", max(share, 1), run.links.get("link2")),
        _hashes(run),
    )


def _cut(run: CaseRun, features: Mapping[str, str]) -> Sequence[Check]:
    return (
        _counter(run, "server", "MPJoinAckRx", 1),
        # Without any on the first link there was nothing to lose.
        _least("bytes on link1 before the cut", 1, run.number("cut", "link1")),
        # The half that was written after it.
        _least("bytes on link2", max((run.number("transfer", "sent") or 0) // 2, 1), run.links.get("link2")),
        _hashes(run),
    )


def _cut_far(run: CaseRun, features: Mapping[str, str]) -> Sequence[Check]:
    if features.get("SubflowStale") == "absent":
        stale = Check(what="SubflowStale of the client", expected="1 or more", observed=_NO_COUNTER, holds=False)
    else:
        stale = _least("SubflowStale of the client", 1, run.counter("client", "SubflowStale"))
    return (*_cut(run, features), stale)


def _mesh(run: CaseRun, features: Mapping[str, str]) -> Sequence[Check]:
    wanted = run.number("joins", "wanted")
    seen = run.number("joins", "seen")
    holds = wanted is not None and wanted == seen
    return (Check(what="joins", expected=_shown(wanted), observed=_shown(seen), holds=holds), _hashes(run))


_CHECKS: Mapping[str, Checks] = {
    "capable": _capable,
    "join": _join,
    "cut": _cut,
    "cut-far": _cut_far,
    "fullmesh-2x1": _mesh,
    "fullmesh-1x1": _mesh,
    "fullmesh-1x2": _mesh,
    "fullmesh-limited": _mesh,
}


def _case(name: str, probe: ProbeRun, expectations: Checks) -> Case:
    run = probe.cases.get(name)
    if run is None:
        if probe.running == name:
            return Case(name=name, verdict=Verdict.HANGS, note="the guest went no further")
        return Case(name=name, verdict=Verdict.NOT_RUN, note="the probe did not come to it")
    if run.ending is Ending.HANGS:
        return Case(name=name, verdict=Verdict.HANGS, note=run.why.replace("-", " "), run=run)
    if run.ending is Ending.REFUSED:
        return Case(name=name, verdict=Verdict.REFUSED, note=run.why, run=run)
    if run.ending is Ending.FAILED:
        return Case(name=name, verdict=Verdict.FAILS, note=run.why, run=run)
    checks = tuple(expectations(run, probe.features))
    broken = [check for check in checks if not check.holds]
    if not broken:
        return Case(name=name, verdict=Verdict.PROVED, note=_note(run), checks=checks, run=run)
    first = broken[0]
    absent = all(check.observed == _NO_COUNTER for check in broken)
    return Case(
        name=name,
        verdict=Verdict.ABSENT if absent else Verdict.FAILS,
        note=f"{first.what}: {first.observed}" + ("" if absent else f", not {first.expected}"),
        checks=checks,
        run=run,
    )


def _note(run: CaseRun) -> str:
    said = []
    after = run.number("after-cut", "ms")
    if after is not None:
        said.append(f"{after / 1000:.1f} s after the cut")
    joins = run.number("joins", "seen")
    if joins is not None:
        said.append(f"joins {joins}")
    shown = {"capable": ("MPCapableSYNRX",), "join": ("MPCapableSYNRX", "MPJoinAckRx")}.get(run.name, ())
    said.extend(f"{name} {run.counter('server', name)}" for name in shown)
    if stale := run.counter("client", "SubflowStale"):
        said.append(f"SubflowStale {stale}")
    return ", ".join(said)


def _boot(probe: ProbeRun, end: GuestEnd, faults: Sequence[Splat]) -> Case:
    if probe.ended and probe.why == "-" and end is GuestEnd.ITSELF:
        return Case(name="boot", verdict=Verdict.PROVED, note=f"Linux {probe.kernel}")
    if probe.ended and probe.why != "-":
        world = probe.cases.get("world")
        why = probe.why if world is None else world.why
        return Case(name="boot", verdict=Verdict.REFUSED, note=f"nothing could be tried: {why}")
    where = f" in case {probe.running}" if probe.running else "" if probe.started else " before the probe"
    if end is not GuestEnd.ITSELF:
        return Case(name="boot", verdict=Verdict.HANGS, note=f"{end.value}{where}")
    fatal = faults[-1] if faults else None
    told = "" if fatal is None else f": {fatal.title}"
    return Case(name="boot", verdict=Verdict.FAILS, note=f"the guest ended{where}{told}")


def _kunit(lines: Sequence[LogLine]) -> Case:
    tests = [test for test in kunit_tests(lines) if "mptcp" in test.suite]
    if not tests:
        return Case(
            name="kunit",
            verdict=Verdict.ABSENT,
            note="no results; set CONFIG_KUNIT and CONFIG_MPTCP_KUNIT_TEST, formerly CONFIG_MPTCP_KUNIT_TESTS",
        )
    checks = []
    for suite, group in groupby(tests, key=lambda test: test.suite):
        ran = list(group)
        bad = [test.name for test in ran if not test.passed or test.skipped]
        checks.append(
            Check(
                what=suite,
                expected=f"{len(ran)} passed",
                observed=f"{len(ran) - len(bad)} passed" + (f", not {', '.join(bad)}" if bad else ""),
                holds=not bad,
            )
        )
    good = all(check.holds for check in checks)
    passed = sum(test.passed and not test.skipped for test in tests)
    return Case(
        name="kunit",
        verdict=Verdict.PROVED if good else Verdict.FAILS,
        note=f"{passed} of {len(tests)} passed",
        checks=tuple(checks),
    )


def _log(faults: Sequence[Splat], probe: ProbeRun) -> Case:
    if not faults and not probe.ended:
        return Case(name="log", verdict=Verdict.NOT_RUN, note="none as far as the log goes")
    if not faults:
        return Case(name="log", verdict=Verdict.PROVED, note="none")
    first = faults[0]
    more = f", and {len(faults) - 1} more" if len(faults) > 1 else ""
    return Case(name="log", verdict=Verdict.FAILS, note=f"line {first.line}: {first.title}{more}")
