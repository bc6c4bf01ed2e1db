# SPDX-License-Identifier: MIT
"""`override check --annotate`: what is wrong, beside its line, as GitHub and GitLab show it."""

from __future__ import annotations

import json

import pytest

from mptcp_series.cli.annotations import annotation_lines

from .conftest import Kernel, run

DRIFTED = """\
Patch: hook.patch
Drop: net/mptcp/protocol.c#24760d081227
Drop: net/ipv4/tcp.c#000000000000
Reason: why
---
"""


@pytest.fixture
def drifted(kernel: Kernel) -> Kernel:
    kernel.override("hook.patch", DRIFTED)
    return kernel


def test_github(drifted: Kernel) -> None:
    outcome = run("override", "check", "--annotate", "github", *drifted.options)
    assert outcome.code == 1
    assert outcome.out.startswith(
        "::error file=overrides/q/hook.patch,line=3::Drop: net/ipv4/tcp.c#000000000000: the patch has no such hunk"
    )
    assert outcome.out.count("\n") == 1


def test_of_two_hunks_of_one_id_the_second_is_meant(kernel: Kernel) -> None:
    """`path#id` is how `path#id.2` begins."""
    path = kernel.override("hook.patch", DRIFTED.replace("#000000000000", "#24760d081227.2"))
    path.write_text(path.read_text().replace("net/ipv4/tcp.c", "net/mptcp/protocol.c"))
    outcome = run("override", "check", "--annotate", "github", *kernel.options)
    assert outcome.out.startswith(
        "::error file=overrides/q/hook.patch,line=3::Drop: net/mptcp/protocol.c#24760d081227.2"
    )


def test_gitlab(drifted: Kernel) -> None:
    outcome = run("override", "check", "--annotate", "gitlab", *drifted.options)
    assert outcome.code == 1
    (found,) = json.loads(outcome.out)
    assert found["location"] == {"path": "overrides/q/hook.patch", "lines": {"begin": 3}}
    assert found["severity"] == "major"
    assert len(found["fingerprint"]) == 64


@pytest.mark.parametrize(("form", "said"), [("github", ""), ("gitlab", "[]\n")])
def test_nothing_wrong(kernel: Kernel, form: str, said: str) -> None:
    outcome = run("override", "check", "--annotate", form, *kernel.options)
    assert (outcome.code, outcome.out.strip("\n")) == (0, said.strip("\n"))


def test_an_override_that_cannot_be_read(kernel: Kernel) -> None:
    kernel.override("bad.patch", "Patch: hook.patch\nColour: red\nReason: x\n---\n")
    outcome = run("override", "check", "--annotate", "github", *kernel.options)
    assert outcome.code == 2
    assert "::error file=overrides/q/bad.patch,line=2::" in outcome.out
    assert "Colour" in outcome.err


def test_a_patch_that_is_gone(kernel: Kernel) -> None:
    kernel.override("gone.patch", "# about\nPatch: gone.patch\nSkip: yes\nReason: x\n---\n")
    outcome = run("override", "check", "--annotate", "github", *kernel.options)
    assert outcome.out == "::error file=overrides/q/gone.patch,line=2::Patch: no patch of the queue is gone.patch\n"


def test_text_cannot_end_a_command() -> None:
    assert annotation_lines("github", [("a,b:c\n.patch", 7, "50% of\nit")]) == [
        "::error file=a%2Cb%3Ac%0A.patch,line=7::50%25 of%0Ait"
    ]
