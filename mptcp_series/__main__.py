# SPDX-License-Identifier: MIT
"""`python -m mptcp_series`: the command line where no console script is installed."""

from __future__ import annotations

from .cli.main import script

__all__: list[str] = []

if __name__ == "__main__":
    script()
