# SPDX-License-Identifier: MIT
"""The queue on a base: what each entry changes, and what becomes of it."""
