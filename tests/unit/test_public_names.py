# SPDX-License-Identifier: MIT
"""The names a script may use: each is there, has a docstring, and so has each of its public members."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mptcp_series

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"
NAMES = [name for name in mptcp_series.__all__ if name != "__version__"]


def members(name: str) -> Iterator[tuple[str, object]]:
    """The methods and properties a class of ours defines for others."""
    value = getattr(mptcp_series, name)
    if not inspect.isclass(value):
        return
    for member, found in vars(value).items():
        function = getattr(found, "__func__", getattr(found, "fget", getattr(found, "func", found)))
        if not member.startswith("_") and inspect.isfunction(function):
            yield member, function


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_documented(name: str) -> None:
    assert (inspect.getdoc(getattr(mptcp_series, name)) or "").strip()
    assert re.search(rf"^::: mptcp_series\.{name}$", PAGE.read_text(), re.MULTILINE), "a place in docs/reference/api.md"
    if inspect.isclass(getattr(mptcp_series, name)) and issubclass(getattr(mptcp_series, name), Exception):
        return
    assert [member for member, function in members(name) if not inspect.getdoc(function)] == []


def test_the_page_names_nothing_else() -> None:
    assert sorted(re.findall(r"^::: mptcp_series\.(\S+)$", PAGE.read_text(), re.MULTILINE)) == sorted(NAMES)


def test_names_are_listed_and_unknown_ones_refused() -> None:
    assert set(mptcp_series.__all__) <= set(dir(mptcp_series))
    with pytest.raises(AttributeError, match="module 'mptcp_series' has no attribute 'Quilt'"):
        mptcp_series.Quilt  # noqa: B018
