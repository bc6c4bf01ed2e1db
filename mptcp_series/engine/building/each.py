# SPDX-License-Identifier: MIT
"""The tree after every patch compiled, and the first patch that does not build: what a bisection of users will meet.

Between the retraction of a change of the base and the patch that brings it back, files of the stack and files around
it are of two minds, and the tree need not build. Patches in that window are named, and not blamed. How long it is, is
known where the base's change is one commit with parts in both; where it is not (a base whose history is squashed), an
error is excused if what the failing line uses was taken away by the alignment, until all it took is back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import attrs

from ...errors import EnvironmentFault
from ...values.built import Found, PatchBuild, PatchFate
from ...values.diagnostic import Diagnostic
from ...values.result import EntryKind
from ..result import Result
from ..store.files import replace_file
from ..store.objects import Oid, hexed
from .blame import Blamer
from .configuration import Request
from .objects import Includers, Targets, derive_targets
from .site import KconfigBroken, Site
from .state import digest

__all__ = ["Patchwise", "Window", "classify", "step_tree"]

Said = tuple[object, ...]


def step_tree(result: Result, number: int) -> Oid:
    """The tree after a number of commits of a result; 0 is the base."""
    commit = bytes.fromhex(str(result.base.commit)) if number == 0 else result.steps[number - 1].commit
    data = result.objects.read(commit)
    return bytes.fromhex(data[5:45].decode("ascii"))


def _commits_before(result: Result, names: Iterable[str | None]) -> int:
    """How many commits come before the last of some patches, which need not have made one."""
    order = {patch.name: at for at, patch in enumerate(result.patches)}
    end = max((order[name] for name in names if name in order), default=0)
    return sum(order[step.name] < end for step in result.steps)


@attrs.define(slots=False)
class Window:
    """Commits of a result after which the tree need not build."""

    result: Result
    _blamers: dict[int, Blamer] = attrs.field(init=False, factory=dict)

    @property
    def end(self) -> int:
        """How many commits lie in it for certain, from the first on; 0 where there is none.

        The patch that ends it does not: after it the tree has to build.
        """
        return _commits_before(self.result, self.result.alignment.window)

    @cached_property
    def _retracted(self) -> int:
        """How many commits come before all that was retracted is back."""
        return _commits_before(self.result, (entry.covered_by for entry in self.result.alignment.retracted))

    @cached_property
    def _align(self) -> str | None:
        return next((patch.name for patch in self.result.patches if patch.kind is EntryKind.ALIGN), None)

    def excuses(self, number: int, diagnostic: Diagnostic) -> bool:
        """Whether an error of the tree after so many commits is none of the patches'."""
        if number <= self.end:
            return True
        if self._align is None or number > self._retracted:
            return False
        blamer = self._blamers.setdefault(number, Blamer(self.result, upto=number))
        return blamer.lay(diagnostic)[0] == self._align


def classify(
    records: Sequence[tuple[str, tuple[Diagnostic, ...] | None]],
    base: Iterable[Diagnostic],
    excused: Callable[[int, Diagnostic], bool],
) -> tuple[PatchBuild, ...]:
    """What became of each patch.

    records: name and errors of each, in order; None where nothing was to be compiled.
    base: errors the unpatched base has.
    excused: whether an error of the tree after so many commits lies in the window.
    """
    known = {one.said for one in base}
    first: dict[Said, str] = {}
    found = []
    for number, (name, errors) in enumerate(records, start=1):
        if errors is None:
            found.append(PatchBuild(name=name, fate=PatchFate.NOTHING))
            continue
        theirs = {one.said: one for one in errors if one.said not in known}
        blamed = {said: one for said, one in theirs.items() if not excused(number, one)}
        new = [one for said, one in blamed.items() if said not in first]
        earlier = [first[said] for said in blamed if said in first]
        for said in theirs:
            first.setdefault(said, name)
        if not theirs:
            found.append(PatchBuild(name=name, fate=PatchFate.BUILDS))
        elif not blamed:
            found.append(PatchBuild(name=name, fate=PatchFate.WINDOW, errors=tuple(map(str, theirs.values()))))
        elif new:
            found.append(PatchBuild(name=name, fate=PatchFate.FAILS, errors=tuple(map(str, new))))
        else:
            found.append(
                PatchBuild(name=name, fate=PatchFate.STILL, errors=tuple(map(str, blamed.values())), since=earlier[0])
            )
    return tuple(found)


