# SPDX-License-Identifier: MIT
"""Certificates: what is in them, both forms read back, and every input that changed is named."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series import Queue, verify
from mptcp_series.errors import BadInput
from mptcp_series.values.certificate import Certificate, Changed, Filed, compare

from .verifying import Mini

BSP = "bsp-5.10"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Mini:
    mini = Mini.make(tmp_path_factory.mktemp("certificate"))
    mini.apply(BSP).write_branch("out")
    return mini


@pytest.fixture
def mini(tmp_path: Path) -> Mini:
    """One to change."""
    mini = Mini.make(tmp_path)
    mini.apply(BSP).write_branch("out")
    return mini


def certificate(mini: Mini, of: str = "out") -> Certificate:
    return verify(mini.queue(), mini.world.bsp, of, base=BSP).certificate


def digest(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_what_is_in_it(shared: Mini) -> None:
    fields = certificate(shared).fields
    result = shared.apply(BSP)
    assert fields["base.commit"] == result.base.commit
    assert fields["base.version"] == "5.10.4"
    assert (fields["result.tree"], fields["result.expected"], fields["result.commit"]) == (
        result.tree,
        result.tree,
        result.commit,
    )
    name = "series.mini-5.15"
    assert fields[f"{name}.series"] == digest(shared.series / "series")
    assert fields[f"{name}.recipe"] == digest(shared.series / "recipe.toml")
    override = f"{name}.overrides.mini-5.15/frag-room-offload.patch"
    assert fields[f"{override}.digest"] == digest(shared.overrides / "frag-room-offload.patch")
    assert fields[f"{override}.use"] == "used"
    assert fields[f"{name}.source.target"] == shared.world.tags["v5.15"]
    assert fields[f"{name}.source.start"] == shared.world.tags["v5.10"]
    assert fields[f"{name}.source.end"] == shared.world.tags["v5.15"]
    assert fields["account.hunks.total"] == str(result.hunks.total)
    assert fields["account.hunks.dropped"] == "2"
    assert fields["account.patches.overridden"] == "2"
    assert fields["verdict.proven"] == "yes"
    assert fields["verdict.parity.mini-5.15.unexplained"] == "0"
    assert fields["run.aligned"] == "yes"


def test_the_same_input_gives_the_same_bytes(shared: Mini) -> None:
    one, two = certificate(shared), certificate(shared)
    assert one.render_text() == two.render_text()
    assert one.render_json() == two.render_json()
    assert str(shared.directory) not in one.render_text().decode()


@pytest.mark.parametrize("file", ["c.json", "c.txt", "certificate"])
def test_both_forms_are_read_back(shared: Mini, file: str) -> None:
    made = certificate(shared)
    assert made.render(file).startswith(b"{" if file.endswith(".json") else b"mptcp-series certificate 1\n\n")
    filed = Filed.parse(made.render(file), file)
    assert filed.fields == made.fields
    assert compare(filed, made) == ()


def test_the_document_of_verify_holds_one(shared: Mini) -> None:
    found = verify(shared.queue(), shared.world.bsp, "out", base=BSP)
    filed = Filed.parse(json.dumps(found.to_json()).encode(), "v.json")
    assert compare(filed, found.certificate) == ()


def test_a_changed_override_is_named(mini: Mini) -> None:
    filed = Filed.parse(certificate(mini).render_text(), "c")
    path = mini.overrides / "busy-poll-options.patch"
    before = digest(path)
    path.write_text(path.read_text().replace("cannot compile", "do not compile"))
    assert compare(filed, certificate(mini)) == (
        Changed(
            field="series.mini-5.15.overrides.mini-5.15/busy-poll-options.patch.digest",
            filed=before,
            now=digest(path),
        ),
    )


def test_everything_that_changed_is_named(mini: Mini) -> None:
    filed = Filed.parse(certificate(mini).render_text(), "c")
    (mini.series / "recipe.toml").write_bytes((mini.series / "recipe.toml").read_bytes() + b"# a note\n")
    (mini.series / "series").write_bytes((mini.series / "series").read_bytes() + b"# a note\n")
    (mini.overrides / "more.patch").write_text("Patch: none.patch\nOptional: yes\nSkip: yes\nReason: no\n")
    changed = {one.field: (one.filed is None, one.now is None) for one in compare(filed, certificate(mini))}
    assert changed == {
        "series.mini-5.15.overrides.mini-5.15/more.patch.digest": (True, False),
        "series.mini-5.15.overrides.mini-5.15/more.patch.use": (True, False),
        "series.mini-5.15.recipe": (False, False),
        "series.mini-5.15.series": (False, False),
    }


def test_materialised_patches_have_digests(tmp_path: Path) -> None:
    mini = Mini.make(tmp_path)
    patch = b"Subject: one\n\n---\n--- a/net/mptcp/more.c\n+++ b/net/mptcp/more.c\n@@ -0,0 +1 @@\n+int more;\n"
    (mini.series / "more.patch").write_bytes(patch)
    (mini.series / "series").write_bytes((mini.series / "series").read_bytes() + b"more.patch\n")
    mini.apply(BSP).write_branch("out")
    fields = certificate(mini).fields
    assert fields["series.mini-5.15.patches.more.patch"] == digest(mini.series / "more.patch")
    assert fields["verdict.proven"] == "no"


def test_another_base_is_named(shared: Mini) -> None:
    filed = Filed.parse(certificate(shared).render_text(), "c")
    shared.apply("v5.10.6").write_branch("other")
    queue = Queue.load(shared.series, source=shared.world.source)
    now = verify(queue, shared.world.source, "other", base="v5.10.6").certificate
    changed = {one.field for one in compare(filed, now)}
    assert {"base.commit", "base.tree", "base.version", "result.tree", "account.patches.clean"} <= changed


@pytest.mark.parametrize(
    ("field", "filed", "now", "counts"),
    [
        ("tool.version", "0.1.0", "0.2.0", False),
        ("result.commit", "none", "a" * 40, False),
        ("base.commit", "a" * 40, "none", False),
        ("result.commit", "b" * 40, "a" * 40, True),
        ("result.tree", "none", "a" * 40, True),
        ("run.fuzz", None, "0", True),
    ],
)
def test_what_a_certificate_stands_and_falls_with(field: str, filed: str | None, now: str, counts: bool) -> None:
    changed = Changed(field=field, filed=filed, now=now)
    assert changed.counts is counts
    assert str(changed) == f"{field}: was {filed or 'not there'}, is {now}"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "c: is no certificate: it is not UTF-8"),
        (b"", "c:1: is no certificate: `mptcp-series certificate 1` or a JSON document with a schema expected"),
        (b"mptcp-series certificate x\n", "c:1: is no certificate: `mptcp-series certificate 1` or a JSON document "
         "with a schema expected"),
        (b"mptcp-series certificate 2\n", "c:1: certificate of schema 2; this version reads 1"),
        (b"{", "c:1: is no certificate: Expecting property name enclosed in double quotes"),
        (b'{"a": 1}', "c:1: is no certificate: `mptcp-series certificate 1` or a JSON document with a schema expected"),
        (b'{"schema": 7}', "c:1: certificate of schema 7; this version reads 1"),
        (b"mptcp-series certificate 1\n\na: 1\nb\na: 2\n", "c:4: 'b': expected `field: value`\n"
         "c:5: 'a: 2': stands here a second time"),
        ("mptcp-series certificate \u00b2\n".encode(), "c:1: is no certificate: `mptcp-series certificate 1` or a JSON "
         "document with a schema expected"),
        (b'{"schema": true}', "c:1: is no certificate: `mptcp-series certificate 1` or a JSON document with a schema "
         "expected"),
        (b'{"schema": 1, "a": 1, "a": 2}', "c: is no certificate: 'a' stands in it a second time"),
        (b'{"schema": 1, "a.b": 1, "a": {"b": 2}}', "c: is no certificate: 'a.b' stands in it a second time"),
        (b'mptcp-series certificate 1\n"a: 1\n', "c:2: '\"a: 1': expected `field: value`"),
    ],
)  # fmt: skip
def test_what_is_no_certificate(data: bytes, message: str) -> None:
    with pytest.raises(BadInput) as error:
        Filed.parse(data, "c")
    assert str(error.value) == message


@pytest.mark.parametrize("data", [b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"a": ' + b"1" * 5000 + b"}"])
def test_what_python_will_not_read_is_no_certificate(data: bytes) -> None:
    with pytest.raises(BadInput, match=r"^c: is no certificate: "):
        Filed.parse(data, "c")


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
LEAVES = st.one_of(WORDS, st.integers(), st.booleans(), st.none(), st.lists(WORDS, max_size=2))
KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="."), min_size=1, max_size=6)


@given(document=st.dictionaries(KEYS, st.one_of(LEAVES, st.dictionaries(KEYS, LEAVES, max_size=3)), max_size=4))
def test_any_words_survive_both_forms(document: dict[str, object]) -> None:
    """Law: what is rendered is read back as the same fields, whatever names and values hold."""
    document.pop("schema", None)
    made = Certificate(document={"head": {"x": 1}, **document})
    for file in ("c.json", "c.txt"):
        assert compare(Filed.parse(made.render(file), file), made) == ()
