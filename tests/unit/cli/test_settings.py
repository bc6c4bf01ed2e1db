# SPDX-License-Identifier: MIT
"""Settings: which one wins, where it came from, and every problem of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from mptcp_series.cli.settings import Setting, Settings, load_settings, split_sources, variable
from mptcp_series.errors import BadInput


def load(
    directory: Path, options: dict[str, str | None] | None = None, environment: dict[str, str] | None = None
) -> Settings:
    return load_settings(options or {}, environment or {}, directory)


def problems(directory: Path) -> list[str]:
    with pytest.raises(BadInput) as caught:
        load(directory)
    return [str(problem) for problem in caught.value.problems]


def test_an_option_wins_over_a_variable_over_the_file(work: Path) -> None:
    file = work / "mptcp-series.toml"
    file.write_text('# ours\nsource = "linux"\nrepo = "bsp"\nbase = "v5.10.66"\n')
    settings = load(work, {"base": "v1", "repo": None}, {"MPTCP_SERIES_REPO": "other", "MPTCP_SERIES_BASE": "v2"})
    assert settings.given == {
        "source": Setting(name="source", value=str(work / "linux"), origin=f"{file}:2"),
        "repo": Setting(name="repo", value="other", origin="MPTCP_SERIES_REPO"),
        "base": Setting(name="base", value="v1", origin="--base"),
    }


def test_the_file_of_the_nearest_parent_and_paths_relative_to_it(work: Path) -> None:
    below = work / "a" / "b"
    below.mkdir(parents=True)
    (work / "mptcp-series.toml").write_text('source = "far"\n')
    (work / "a" / "mptcp-series.toml").write_text('source = "../near"\nseries = "/abs"\noverrides = "o"\nbase = "x"\n')
    settings = load(below)
    values = {name: setting.value for name, setting in settings.given.items()}
    assert values == {
        "source": str(work / "a" / ".." / "near"),
        "series": "/abs",
        "overrides": str(work / "a" / "o"),
        "base": "x",
    }


def test_an_empty_variable_counts_as_none(work: Path) -> None:
    assert load(work, environment={"MPTCP_SERIES_SOURCE": ""}).given == {}


def test_an_empty_option_is_refused(work: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(work, {"base": ""})
    assert str(caught.value) == "--base is empty; a variable of a script that is not set, perhaps"


def test_every_problem_of_the_file_with_its_line(work: Path) -> None:
    file = work / "mptcp-series.toml"
    file.write_text('sorce = "x"\n\nbase = 5\nrepo = " "\n[overrides]\na = 1\n')
    assert problems(work) == [
        f"{file}:1: unknown key 'sorce'; did you mean 'source'?",
        f"{file}:3: Unexpected type int (expected str) in 'base'",
        f"{file}:4: empty text in 'repo'",
        f"{file}:5: Unexpected type dict (expected str) in 'overrides'",
    ]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'base = "x"\nrepo = \n', "2: Invalid value (TOML, column 8)"),
        (b'base = "x"\nrepo = "\xff"\n', "2: not UTF-8"),
    ],
    ids=["syntax", "encoding"],
)
def test_a_file_that_cannot_be_read(work: Path, data: bytes, message: str) -> None:
    (work / "mptcp-series.toml").write_bytes(data)
    assert problems(work) == [f"{work / 'mptcp-series.toml'}:{message}"]


def test_the_repo_defaults_to_the_source(work: Path) -> None:
    settings = load(work, {"source": "linux"})
    assert str(settings.repo()) == "repo: linux (default: the source)"


@pytest.mark.parametrize("name", ["source", "repo"])
def test_what_nobody_named(work: Path, name: str) -> None:
    settings = load(work)
    with pytest.raises(BadInput) as caught:
        settings.required("source") if name == "source" else settings.repo()
    what = {"source": "that has the upstream commits", "repo": "that is patched"}[name]
    assert str(caught.value) == (
        f"no {name}: name the repository {what} with --{name}, {variable(name)}, or `{name}` in mptcp-series.toml"
    )


def test_the_base_is_guessed_only_in_a_repository_named_for_it(work: Path) -> None:
    assert load(work, {"repo": "bsp"}).base() == Setting(name="base", value="HEAD", origin="default")
    with pytest.raises(BadInput) as caught:
        load(work, {"source": "linux"}).base()
    assert str(caught.value) == (
        "no base: name the revision that is patched with --base, MPTCP_SERIES_BASE, or `base` in mptcp-series.toml"
    )


def test_the_only_series_here(work: Path) -> None:
    (work / "series" / "notes").mkdir(parents=True)
    (work / "series" / "q").mkdir()
    (work / "series" / "q" / "recipe.toml").touch()
    assert str(load(work).series()) == "series: series/q (default: the only one here)"


def test_no_series_here(work: Path) -> None:
    with pytest.raises(BadInput) as caught:
        load(work).series()
    assert str(caught.value) == (
        "no series: name one with --series (no directory in ./series has a series file or recipe.toml)"
    )


def test_several_series_here(work: Path) -> None:
    for name, file in (("a", "series"), ("b", "recipe.toml")):
        (work / "series" / name).mkdir(parents=True)
        (work / "series" / name / file).touch()
    with pytest.raises(BadInput) as caught:
        load(work).series()
    assert str(caught.value) == "several series are here: name one with --series (series/a, series/b)"


def test_a_table_of_sources(work: Path) -> None:
    file = work / "mptcp-series.toml"
    file.write_text('source = "linux"\n\n[sources]\n"mptcp-5.15" = "stable"\nsched = "/abs/sched"\n')
    settings = load_settings({}, {}, work, {"sched": "../sched.git"})
    assert settings.sources == {
        "mptcp-5.15": Setting(name="sources", value=str(work / "stable"), origin=f"{file}:4"),
        "sched": Setting(name="sources", value="../sched.git", origin="--source sched="),
    }
    assert str(settings.source_of("sched")) == "sources: ../sched.git (--source sched=)"
    assert str(settings.source_of("other")) == f"source: {work}/linux ({file}:1)"


def test_a_bad_table_of_sources(work: Path) -> None:
    file = work / "mptcp-series.toml"
    file.write_text('[sources]\nmptcp-5.15 = "stable"\na = 5\nb = " "\n')
    assert problems(work) == [
        f"{file}:1: 'sources.mptcp-5' is a table; a name with a dot in it wants quotes: \"mptcp-5.15\" = ...",
        f"{file}:3: Unexpected type int (expected str) in 'sources.a'",
        f"{file}:4: empty text in 'sources.b'",
    ]
    file.write_text('sources = "stable"\n')
    assert problems(work) == [f"{file}:1: Unexpected type str (expected a table) in 'sources'"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([], (None, {})),
        (["linux"], ("linux", {})),
        (["a=x", "linux", "b=y=z"], ("linux", {"a": "x", "b": "y=z"})),
        (["./a=x"], ("./a=x", {})),
        (["/srv/a=x"], ("/srv/a=x", {})),
    ],
)
def test_sources_of_several_series(values: list[str], found: tuple[str | None, dict[str, str]]) -> None:
    assert split_sources(values) == found


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (["a", "b"], "--source is given twice, 'a' and 'b'; a series' own is SERIES=REPO"),
        (["q=a", "q=b"], "--source is given twice for q, 'a' and 'b'"),
        (["q="], "--source 'q=' names no repository"),
    ],
)
def test_sources_that_contradict(values: list[str], said: str) -> None:
    with pytest.raises(BadInput) as caught:
        split_sources(values)
    assert str(caught.value) == said
