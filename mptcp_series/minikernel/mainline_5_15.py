# SPDX-License-Identifier: MIT
"""The mainline of the mini-kernel from v5.12 to v5.15: what its commits say and do, in order."""

from __future__ import annotations

from mptcp_series.minikernel.content import CRLF_FILE, LATIN1_FILE, NO_NEWLINE_FILE, SELFTESTS
from mptcp_series.minikernel.edits import Change, Chmod, Delete, Move, Swap, after, before, swap
from mptcp_series.minikernel.people import ADA, BO, ZOE

__all__ = ["TO_5_13", "TO_5_13_AFTER_FORK", "TO_5_14", "TO_5_15"]

TO_5_13 = (
    Change(
        key="uapi_only",
        subject="mptcp: show user space why a connection fell back",
        body="The flag alone does not tell a middlebox from a peer that speaks no MPTCP.\n",
        author=ZOE,
        edits=(
            after(
                "include/uapi/linux/mptcp.h",
                "#define MPTCP_INFO_FLAG_KEY_SEEN    (1 << 1)\n",
                "#define MPTCP_INFO_FLAG_MIDDLEBOX    (1 << 2)\n",
            ),
        ),
    ),
    Change(
        key="rename",
        subject="mptcp: call ctrl.c what it is, sysctl.c",
        body="And let the checksum be switched on while at it.\n",
        author=ADA,
        edits=(
            Move(path="net/mptcp/ctrl.c", to="net/mptcp/sysctl.c"),
            swap("net/mptcp/sysctl.c", "/* net/mptcp/ctrl.c: ", "/* net/mptcp/sysctl.c: "),
            after("net/mptcp/sysctl.c", "static int mptcp_enabled = 1;\n", "static int mptcp_checksum;\n"),
            swap("net/mptcp/Makefile", "mptcp-y += ctrl.o\n", "mptcp-y += sysctl.o\n"),
        ),
    ),
    Change(
        key="mode_change",
        subject="selftests: mptcp: make diag.sh executable",
        body="The other scripts are.\n",
        author=BO,
        edits=(Chmod(path=f"{SELFTESTS}/diag.sh", mode=0o100755),),
    ),
    Change(
        key="deleted",
        subject="mptcp: remove the token cache",
        body="Nobody has asked it anything since tokens are kept in a hash.\n",
        author=ADA,
        edits=(
            Delete(path="net/mptcp/token_cache.c"),
            swap("net/mptcp/Makefile", "mptcp-y += token_cache.o\n", ""),
            swap(
                "net/mptcp/protocol.h",
                "\n\n/* token_cache.c */\nu32 mptcp_token_cached(const struct mptcp_sock *msk);\n",
                "",
            ),
        ),
    ),
)
"""v5.12 to the commit at which the topic of the evil merge forks."""

TO_5_13_AFTER_FORK = (
    Change(
        key="join_announce",
        subject="mptcp: announce our address on every new subflow",
        body="A peer behind an address translator learns it no other way.\n",
        author=BO,
        edits=(
            after(
                "net/mptcp/subflow.c",
                "    mptcp_pm_subflow_ready(msk, flow->id);\n",
                """
    if (flow->announce)
        mptcp_pm_announce_addr(msk, &flow->local);
""",
            ),
        ),
    ),
    Change(
        key="prerequisite",
        subject="tcp: hand the segment of a reset to those who want to look at it",
        body="A reset may carry options that say why; so far nobody could read them.\n",
        author=BO,
        edits=(
            swap(
                "include/net/tcp.h",
                "void tcp_reset(struct sock *sk);\n",
                "void tcp_reset(struct sock *sk, struct sk_buff *skb);\n",
            ),
            swap(
                "net/ipv4/tcp_input.c",
                "void tcp_reset(struct sock *sk)\n{\n    int why = tcp_reset_error(sk->sk_state);\n",
                """
void tcp_reset(struct sock *sk, struct sk_buff *skb)
{
    int why = tcp_reset_error(sk->sk_state, skb);
""",
            ),
        ),
    ),
    Change(
        key="ipv4_and_mptcp",
        subject="mptcp: close the connection on a reset that says so",
        body="TCP tells the stack about the reset before the queue is purged.\n",
        author=ADA,
        edits=(
            before(
                "net/ipv4/tcp_input.c",
                "    tcp_drop_unsent(sk);\n    tcp_leave(sk, TCP_LEFT_BY_RESET);\n",
                "    if (sk_is_mptcp(sk))\n        mptcp_incoming_reset(sk, why);\n",
            ),
            after(
                "net/mptcp/options.c",
                "    if (in->fastclose)\n        mptcp_set_state(msk, MPTCP_STATE_DEAD);\n}\n",
                """

/* TCP saw a valid reset on one of our subflows. */
void mptcp_incoming_reset(struct sock *ssk, int why)
{
    struct mptcp_sock *msk = mptcp_flow(ssk)->conn;

    mptcp_flow(ssk)->reset_reason = why;
    if (why == MPTCP_RESET_ALL)
        mptcp_set_state(msk, MPTCP_STATE_DEAD);
}
""",
            ),
            after(
                "include/net/mptcp.h",
                "void mptcp_incoming_options(struct mptcp_sock *msk, const struct mptcp_in *in);\n",
                "void mptcp_incoming_reset(struct sock *ssk, int why);\n",
            ),
        ),
    ),
)
"""Mainline while the topic of the evil merge is under way."""

