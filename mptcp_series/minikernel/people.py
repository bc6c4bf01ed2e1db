# SPDX-License-Identifier: MIT
"""The invented people of the mini-kernel."""

from __future__ import annotations

from mptcp_series.minikernel.history import Identity

__all__ = ["ADA", "BO", "RELEASER", "VENDOR", "ZOE"]

ADA = Identity(name="Ada Subflow", email="ada@example.org")
BO = Identity(name="Bo Pathman", email="bo@example.org")
ZOE = Identity(name="Zo\u00eb \u00c5ngstr\u00f6m", email="zoe@example.org")
RELEASER = Identity(name="Rhea Release", email="rhea@example.org")
VENDOR = Identity(name="BSP Team", email="bsp@vendor.example")
