# SPDX-License-Identifier: MIT
"""The MPTCP stack of Linux 5.15 for kernels locked to 5.10, as a reviewable patch queue.

from mptcp_series import Queue
queue = Queue.load("series/mptcp-5.15", source="linux-stable")
result = queue.apply("bsp-kernel", base="v5.10.209").require()
result.write_branch("mptcp-5.15")
"""

from __future__ import annotations

from .engine.queue import Queue
from .engine.result import Result
from .errors import (
    BadInput,
    EnvironmentFault,
    MptcpSeriesError,
    NeedsPerson,
)
from .values.override import Override
from .values.patch import Patch
from .values.recipe import Recipe
from .values.series import Series
from .values.version import KernelVersion

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "EnvironmentFault",
    "KernelVersion",
    "MptcpSeriesError",
    "NeedsPerson",
    "Override",
    "Patch",
    "Queue",
    "Recipe",
    "Result",
    "Series",
    "__version__",
]
