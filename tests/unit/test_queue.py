# SPDX-License-Identifier: MIT
"""The queue as a script uses it: what is read, what is refused with which words, and that nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from mptcp_series import Queue
from mptcp_series.errors import (
    BadInput,
    BadOverride,
    BadPatch,
    BadSeries,
    EnvironmentFault,
    MissingObject,
    MptcpSeriesError,
    NoRepository,
    UnknownRevision,
)
from mptcp_series.values.person import Person
from mptcp_series.values.result import Account, BaseInfo, EntryKind

from .conftest import MAKEFILE, Files, Lab, numbered

F = "net/mptcp/f.c"
OLD, NEW = numbered(30), numbered(30, {15: "x\n"})
BASE: Files = {"Makefile": MAKEFILE, F: OLD}
PATCH = (
    f"From: A <a@b>\nDate: Mon, 1 Feb 2021 01:00:00 +0100\nSubject: [PATCH] mptcp: x\n\nbody\n---\n"
    f"--- a/{F}\n+++ b/{F}\n@@ -14,3 +14,3 @@\n line 14\n-line 15\n+x\n line 16\n"
)


class Place:
    """A directory with a series, its overrides, and a repository with a base."""

    def __init__(self, root: Path, lab: Lab) -> None:
        self.root = root
        self.lab = lab
        self.base = lab.commit(BASE, "base\n")
        self.pin = lab.commit({**BASE, F: NEW}, "mptcp: x\n", [self.base])

    def write(self, files: Mapping[str, str]) -> Place:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(pin=self.pin) if name.endswith("/series") else text)
        return self

    def load(self, **options: object) -> Queue:
        return Queue.load(self.root / "series/q", **{"source": self.lab.repo.path, **options})  # type: ignore[arg-type]


@pytest.fixture
def place(tmp_path: Path, lab: Lab) -> Place:
    return Place(tmp_path, lab)


def everything(root: Path) -> Mapping[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_apply_writes_nothing(place: Place) -> None:
    queue = place.write({"series/q/series": "pinned.patch # {pin}\nfile.patch\n", "series/q/file.patch": PATCH}).load()
    before = everything(place.root)
    result = queue.apply(place.lab.repo.path, base=place.base)
    assert result.base == BaseInfo(rev=place.base, commit=place.base, version="5.10.66")
    assert [(patch.name, patch.kind, patch.commit, patch.subject, patch.status.value) for patch in result.patches] == [
        ("pinned.patch", EntryKind.PATCH, place.pin, "mptcp: x", "clean"),
        ("file.patch", EntryKind.PATCH, None, "mptcp: x", "upstream"),
    ]
    assert (queue.name, result.series, result.hunks) == ("q", "q", Account(applied=1, present=1))
    assert result.tree == str(place.lab.repo[place.pin].peel(pygit2.Tree).id)
    assert everything(place.root) == before


def test_a_read_only_repository_can_be_checked(place: Place) -> None:
    queue = place.write({"series/q/series": "pinned.patch # {pin}\n"}).load()
    paths = [*place.root.rglob("*"), place.root]
    modes = {path: path.stat().st_mode for path in paths}
    for path in paths:
        path.chmod(modes[path] & ~0o222)
    try:
        assert queue.apply(place.lab.repo.path, base=place.base).complete
    finally:
        for path in reversed(paths):
            path.chmod(modes[path])


@pytest.mark.parametrize("rev", ["base", "refs/heads/base", "v5.10.66", "HEAD"])
def test_bases_by_any_name(place: Place, rev: str) -> None:
    repo = place.lab.repo
    repo.references.create("refs/heads/base", place.base)
    repo.create_tag("v5.10.66", place.base, pygit2.enums.ObjectType.COMMIT, pygit2.Signature("a", "a@b", 0, 0), "why")
    repo.set_head("refs/heads/base")
    queue = place.write({"series/q/series": "pinned.patch # {pin}\n"}).load()
    result = queue.apply(repo.path, base=rev)
    assert result.base == BaseInfo(rev=rev, commit=place.base, version="5.10.66")
    assert result.commit == queue.apply(repo.path, base=place.base).commit


def test_same_input_same_ids(
    place: Place, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the files are, whoever runs it, whatever the configuration says."""
    files = {
        "series/q/series": "pinned.patch # {pin}\nfile.patch\n",
        "series/q/file.patch": PATCH.replace(
            "@@ -14,3 +14,3 @@\n line 14\n-line 15\n+x\n", "@@ -15,2 +15,3 @@\n x\n+y\n"
        ),
        "overrides/q/o.patch": "Patch: pinned.patch\nReason: why\n---\n--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+new\n",
    }
    first = place.write(files).load().apply(place.lab.repo.path, base=place.base)
    other_root = tmp_path_factory.mktemp("elsewhere")
    other = Place(other_root, Lab(pygit2.init_repository(str(other_root / "other"), initial_head="main")))
    config = other.lab.repo.config
    for name, value in {
        "user.name": "Somebody",
        "user.email": "s@b",
        "diff.algorithm": "histogram",
        "diff.context": "1",
        "diff.indentHeuristic": "false",
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "core.autocrlf": "true",
        "core.quotePath": "false",
        "merge.conflictStyle": "zdiff3",
        "merge.renames": "false",
        "i18n.commitEncoding": "ISO-8859-1",
        "commit.gpgSign": "true",
    }.items():
        config[name] = value
    (other_root / "other" / ".gitattributes").write_text("* binary merge=ours\n")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "E")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "0 +0000")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    monkeypatch.chdir(other_root)
    other.write(files)
    queue = Queue.load("series/q", overrides="overrides", source="other")
    second = queue.apply("other", base=other.base)
    assert (second.commit, second.tree) == (first.commit, first.tree)
    assert first.commit == "2892ad30a400184648ce164c83146468cdeb1de8"
    assert [patch.to_json() for patch in second.patches] == [patch.to_json() for patch in first.patches]
    named = queue.apply("other", base=other.base, committer=Person(name="B", email="b@c"))
    assert named.commit != first.commit
    assert named.tree == first.tree


