# SPDX-License-Identifier: MIT
"""The documentation is held against the program: what it shows is run again, what there is must be named, links lead.

A block behind `<!-- in build/demo -->` is a session in the demo's directory: each `$ command` is run there and must
print what stands below it; `[...]` stands for lines left out. The blocks of a file go on from each other;
`<!-- in a fresh build/demo -->` begins with an untouched directory. A block behind `<!-- edit FILE -->` is what takes
the place of the conflict in FILE; one behind `<!-- write FILE -->` is the whole of a new FILE. Blocks behind
`<!-- the file FILE -->` show a file that is there by then.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest
from click.testing import CliRunner

import mptcp_series
from mptcp_series.cli.main import cli
from mptcp_series.cli.settings import SETTINGS, variable

ROOT = Path(__file__).parents[3]
DOCS = sorted(ROOT.glob("docs/**/*.md"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS]
REFERENCE = ROOT / "docs" / "reference"

_BLOCK = re.compile(
    r"<!-- (in build/demo|in a fresh build/demo|edit \S+|write \S+|the file \S+) -->\n+```[a-z]*\n(.*?)```", re.DOTALL
)
_CONFLICT = re.compile(r"^<{7} .*?^>{7} [^\n]*\n", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


def page_name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def commands(group: click.Group, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, *path, name)
        else:
            yield " ".join((*path, name)), command


COMMANDS = dict(commands(cli))


@attrs.define
class Session:
    """A reader who types what a page shows."""

    directory: Path
    code: int = 0

    def run(self, line: str) -> str:
        words = shlex.split(line)
        if words[0] == "mptcp-series":
            result = CliRunner().invoke(cli, words[1:], prog_name="mptcp-series")
            self.code = result.exit_code
            return result.output
        if words == ["echo", "$?"]:
            return f"{self.code}\n"
        # Ordinary tools, without the reader's configuration.
        done = subprocess.run(
            line, shell=True, check=True, capture_output=True, text=True, env={"PATH": "/usr/local/bin:/usr/bin:/bin"}
        )
        return done.stdout

    def check(self, block: str) -> None:
        for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, shown = entry.replace("\\\n", "").partition("\n")
            printed = self.run(line)
            at = 0
            for number, piece in enumerate(shown.split("[...]\n")):
                found = printed.find(piece, at)
                fits = found >= 0 if number else found == 0
                assert fits, f"$ {line}\nshown:\n{piece}\nprinted:\n{printed}"
                at = found + len(piece)
            assert at == len(printed) or shown.endswith("[...]\n"), f"$ {line}\nnot shown:\n{printed[at:]}"

    def write(self, file: str, text: str) -> None:
        path = self.directory / file
        path.parent.mkdir(exist_ok=True)
        assert not path.exists()
        path.write_text(text)

    def edit(self, file: str, text: str) -> None:
        path = self.directory / file
        edited, count = _CONFLICT.subn(lambda _: text, path.read_text())
        assert count == 1
        path.write_text(edited)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untouched demo."""
    directory = tmp_path_factory.mktemp("world") / "build" / "demo"
    with pytest.MonkeyPatch.context() as patch:
        for name in SETTINGS:
            patch.delenv(variable(name), raising=False)
        result = CliRunner().invoke(cli, ["demo", "--to", str(directory)])
    assert result.exit_code == 0, result.output
    return directory


