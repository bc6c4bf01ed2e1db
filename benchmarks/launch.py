# SPDX-License-Identifier: MIT
"""Runs one command and prints its exit status, its wall-clock seconds and its peak resident memory in KiB.

A small process of its own, because the kernel counts the memory of the process a command was
forked from as the command's: started from the benchmark itself, everything would seem to need what
generating a repository needs. Usage: launch.py COMMAND [ARGUMENT...]
"""

from __future__ import annotations

import os
import sys
import time


def main() -> None:
    nothing = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    started = time.perf_counter()
    child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=nothing)
    _, status, usage = os.wait4(child, 0)
    print(os.waitstatus_to_exitcode(status), time.perf_counter() - started, usage.ru_maxrss)


if __name__ == "__main__":
    main()
