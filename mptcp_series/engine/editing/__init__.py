# SPDX-License-Identifier: MIT
"""Patches in the middle of a queue edited, split, folded and moved; the rest is replayed before anything is written."""
