# SPDX-License-Identifier: MIT
"""What comes after v5.15 in the mini-kernel: mainline's fixes, what stable makes of them, and what a vendor adds.

A `Backport` says which change it brings to a stable branch and how it says where that came from; stable trees have
used several forms over the years, and sometimes none.
"""

from __future__ import annotations

from enum import Enum

import attrs

from mptcp_series.minikernel.edits import Change, Edit, Write, after, before, swap
from mptcp_series.minikernel.people import ADA, BO, ZOE
from mptcp_series.minikernel.people import VENDOR as VENDOR_TEAM

__all__ = ["AFTER_5_15", "STABLE_5_10", "STABLE_5_15", "VENDOR", "VENDOR_DROP", "Backport", "Provenance"]


class Provenance(Enum):
    """How a backport names the commit it comes from; the value is the line, `{}` the id."""

    COMMIT_UPSTREAM = "commit {} upstream."
    UPSTREAM_COMMIT = "[ Upstream commit {} ]"
    CHERRY_PICKED = "(cherry picked from commit {})"
    NONE = ""
    REVERT = "This reverts commit {}."
    """Not a backport: the branch takes its own backport of that change back."""


@attrs.frozen(kw_only=True)
class Backport:
    """One commit of a stable branch."""

    key: str
    of: str
    """The key of the change it brings; with REVERT the key of the backport it takes back."""
    provenance: Provenance = Provenance.COMMIT_UPSTREAM
    edits: tuple[Edit, ...] | None = None
    """What it does instead where the upstream change does not fit; None for an identical backport."""


AFTER_5_15 = (
    Change(
        key="fix_worker_race",
        subject="mptcp: let the worker leave a dead connection alone",
        body="The worker may have been scheduled before the close and run after it.\n",
        author=ADA,
        edits=(
            after(
                "net/mptcp/protocol.c",
                "    mptcp_lock_worker(msk);\n",
                "    if (msk->state == MPTCP_STATE_DEAD)\n        goto leave;\n",
            ),
            before("net/mptcp/protocol.c", "    mptcp_unlock_worker(msk);\n", "leave:\n"),
        ),
    ),
    Change(
        key="fix_reset_reason",
        subject="mptcp: do not believe the reason of an old reset",
        body="A subflow that was reset and reused kept the reason.\n",
        author=BO,
        fixes="ipv4_and_mptcp",
        edits=(
            swap(
                "net/mptcp/options.c",
                "    if (why == MPTCP_RESET_ALL)\n",
                "    if (why == MPTCP_RESET_ALL && !mptcp_flow(ssk)->reused)\n",
            ),
        ),
    ),
    Change(
        key="revert_close_order",
        subject='Revert "mptcp: destroy the token before the queues"',
        body="The purge looks the token up.\n",
        author=ZOE,
        reverts="close_order",
        edits=(
            swap(
                "net/mptcp/protocol.c",
                "    mptcp_token_destroy(msk);\n    mptcp_purge_queues(msk, timeout);\n",
                "    mptcp_purge_queues(msk, timeout);\n    mptcp_token_destroy(msk);\n",
            ),
        ),
    ),
    Change(
        key="fix_remember",
        subject="mptcp: sockopt: remember an option only when every subflow took it",
        body="The last subflow decided for all of them.\n",
        author=ADA,
        fixes="unsupported",
        edits=(swap("net/mptcp/sockopt.c", "    if (!ret)\n", "    if (!ret && !msk->option_refused)\n"),),
    ),
    Change(
        key="fix_address_limit",
        subject="mptcp: pm: look at the limit of addresses under the lock",
        body="Two endpoints added at once could both take the last place.\n",
        author=ZOE,
        edits=(
            before(
                "net/mptcp/pm_netlink.c",
                "    if (pernet->addrs >= READ_ONCE(pernet->addr_limit))\n",
                "    lockdep_assert_held(&pernet->lock);\n",
            ),
        ),
    ),
)
"""Mainline from v5.15 to v5.16-rc1."""