def test_prerequisites_and_includes(place: Place) -> None:
    recipe = (
        '[series]\nname = "named"\nrange = "a..b"\nmatch = ["net/mptcp"]\nowned = []\nbases = ">=5.10,<5.11"\n'
        f'[[prerequisite]]\ncommit = "{place.pin}"\nreason = "why"\nwhen = "{F} lacks x"\n'
    )
    queue = place.write({"series/q/series": "pinned.patch # {pin}\n", "series/q/recipe.toml": recipe}).load()
    assert queue.name == "named"
    result = queue.apply(place.lab.repo.path, base=place.base)
    assert [(patch.kind, patch.status.value) for patch in result.patches] == [(EntryKind.PREREQUISITE, "clean")]
    has_it = place.lab.commit({**BASE, F: b"x\n"})
    skipped = queue.apply(place.lab.repo.path, base=has_it)
    assert [(patch.status.value, patch.hunks) for patch in skipped.patches] == [("skipped", Account(dropped=1))]
    assert skipped.commit == has_it
    newer = place.lab.commit({**BASE, "Makefile": MAKEFILE.replace(b"10", b"15")})
    with pytest.raises(BadInput) as caught:
        queue.apply(place.lab.repo.path, base=newer)
    assert str(caught.value) == (
        f"{place.root}/series/q/recipe.toml: base {newer} is 5.15.66, and this queue is for >=5.10,<5.11"
    )


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        (
            {},
            BadSeries,
            "{root}/series/q: no such directory",
        ),
        (
            {"series/q/series": "none.patch\n"},
            BadSeries,
            "{root}/series/q/series:1: no patch file {root}/series/q/none.patch, and the line pins no commit",
        ),
        (
            {"series/q/series": "../x.patch\n"},
            BadSeries,
            "{root}/series/q/series:1: unsafe patch name '../x.patch': leaves the tree by '..'",
        ),
        ({"series/q/series": "a.patch\na.patch\n", "series/q/a.patch": PATCH}, BadSeries, None),
        (
            {"series/q/series": "a.patch\n", "series/q/a.patch": "nothing\n"},
            BadPatch,
            "{root}/series/q/a.patch: holds no diff; take it out of the series or mend it",
        ),
        (
            {
                "series/q/series": "a.patch\n",
                "series/q/a.patch": PATCH.replace(f"b/{F}", "b/../x").replace("-14,3", "-14,9"),
            },
            BadPatch,
            "{root}/series/q/a.patch:9: the hunk header promises 9 old and 3 new lines, the body has 3 and 3\n"
            "{root}/series/q/a.patch:7: path 'b/../x': leaves the tree by '..'",
        ),
        (
            {
                "series/q/series": "a.patch -R\n",
                "series/q/a.patch": "x\n---\ndiff --git a/x b/y\ncopy from x\ncopy to y\n",
            },
            BadPatch,
            "{root}/series/q/a.patch:3: copies x, and a copy has no reverse (-R)",
        ),
        (
            {"series/q/series": f"a.patch # {'a' * 40}\n"},
            MissingObject,
            f"a.patch is pinned to {'a' * 40}, which {{git}} does not have; "
            f"run `mptcp-series fetch`, or `git fetch origin {'a' * 40}` there",
        ),
        (
            {
                "series/q/series": "",
                "overrides/q/o.patch": "Patch: x\nReason: y\n",
                "overrides/q/p.patch": "Skip: yes\n",
            },
            BadOverride,
            "{root}/overrides/q/o.patch: no effect: neither 'Skip', 'Drop' nor a diff\n"
            "{root}/overrides/q/p.patch: missing field 'Patch' or 'Commit'\n"
            "{root}/overrides/q/p.patch: missing field 'Reason'",
        ),
    ],
)
def test_refused(place: Place, files: Mapping[str, str], error: type[MptcpSeriesError], message: str | None) -> None:
    before = everything(Path(place.lab.repo.path))
    with pytest.raises(error) as caught:
        place.write(files).load().apply(place.lab.repo.path, base=place.base)
    if message is not None:
        assert str(caught.value) == message.format(root=place.root, git=place.lab.repo.path)
    assert everything(Path(place.lab.repo.path)) == before


