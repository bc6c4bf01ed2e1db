# SPDX-License-Identifier: MIT
"""The mini-kernel: two small git repositories in which everything happens that happens to a real backport.

`linux.git`, the source, has mainline from v5.9 to v5.16-rc1, the stable branches linux-5.10.y and linux-5.15.y and
their tags. `bsp.git`, the base, is a vendor's tree: v5.10.4 squashed into one commit, then two commits of their own.
The demo and the tests work on them. Ids are the same on every machine: people and dates are fixed, and no
configuration of a user is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import attrs
import pygit2

from mptcp_series.errors import EnvironmentFault
from mptcp_series.minikernel import mainline_5_12, mainline_5_15, stable, topics
from mptcp_series.minikernel.content import initial_files
from mptcp_series.minikernel.edits import edit_files
from mptcp_series.minikernel.history import HistoryBuilder
from mptcp_series.minikernel.people import RELEASER, VENDOR
from mptcp_series.minikernel.story import DAY, Story, day

__all__ = ["BSP_BRANCH", "SERIES_NAME", "World", "build_world"]

SERIES_NAME = "mini-5.15"
BSP_BRANCH = "bsp-5.10"

_CONFLICTS = {f"v5.10{suffix}": 0 for suffix in ("", ".1", ".2", ".3", ".4")} | {"v5.10.5": 1, "v5.10.6": 3}

_STABLE_5_10_DAYS = ("2021-05-10", "2021-10-05", "2021-10-20", "2021-11-25", "2022-01-12", "2022-02-20")
_STABLE_5_15_DAYS = ("2021-11-20", "2021-12-05", "2021-12-20", "2022-01-10", "2022-02-20")

_RECIPE = """\
# What `mptcp-series demo` picks from the mini-kernel. Ids are those of the generated repository.

[series]
name = "{name}"
range = "v5.10..v5.15"
match = ["net/mptcp"]
owned = [
    "net/mptcp/",
    "include/net/mptcp.h",
    "include/uapi/linux/mptcp.h",
    "include/trace/events/mptcp.h",
    "tools/testing/selftests/net/mptcp/",
]
bases = ">=5.10,<5.11"

[[prerequisite]]
commit = "{prerequisite}"
reason = "tcp_reset() has to hand over the segment; the queue compiles without, and resets then say nothing"

[[exclude]]
commit = "{excluded}"
reason = "a sample for a probe interface that 5.10 does not have, and no part of the stack"
"""

_INCLUDE = """\

[[include]]
commit = "{uapi_only}"
reason = "the stack's user space header; touches nothing that match looks for"
"""


@attrs.frozen(kw_only=True)
class World:
    """Where the two repositories are, and what in them is called what."""

    source: Path
    """The upstream repository, bare."""
    bsp: Path
    """The vendor's repository, bare; its only branch is `bsp_branch`."""
    bsp_branch: str
    commits: Mapping[str, str]
    """Full commit ids by key: every change and backport of the story, the merges, the vendor's commits."""
    tags: Mapping[str, str]
    """The id of the commit each tag of the source names."""
    recipe: bytes
    """recipe.toml of the mini series."""
    include: bytes
    """Append this to the recipe to pick the commit that touches nothing but include/uapi too."""
    overrides: Path
    """The directory of the overrides that are shipped for the mini series; they need not be there."""
    plain_conflicts: Mapping[str, int]
    """For each v5.10.N: how many (patch, path) pairs conflict when the queue is replayed without alignment
    and a path that conflicts stays as it is."""

    @property
    def conflict_free_bases(self) -> tuple[str, ...]:
        """The tags of 5.10.y on which a replay without alignment has no conflict."""
        return tuple(tag for tag, count in self.plain_conflicts.items() if count == 0)


def build_world(directory: Path) -> World:
    """Write `linux.git` and `bsp.git` into an existing directory and say what is in them.

    Raises EnvironmentFault when one of them is there already; nothing is overwritten.
    """
    source, bsp = directory / "linux.git", directory / "bsp.git"
    for path in (source, bsp):
        if path.exists():
            raise EnvironmentFault(f"{path}: exists already; the mini-kernel overwrites nothing")

    builder = HistoryBuilder(pygit2.init_repository(source, bare=True, initial_head="master"))
    story = Story(builder)
    _mainline_to_5_13(builder, story)
    _mainline_to_5_16(builder, story)
    _stable(builder, story, "5.15", stable.STABLE_5_15, _STABLE_5_15_DAYS)
    _stable(builder, story, "5.10", stable.STABLE_5_10, _STABLE_5_10_DAYS)
    commits = story.commits | _write_bsp(bsp, builder)
    builder.publish("master", "linux-5.10.y", "linux-5.15.y")

    return World(
        source=source,
        bsp=bsp,
        bsp_branch=BSP_BRANCH,
        commits=MappingProxyType(commits),
        tags=MappingProxyType(dict(builder.tags())),
        recipe=_RECIPE.format(name=SERIES_NAME, **commits).encode(),
        include=_INCLUDE.format(**commits).encode(),
        overrides=Path(__file__).parent / "overrides" / SERIES_NAME,
        plain_conflicts=MappingProxyType(dict(_CONFLICTS)),
    )