TO_5_14 = (
    Change(
        key="fix_syncookies",
        subject="mptcp: make requests from cookies the way the stack makes them",
        body="A request that came back as a cookie had none of its MPTCP part set up.\n",
        author=ADA,
        edits=(
            swap(
                "net/ipv4/syncookies.c",
                "    req = cookie_new_request(sk, COOKIE_REQUEST_PLAIN);\n",
                "    req = mptcp_subflow_reqsk_alloc(sk, COOKIE_REQUEST_PLAIN);\n",
            ),
            after(
                "net/mptcp/subflow.c",
                "    mreq->listener_key = mptcp_listener_key(listener);\n}\n",
                """

/* A request of a listener that may speak MPTCP, set up and ready. */
struct request_sock *mptcp_subflow_reqsk_alloc(struct sock *listener, int kind)
{
    struct request_sock *req = cookie_new_request(listener, kind);

    if (req && mptcp_listener_key(listener))
        mptcp_subflow_init_req(req, listener);
    return req;
}
EXPORT_SYMBOL(mptcp_subflow_reqsk_alloc);
""",
            ),
            before(
                "include/net/mptcp.h",
                "void mptcp_boot(void);\n#else\n",
                """
struct request_sock *mptcp_subflow_reqsk_alloc(struct sock *listener, int kind);
""",
            ),
        ),
    ),
    Change(
        key="latin1",
        subject="mptcp: make the checksum a sysctl and document it",
        body="The file is older than UTF-8 and stays as it is.\n",
        author=ZOE,
        edits=(
            after(
                "net/mptcp/sysctl.c",
                '    { .procname = "enabled", .data = &mptcp_enabled, .maxlen = sizeof(int), .mode = 0644 },\n',
                '    { .procname = "checksum", .data = &mptcp_checksum, .maxlen = sizeof(int), .mode = 0644 },\n',
            ),
            Swap(
                path=LATIN1_FILE,
                old="    Default: 1\n".encode("latin-1"),
                new=(
                    "    Default: 1\n\nchecksum - BOOLEAN\n"
                    "    Whether mappings carry a checksum. Asked for by Ren\u00e9.\n\n"
                    "    Default: 0\n"
                ).encode("latin-1"),
            ),
        ),
    ),
    Change(
        key="fix_data_fin",
        subject="mptcp: do not wait for a close that plain TCP cannot send",
        body="After a fallback there is no close at the level of the connection; readers waited for ever.\n",
        author=ADA,
        fixes="data_fin_state",
        edits=(
            after(
                "net/mptcp/protocol.c",
                "    if (!test_bit(MPTCP_PEER_FIN, &msk->flags))\n        return false;\n",
                "    if (mptcp_is_fallback(msk))\n        return mptcp_close_fallback(msk);\n",
            ),
        ),
    ),
    Change(
        key="excluded",
        subject="samples: mptcp_probe: attach through the new probe interface",
        body="One registration instead of one for each function.\n",
        author=BO,
        edits=(
            swap(
                "samples/net/mptcp_probe.c",
                '    pr_info("mptcp flow %lu\\n", probe_arg(regs, 1));\n',
                '    pr_info("mptcp flow %lu\\n", fprobe_arg(probe, regs, 1));\n',
            ),
        ),
    ),
)