def test_a_merge_that_brings_nothing_of_its_own_is_no_patch(place: Place) -> None:
    """It would be told as `upstream`, and what a person meant to bring with it would be left out in silence."""
    side = place.lab.commit({**BASE, "net/mptcp/side.c": b"side\n"}, "mptcp: side\n", [place.base])
    files: Files = {**BASE, F: NEW, "net/mptcp/side.c": b"side\n"}
    merge = place.lab.commit(files, "Merge side\n", [place.pin, side])
    work = place.lab.commit({**files, "net/mptcp/more.c": b"more\n"}, "Merge side\n", [place.pin, side])
    recipe = '[series]\nname = "q"\nrange = "a..b"\nmatch = ["net/mptcp"]\nowned = ["net/mptcp/"]\n'
    lines = f"first.patch # {place.pin}\nmerge.patch # {{}}\n"
    for pin, owner in ((merge, recipe), (merge, None), (work, None)):
        place.write(
            {"series/q/series": lines.format(pin), **({} if owner is None else {"series/q/recipe.toml": owner})}
        )
        with pytest.raises(BadSeries) as caught:
            place.load().apply(place.lab.repo.path, base=place.base, align=False)
        why = (
            ", and no recipe.toml says which paths are owned, of which its own work would be"
            if owner is None
            else " that has no work of its own on the paths the recipe owns; name the commits it brought"
        )
        assert str(caught.value) == f"{place.root}/series/q/series:2: merge.patch is pinned to {pin}, a merge{why}"
        (place.root / "series/q/recipe.toml").unlink(missing_ok=True)
    place.write({"series/q/series": lines.format(work), "series/q/recipe.toml": recipe})
    result = place.load().apply(place.lab.repo.path, base=place.base, align=False)
    assert [path.path for path in result.patches[1].paths] == ["net/mptcp/more.c"]