@attrs.define(kw_only=True)
class Patchwise:
    """One site moved through the trees of a result."""

    result: Result
    site: Site
    request: Request
    companions: Mapping[str, str]
    includers: Includers
    arch: str
    touched: tuple[str, ...]
    """Every path the queue touches."""
    _configured: str | None = attrs.field(init=False, default=None)
    _last: int | None = attrs.field(init=False, default=None)

    _window: Window = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._window = Window(self.result)

    def each(self) -> tuple[PatchBuild, ...]:
        """Compile what each patch touches, after it. What an earlier run compiled is remembered."""
        steps = self.result.steps
        memory = _Memory.read(self.site.directory.path / "patches.json", self._key())
        records: list[tuple[str, tuple[Diagnostic, ...] | None]] = []
        base: tuple[Diagnostic, ...] | None = memory.get(hexed(step_tree(self.result, 0)), "")
        if base is None:
            base = self._compiled(0, self._all(0)) or ()
            memory.put(hexed(step_tree(self.result, 0)), "", base)
        for number, step in enumerate(steps, start=1):
            if self.site.make.progress is not None:
                self.site.make.progress("patches", number, len(steps))
            tree = step_tree(self.result, number)
            targets = derive_targets(
                self.result.objects, tree, [change.path for change in step.changes], self.includers, self.arch
            )
            if not targets:
                records.append((step.name, None))
                continue
            errors = memory.get(hexed(tree), step.name)
            if errors is None:
                errors = self._compiled(number, targets)
                memory.put(hexed(tree), step.name, errors)
            records.append((step.name, errors))
        return classify(records, base, self._window.excuses)

    def bisect(self) -> Found:
        """The first patch with which the tree does not build; the whole queue is known not to."""
        steps, window = self.result.steps, self._window.end
        tried: list[tuple[str, bool]] = []
        known = {one.said for one in self._compiled(0, self._all(0))}
        inside = tuple(step.name for step in steps[:window])

        def errors(number: int) -> tuple[Diagnostic, ...]:
            said = self._compiled(number, self._all(number))
            found = tuple(one for one in said if one.said not in known and not self._window.excuses(number, one))
            tried.append((steps[number - 1].name, not found))
            return found

        low, high = 0, len(steps)
        last: tuple[Diagnostic, ...] = ()
        if window:
            # The first tree that has to build is that of the patch which ends the window.
            low = min(window + 1, high)
            last = errors(low)
            if last:
                # Not its fault: what outlasts the window came with a patch in it, or with the one that ends it.
                return self._within(low, last, tried)
        while high - low > 1:
            middle = (low + high) // 2
            there = errors(middle)
            if there:
                high, last = middle, there
            else:
                low = middle
        if high == len(steps):
            last = errors(high)
        if not last:
            return Found(patch=None, tried=tuple(tried), window=inside)
        return _found(steps[high - 1].name, last, tried, inside)

    def _within(self, high: int, lasting: Sequence[Diagnostic], tried: list[tuple[str, bool]]) -> Found:
        """The first patch up to the window's end after which any of some errors is there."""
        wanted, low = {one.said for one in lasting}, 0
        while high - low > 1:
            middle = (low + high) // 2
            there = [one for one in self._compiled(middle, self._all(middle)) if one.said in wanted]
            tried.append((self.result.steps[middle - 1].name, not there))
            if there:
                high, lasting = middle, there
            else:
                low = middle
        return _found(self.result.steps[high - 1].name, lasting, tried, ())

    def _all(self, number: int) -> Targets:
        tree = step_tree(self.result, number)
        return derive_targets(self.result.objects, tree, self.touched, self.includers, self.arch)

    def _compiled(self, number: int, targets: Targets) -> tuple[Diagnostic, ...]:
        """The errors of a tree."""
        tree = step_tree(self.result, number)
        kconfig = self._kconfig(number)
        self.site.bring(tree)
        try:
            if self._configured != kconfig:
                self.site.configure(self.request, self.companions)
                self._configured = kconfig
            broken = self.site.prepare() if self._last is None else ()
            self._last = number
            if broken:
                return broken
        except KconfigBroken as error:
            return error.errors
        name = "base" if number == 0 else f"{number:04d}-{self.result.steps[number - 1].name.removesuffix('.patch')}"
        return self.site.compile(targets.words, log=f"each/{name}", thorough=False).errors

    def _kconfig(self, number: int) -> str:
        """What tells trees apart whose Kconfig files differ."""
        last = ""
        for at, step in enumerate(self.result.steps[:number]):
            if any(change.path.rpartition("/")[2].startswith("Kconfig") for change in step.changes):
                last = str(at + 1)
        return last

    def _key(self) -> str:
        make = self.site.make
        words = [self.site.state.configuration, make.toolchain.arch, self.site.state.identity.compiler]
        return digest("\0".join(map(str, [*words, *make.toolchain.arguments])).encode("utf-8", "surrogateescape"))


def _found(
    patch: str, errors: Sequence[Diagnostic], tried: Sequence[tuple[str, bool]], window: tuple[str, ...]
) -> Found:
    return Found(patch=patch, errors=tuple(map(str, errors)), tried=tuple(tried), window=window)


@attrs.define(kw_only=True)
class _Memory:
    """Errors of trees that were compiled, in a file; of another configuration or compiler nothing is taken."""

    place: Path
    key: str
    records: dict[str, list[dict[str, object]]] = attrs.field(factory=dict)

    @classmethod
    def read(cls, place: Path, key: str) -> _Memory:
        try:
            data = json.loads(place.read_bytes())
            if data["key"] == key:
                return cls(place=place, key=key, records=dict(data["records"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            pass
        except OSError as error:
            raise EnvironmentFault(f"{place}: cannot be read: {error.strerror}") from error
        return cls(place=place, key=key)

    def get(self, tree: str, name: str) -> tuple[Diagnostic, ...] | None:
        found = self.records.get(f"{tree} {name}")
        return None if found is None else tuple(map(Diagnostic.from_json, found))

    def put(self, tree: str, name: str, errors: Iterable[Diagnostic]) -> None:
        self.records[f"{tree} {name}"] = [dict(one.to_json()) for one in errors]
        data = json.dumps({"key": self.key, "records": self.records}, sort_keys=True)
        replace_file(self.place, data.encode())
