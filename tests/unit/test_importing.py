# SPDX-License-Identifier: MIT
"""Imports of quilt directories, mails and ranges: what is kept, what is listed, what is refused."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mptcp_series.engine.exchange.importing import Imported, import_mbox, import_quilt, import_range
from mptcp_series.errors import BadInput, BadPatch, BadSeries, UnknownRevision
from mptcp_series.minikernel.history import HistoryBuilder, Identity
from mptcp_series.values.series import Series

AUTHOR = Identity(name="A U Thor", email="author@example.org")
DIFF = b"--- a/net/x.c\n+++ b/net/x.c\n@@ -1 +1 @@\n-a\n+b\n"
ID = "049fe386d35353398eee40ba8d76ab62cb5a24e5"


def mail(subject: str, body: bytes = b"Why.\n---\n\n" + DIFF + b"-- \n2.39.5\n\n", fields: bytes = b"") -> bytes:
    return (
        f"From {ID} Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
        f"Date: Mon, 4 Jan 2021 10:00:00 +0100\nSubject: [PATCH] {subject}\n".encode()
        + fields
        + b"\n"
        + body
    )


def filled(directory: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def problems(call: Callable[[], object], kind: type[BadInput] = BadInput) -> list[str]:
    with pytest.raises(BadInput) as caught:
        call()
    assert type(caught.value) is kind
    return [str(problem) for problem in caught.value.problems]


# quilt


def test_a_quilt_directory_is_kept_as_it_is(tmp_path: Path) -> None:
    text = f"# top\n\nb.patch -p0 # why\nsub/a.patch -R\npinned.patch # {ID}\r\n# end".encode()
    files = {"b.patch": DIFF.replace(b"a/", b"").replace(b"b/", b""), "sub/a.patch": b"Caf\xe9\n" + DIFF}
    imported = import_quilt(filled(tmp_path, {"series": text, **files, ".pc/x.patch": DIFF, "README": b""}))
    assert imported.series.render() == text
    assert imported.names == ("b.patch", "sub/a.patch", "pinned.patch")
    assert imported.files == files
    assert imported.unlisted == ()


def test_files_no_line_names_are_listed(tmp_path: Path) -> None:
    filled(tmp_path, {"series": b"a.patch\n#b.patch\n", "a.patch": DIFF, "b.patch": b"rubbish", "sub/c.diff": DIFF})
    filled(tmp_path, {"d.patch.gz": b"", "notes.txt": b"", "a.patch~": DIFF, ".hidden.patch": DIFF})
    assert import_quilt(tmp_path).unlisted == ("b.patch", "d.patch.gz", "sub/c.diff")


def test_every_problem_of_a_quilt_directory_is_told(tmp_path: Path) -> None:
    series = b"gone.patch\nempty.patch\nevil.patch\nok.patch\npacked.patch.xz\nrecipe.toml\nseries/x\n"
    bad = DIFF.replace(b"b/net", b"b/../net")
    directory = filled(
        tmp_path,
        {"series": series, "empty.patch": b"text\n", "evil.patch": bad, "ok.patch": DIFF, "packed.patch.xz": b""},
    )
    assert problems(lambda: import_quilt(directory)) == [
        f"{tmp_path}/series:1: no patch file {tmp_path}/gone.patch",
        f"{tmp_path}/empty.patch: holds no diff; take it out of the series or mend it",
        f"{tmp_path}/evil.patch:1: path 'b/../net/x.c': leaves the tree by '..'",
        f"{tmp_path}/series:5: 'packed.patch.xz' is compressed; decompress it and change this line",
        f"{tmp_path}/series:6: a patch cannot be called 'recipe.toml'",
        f"{tmp_path}/series:7: a patch cannot be called 'series/x'",
    ]


def test_problems_of_one_kind_are_of_that_class(tmp_path: Path) -> None:
    filled(tmp_path, {"series": b"a.patch\nb.patch\n"})
    assert len(problems(lambda: import_quilt(tmp_path), BadSeries)) == 2
    filled(tmp_path, {"a.patch": b"", "b.patch": b""})
    assert len(problems(lambda: import_quilt(tmp_path), BadPatch)) == 2


def test_the_strip_level_is_the_lines(tmp_path: Path) -> None:
    filled(tmp_path, {"series": b"a.patch -p3\n", "a.patch": DIFF})
    assert problems(lambda: import_quilt(tmp_path), BadPatch) == [
        f"{tmp_path}/a.patch:1: path 'a/net/x.c' has too few components for -p3",
        f"{tmp_path}/a.patch:1: path 'b/net/x.c' has too few components for -p3",
    ]


def test_no_series_file(tmp_path: Path) -> None:
    assert problems(lambda: import_quilt(tmp_path), BadSeries) == [f"{tmp_path}/series: no series file"]
    filled(tmp_path, {"patches/series": b""})
    assert problems(lambda: import_quilt(tmp_path), BadSeries) == [
        f"{tmp_path}/series: no series file; {tmp_path}/patches has one"
    ]


# mbox


def test_mails_are_named_after_their_subjects(tmp_path: Path) -> None:
    mails = [mail("mptcp: Fix it"), mail("mptcp: fix it"), mail("=?UTF-8?q?mptcp=3A_Gr=C3=BC=C3=9Fe?=")]
    file = tmp_path / "queue.mbox"
    file.write_bytes(b"".join(mails))
    imported = import_mbox(file)
    assert imported.series.render() == b"mptcp-fix-it.patch\nmptcp-fix-it-2.patch\nmptcp-gr-e.patch\n"
    assert [imported.files[name] for name in imported.names] == mails
    assert imported.unlisted == ()


def test_cover_letters_are_listed(tmp_path: Path) -> None:
    cover = mail("mptcp: a series", b"Two patches.\n\n-- \n2.39.5\n\n").replace(b"[PATCH]", b"[PATCH 0/2]")
    file = tmp_path / "queue.mbox"
    file.write_bytes(cover + mail("one") + mail("", b"just text\n") + mail("two"))
    assert import_mbox(file).names == ("one.patch", "two.patch")
    line = (cover + mail("one")).count(b"\n") + 1
    assert import_mbox(file).unlisted == ("mptcp: a series", f"{file}:{line}")
    directory = filled(tmp_path / "dir", {"0000-cover-letter.patch": cover, "0002-b.patch": mail("two"), "x": b"no"})
    filled(directory, {"0001-a.patch": mail("one")})
    assert import_mbox(directory).names == ("one.patch", "two.patch")
    assert import_mbox(directory).unlisted == ("0000-cover-letter.patch",)


def test_text_that_starts_with_from_is_no_new_mail(tmp_path: Path) -> None:
    body = b"From here on, it is 10:00:00\nFrom the year 1985\n---\n\n" + DIFF
    file = tmp_path / "queue.mbox"
    file.write_bytes(mail("one", body) + mail("two"))
    assert import_mbox(file).names == ("one.patch", "two.patch")


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable"])
@pytest.mark.parametrize("eol", [b"\n", b"\r\n"])
def test_transfer_encodings_are_undone(tmp_path: Path, encoding: str, eol: bytes) -> None:
    body = "Grüße.\n---\n\n".encode() + DIFF.replace(b"+b", b"+b = c; " + b"x" * 90)
    sent = body.replace(b"\n", eol)
    coded = base64.encodebytes(sent) if encoding == "base64" else quopri.encodestring(sent)
    file = tmp_path / "one.mbox"
    file.write_bytes(mail("one", coded, f"Content-Transfer-Encoding: {encoding}\n".encode()).replace(b"\n", eol))
    assert import_mbox(file).files["one.patch"] == mail("one", body, b"Content-Transfer-Encoding: 8bit\n")


def test_carriage_returns_are_the_transports_or_the_files(tmp_path: Path) -> None:
    crlf = DIFF.replace(b"+b\n", b"+b\r\n")
    file = tmp_path / "one.mbox"
    file.write_bytes(mail("one", crlf))
    assert import_mbox(file).files["one.patch"] == mail("one", crlf)
    file.write_bytes(mail("one").replace(b"\n", b"\r\n"))
    assert import_mbox(file).files["one.patch"] == mail("one")


def test_a_single_mail_needs_no_from_line(tmp_path: Path) -> None:
    file = tmp_path / "one.eml"
    file.write_bytes(b"\n" + mail("one").partition(b"\n")[2])
    assert import_mbox(file).names == ("one.patch",)


def test_every_problem_of_every_mail_is_told(tmp_path: Path) -> None:
    good = mail("one")
    short = mail("short", DIFF.replace(b"@@ -1 +1 @@", b"@@ -1,2 +1 @@"))
    multipart = mail("parts", fields=b"Content-Type: multipart/mixed; boundary=x\n")
    broken = mail("broken", b"a", b"Content-Transfer-Encoding: base64\n")
    file = tmp_path / "queue.mbox"
    file.write_bytes(good + short + multipart + broken)
    lines = [data.count(b"\n") for data in (good, good + short, good + short + multipart)]
    found = problems(lambda: import_mbox(file), BadPatch)
    assert found[0].startswith(f"{file}:{lines[0] + 8}: the hunk header promises 2 old and 1 new lines")
    assert found[1] == f"{file}:{lines[1] + 1}: multipart mail; save the patch itself, as plain text"
    assert found[2].startswith(f"{file}:{lines[2] + 1}: the body is not base64: ")


def test_what_holds_no_patch_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    message = "holds no mail with a patch (expected what `git format-patch` writes)"
    for data in (b"", b"\n\n", mail("text only", b"text\n")):
        file.write_bytes(data)
        assert problems(lambda: import_mbox(file)) == [f"{file}: {message}"]
    file.write_bytes(b"int main(void)\n" + DIFF)
    assert problems(lambda: import_mbox(file), BadPatch) == [
        f"{file}:1: not a mail: no From and no Subject field (expected what `git format-patch` writes)"
    ]
    assert problems(lambda: import_mbox(tmp_path / "nowhere")) == [
        f"{tmp_path}/nowhere: cannot be read: No such file or directory"
    ]


@given(
    st.lists(st.tuples(st.text(st.characters(codec="ascii", categories=["L"]), min_size=1), st.binary()), min_size=1)
)
def test_mails_are_kept_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, mails: list[tuple[str, bytes]]) -> None:
    """The mails of an mbox, put together again, are the mbox."""
    line = [b"+" + data.replace(b"\n", b"") + b"\n" for _, data in mails]
    diff = b"--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n"
    data = b"".join(mail(subject, b"---\n" + diff + added) for (subject, _), added in zip(mails, line, strict=True))
    file = tmp_path_factory.mktemp("mbox") / "x"
    file.write_bytes(data)
    imported = import_mbox(file)
    assert b"".join(imported.files[name] for name in imported.names) == data


# ranges


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """main: 1 - 2 - merge(side) - 3."""
    path = tmp_path / "repo.git"
    history = HistoryBuilder(pygit2.init_repository(str(path), bare=True))
    history.commit("main", {"a": b"1\n"}, "one\n", AUTHOR, 1)
    history.tag("v1", "main", "v1\n", AUTHOR, 1)
    history.fork("side", "main")
    history.commit("main", {"a": b"2\n"}, "mptcp: two\n\nBody.\n", AUTHOR, 2)
    history.commit("side", {"b": b"side\n"}, "mptcp: side\n", AUTHOR, 3)
    history.merge("main", "side", "Merge side\n", AUTHOR, 4)
    history.commit("main", {"a": b"3\n"}, "mptcp: two\n", AUTHOR, 5)
    history.publish("main", "side")
    return path


def test_a_range_becomes_pins(repo: Path) -> None:
    imported = import_range(repo, "v1..main", materialise=False)
    assert imported.files == {}
    assert set(imported.names) == {"mptcp-two.patch", "mptcp-two-2.patch", "mptcp-side.patch"}
    assert imported.names[-1] == "mptcp-two-2.patch"
    opened = pygit2.Repository(str(repo))
    subjects = [opened[entry.pin or ""].peel(pygit2.Commit).message for entry in imported.series.entries]
    assert subjects[-1] == "mptcp: two\n"
    assert not any(subject.startswith("Merge") for subject in subjects)


def test_a_materialised_range_has_files(repo: Path) -> None:
    imported = import_range(repo, "v1..main", materialise=True)
    assert set(imported.files) == set(imported.names)
    assert all(entry.pin is not None for entry in imported.series.entries)
    text = imported.files["mptcp-two.patch"]
    assert text.startswith(b"From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n")
    assert b"Subject: [PATCH] mptcp: two\n\nBody.\n---\n" in text
    assert text.endswith(b"@@ -1 +1 @@\n-1\n+2\n-- \n\n")


@pytest.mark.parametrize("text", ["main", "..main", "v1..", "v1...main", "v1..main..side", ""])
def test_what_is_no_range_is_refused(repo: Path, text: str) -> None:
    assert problems(lambda: import_range(repo, text, materialise=False)) == [f"bad range {text!r} (expected 'A..B')"]


def test_ranges_of_nothing_are_refused(repo: Path) -> None:
    assert problems(lambda: import_range(repo, "main..v1", materialise=False)) == [
        "empty range 'main..v1': it has no commits that are not merges"
    ]
    with pytest.raises(UnknownRevision, match="nowhere"):
        import_range(repo, "v1..nowhere", materialise=False)


# write


def imported(text: bytes = b"a.patch\nsub/b.patch\n") -> Imported:
    return Imported(series=Series.parse(text), files={"a.patch": DIFF, "sub/b.patch": b"text\n" + DIFF})


def contents(directory: Path) -> dict[str, bytes]:
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_a_new_directory_is_written_whole(tmp_path: Path) -> None:
    target = tmp_path / "series" / "q"
    assert imported().write(target) == (target / "a.patch", target / "series", target / "sub/b.patch")
    assert contents(target) == {**imported().files, "series": b"a.patch\nsub/b.patch\n"}
    assert [path.name for path in target.parent.iterdir()] == ["q"]


def test_a_recipe_that_is_there_is_kept(tmp_path: Path) -> None:
    filled(tmp_path, {"recipe.toml": b"# mine\n", "README": b"text\n"})
    imported().write(tmp_path)
    assert contents(tmp_path)["recipe.toml"] == b"# mine\n"
    assert contents(tmp_path)["series"] == b"a.patch\nsub/b.patch\n"


def test_the_same_again_writes_nothing(tmp_path: Path) -> None:
    paths = imported().write(tmp_path)
    times = [path.stat().st_mtime_ns for path in paths]
    assert imported().write(tmp_path) == paths
    assert [path.stat().st_mtime_ns for path in paths] == times


def test_a_run_that_was_killed_is_completed(tmp_path: Path) -> None:
    """The series file comes last: without it the patches that were written are nobody's queue."""
    filled(tmp_path, {"a.patch": DIFF})
    imported().write(tmp_path)
    assert set(contents(tmp_path)) == {"a.patch", "series", "sub/b.patch"}