TO_5_15 = (
    Change(
        key="fix_stale_remove",
        subject="mptcp: pm: do not take an address back twice",
        body="The second removal overwrote the first before it was sent.\n",
        author=ADA,
        edits=(
            before(
                "net/mptcp/pm.c",
                "    pm->remove_id = id;\n",
                "    if (pm->signals & MPTCP_SIGNAL_REMOVE)\n        return -EBUSY;\n",
            ),
        ),
    ),
    Change(
        key="crlf",
        subject="selftests: mptcp: more time and one more rule for slow machines",
        body="The rules come from a tool that ends its lines in its own way.\n",
        author=BO,
        edits=(
            Swap(
                path=CRLF_FILE,
                old=b"rule 12: flow 4 weight 2\r\n",
                new=b"rule 12: flow 4 weight 2\r\nrule 12b: flow 4 weight 3\r\n",
            ),
            Swap(path=NO_NEWLINE_FILE, old=b"timeout=300", new=b"timeout=450"),
        ),
    ),
    Change(
        key="fix_ack_len",
        subject="mptcp: always send wide acknowledgements after a wrap",
        body="The short form is ambiguous once the upper half has moved.\n",
        author=ADA,
        edits=(swap("net/mptcp/options.c", "    if (msk->ack_seq >> 32)\n", "    if (msk->ack_seq >> 31)\n"),),
    ),
    Change(
        key="fix_retrans",
        subject="mptcp: do not arm the timer without a subflow",
        body="The timer fired for a subflow that was gone.\n",
        author=BO,
        edits=(
            swap(
                "net/mptcp/protocol.c",
                "    mptcp_arm_retrans(msk, ssk);\n",
                "    if (ssk)\n        mptcp_arm_retrans(msk, ssk);\n",
            ),
        ),
    ),
    Change(
        key="address_limit",
        subject="mptcp: pm: let every namespace have its own limit of addresses",
        body="Routers need more of them than laptops.\n",
        author=ZOE,
        edits=(
            swap(
                "net/mptcp/pm_netlink.c",
                "    if (pernet->addrs >= MPTCP_ADDR_LIMIT)\n",
                "    if (pernet->addrs >= READ_ONCE(pernet->addr_limit))\n",
            ),
        ),
    ),
    Change(
        key="fallback_reason",
        subject="mptcp: subflow: remember the first reason of a fallback",
        body="Later ones are consequences.\n",
        author=ADA,
        edits=(
            swap(
                "net/mptcp/subflow.c",
                "    flow->fallback_reason = MPTCP_FALLBACK_NO_OPTION;\n",
                "    flow->fallback_reason = flow->fallback_reason ?: MPTCP_FALLBACK_NO_OPTION;\n",
            ),
        ),
    ),
    Change(
        key="route_hint",
        subject="ipv4: route: keep the hint of the last lookup",
        body="Most lookups repeat the one before.\n",
        author=BO,
        edits=(after("net/ipv4/route.c", "#include <linux/kernel.h>\n", "#include <linux/jhash.h>\n"),),
    ),
    Change(
        key="close_order",
        subject="mptcp: destroy the token before the queues",
        body="A late join found the token of a connection without queues.\n",
        author=BO,
        edits=(
            swap(
                "net/mptcp/protocol.c",
                "    mptcp_purge_queues(msk, timeout);\n    mptcp_token_destroy(msk);\n",
                "    mptcp_token_destroy(msk);\n    mptcp_purge_queues(msk, timeout);\n",
            ),
        ),
    ),
    Change(
        key="flow_count",
        subject="mptcp: count a subflow only once it is ready",
        body="The receive buffer grew for subflows that never came up.\n",
        author=ADA,
        fixes="adjust_rcvbuf",
        edits=(
            swap(
                "net/mptcp/subflow.c",
                "    msk->flow_count++;\n",
                "    WRITE_ONCE(msk->flow_count, msk->flow_count + 1);\n",
            ),
        ),
    ),
)