def _mainline_to_5_13(builder: HistoryBuilder, story: Story) -> None:
    message = "Linux 5.9\n\nThe mini-kernel starts here.\n"
    story.commits["root"] = builder.commit("master", initial_files(), message, RELEASER, day("2020-10-11"))
    builder.tag("v5.9", "master", "Linux 5.9\n", RELEASER, day("2020-10-11"))

    story.play("master", mainline_5_12.TO_5_10[:1], day("2020-10-20"))
    builder.fork("mptcp-address-ids", "master")
    story.play("master", mainline_5_12.TO_5_10[1:], day("2020-11-02"))
    story.release("master", "5.10", day("2020-12-13"))

    story.play("mptcp-address-ids", topics.ADDRESS_IDS, day("2020-11-20"))
    story.play("master", mainline_5_12.TO_5_11[:2], day("2020-12-20"))
    body = "Address ids in a bitmap. Forked before v5.10, ready only now.\n\n"
    story.merge("old_topic_merge", "master", "mptcp-address-ids", body, day("2021-01-04"))
    story.play("master", mainline_5_12.TO_5_11[2:], day("2021-01-10"))
    story.release("master", "5.11", day("2021-02-14"))

    story.play("master", mainline_5_12.TO_5_12, day("2021-02-20"))
    story.release("master", "5.12", day("2021-04-25"))

    story.play("master", mainline_5_15.TO_5_13, day("2021-04-27"))
    builder.fork("mptcp-echo", "master")
    story.play("mptcp-echo", topics.ECHO, day("2021-05-10"))
    story.play("master", mainline_5_15.TO_5_13_AFTER_FORK, day("2021-05-09"))
    body = "The caller that mainline got meanwhile says that it does not echo.\n\n"
    edits = topics.ECHO_RESOLUTION
    story.merge("evil_merge", "master", "mptcp-echo", body, day("2021-06-01"), edits)
    story.release("master", "5.13", day("2021-06-27"))


def _mainline_to_5_16(builder: HistoryBuilder, story: Story) -> None:
    story.play("master", mainline_5_15.TO_5_14[:2], day("2021-07-01"))
    builder.fork("mptcp-checksum-default", "master")
    story.play("master", mainline_5_15.TO_5_14[2:], day("2021-07-10"))
    story.play("mptcp-checksum-default", topics.CHECKSUM_DEFAULT, day("2021-07-11"))
    body = "Checksums by default, for those who ask.\n\n"
    story.merge("topic_merge", "master", "mptcp-checksum-default", body, day("2021-08-01"))
    story.release("master", "5.14", day("2021-08-29"))

    story.play("master", mainline_5_15.TO_5_15, day("2021-09-01"))
    story.release("master", "5.15", day("2021-10-31"))
    story.play("master", stable.AFTER_5_15, day("2021-11-02"))
    story.release("master", "5.16-rc1", day("2021-11-14"))


def _stable(
    builder: HistoryBuilder,
    story: Story,
    series: str,
    releases: tuple[tuple[stable.Backport, ...], ...],
    days: tuple[str, ...],
) -> None:
    branch = f"linux-{series}.y"
    builder.fork(branch, f"v{series}")
    for number, (backports, date) in enumerate(zip(releases, days, strict=True), 1):
        story.backport(branch, backports, day(date) - DAY)
        story.release(branch, f"{series}.{number}", day(date))


def _write_bsp(path: Path, upstream: HistoryBuilder) -> dict[str, str]:
    """Write the vendor's repository: one commit with all of v5.10.4 and the vendor's drivers, then their commits."""
    builder = HistoryBuilder(pygit2.init_repository(path, bare=True, initial_head=BSP_BRANCH))
    files = upstream.files("v5.10.4")
    drop = {**files, **edit_files(files, stable.VENDOR_DROP)}
    message = "BSP: import Linux 5.10.4 and board support\n"
    commits = {"bsp_import": builder.commit(BSP_BRANCH, drop, message, VENDOR, day("2022-03-01"))}
    story = Story(builder)
    story.play(BSP_BRANCH, stable.VENDOR, day("2022-03-03"))
    builder.publish(BSP_BRANCH)
    return commits | story.commits
