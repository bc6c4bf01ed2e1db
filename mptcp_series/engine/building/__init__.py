# SPDX-License-Identifier: MIT
"""A result compiled: its tree as files, a configuration, the compiler's words, and the patches they belong to."""
