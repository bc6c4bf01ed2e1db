# SPDX-License-Identifier: MIT
"""Subjects and provenance lines beside real git, on messages that only plumbing makes."""

from __future__ import annotations

from pathlib import Path

import pygit2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mptcp_series.engine.replay.item import read_commit
from mptcp_series.values.provenance import with_provenance
from mptcp_series.values.subject import subject_of

from .conftest import Git

PIECES = ["\n", "\n\n", " ", "\t", "\r\n", "mptcp: fix", "caf\xe9", "a", "Signed-off-by: a <a@b>"]
MESSAGES = st.lists(st.lists(st.sampled_from(PIECES), max_size=9).map("".join), min_size=20, max_size=40)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(messages=MESSAGES)
def test_subjects_are_those_of_git(tmp_path: Path, messages: list[str]) -> None:
    """`git log --format=%s`, with and without an encoding, and the provenance line below a subject changes none."""
    place = tmp_path / "repo.git"
    repo = pygit2.init_repository(str(place), bare=True)
    tree = repo.TreeBuilder().write()
    ids: list[str] = []
    for message in messages:
        for encoding in ("UTF-8", "ISO-8859-1"):
            named = "" if encoding == "UTF-8" else f"encoding {encoding}\n"
            who = f"A <a@b> {1600000000 + len(ids)} +0000"  # git tells of a commit once
            head = f"tree {tree}\nauthor {who}\ncommitter {who}\n{named}\n".encode()
            data = message.encode(encoding)
            ids += [
                str(repo.odb.write(pygit2.enums.ObjectType.COMMIT, head + text))
                for head, text in ((head, data), (head.replace(b"+0000", b"+0100"), with_provenance(data, "a" * 40)))
            ]
    told = Git(place).run("log", "--no-walk=unsorted", "--stdin", "--format=%s%x00", data="\n".join(ids).encode())
    subjects = [line.strip("\n") for line in told.split("\0")]
    found = [read_commit(repo[commit].read_raw()) for commit in ids]
    assert [raw.subject.strip() for raw in found] == [line.strip() for line in subjects[: len(ids)]]
    for raw, below in zip(found[::2], found[1::2], strict=True):
        assert raw.subject == subject_of(raw.message, raw.encoding)
        assert below.subject == (raw.subject or f"commit {'a' * 40} upstream.")
