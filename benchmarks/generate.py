# SPDX-License-Identifier: MIT
"""Writes the repository the benchmark measures on: a bare kernel, 72,000 files, 95,000 commits in range.

Real kernels are not shipped with the project and a clone takes an hour, so the benchmark makes its
own: tags v5.10.66 and v5.15.162, a main line with topic branches merged into it, 432 commits that
touch net/mptcp paths, and a stable branch up to v5.10.70. The history is planned first, with one
mark per blob, and then streamed into a single `git fast-import`: all versions of a file one after the
other, so that they are stored as deltas, then the commits. The same specification gives the same
commit ids. `expected.txt` inside the repository lists the commits `extract` must find, in the order
of `git log --topo-order --reverse`, `objects.txt` the files of the object store as generated.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import attrs
import click
from layout import HEADERS, MPTCP, SELFTESTS, SHARED, BlockFile, BlockSpec, Dice, FunctionPool, plain_paths

__all__ = ["BASE", "RANGE", "STABLE", "TARGET", "Spec", "ensure", "git_environment"]

BASE = "v5.10.66"
STABLE = "v5.10.70"
TARGET = "v5.15.162"
RANGE = f"{BASE}..{TARGET}"

_MAIN = "refs/heads/linux-5.15.y"
_TOPIC = "refs/heads/topic"
_STABLE = "refs/heads/linux-5.10.y"
_PEOPLE = tuple(
    f"{first} {last} <{first.lower()}.{last.lower()}@example.org>"
    for first in ("Ada", "Boris", "Chen", "Dana", "Erik", "Fatima", "Goran", "Hana", "Ivo", "Jana")
    for last in ("Arnold", "Berg", "Costa", "Dietz", "Endo", "Fischer", "Grau")
)
_VERBS = ("fix", "avoid", "add", "remove", "rework", "use", "drop", "handle", "cleanup", "introduce", "factor out")

_FORMAT = 1
"""Part of the repository's name: raised with every change that changes what is generated."""

Say = Callable[[str], None]


@attrs.frozen(kw_only=True)
class Spec:
    """What to generate; the same values give the same repository."""

    files: int = 72_000
    commits: int = 95_000
    picked: int = 432
    seed: int = 1

    @property
    def name(self) -> str:
        return f"kernel{_FORMAT}-{self.files}-{self.commits}-{self.picked}-{self.seed}.git"


@attrs.define
class Topic:
    """A topic branch that waits for its merge."""

    tip: int
    due: int
    newest: int
    plain: set[int] = attrs.field(factory=set)
    blocks: dict[tuple[str, int], int] = attrs.field(factory=dict)


@attrs.frozen
class TopicPlan:
    """A topic branch before it is opened: how many commits, and which of the queue's lanes it is in."""

    length: int
    lane: str | None = None
    picked: int = 0


