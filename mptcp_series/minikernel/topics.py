# SPDX-License-Identifier: MIT
"""The topic branches of the mini-kernel that mainline merges, and the resolution of the evil merge."""

from __future__ import annotations

from mptcp_series.minikernel.content import SELFTESTS
from mptcp_series.minikernel.edits import Change, after, before, swap
from mptcp_series.minikernel.people import ZOE

__all__ = ["ADDRESS_IDS", "CHECKSUM_DEFAULT", "ECHO", "ECHO_RESOLUTION"]

ADDRESS_IDS = (
    Change(
        key="address_ids",
        subject="mptcp: pm: keep the address ids in a bitmap",
        body="Looking for a free id walked the list of endpoints once for every id in use.\n",
        author=ZOE,
        edits=(
            swap(
                "net/mptcp/pm_netlink.c",
                """
    int id;

    for (id = 1; id <= MPTCP_MAX_ADDR_ID; id++) {
        if (!mptcp_nl_find_id(pernet, id))
            return id;
    }
    return -ENOSPC;
""",
                """
    int id = mptcp_ids_first_free(&pernet->ids);

    if (id > MPTCP_MAX_ADDR_ID)
        return -ENOSPC;
    mptcp_ids_take(&pernet->ids, id);
    return id;
""",
            ),
        ),
    ),
    Change(
        key="link_cut",
        subject="selftests: mptcp: cut a link in the middle of a transfer",
        body="The transfer has to go on over what is left.\n",
        author=ZOE,
        edits=(
            before(
                f"{SELFTESTS}/mptcp_join.sh",
                "drop_ns()\n",
                """
cut_link()
{
    ip -n "$1" link set dev "eth$2" down || fail "no link eth$2 in $1"
}

""",
            ),
        ),
    ),
)
"""Forked before v5.10, merged after it."""

ECHO = (
    Change(
        key="announce_echo",
        subject="mptcp: pm: answer an announced address with an echo",
        body="mptcp_pm_announce_addr() learns whether it announces or echoes; all callers say so.\n",
        author=ZOE,
        edits=(
            swap(
                "net/mptcp/pm.c",
                "int mptcp_pm_announce_addr(struct mptcp_sock *msk, const struct mptcp_addr *addr)\n",
                "int mptcp_pm_announce_addr(struct mptcp_sock *msk, const struct mptcp_addr *addr, bool echo)\n",
            ),
            swap(
                "net/mptcp/pm.c",
                "    pm->signals = signal | MPTCP_SIGNAL_ADDR;\n",
                """
    signal |= echo ? MPTCP_SIGNAL_ECHO : MPTCP_SIGNAL_ADDR;
    pm->signals = signal;
""",
            ),
            swap(
                "net/mptcp/protocol.h",
                "int mptcp_pm_announce_addr(struct mptcp_sock *msk, const struct mptcp_addr *addr);\n",
                "int mptcp_pm_announce_addr(struct mptcp_sock *msk, const struct mptcp_addr *addr, bool echo);\n",
            ),
            swap(
                "net/mptcp/pm_netlink.c",
                "    if (!mptcp_pm_announce_addr(msk, &entry->addr))\n",
                "    if (!mptcp_pm_announce_addr(msk, &entry->addr, false))\n",
            ),
        ),
    ),
    Change(
        key="echo_test",
        subject="selftests: mptcp: count the echoes of announced addresses",
        body="One for every address, no more.\n",
        author=ZOE,
        edits=(after(f"{SELFTESTS}/mptcp_join.sh", "endpoints=4\n", "echoes=4\n"),),
    ),
)
"""The topic of the evil merge."""

ECHO_RESOLUTION = (
    swap(
        "net/mptcp/subflow.c",
        "        mptcp_pm_announce_addr(msk, &flow->local);\n",
        "        mptcp_pm_announce_addr(msk, &flow->local, false);\n",
    ),
)
"""Mainline got a caller the topic could not know: no textual conflict, and yet it would not build."""

CHECKSUM_DEFAULT = (
    Change(
        key="kconfig",
        subject="mptcp: let the checksum default to on",
        body="Networks with boxes that rewrite payload want it.\n",
        author=ZOE,
        edits=(
            after(
                "net/mptcp/Kconfig",
                "    depends on MPTCP && IPV6\n    default y\n",
                '\nconfig MPTCP_CHECKSUM\n    bool "MPTCP: checksums by default"\n    depends on MPTCP\n',
            ),
        ),
    ),
    Change(
        key="selftest_progs",
        subject="selftests: mptcp: run diag.sh with the others",
        body="It is executable now.\n",
        author=ZOE,
        edits=(
            swap(
                f"{SELFTESTS}/Makefile",
                "SCRIPTS := mptcp_join.sh\n",
                "SCRIPTS := mptcp_join.sh diag.sh\n",
            ),
        ),
    ),
)
"""A topic without surprises."""
