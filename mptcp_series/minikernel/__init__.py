# SPDX-License-Identifier: MIT
"""The mini-kernel: a small kernel-like pair of git repositories for the demo and the tests."""
