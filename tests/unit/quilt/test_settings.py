# SPDX-License-Identifier: MIT
"""quilt's variables as values."""

from __future__ import annotations

import pytest

from mptcp_series.engine.quilt.settings import Settings
from mptcp_series.errors import BadInput


def test_defaults_are_quilts_but_for_fuzz() -> None:
    settings = Settings.of({})
    assert (settings.patches, settings.series, settings.pc, settings.fuzz) == ("patches", "series", ".pc", 0)
    assert settings.diff.index
    assert not settings.prefix


def test_places() -> None:
    settings = Settings.of({"QUILT_PATCHES": "debian/patches/", "QUILT_SERIES": "s", "QUILT_PC": "x/"})
    assert (settings.patches, settings.series, settings.pc) == ("debian/patches", "s", "x")


@pytest.mark.parametrize("place", ["/abs", "../out", ".git/x"])
def test_the_state_lies_in_the_tree(place: str) -> None:
    with pytest.raises(BadInput, match="QUILT_PC="):
        Settings.of({"QUILT_PC": place})


@pytest.mark.parametrize("word", ["--fuzz=2", "-F2"])
def test_fuzz_of_the_patch_options(word: str) -> None:
    settings = Settings.of({"QUILT_PATCH_OPTS": f"--unified-reject-files {word}"})
    assert (settings.fuzz, settings.unread) == (2, ())


def test_options_that_are_not_followed_are_said() -> None:
    settings = Settings.of({"QUILT_PATCH_OPTS": "--ignore-whitespace", "QUILT_DIFF_OPTS": "-b", "QUILT_X_ARGS": "'"})
    assert [str(problem) for problem in settings.unread] == [
        "QUILT_PATCH_OPTS: '--ignore-whitespace' is not followed",
        "QUILT_DIFF_OPTS: '-b' is not followed",
        "QUILT_X_ARGS: not read: No closing quotation",
    ]


def test_forms_of_diffs() -> None:
    diff = Settings.of({"QUILT_DIFF_OPTS": "-p -U5", "QUILT_NO_DIFF_INDEX": "1"}).diff
    assert (diff.sections, diff.context, diff.index) == (True, 5, False)


def test_arguments_by_command() -> None:
    settings = Settings.of({"QUILT_REFRESH_ARGS": "-p ab --no-index", "QUILT_PATCHES": "p"})
    assert settings.arguments == {"refresh": ("-p", "ab", "--no-index")}
