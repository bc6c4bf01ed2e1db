# SPDX-License-Identifier: MIT
"""Where the process begins: the console script, and `python -m mptcp_series` where none is installed.

It imports next to nothing, so that Ctrl-C while the program is being loaded ends as quietly as later: with the exit
code of `cli.failures`, which is not loaded by then, and without a traceback of some import.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["script"]

_INTERRUPTED = 130
"""`ExitCode.INTERRUPTED`."""


def script() -> None:
    """Load the command line and run it; ends in SystemExit, or with the process."""
    try:
        import signal

        handler = signal.getsignal(signal.SIGINT)
        # Who started the program may want Ctrl-C ignored (nohup, a job in the background), and then it is.
        loading = handler is signal.default_int_handler
        if loading:
            # Nothing was done that would have to be undone. An exception could be lost, or made another, on its way
            # through the imports.
            signal.signal(signal.SIGINT, _leave)
        from .cli.main import script as run

        if loading:
            signal.signal(signal.SIGINT, handler)
        run()
    except KeyboardInterrupt:
        # Before the command began or after it ended; what meets it in between says so.
        sys.exit(_INTERRUPTED)


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(_INTERRUPTED)


if __name__ == "__main__":
    script()
