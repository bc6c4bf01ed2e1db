# SPDX-License-Identifier: MIT
"""Quilt's verbs on a plain directory: the state in `.pc`, and what each verb makes of it."""
