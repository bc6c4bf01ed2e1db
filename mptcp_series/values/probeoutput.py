# SPDX-License-Identifier: MIT
"""What the probe said, as values: lines of `probe: step=... key=value ...` in a kernel's log or on standard output."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping

import attrs

__all__ = ["CaseRun", "Ending", "ProbeRun", "read_probe"]

_LINE = re.compile(r"probe: (step=\S+(?: \S+=\S*)*)")


class Ending(enum.Enum):
    """How a case ended, in the probe's words."""

    DONE = "done"
    HANGS = "hangs"
    FAILED = "failed"
    REFUSED = "refused"


@attrs.frozen(kw_only=True)
class CaseRun:
    """One case as the probe saw it."""

    name: str
    ending: Ending
    why: str
    """The step and the error (`send:EPIPE`), or what stalled; `-` where nothing did."""
    ms: int
    """Milliseconds the case took."""
    facts: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict)
    """What the case said besides, by step: `transfer`, `cut`, `after-cut`, `joins`."""
    counters: Mapping[str, Mapping[str, int]] = attrs.field(factory=dict)
    """By side (`server`, `client`), the counters of MPTcpExt that are not zero."""
    links: Mapping[str, int] = attrs.field(factory=dict)
    """Bytes the client sent on each link."""

    def counter(self, side: str, name: str) -> int:
        return self.counters.get(side, {}).get(name, 0)

    def number(self, step: str, key: str) -> int | None:
        """A number of a fact; None where the case did not come that far."""
        text = self.facts.get(step, {}).get(key)
        return None if text is None else int(text)


@attrs.frozen(kw_only=True)
class ProbeRun:
    """All the probe said."""

    started: bool
    ended: bool
    kernel: str | None
    why: str
    """Why the probe gave up; `-` where it did not."""
    features: Mapping[str, str]
    """By name, `present`, `absent` or the name of an error."""
    cases: Mapping[str, CaseRun]
    """By name, those that came to an end."""
    running: str | None
    """The case that had begun and not ended when the output stopped."""
    usage: str | None
    """An argument the probe did not understand."""


@attrs.define
class _Reader:
    """What is known of the case under way."""

    facts: dict[str, Mapping[str, str]] = attrs.field(factory=dict)
    counters: dict[str, Mapping[str, int]] = attrs.field(factory=dict)
    links: dict[str, int] = attrs.field(factory=dict)

    def take(self, step: str, words: Mapping[str, str]) -> None:
        if step == "counters":
            self.counters[words["side"]] = {
                name: int(value) for name, value in words.items() if name not in ("step", "case", "side")
            }
        elif step == "link":
            self.links[words["name"]] = int(words["bytes"])
        else:
            self.facts[step] = {name: value for name, value in words.items() if name not in ("step", "case")}


def read_probe(lines: Iterable[str]) -> ProbeRun:
    """Read the probe's lines; those of others are passed over, and so is a line that was cut in two.

    lines: without times, as `guestlog.log_lines` gives them.

    >>> run = read_probe(["probe: step=begin case=cut", "probe: step=case name=cut result=hangs why=send ms=7"])
    >>> run.cases["cut"].ending, run.cases["cut"].ms
    (<Ending.HANGS: 'hangs'>, 7)
    """
    kernel: str | None = None
    why = "-"
    usage: str | None = None
    started = ended = False
    features: dict[str, str] = {}
    cases: dict[str, CaseRun] = {}
    running: str | None = None
    reader = _Reader()
    for line in lines:
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            continue
        words = dict(word.split("=", 1) for word in match[1].split(" "))
        step = words["step"]
        try:
            if step == "start":
                started, kernel = True, words["kernel"]
            elif step == "usage":
                usage = words["argument"]
            elif step == "feature":
                features[words["name"]] = words["result"]
            elif step == "begin":
                running, reader = words["case"], _Reader()
            elif step == "case":
                cases[words["name"]] = CaseRun(
                    name=words["name"],
                    ending=Ending(words["result"]),
                    why=words["why"],
                    ms=int(words["ms"]),
                    facts=reader.facts,
                    counters=reader.counters,
                    links=reader.links,
                )
                running = None
            elif step == "end":
                ended, why = True, words["why"]
            elif words.get("case") == running:
                reader.take(step, words)
        except (KeyError, ValueError):
            # Cut short on its way; what it would have told is missing, and a case without it does not hold.
            continue
    return ProbeRun(
        started=started,
        ended=ended,
        kernel=kernel,
        why=why,
        features=features,
        cases=cases,
        running=running,
        usage=usage,
    )
