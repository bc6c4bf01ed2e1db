# SPDX-License-Identifier: MIT
"""The Yocto class, called as BitBake calls it: each function's body, with `d` and `bb` about it.

BitBake makes `def NAME(d):` of the lines between `python NAME () {` and `}` (lib/bb/data.py and build.py), runs it with
`bb` among its globals, and takes an exception for the end of the task.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from types import SimpleNamespace

import attrs
import pygit2
import pytest

from mptcp_series.engine.queue import Queue
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe

from .conftest import REGULAR, Lab
from .directories import contents, unpack

CLASS = Path(__file__).resolve().parents[2] / "contrib" / "yocto" / "mptcp-series.bbclass"
_FUNCTION = re.compile(r"^python (\w+) \(\) \{\n(.*?)^\}\n", re.MULTILINE | re.DOTALL)
_FLAG = re.compile(r'^(\w+)\[(\w+)\] \+= "(.*)"$', re.MULTILINE)
_DEFAULT = re.compile(r'^(\w+) \?= "(.*)"$', re.MULTILINE)


class Fatal(Exception):
    """What `bb.fatal` ends a task with."""


@attrs.frozen
class BitBake:
    """As much of BitBake as a task sees."""

    values: dict[str, str]
    notes: list[str] = attrs.field(factory=list)

    def getVar(self, name: str) -> str | None:
        return self.values.get(name)

    def call(self, name: str) -> None:
        body = dict(_FUNCTION.findall(CLASS.read_text()))[name]
        space: dict[str, object] = {"bb": self._module()}
        exec(compile(f"def {name}(d):\n{body}", str(CLASS), "exec"), space)
        function = space[name]
        assert callable(function)
        function(self)

    def _module(self) -> SimpleNamespace:
        def fatal(message: str) -> None:
            raise Fatal(message)

        return SimpleNamespace(fatal=fatal, note=self.notes.append, utils=SimpleNamespace(which=_which))


def _which(path: str, name: str) -> str:
    """The first file of a name along a path; empty where there is none (bb.utils.which)."""
    found = (Path(directory) / name for directory in path.split(":") if directory)
    return next((str(file) for file in found if file.is_file()), "")


def test_the_class_hooks_its_functions_into_do_patch() -> None:
    text = CLASS.read_text()
    functions = {name for name, _ in _FUNCTION.findall(text)}
    flags = {(task, flag): value for task, flag, value in _FLAG.findall(text)}
    assert flags[("do_patch", "postfuncs")] == "mptcp_series_do_patch"
    assert flags[("do_patch", "prefuncs")] == "mptcp_series_check_sums"
    assert functions == {"mptcp_series_do_patch", "mptcp_series_check_sums"}
    # BitBake runs the task again when one of its variables changes.
    assert flags[("do_patch", "vardeps")].split() == [name for name, _ in _DEFAULT.findall(text)]
    read = set(re.findall(r'(?:value|getVar)\("(\w+)"\)', text))
    assert read - {"S", "SRC_URI", "FILESPATH"} == {name for name, _ in _DEFAULT.findall(text)}


@attrs.frozen
class Shop:
    """The mini-kernel, its series, and a source tree of one release."""

    world: World
    series: Path
    tree: Path

    def bitbake(self, **values: str) -> BitBake:
        wanted = {
            "S": str(self.tree),
            "MPTCP_SERIES": str(self.series),
            "MPTCP_SERIES_SOURCE": str(self.world.source),
        }
        return BitBake({**wanted, **values})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    root = tmp_path_factory.mktemp("mini")
    world = build_world(root)
    series = root / "series" / "mini-5.15"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    (series / "recipe.toml").write_bytes(world.recipe)
    return world, series


@pytest.fixture
def shop(made: tuple[World, Path], tmp_path: Path) -> Shop:
    world, series = made
    return Shop(world=world, series=series, tree=unpack(world.source, "v5.10.2", tmp_path / "linux-5.10.2"))


def test_a_plain_tree_is_patched(shop: Shop) -> None:
    bitbake = shop.bitbake()
    bitbake.call("mptcp_series_do_patch")
    assert bitbake.notes[0].startswith("mptcp-series: mini-5.15 on Linux 5.10.2: {'clean': ")
    result = Queue.load(shop.series, source=shop.world.source).apply(shop.world.source, base="v5.10.2").require()
    lab = Lab(pygit2.Repository(str(shop.world.source)))
    lab.objects = result.objects
    wanted = {
        path: content if isinstance(content, tuple) else (REGULAR, content)
        for path, content in lab.files(bytes.fromhex(str(result.tree))).items()
    }
    assert contents(shop.tree) == wanted


def test_a_second_do_patch_changes_nothing(shop: Shop) -> None:
    shop.bitbake().call("mptcp_series_do_patch")
    before = contents(shop.tree)
    again = shop.bitbake()
    again.call("mptcp_series_do_patch")
    assert contents(shop.tree) == before
    assert len(again.notes) == 1


def test_a_person_that_is_needed_ends_the_build(shop: Shop) -> None:
    protocol = shop.tree / "net" / "ipv4" / "tcp.c"
    protocol.write_text("int nothing;\n")
    before = contents(shop.tree)
    with pytest.raises(Fatal, match=r"mptcp-series: a person is needed:\nconflict: .*: net/ipv4/tcp\.c"):
        shop.bitbake().call("mptcp_series_do_patch")
    assert contents(shop.tree) == before


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"MPTCP_SERIES": ""}, "mptcp-series: MPTCP_SERIES is empty; it names the directory of the series"),
        ({"MPTCP_SERIES": "/nowhere"}, "mptcp-series: /nowhere: no such directory"),
        ({"MPTCP_SERIES_SOURCE": "/nowhere.git"}, "mptcp-series: /nowhere.git: no such directory"),
        ({"MPTCP_SERIES_OVERRIDES": "/nowhere"}, "mptcp-series: /nowhere: no such directory of overrides"),
        ({"MPTCP_SERIES_SOURCES": "sched=/x.git"}, "mptcp-series: a source is named for sched"),
    ],
)
def test_what_cannot_be_used_ends_the_build(shop: Shop, values: dict[str, str], said: str) -> None:
    before = contents(shop.tree)
    with pytest.raises(Fatal) as caught:
        shop.bitbake(**values).call("mptcp_series_do_patch")
    assert str(caught.value).startswith(said)
    assert contents(shop.tree) == before


def sums(directory: Path, data: bytes, wanted: bytes) -> BitBake:
    (directory / "files").mkdir()
    (directory / "files" / "a.patch").write_bytes(data)
    uri = f"git://example.org/x;sha256sum=1 file://b.cfg file://a.patch;sha256sum={hashlib.sha256(wanted).hexdigest()}"
    return BitBake({"SRC_URI": uri, "FILESPATH": f"/nowhere:{directory / 'files'}"})


def test_an_exported_patch_is_what_was_exported(tmp_path: Path) -> None:
    bitbake = sums(tmp_path, b"a\n", b"a\n")
    bitbake.call("mptcp_series_check_sums")
    assert bitbake.notes == []


def test_an_edited_patch_ends_the_build(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match=r"a\.patch is not what was exported: sha256 [0-9a-f]{64}, and SRC_URI says"):
        sums(tmp_path, b"edited\n", b"a\n").call("mptcp_series_check_sums")


def test_a_patch_that_is_nowhere_ends_the_build() -> None:
    bitbake = BitBake({"SRC_URI": "file://a.patch;sha256sum=0", "FILESPATH": "/nowhere"})
    with pytest.raises(Fatal, match=r"a\.patch is in SRC_URI and nowhere in FILESPATH"):
        bitbake.call("mptcp_series_check_sums")
