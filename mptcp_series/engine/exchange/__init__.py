# SPDX-License-Identifier: MIT
"""Queues in other tools' formats: read, written, brought to a new base."""