STABLE_5_15 = (
    (Backport(key="5.15.1_worker_race", of="fix_worker_race"),),
    (Backport(key="5.15.2_reset_reason", of="fix_reset_reason"),),
    (Backport(key="5.15.3_revert_close_order", of="revert_close_order"),),
    (Backport(key="5.15.4_remember", of="fix_remember"),),
    (Backport(key="5.15.5_address_limit", of="fix_address_limit"),),
)
"""v5.15.1 to v5.15.5, the commits of each."""

STABLE_5_10 = (
    (Backport(key="identical", of="fix_join_leak"), Backport(key="5.10.1_veth", of="veth_stats")),
    (Backport(key="cherry_picked", of="fix_stale_remove", provenance=Provenance.CHERRY_PICKED),),
    (
        Backport(key="owned_and_shared", of="fix_syncookies"),
        Backport(key="5.10.3_pacing", of="pacing_burst", provenance=Provenance.UPSTREAM_COMMIT),
    ),
    (
        Backport(key="subject_only", of="fix_ack_len", provenance=Provenance.NONE),
        Backport(key="reverted", of="fix_retrans", provenance=Provenance.UPSTREAM_COMMIT),
        Backport(key="newer_than_5.15", of="fix_worker_race"),
    ),
    (
        Backport(
            key="adapted",
            of="fix_data_fin",
            provenance=Provenance.UPSTREAM_COMMIT,
            edits=(
                swap(
                    "net/mptcp/protocol.c",
                    "    if (!msk->peer_fin_seen)\n        return false;\n",
                    """
    if (!msk->peer_fin_seen && !mptcp_is_fallback(msk))
        return false;
    if (mptcp_is_fallback(msk))
        return mptcp_close_fallback(msk);
""",
                ),
            ),
        ),
        Backport(key="revert", of="reverted", provenance=Provenance.REVERT),
    ),
    (
        Backport(
            key="lost_fix",
            of="fix_address_limit",
            edits=(
                swap(
                    "net/mptcp/pm_netlink.c",
                    "    if (pernet->addrs >= MPTCP_ADDR_LIMIT)\n        return -ERANGE;\n",
                    """
    lockdep_assert_held(&pernet->lock);
    if (pernet->addrs > MPTCP_ADDR_LIMIT - 1)
        return -ERANGE;
""",
                ),
                swap(
                    "net/mptcp/pm_netlink.c",
                    "    for (id = 1; id <= MPTCP_MAX_ADDR_ID; id++) {\n",
                    "    lockdep_assert_held(&pernet->lock);\n    for (id = 1; id <= MPTCP_MAX_ADDR_ID; id++) {\n",
                ),
            ),
        ),
    ),
)
"""v5.10.1 to v5.10.6, the commits of each."""

VENDOR_DROP: tuple[Edit, ...] = (
    Write(path="arch/arm64/boot/dts/vendor/board.dts", data=b'/ {\n\tmodel = "Vendor Board";\n};\n'),
    Write(path="drivers/vendor/offload.c", data=b"/* SPDX-License-Identifier: MIT */\nint bsp_offload_ready;\n"),
)
"""What the vendor's tree has beside v5.10.4."""

VENDOR = (
    Change(
        key="vendor_pm",
        subject="BSP: mptcp: count announcements that found the path manager busy",
        body="Shown in the web interface.\n",
        author=VENDOR_TEAM,
        edits=(
            swap(
                "net/mptcp/pm.c",
                "    if (signal & MPTCP_SIGNAL_ADDR)\n        return -EBUSY;\n",
                """
    if (signal & MPTCP_SIGNAL_ADDR) {
        atomic_inc(&bsp_pm_busy);
        return -EBUSY;
    }
""",
            ),
        ),
    ),
    Change(
        key="vendor_tcp",
        subject="BSP: tcp: take what waits in the offload engine into account",
        body="Its queue is not on the write queue and overruns otherwise.\n",
        author=VENDOR_TEAM,
        edits=(
            after(
                "net/ipv4/tcp.c",
                "    unsigned int queued = tcp_tail_bytes(sk);\n\n",
                "    queued += bsp_offload_pending(sk);\n",
            ),
        ),
    ),
)
