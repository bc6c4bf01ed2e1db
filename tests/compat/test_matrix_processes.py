# SPDX-License-Identifier: MIT
"""The matrix in several processes: the same rows, in the order of the bases, whoever computes them."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import pytest

from mptcp_series.engine.matrix import BaseRef, MatrixSpec, expand_bases, matrix
from mptcp_series.engine.upstream.extract import extract
from mptcp_series.errors import BadPatch, MissingObject
from mptcp_series.minikernel.world import World, build_world
from mptcp_series.values.recipe import Recipe


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)


@pytest.fixture
def spec(world: World, tmp_path: Path) -> MatrixSpec:
    series = tmp_path / "series" / "mini-5.15"
    extract(Recipe.parse(world.recipe, "recipe.toml"), world.source).write(series)
    (series / "recipe.toml").write_bytes(world.recipe)
    return MatrixSpec(series=str(series), overrides=(str(world.overrides),), source=str(world.source))


def bases(world: World) -> list[BaseRef]:
    """Every release of the line, the vendor's branch, and two bases that cannot be checked."""
    source = str(world.source)
    found = expand_bases(["v5.10*", world.bsp_branch], [source, str(world.bsp)])
    found[3:3] = [BaseRef(source, "v5.15"), BaseRef(source, "no-such-base")]
    return found


def test_processes_give_the_same_rows(world: World, spec: MatrixSpec) -> None:
    refs = bases(world)
    expected = matrix(spec, refs, workers=1)
    assert sum(row.error is None for row in expected.rows) == len(refs) - 2
    said: list[tuple[int, int]] = []
    assert matrix(spec, refs, workers=2, progress=lambda done, of: said.append((done, of))) == expected
    assert said == sorted(said)
    assert len(said) >= 2
    assert said[-1] == (len(refs), len(refs))
    assert matrix(spec, refs * 3, workers=3).rows == expected.rows * 3


def test_executors_of_the_caller(world: World, spec: MatrixSpec) -> None:
    refs = bases(world)
    expected = matrix(spec, refs, workers=1)
    with ProcessPoolExecutor(max_workers=2) as pool:
        assert matrix(spec, refs, executor=pool) == expected
        # A queue that was changed in between is read anew by the same processes.
        file = Path(spec.series) / "series"
        whole = file.read_text()
        file.write_text(whole.rsplit("\n", 2)[0] + "\n")
        shorter = matrix(spec, refs, executor=pool)
        assert len(shorter.rows[0].statuses) == len(expected.rows[0].statuses) - 1
        file.write_text(whole)
        assert matrix(spec, refs, executor=pool) == expected
    with ThreadPoolExecutor(max_workers=4) as threads:
        assert matrix(spec, refs * 2, executor=threads).rows == expected.rows * 2


def test_errors_of_the_queue_come_out_of_the_processes(world: World, spec: MatrixSpec) -> None:
    file = Path(spec.series) / "series"
    whole = file.read_text()
    file.write_text(whole + "gone.patch # " + "1" * 40 + "\n")
    with pytest.raises(MissingObject, match="is pinned to 1111"):
        matrix(spec, bases(world), workers=2)
    (Path(spec.series) / "bad.patch").write_bytes(b"--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n x\n")
    file.write_text(whole + "bad.patch\n")
    with pytest.raises(BadPatch, match=r"bad\.patch:3: "):
        matrix(spec, bases(world), workers=2)