class History:
    """The planned history: marks, blobs and the commit part of the fast-import stream."""

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._dice = Dice(f"history {spec.seed}")
        self._mark = 0
        self.commits: list[bytes] = []
        self.picked: list[int] = []
        owned = {entry.path: entry for entry in (*MPTCP, *HEADERS, *SELFTESTS)}
        block_dice = Dice(f"blocks {spec.seed}")
        self.blocks = {path: BlockFile(entry, "ABCAE", block_dice) for path, entry in owned.items()}
        self.blocks |= {entry.path: BlockFile(entry, "ABDCE", block_dice) for entry in SHARED}
        self.block_blobs: dict[tuple[str, tuple[tuple[int, int], ...]], int] = {}
        present = sum(file.spec.created_by is None for file in self.blocks.values())
        taken = frozenset(self.blocks) | {"Makefile"}
        self.paths = plain_paths(spec.files - present - 1, Dice(f"paths {spec.seed}"), taken)
        self.versions: list[list[int]] = [[] for _ in self.paths]
        self._order = sorted(range(len(self.paths)), key=lambda _: self._dice.random())
        self._near = _neighbours(self.paths)
        self._busy: set[int] = set()
        self.small_blobs: list[tuple[int, bytes]] = []
        self._state: dict[str, dict[int, int]] = {}
        self._tip = 0
        self._now = 1_631_952_000
        self.pairs: dict[str, int] = {}
        self.hunks = 0

    # marks and blobs

    def _next(self) -> int:
        self._mark += 1
        return self._mark

    def _new_version(self, number: int) -> int:
        mark = self._next()
        self.versions[number].append(mark)
        return mark

    def _block_change(self, path: str, state: Mapping[int, int]) -> str:
        key = (path, tuple(sorted(state.items())))
        if key not in self.block_blobs:
            self.block_blobs[key] = self._next()
        return f"M {self.blocks[path].spec.mode} :{self.block_blobs[key]} {path}"

    def _makefile(self, release: str) -> str:
        version, patchlevel, sublevel = [*release.removeprefix("v").split("."), "0"][:3]
        head = "# SPDX-License-Identifier: GPL-2.0\n"
        text = f"{head}VERSION = {version}\nPATCHLEVEL = {patchlevel}\nSUBLEVEL = {sublevel}\n"
        mark = self._next()
        self.small_blobs.append((mark, f"{text}EXTRAVERSION =\nNAME = Benchmark\n\nall: vmlinux\n".encode()))
        return f"M 100644 :{mark} Makefile"

    # commits

    def _commit(
        self,
        ref: str,
        when: int,
        message: str,
        changes: Iterable[str],
        start: int | None = None,
        merge: int | None = None,
    ) -> int:
        mark = self._next()
        author = self._dice.pick(_PEOPLE)
        data = f"{message}\nSigned-off-by: {author}\n".encode()
        head = [
            f"commit {ref}",
            f"mark :{mark}",
            f"author {author} {when - self._dice.below(800_000)} +0200",
            f"committer {self._dice.pick(_PEOPLE)} {when} +0000",
            f"data {len(data)}\n",
        ]
        tail = [f"from :{start}"] if start else []
        tail += [f"merge :{merge}"] if merge else []
        self.commits.append("\n".join(head).encode() + data + "\n".join([*tail, *changes, "", ""]).encode())
        return mark

    def _tag(self, name: str, mark: int, when: int) -> None:
        message = f"This is the {name} release\n"
        text = f"tag {name}\nfrom :{mark}\ntagger {_PEOPLE[0]} {when} +0000\ndata {len(message)}\n{message}"
        self.commits.append(text.encode())

    def _message(self, area: str, subject: str = "") -> str:
        dice = self._dice
        if not subject:
            what = f"{dice.pick(_VERBS)} {dice.pick(_NOUNS)} of {dice.pick(_NOUNS)} {dice.pick(_NOUNS)}"
            subject = f"{area}: {what} {dice.below(1000)}"
        body = " ".join(dice.pick(_NOUNS) for _ in range(dice.between(12, 60)))
        lines = [body[at : at + 70].strip() for at in range(0, len(body), 70)]
        return "\n".join([subject, "", *lines, ""])

    def _on_main(self, message: str, changes: Iterable[str], merge: int | None = None) -> int:
        self._tip = self._commit(_MAIN, self._now, message, changes, merge=merge)
        return self._tip

    # changes of one commit

    def _plain_changes(self, topic: Topic | None) -> tuple[str, list[str]]:
        """One to four plain files, mostly of one directory, none of which another branch holds."""
        dice = self._dice
        mine = topic.plain if topic else set()

        def free(number: int) -> bool:
            return number in mine or number not in self._busy

        first = self._order[int(dice.random() ** 2 * len(self._order))]
        while not free(first):
            first = self._order[int(dice.random() ** 2 * len(self._order))]
        chosen = {first}
        for _ in range(dice.weighted(((0, 45.0), (1, 30.0), (2, 15.0), (3, 10.0)))):
            near = dice.pick(self._near[first] if dice.chance(0.85) else self._order)
            if free(near):
                chosen.add(near)
        numbers = sorted(chosen)
        if topic:
            topic.plain |= chosen
            self._busy |= chosen
        changes = [f"M 100644 :{self._new_version(number)} {self.paths[number]}" for number in numbers]
        return "/".join(self.paths[first].split("/")[:-1][-2:]) or "kernel", changes

    def _queue_paths(self, state: Mapping[str, Mapping[int, int]], lane: str) -> tuple[list[str], list[str]]:
        """Paths of one commit of the queue: (those to edit, those to create)."""
        dice = self._dice

        def some(specs: tuple[BlockSpec, ...], low: int, high: int) -> set[str]:
            present = [
                (spec.path, spec.weight)
                for spec in specs
                if spec.path in state and self.blocks[spec.path].blocks_of(lane)
            ]
            return {dice.weighted(present) for _ in range(dice.between(low, high))}

        kind = dice.random()
        if kind < 0.63:
            paths = some(MPTCP, 1, 3)
            if dice.chance(0.3):
                paths |= some(SHARED, 1, 3)
        elif kind < 0.74:
            paths = some(SELFTESTS, 1, 3)
        else:
            paths = some(MPTCP, 2, 4) | some(HEADERS, 0, 2) | some(SHARED, 1, 2) | some(SELFTESTS, 0, 3)
        absent = [
            spec.path for spec in (*MPTCP, *HEADERS, *SELFTESTS) if spec.created_by == lane and spec.path not in state
        ]
        create = [dice.pick(absent)] if absent and dice.chance(0.12) else []
        return sorted(paths), create

    def _queue_commit(
        self, ref: str, when: int, state: dict[str, dict[int, int]], lane: str, topic: Topic | None
    ) -> int:
        paths, create = self._queue_paths(state, lane)
        changes = []
        for path in create:
            state[path] = {}
            changes.append(self._block_change(path, {}))
            self.hunks += 1
            if topic:
                topic.blocks[path, -1] = 0
        for path in paths:
            blocks = self.blocks[path].blocks_of(lane)
            wanted = 1
            while wanted < 4 and self._dice.chance(0.25):
                wanted += 1
            for block in sorted({self._dice.pick(blocks) for _ in range(wanted)}):
                state[path][block] = self.blocks[path].edit(block)
                self.hunks += 1
                if topic:
                    topic.blocks[path, block] = state[path][block]
            changes.append(self._block_change(path, state[path]))
        for path in (*paths, *create):
            self.pairs[path] = self.pairs.get(path, 0) + 1
        area = "selftests: mptcp" if all(path.startswith("tools/") for path in (*paths, *create)) else "mptcp"
        start = self._tip if topic and not topic.tip else None
        mark = self._commit(ref, when, self._message(area), changes, start=start)
        self.picked.append(mark)
        return mark

    # the whole

    def plan(self) -> None:
        """Plan everything; afterwards `commits` and the blob tables are complete."""
        self._plan_roots()
        base_tip, base_state = self._tip, {path: dict(blocks) for path, blocks in self._state.items()}
        base_time = self._now
        self._plan_main()
        self._plan_stable(base_tip, base_state, base_time)
        self.commits.append(f"reset {_TOPIC}\nfrom {'0' * 40}\n\n".encode())

    def _plan_roots(self) -> None:
        changes = [f"M 100644 :{self._new_version(number)} {path}" for number, path in enumerate(self.paths)]
        for path, file in self.blocks.items():
            if file.spec.created_by is None:
                self._state[path] = {}
                changes.append(self._block_change(path, {}))
        self._on_main(self._message("", "Linux 5.10"), [*changes, self._makefile("v5.10")])
        self._tag("v5.10", self._tip, self._now)
        self._now += 3600
        self._on_main(self._message("", "Linux 5.10.66"), [self._makefile(BASE)])
        self._tag(BASE, self._tip, self._now)

    def _topic_plans(self, direct_share: int) -> tuple[dict[int, list[TopicPlan]], int, int]:
        """Topics by the step they open at, the number of commits straight on main, and how many of them are picked."""
        dice, spec = self._dice, self._spec
        merges = round(spec.commits * 0.07)
        lengths = [dice.between(5, 15) for _ in range(merges)]
        direct = spec.commits - merges - sum(lengths)
        plans: dict[int, list[TopicPlan]] = {}
        left = spec.picked - spec.picked * direct_share // 100
        at = 0
        lane_topics = max(2, round(left / 7))
        for number, length in enumerate(lengths):
            if number < lane_topics and left:
                lane = "AB"[number % 2]
                picked = min(left, max(1, round(length * 0.7))) if number < lane_topics - 1 else min(left, length)
                left -= picked
                # Two topics of one lane never overlap: lane topics open evenly, each is merged before the next but one.
                at = round((number + 0.2 + 0.6 * dice.random()) * direct * 0.97 / lane_topics)
                plans.setdefault(at, []).append(TopicPlan(length, lane, picked))
            else:
                plans.setdefault(dice.below(round(direct * 0.98)), []).append(TopicPlan(length))
        self._lane_gap = direct * 0.97 / lane_topics
        return plans, direct, spec.picked - (spec.picked - spec.picked * direct_share // 100) + left

    def _plan_main(self) -> None:
        dice = self._dice
        plans, direct, picked_direct = self._topic_plans(20)
        releases = _releases(direct)
        free = [step for step in range(direct) if step not in releases]
        picks: set[int] = set()
        while len(picks) < picked_direct:
            picks.add(dice.pick(free))
        open_topics: list[Topic] = []
        for step in range(direct):
            self._now += 3000
            for topic in [topic for topic in open_topics if topic.due <= step or step == direct - 1]:
                open_topics.remove(topic)
                self._merge(topic)
            for plan in plans.get(step, ()):
                open_topics.append(self._open(plan, step))
            if step in releases:
                name = releases[step]
                self._on_main(self._message("", f"Linux {name[1:]}"), [self._makefile(name)])
                self._tag(name, self._tip, self._now)
            elif step in picks:
                self._tip = self._queue_commit(_MAIN, self._now, self._state, "C", None)
            else:
                area, changes = self._plain_changes(None)
                if dice.chance(0.012):
                    changes.append(self._outside_change())
                self._on_main(self._message(area), changes)

    def _outside_change(self) -> str:
        """A commit outside the queue that touches a shared file, in a block of its own lane."""
        path = self._dice.pick([spec.path for spec in SHARED[::2]])
        block = self._dice.pick(self.blocks[path].blocks_of("D"))
        self._state[path][block] = self.blocks[path].edit(block)
        return self._block_change(path, self._state[path])

    def _open(self, plan: TopicPlan, step: int) -> Topic:
        dice = self._dice
        longest = max(2, round(self._lane_gap * 1.2)) if plan.lane else 150
        topic = Topic(tip=0, due=step + dice.between(1, min(150, longest)), newest=self._now)
        state = {path: dict(blocks) for path, blocks in self._state.items()} if plan.lane else {}
        queue = {int(number * plan.length / plan.picked) for number in range(plan.picked)} if plan.picked else set()
        for number in range(plan.length):
            topic.newest += dice.between(60, 900)
            if number in queue and plan.lane:
                topic.tip = self._queue_commit(_TOPIC, topic.newest, state, plan.lane, topic)
            else:
                start = None if topic.tip else self._tip
                area, changes = self._plain_changes(topic)
                topic.tip = self._commit(_TOPIC, topic.newest, self._message(area), changes, start=start)
        return topic

    def _merge(self, topic: Topic) -> None:
        self._now = max(self._now, topic.newest + 1)
        changes = [f"M 100644 :{self.versions[number][-1]} {self.paths[number]}" for number in sorted(topic.plain)]
        for (path, block), version in topic.blocks.items():
            blocks = self._state.setdefault(path, {})
            if block >= 0:
                blocks[block] = version
        for path in sorted({path for path, _ in topic.blocks}):
            changes.append(self._block_change(path, self._state[path]))
        self._on_main(self._message("", "Merge branch 'topic' into linux-5.15.y"), changes, merge=topic.tip)
        self._busy -= topic.plain

    def _plan_stable(self, tip: int, state: dict[str, dict[int, int]], when: int) -> None:
        """v5.10.67 to v5.10.70: edits beside the queue's hunks, in files of a tenth of its (patch, path) pairs."""
        dice = self._dice
        total = sum(self.pairs.values())
        chosen: list[str] = []
        share = 0
        outside = {spec.path for spec in SHARED[::2]}
        for path, count in sorted(self.pairs.items(), key=lambda item: (item[0] in {*outside}, item[1], item[0])):
            if path in state and path not in outside and 4 < count <= total * 0.05 and share + count <= total * 0.11:
                chosen.append(path)
                share += count
        start: int | None = tip
        for sublevel in range(67, 71):
            for path in [path for number, path in enumerate(chosen) if number % 4 == sublevel - 67]:
                for block in sorted({dice.pick(self.blocks[path].blocks_of("E")) for _ in range(3)}):
                    state[path][block] = self.blocks[path].edit(block)
                when += 3600
                origin = hashlib.sha1(f"{path} {sublevel}".encode(), usedforsecurity=False).hexdigest()
                area, rest = self._message("mptcp" if "mptcp" in path else "tcp").split("\n", 1)
                message = f"{area}\n\ncommit {origin} upstream.\n{rest}"
                self._commit(_STABLE, when, message, [self._block_change(path, state[path])], start=start)
                start = None
            when += 3600
            name = f"v5.10.{sublevel}"
            mark = self._commit(
                _STABLE, when, self._message("", f"Linux {name[1:]}"), [self._makefile(name)], start=start
            )
            start = None
            self._tag(name, mark, when)

    # the stream

    def stream(self) -> Iterator[bytes]:
        """The fast-import stream: blobs file by file, then commits."""
        yield b"feature done\n"
        sizes = Dice(f"sizes {self._spec.seed}")
        pool = FunctionPool(Dice(f"pool {self._spec.seed}"))
        separator = self._mark
        for path, marks in zip(self.paths, self.versions, strict=True):
            separator += 1
            yield _blob(separator, b"%d\n" % separator)  # keeps the next file from becoming a delta of this one
            pieces = pool.pieces(sizes.size(11_000, 200, 150_000), sizes)
            pieces.insert(0, b"/* %s */\n" % path.encode())
            yield _blob(marks[0], b"".join(pieces))
            for mark in marks[1:]:
                pool.edit(pieces, mark, sizes)
                yield _blob(mark, b"".join(pieces))
        last = ""
        for (path, state), mark in sorted(self.block_blobs.items(), key=lambda item: (item[0][0], item[1])):
            if path != last:
                separator += 1
                yield _blob(separator, b"%d\n" % separator)
                last = path
            yield _blob(mark, self.blocks[path].render(dict(state)))
        for mark, text in self.small_blobs:
            yield _blob(mark, text)
        yield from self.commits
        yield b"done\n"


_NOUN_TEXT = (
    "socket subflow window option timer queue lock list entry buffer state token address limit sequence mapping "
    "data worker flag error reset retransmission path scheduler counter signal announcement listener handshake "
    "checksum helper callback memory accounting pressure wakeup race leak warning"
)
_NOUNS = _NOUN_TEXT.split()


def _blob(mark: int, text: bytes) -> bytes:
    return b"blob\nmark :%d\ndata %d\n%s\n" % (mark, len(text), text)


def _neighbours(paths: list[str]) -> list[range]:
    """For each path the run of paths in its directory; `paths` come grouped by directory."""
    near: list[range] = []
    start = 0
    while start < len(paths):
        directory = paths[start].rsplit("/", 1)[0]
        stop = start
        while stop < len(paths) and paths[stop].rsplit("/", 1)[0] == directory:
            stop += 1
        near.extend([range(start, stop)] * (stop - start))
        start = stop
    return near


def _releases(steps: int) -> dict[int, str]:
    """Releases by the step that makes them: five mainline ones, then the stable tail, the target last."""
    result = {round(steps * 0.17 * number): f"v5.{10 + number}" for number in range(1, 6)}
    tail = round(steps * 0.85) + 1
    for sublevel in range(1, 162):
        result.setdefault(tail + (steps - 2 - tail) * sublevel // 162, f"v5.15.{sublevel}")
    result[steps - 1] = TARGET
    return result


def git_environment(home: Path) -> dict[str, str]:
    """An environment in which git reads no configuration but the repository's, and dates are fixed."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "QUILT_", "MPTCP_SERIES_"))}
    person = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Benchmark"), ("EMAIL", "benchmark@example.org"))
    }
    sealed = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_PAGER": "cat",
        "LC_ALL": "C",
        "TZ": "UTC",
    }
    return kept | person | sealed


def ensure(work: Path, spec: Spec, say: Say) -> Path:
    """The generated repository below `work`: used where it is there, else made; half a one is thrown away."""
    target = work / spec.name
    if target.exists():
        say(f"using {target}")
        return target
    partial = work / f"{spec.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    environment = git_environment(partial)
    started = time.monotonic()

    def note(what: str) -> None:
        say(f"{time.monotonic() - started:6.1f} s  {what}")

    def git(*arguments: str, stdin: bytes | None = None) -> bytes:
        command = ["git", "-C", str(partial), *arguments]
        return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, env=environment, check=True).stdout

    note(f"planning {spec.commits} commits on {spec.files} files")
    history = History(spec)
    history.plan()
    git("init", "-q", "--bare", "--initial-branch=linux-5.15.y")
    for key, value in (("gc.auto", "0"), ("core.commitGraph", "false"), ("repack.writeBitmaps", "false")):
        git("config", key, value)
    note("writing objects")
    _import(partial, environment, history.stream())
    marks = dict(line.split() for line in (partial / "marks").read_text().splitlines())
    (partial / "marks").unlink()
    note("repacking")
    git("repack", "-adfq", "--window=5", "--depth=50")
    picked = {marks[f":{mark}"] for mark in history.picked}
    order = git("rev-list", "--topo-order", "--reverse", "--no-merges", RANGE).decode().split()
    (partial / "expected.txt").write_text("".join(f"{commit}\n" for commit in order if commit in picked))
    objects = sorted(str(path.relative_to(partial)) for path in (partial / "objects").rglob("*") if path.is_file())
    (partial / "objects.txt").write_text("".join(f"{name}\n" for name in objects))
    partial.rename(target)
    pairs = sum(history.pairs.values())
    note(
        f"{target}: {len(picked)} commits of the queue, {pairs / len(picked):.1f} paths and "
        f"{history.hunks / len(picked):.1f} hunks each"
    )
    return target


def _import(repository: Path, environment: dict[str, str], stream: Iterator[bytes]) -> None:
    command = ["git", "-c", "core.compression=1", "-c", "pack.compression=1", "-C", str(repository)]
    command += ["fast-import", "--quiet", "--active-branches=8", "--export-marks=marks"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, bufsize=1 << 20) as process:
        assert process.stdin is not None
        for part in stream:
            process.stdin.write(part)
        process.stdin.close()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command)


@click.command()
@click.option("--work", type=click.Path(path_type=Path), required=True, help="Directory to generate into.")
@click.option("--files", default=Spec().files, show_default=True)
@click.option("--commits", default=Spec().commits, show_default=True)
@click.option("--picked", default=Spec().picked, show_default=True)
@click.option("--seed", default=Spec().seed, show_default=True)
def main(work: Path, files: int, commits: int, picked: int, seed: int) -> None:
    """Write the benchmark's repository below --work, unless it is there already."""
    spec = Spec(files=files, commits=commits, picked=picked, seed=seed)
    print(ensure(work.resolve(), spec, lambda text: print(text, file=sys.stderr)))


if __name__ == "__main__":
    main()