@pytest.mark.parametrize("page", [page for page in PAGES if _BLOCK.search(page.read_text())], ids=page_name)
def test_what_is_shown_is_printed(page: Path, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.delenv(variable(name), raising=False)
    session: Session | None = None
    for number, (what, block) in enumerate(_BLOCK.findall(page.read_text())):
        if session is None or what == "in a fresh build/demo":
            session = Session(tmp_path / str(number) / "build" / "demo")
            shutil.copytree(world, session.directory)
            monkeypatch.chdir(session.directory)
        word, _, file = what.rpartition(" ")
        if word == "edit":
            session.edit(file, block)
        elif word == "write":
            session.write(file, block)
        elif word == "the file":
            assert block in (session.directory / file).read_text()
        else:
            session.check(block)


SHOWN_AS_JSON = {
    "check": ["check"],
    "rebase": ["rebase", "--from", "v5.10.1", "--to", "v5.10.4", "--repo", "linux.git"],
    "matrix": ["matrix", "--bases", "v5.10.1,v5.10.6", "--in", "linux.git"],
    "fixes": ["fixes"],
    "prereqs": ["prereqs"],
    "override check": ["override", "check"],
    "verify": ["verify", "--result", "port"],
}
BEFORE = {"verify": ["apply", "-q", "--branch", "port"]}
"""What has to be done before there is anything to show."""


@pytest.mark.parametrize("command", SHOWN_AS_JSON)
def test_documents_have_the_keys_that_are_shown(command: str, world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are cut short there; what is shown must be among what is printed, key by key."""
    blocks = re.findall(r"(?m)^    \{\n(?:    .*\n)*?    \}\n", (REFERENCE / "json.md").read_text())
    shown = {document["command"]: document for document in map(json.loads, blocks)}
    monkeypatch.chdir(world)
    if command in BEFORE:
        assert CliRunner().invoke(cli, BEFORE[command]).exit_code == 0
    printed = json.loads(CliRunner().invoke(cli, [*SHOWN_AS_JSON[command], "--json"]).stdout)
    assert _missing(shown[command], printed, command) == []


def _missing(shown: object, printed: object, place: str) -> list[str]:
    if isinstance(shown, dict) and isinstance(printed, dict):
        if shown.keys() == printed.keys():
            return [trouble for key in shown for trouble in _missing(shown[key], printed.get(key), f"{place}.{key}")]
        return [f"{place}: {sorted(shown.keys() ^ printed.keys())}"]
    if isinstance(shown, list) and isinstance(printed, list):
        return [f"{place}: {one}" for one in shown if all(_missing(one, other, f"{place}[]") for other in printed)]
    if shown == printed or (isinstance(shown, str) and shown.endswith("...")):
        return []
    return [f"{place}: {shown}, not {printed}"]


def _sections(text: str) -> dict[str, str]:
    """Sections of docs/reference/cli.md by the words of their heading."""
    pieces = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    return {piece.partition("\n")[0]: piece for piece in pieces}


def _section(command: str) -> str:
    """The section about a command: its heading begins with the command's first word."""
    text = (REFERENCE / "cli.md").read_text()
    return next((body for head, body in _sections(text).items() if head.split()[0] == command.split()[0]), "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_in_the_reference(name: str) -> None:
    section = _section(name)
    assert section, f"docs/reference/cli.md has no section about {name}"
    assert all(word in section for word in name.split())
    shared = (REFERENCE / "cli.md").read_text().partition("\n## ")[0]
    for parameter in COMMANDS[name].params:
        for option in (word for word in parameter.opts if word.startswith("--")):
            named = re.compile(rf"(?<![\w-]){re.escape(option)}(?![\w-])")
            assert named.search(section) or named.search(shared), f"{name} {option} is not in docs/reference/cli.md"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_reference_names_no_option_that_is_not(name: str) -> None:
    known = {
        option for other, command in COMMANDS.items() if other.split()[0] == name.split()[0] for option in _of(command)
    }
    shown = re.findall(r"`(--[a-z][a-z-]*)", _section(name))
    assert set(shown) - known - {"--keep-cr"} == set()


def _of(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        yield from parameter.opts


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, _ in _LINK.findall(page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page_name(page)}: {target}"


@pytest.mark.parametrize("page", DOCS, ids=page_name)
def test_the_site_s_menu_has_every_page(page: Path) -> None:
    text = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2].partition("\nplugins:")[0]
    assert text.count(str(page.relative_to(ROOT / "docs"))) == 1


@pytest.mark.parametrize("page", DOCS, ids=page_name)
def test_the_index_links_every_page(page: Path) -> None:
    index = ROOT / "docs" / "index.md"
    linked = {(index.parent / target).resolve() for target, _ in _LINK.findall(index.read_text())}
    assert page == index or page.resolve() in linked


def test_the_library_page_names_what_is_exported() -> None:
    text = (REFERENCE / "library.md").read_text()
    assert [name for name in mptcp_series.__all__ if f"`{name}" not in text] == []
