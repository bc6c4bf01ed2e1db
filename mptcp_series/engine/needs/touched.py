# SPDX-License-Identifier: MIT
"""The files of a result that the queue wrote, and what the lines it wrote in them use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ...values.need import Use
from ...values.result import Status
from ..proof.annotate import Annotated, Annotator
from ..proof.layers import Layer, Origin, base_tree
from ..result import Result
from ..store.objects import Oid
from ..store.tree import TreeEditor
from .lookup import Sources, is_c, is_kernel_code
from .uses import Used, c_uses, kconfig_uses, makefile_uses

__all__ = ["Touched", "read_touched", "tree_before"]


@attrs.frozen(kw_only=True, eq=False)
class Touched:
    """One file of the kernel that the queue wrote."""

    path: str
    annotated: Annotated
    added: frozenset[int]
    """Lines that an entry of the queue wrote, 1-based."""
    uses: Mapping[str, Sequence[Used]]
    """By name."""

    def use(self, line: int) -> Use:
        """A line as a use. For a line of the base the entry is the file's last: something of it made the use wrong."""
        name = self.annotated.name(line)
        return Use(path=self.path, line=line, name=self.last if name is None else name)

    @property
    def last(self) -> str:
        """The last entry that changed the file."""
        return self.annotated.history[-1].origin.name


def read_touched(result: Result, sources: Sources) -> dict[str, Touched]:
    """Every kernel file that the result has otherwise than the base, by path; those of user space are left out."""
    annotator = _annotator(result)
    found = {}
    for path in sorted({path for layer in annotator.layers for path in layer.files}):
        if not is_kernel_code(path):
            continue
        annotated = annotator.file(path)
        if not annotated.history:
            continue
        added = frozenset(at for at, line in enumerate(annotated.lines, start=1) if line.origin is not None)
        by_name: dict[str, list[Used]] = {}
        for used in _uses(path, annotated, added, sources):
            by_name.setdefault(used.name, []).append(used)
        found[path] = Touched(path=path, annotated=annotated, added=added, uses=by_name)
    return found


def _annotator(result: Result) -> Annotator:
    """The annotator of the whole queue; past a conflict, with the patch's own lines where lines collided."""
    if all(outcome.status is not Status.CONFLICT for outcome in result.patches):
        return Annotator.of(result)
    layers = []
    for outcome in result.patches:
        files = {change.path: change.new for change in result.written.get(outcome.name, ())}
        if files:
            origin = Origin(name=outcome.name, kind=outcome.kind, override=outcome.override)
            layers.append(Layer(origin=origin, files=files))
    return Annotator(result.objects, TreeEditor(result.objects, tree_before(result)).get, layers)


def tree_before(result: Result) -> Oid:
    """The tree of the base: `base_tree` does not know it where the very first entry is in conflict."""
    if result.steps or result.base.commit is None:
        return base_tree(result)
    commit = result.objects.read(bytes.fromhex(result.base.commit))
    return bytes.fromhex(commit.split(b"\n", 1)[0].removeprefix(b"tree ").decode())


def _uses(path: str, annotated: Annotated, added: frozenset[int], sources: Sources) -> Sequence[Used]:
    entry = annotated.entry
    if entry is None or not entry.is_text or not added:
        return ()
    name = path.rpartition("/")[2]
    if is_c(path):
        return list(c_uses(sources.tree(entry.oid), lines=added))
    if name.startswith("Kconfig"):
        return list(kconfig_uses(sources.data(entry.oid), added))
    if name in ("Makefile", "Kbuild"):
        return list(makefile_uses(sources.data(entry.oid), added))
    return ()
