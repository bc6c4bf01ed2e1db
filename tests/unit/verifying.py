# SPDX-License-Identifier: MIT
"""The mini-kernel with its queue, as the tests of `verify` need it: made without a process, results as files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs
import pygit2

from mptcp_series import Queue, Result
from mptcp_series.engine.proof.layers import base_tree
from mptcp_series.engine.replay.change import BlobChange, entry_text, file_hunks, tree_changes
from mptcp_series.engine.replay.remerge import merge_resolution
from mptcp_series.engine.store.objects import EXECUTABLE, LINK, REGULAR, Entry, Objects, Oid
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.hunk import Hunk
from mptcp_series.values.naming import patch_name
from mptcp_series.values.recipe import Recipe
from mptcp_series.values.series import Series, SeriesEntry

__all__ = ["Mini", "Mutation", "hunks_of", "mutated", "unpack", "without_hunk"]


@attrs.frozen(kw_only=True)
class Mini:
    """The mini-kernel, and the directory its series and overrides are in."""

    world: World
    directory: Path

    @classmethod
    def make(cls, directory: Path, *, complete: bool = True) -> Mini:
        """complete: with the commit that only a recipe with its `include` picks."""
        world = build_world(directory)
        recipe = world.recipe + (world.include if complete else b"")
        series = directory / "series" / "mini-5.15"
        series.mkdir(parents=True)
        (series / "recipe.toml").write_bytes(recipe)
        mini = cls(world=world, directory=directory)
        mini.write_series()
        overrides = directory / "overrides" / "mini-5.15"
        overrides.mkdir(parents=True)
        for path in world.overrides.glob("*.patch"):
            (overrides / path.name).write_bytes(path.read_bytes())
        return mini

    @property
    def series(self) -> Path:
        return self.directory / "series" / "mini-5.15"

    @property
    def overrides(self) -> Path:
        return self.directory / "overrides" / "mini-5.15"

    def write_series(self) -> None:
        """What `extract` picks, found without git."""
        recipe = Recipe.parse((self.series / "recipe.toml").read_bytes(), "recipe.toml")
        source = pygit2.Repository(str(self.world.source))
        taken: set[str] = set()
        entries = []
        for commit in [*(entry.commit for entry in recipe.prerequisites), *_picked(source, recipe)]:
            name = patch_name(source[commit].peel(pygit2.Commit).message.split("\n")[0], taken)
            taken.add(name)
            entries.append(SeriesEntry(name=name, pin=commit))
        (self.series / "series").write_bytes(Series.of(entries).render())

    def queue(self) -> Queue:
        return Queue.load(self.series, source=self.world.source)

    def repo(self, base: str) -> Path:
        return self.world.bsp if base == self.world.bsp_branch else self.world.source

    def apply(self, base: str) -> Result:
        return self.queue().apply(self.repo(base), base=base).require()


def _picked(source: pygit2.Repository, recipe: Recipe) -> Iterator[str]:
    start, end = (source.revparse_single(rev).peel(pygit2.Commit) for rev in (recipe.range_start, recipe.range_end))
    named = {entry.commit for entry in (*recipe.excludes, *recipe.prerequisites)}
    included = {entry.commit for entry in recipe.includes}
    objects = Objects(source)
    walker = source.walk(end.id, pygit2.enums.SortMode.TOPOLOGICAL | pygit2.enums.SortMode.REVERSE)
    walker.hide(start.id)
    for commit in walker:
        name = str(commit.id)
        if name in named:
            continue
        if len(commit.parents) > 1:
            if merge_resolution(source, objects, commit, recipe.owned):
                yield name
            continue
        changes = tree_changes(objects, commit.parents[0].tree_id.raw, commit.tree_id.raw)
        if name in included or any("net/mptcp" in change.path for change in changes):
            yield name


@attrs.frozen(kw_only=True)
class Mutation:
    """One hunk of a result taken out of it."""

    path: str
    hunk: Hunk
    """As it leads from the base to the result."""
    before: Entry | None
    """The file in the result."""
    after: Entry | None
    """The file without the hunk."""


def hunks_of(result: Result) -> Iterator[Mutation]:
    """Every hunk that leads from the base to the result, with the file without it."""
    objects = result.objects
    for change in tree_changes(objects, base_tree(result), tree_of(result), renames=False):
        for hunk in file_hunks(objects, change.old, change.new):
            yield Mutation(
                path=change.path,
                hunk=hunk,
                before=change.new,
                after=without_hunk(objects, change, hunk),
            )


def tree_of(result: Result) -> Oid:
    assert result.tree is not None
    return bytes.fromhex(result.tree)


def without_hunk(objects: Objects, change: BlobChange, hunk: Hunk) -> Entry | None:
    """The new file with one hunk of the change undone; independent of the engine's own placement of hunks."""
    if change.old is None:
        return None
    lines = entry_text(objects, change.new).splitlines(keepends=True)
    low = hunk.new_start - 1 if hunk.new_count else hunk.new_start
    assert lines[low : low + hunk.new_count] == hunk.post_image
    lines[low : low + hunk.new_count] = hunk.pre_image
    return Entry((change.new or change.old).mode, objects.write("blob", b"".join(lines)))


def mutated(result: Result, files: Mapping[str, Entry | None]) -> str:
    """Id of the result's tree with some files others; all objects of the run are in the repository then."""
    editor = TreeEditor(result.objects, tree_of(result))
    for path, entry in sorted(files.items(), key=lambda file: file[1] is not None):
        editor.put(path, entry)
    tree = editor.write()
    home = result.objects.home
    kinds = {
        1: pygit2.enums.ObjectType.COMMIT,
        2: pygit2.enums.ObjectType.TREE,
        3: pygit2.enums.ObjectType.BLOB,
    }
    for oid, (kind, data) in result.objects.made().items():
        if not home.odb.exists(pygit2.Oid(raw=oid)):
            home.odb.write(kinds[kind], data)
    person = pygit2.Signature("Mallory", "mallory@example.org", 1_600_000_000, 0)
    parents = [] if result.commit is None else [pygit2.Oid(hex=result.commit)]
    return str(home.create_commit(None, person, person, "mutated\n", pygit2.Oid(raw=tree), parents))


def unpack(objects: Objects, tree: Oid, place: Path) -> Path:
    """A tree as a plain directory."""
    for name, entry in objects.tree(tree).items():
        path = place / os.fsdecode(name)
        if entry.is_tree:
            path.mkdir(parents=True)
            unpack(objects, entry.oid, path)
        elif entry.mode == LINK:
            path.symlink_to(os.fsdecode(objects.read(entry.oid)))
        else:
            assert entry.mode in (REGULAR, EXECUTABLE)
            path.write_bytes(objects.read(entry.oid))
            path.chmod(0o755 if entry.mode == EXECUTABLE else 0o644)
    return place
