# SPDX-License-Identifier: MIT
"""Documents: stable bytes, and text that was never UTF-8."""

from __future__ import annotations

import json

import pygit2

from mptcp_series.cli.jsons import render

from .conftest import Kernel, run


def test_keys_are_sorted_and_the_end_is_a_newline() -> None:
    assert (
        render({"b": [1, None], "a": {"d": True, "c": "ö"}})
        == ('{\n  "a": {\n    "c": "ö",\n    "d": true\n  },\n  "b": [\n    1,\n    null\n  ]\n}\n').encode()
    )


def test_tuples_are_lists() -> None:
    assert json.loads(render({"a": ("x", ("y",))})) == {"a": ["x", ["y"]]}


def test_bytes_that_are_not_utf_8_are_escapes_in_keys_and_values() -> None:
    text = render({"caf\udce9": ["\udcff", "\ud800"]}).decode()
    assert json.loads(text) == {"caf\\xe9": ["\\xff", "\\ud800"]}


def test_a_path_of_any_bytes(kernel: Kernel) -> None:
    """pygit2 writes no such tree by itself, so it is written as git stores it."""
    repository = kernel.source.git
    main = repository[kernel.new].peel(pygit2.Commit)
    blob = repository.create_blob(b"x\n")
    latin = repository.write(pygit2.enums.ObjectType.TREE, b"100644 caf\xe9.c\0" + blob.raw)
    tree = repository.TreeBuilder(main.tree)
    tree.insert("latin", latin, pygit2.enums.FileMode.TREE)
    made = repository.create_commit(None, main.author, main.author, "mptcp: latin\n", tree.write(), [main.id])
    (kernel.series / "series").write_text(f"latin.patch # {made}\n")
    outcome = run("check", "--json", *kernel.on("v5.10"))
    assert (outcome.code, outcome.err) == (0, "")
    (patch,) = json.loads(outcome.out)["patches"]
    assert patch["paths"] == [{"path": "latin/caf\\xe9.c", "status": "clean"}]
