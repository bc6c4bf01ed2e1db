# SPDX-License-Identifier: MIT
"""Property tests try the same examples on every run, so that a change is judged and not the dice.

`EXPLORE=1 make test` lets hypothesis look for new ones.
"""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("steady", derandomize="EXPLORE" not in os.environ, deadline=None)
settings.load_profile("steady")