def test_unknown_bases_and_places(place: Place) -> None:
    queue = place.write({"series/q/series": "pinned.patch # {pin}\n"}).load()
    path = place.lab.repo.path
    blob, no_kernel = str(place.lab.repo.create_blob(b"x")), place.lab.commit({"f": b"x"})
    odd = place.lab.commit({"Makefile": b"all:\n"})
    for rev, error, words in (
        ("nowhere", UnknownRevision, f"{path}: unknown revision 'nowhere'; `git fetch --tags` may bring it"),
        ("a" * 40, MissingObject, f"commit {'a' * 40} is not in {path}; "),
        (blob, UnknownRevision, f"{path}: {blob!r} names no commit"),
        (no_kernel, BadInput, f"base {no_kernel} is no kernel: it has no Makefile"),
        (odd, BadInput, f"base {odd} is no kernel: "),
    ):
        with pytest.raises(error) as caught:
            queue.apply(path, base=rev)
        assert str(caught.value).startswith(words)
    pygit2.init_repository(str(place.root / "new")).config["core.repositoryformatversion"] = 1
    pygit2.Config(str(place.root / "new" / ".git" / "config"))["extensions.objectformat"] = "sha256"
    for new in (place.root / "new", place.root / "new" / ".git"):
        with pytest.raises(EnvironmentFault, match=f"^{new}: a git repository with sha256 object ids, which libgit2"):
            queue.apply(new)
    with pytest.raises(NoRepository):
        queue.apply(place.root / "series")
    with pytest.raises(NoRepository):
        queue.apply(place.root / "nowhere")


def test_a_pin_needs_the_source_unless_the_patch_is_there(place: Place) -> None:
    place.write({"series/q/series": "a.patch # {pin}\n"})
    with pytest.raises(MissingObject) as caught:
        place.load(source=None).apply(place.lab.repo.path, base=place.base)
    assert str(caught.value) == (
        f"{place.root}/series/q/series:1: a.patch is pinned and its content is in the source; "
        "name the source with --source"
    )
    with pytest.raises(EnvironmentFault):
        place.load(source=None).check_overrides()
    place.write({"series/q/a.patch": PATCH})
    result = place.load(source=None).apply(place.lab.repo.path, base=place.base)
    assert [(patch.status.value, patch.commit) for patch in result.patches] == [("clean", place.pin)]
    (step,) = result.steps
    assert step.raw.message == f"mptcp: x\n\ncommit {place.pin} upstream.\n\nbody\n".encode()


def test_reversed_and_stripped_lines(place: Place) -> None:
    body = PATCH.replace(f"a/{F}", f"x/y/{F}").replace(f"b/{F}", f"x/y/{F}")
    files = {
        "series/q/series": "back.patch -R\nforth.patch -p2\n",
        "series/q/back.patch": PATCH,
        "series/q/forth.patch": body,
    }
    base = place.lab.commit({**BASE, F: NEW})
    result = place.write(files).load().apply(place.lab.repo.path, base=base)
    assert [patch.status.value for patch in result.patches] == ["clean", "clean"]
    assert result.tree == str(place.lab.repo[base].peel(pygit2.Tree).id)


def test_check_overrides(place: Place) -> None:
    files = {
        "series/q/series": "a.patch # {pin}\n",
        "overrides/q/good.patch": f"Patch: a.patch\nDrop: {F}\nReason: why\n",
        "overrides/q/stale.patch": "Patch: a.patch\nBase: >=6\nDrop: x\nReason: why\n",
    }
    queue = place.write(files).load()
    assert [override.file for override in queue.overrides] == ["q/good.patch", "q/stale.patch"]
    assert [str(drift) for drift in queue.check_overrides()] == [
        f"q/stale.patch: Drop: a.patch does not touch x; it touches {F}"
    ]
    result = queue.apply(place.lab.repo.path, base=place.base)
    assert (result.overrides.used, result.overrides.not_needed) == (("q/good.patch",), ("q/stale.patch",))
