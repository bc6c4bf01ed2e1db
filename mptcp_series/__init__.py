# SPDX-License-Identifier: MIT
"""The MPTCP stack of Linux 5.15 for kernels locked to 5.10, as a reviewable patch queue.

from mptcp_series import Queue
queue = Queue.load("series/mptcp-5.15", source="linux-stable")
result = queue.apply("bsp-kernel", base="v5.10.209").require()
result.write_branch("mptcp-5.15")
"""

from __future__ import annotations

# What `typing` has; type checkers know it by its name. To import that takes 10 ms, in which Ctrl-C would still show a
# traceback (see `__main__`).
TYPE_CHECKING = False

if TYPE_CHECKING:
    from .engine.proof.verify import verify
    from .engine.queue import Queue
    from .engine.result import Result
    from .errors import BadInput, EnvironmentFault, MptcpSeriesError, NeedsPerson
    from .values.certificate import Certificate
    from .values.override import Override
    from .values.patch import Patch
    from .values.recipe import Recipe
    from .values.series import Series
    from .values.verification import Verification
    from .values.version import KernelVersion

__version__ = "0.1.0"

__all__ = [
    "BadInput",
    "Certificate",
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
    "Verification",
    "__version__",
    "verify",
]

# Where each name is: imported when it is used, so that `--help` does not wait for the engine.
_PLACES = {
    "BadInput": "errors",
    "Certificate": "values.certificate",
    "EnvironmentFault": "errors",
    "KernelVersion": "values.version",
    "MptcpSeriesError": "errors",
    "NeedsPerson": "errors",
    "Override": "values.override",
    "Patch": "values.patch",
    "Queue": "engine.queue",
    "Recipe": "values.recipe",
    "Result": "engine.result",
    "Series": "values.series",
    "Verification": "values.verification",
    "verify": "engine.proof.verify",
}


def __getattr__(name: str) -> object:
    place = _PLACES.get(name)
    if place is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(f".{place}", __name__), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
