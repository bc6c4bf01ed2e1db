# SPDX-License-Identifier: MIT
"""A report of a queue without patches, and what a test wants to see in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mptcp_series.values.report import OverridePage, Report
from mptcp_series.values.result import COUNT_ORDER, BaseInfo

__all__ = ["report_of"]


def report_of(*, overrides: Sequence[OverridePage] = (), alignment: Mapping[str, object] | None = None) -> Report:
    """The report of the series `q` on the base `b`."""
    return Report(
        series="q",
        range=None,
        target=None,
        version="0",
        base=BaseInfo(rev="b", commit=None, version="5.10.9"),
        tree=None,
        counts={status.value: 0 for status in COUNT_ORDER},
        hunks={},
        alignment=alignment or {},
        reasons=(),
        patches=(),
        overrides=tuple(overrides),
        topics={},
    )