@pytest.mark.parametrize(
    ("there", "named"),
    [
        ({"series": b"other.patch\n", "other.patch": DIFF}, ["series"]),
        ({"series": b"a.patch\nsub/b.patch\n", "a.patch": b"edited"}, ["a.patch"]),
        ({"a.patch": b"mine", "sub/b.patch": b"mine too"}, ["a.patch", "sub/b.patch"]),
    ],
)
def test_what_differs_is_not_overwritten(tmp_path: Path, there: dict[str, bytes], named: list[str]) -> None:
    filled(tmp_path, there)
    assert problems(lambda: imported().write(tmp_path)) == [
        f"{tmp_path}/{name}: is there already and differs; import into a new directory" for name in named
    ]
    assert contents(tmp_path) == there


def test_what_is_in_the_way_is_refused(tmp_path: Path) -> None:
    filled(tmp_path / "one", {"a.patch/x": b"", "recipe.toml": b""})
    assert problems(lambda: imported().write(tmp_path / "one")) == [
        f"{tmp_path}/one/a.patch: is in the way of a file; import into a new directory"
    ]
    filled(tmp_path, {"file": b""})
    assert problems(lambda: imported().write(tmp_path / "file")) == [
        f"{tmp_path}/file: not a directory; name another place"
    ]
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert problems(lambda: imported().write(tmp_path / "link")) == [
        f"{tmp_path}/link: not a directory; name another place"
    ]
