# SPDX-License-Identifier: MIT
"""`override new`: a template that is refused until someone fills it in, and then fits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mptcp_series.engine.queue import load_overrides
from mptcp_series.errors import BadOverride
from mptcp_series.values.override import Override

from .conftest import Kernel, Outcome, run

FIRST, LAST = "7e6bba4ccff6", "2cc5188556ce"


def template(kernel: Kernel) -> str:
    return f"""\
# hook.patch: mptcp: hook into tcp
# Take the # away from what is to take effect, and say why. Comment lines may stay or go.
Patch: hook.patch
# Commit: {kernel.hook}
# Base: >=5.10.0,<5.11
# When: include/net/sock.h lacks sock_set_timestamp
# Skip: yes
#
# net/ipv4/tcp.c, 2 hunks; to leave all of it out:
# Drop: net/ipv4/tcp.c
#
# line 2 in int tcp1;
# Drop: net/ipv4/tcp.c#{FIRST}
# dropped hunk {FIRST}:
#   -int tcp5;
#   +int tcp5_hook;
#
# line 22 in int tcp21;
# Drop: net/ipv4/tcp.c#{LAST}
# dropped hunk {LAST}:
#   -int tcp25;
#   +int last;
#
# net/mptcp/protocol.c, 1 hunk; to leave all of it out:
# Drop: net/mptcp/protocol.c
#
# line 18 in int line16;
# Drop: net/mptcp/protocol.c#24760d081227
# dropped hunk 24760d081227:
#   -int line20;
#   +int hooked;
#
# Optional: yes
Reason:
---
"""


def test_new_prints_a_template(kernel: Kernel) -> None:
    assert run("override", "new", "hook.patch", *kernel.options) == Outcome(code=0, out=template(kernel), err="")


def test_new_writes_a_template(kernel: Kernel) -> None:
    place = "overrides/q/hook.patch"
    assert run("override", "new", "hook", "--to", place, *kernel.options) == Outcome(
        code=0, out=f"wrote {place}\n", err=""
    )
    assert Path(place).read_text() == template(kernel)
    assert run("override", "new", "hook", "--to", place, *kernel.options) == Outcome(
        code=2, out="", err=f"mptcp-series: error: {place}: is there already; name another file\n"
    )


def test_a_template_is_refused_until_it_is_filled_in_and_then_fits(kernel: Kernel) -> None:
    text = template(kernel)
    with pytest.raises(BadOverride) as caught:
        Override.parse(text.encode(), "o.patch")
    assert [problem.message for problem in caught.value.problems] == [
        "field 'Reason' is empty",
        "no effect: neither 'Skip', 'Drop' nor a diff",
    ]
    filled = text.replace(f"# Drop: net/ipv4/tcp.c#{LAST}", f"Drop: net/ipv4/tcp.c#{LAST}")
    kernel.override("hook.patch", filled.replace("Reason:", "Reason: not here"))
    assert run("override", "check", *kernel.options).code == 0
    # The lines of the hunk are there for the day it is another one.
    (found,) = load_overrides([kernel.overrides])
    assert found.remembered[LAST] == ("-int tcp25;", "+int last;")


def test_new_beside_a_broken_override(kernel: Kernel) -> None:
    """A template that was written and not filled in yet does not keep one from beginning the next."""
    kernel.override("a.patch", template(kernel))
    assert run("override", "new", "new.patch", *kernel.options).code == 0


def test_new_json(kernel: Kernel) -> None:
    document = json.loads(run("override", "new", "--json", "new.patch", *kernel.options).out)
    text = document.pop("template")
    assert document == {
        "schema": 1,
        "command": "override new",
        "target": {"name": "new.patch", "commit": kernel.new, "subject": "mptcp: a file of its own"},
        "paths": [
            {"path": "net/mptcp/pm.c", "hunks": [{"id": "b6a1df06c2b8", "text": "@@ -0,0 +1 @@\n+int pm;\n"}]},
        ],
        "file": None,
    }
    assert text.splitlines()[0] == "# new.patch: mptcp: a file of its own"


def test_a_rename_has_the_hunks_of_a_deletion_and_an_addition(kernel: Kernel) -> None:
    """Hunk ids know no renames: a dropped hunk is named by the path it leaves or the one it makes."""
    content = b"".join(b"int moved%d;\n" % number for number in range(20))
    kernel.source.commit("main", "mptcp: helpers\n", {"net/mptcp/old.c": content})
    moved = kernel.source.commit("main", "mptcp: move\n", {"net/mptcp/old.c": None, "net/mptcp/moved.c": content})
    with (kernel.series / "series").open("a") as series:
        series.write(f"move.patch # {moved}\n")
    document = json.loads(run("override", "new", "--json", "move", *kernel.options).out)
    assert [(file["path"], len(file["hunks"])) for file in document["paths"]] == [
        ("net/mptcp/moved.c", 1),
        ("net/mptcp/old.c", 1),
    ]
    drops = [f"Drop: {file['path']}#{file['hunks'][0]['id']}" for file in document["paths"]]
    kernel.override("move.patch", "\n".join(["Patch: move.patch", *drops, "Reason: stays", "---", ""]))
    assert run("override", "check", *kernel.options).code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hok.patch", "series/q/series: no patch of the series is 'hok.patch'; did you mean 'hook.patch'?"),
        ("mptcp: twice", "series/q/series: 'mptcp: twice' fits 2 patches: one.patch, two.patch"),
    ],
    ids=["none", "two"],
)
def test_new_for_what_is_not_one_patch(kernel: Kernel, text: str, message: str) -> None:
    ids = [kernel.source.commit("main", "mptcp: twice\n", {"net/mptcp/x.c": b"%d\n" % number}) for number in (1, 2)]
    with (kernel.series / "series").open("a") as series:
        series.write(f"one.patch # {ids[0]}\ntwo.patch # {ids[1]}\n")
    assert run("override", "new", text, *kernel.options) == Outcome(
        code=2, out="", err=f"mptcp-series: error: {message}\n"
    )
