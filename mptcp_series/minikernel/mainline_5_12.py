# SPDX-License-Identifier: MIT
"""The mainline of the mini-kernel from v5.9 to v5.12: what its commits say and do, in order.

It goes on in `mainline_5_15`; its topic branches stand in `topics`, and `world` puts them all together.
"""

from __future__ import annotations

from mptcp_series.minikernel.content import sockopt_file
from mptcp_series.minikernel.edits import Change, Swap, Write, after, before, swap
from mptcp_series.minikernel.people import ADA, BO, ZOE
from mptcp_series.minikernel.stack import SOCKOPT_GET, SOCKOPT_POLL, SOCKOPT_SET
from mptcp_series.minikernel.text import tabs

__all__ = ["TO_5_10", "TO_5_11", "TO_5_12"]

TO_5_10 = (
    Change(
        key="pacing_comment",
        subject="tcp: pace by the millisecond",
        body="A burst of a whole window at once fills the queues of small switches.\n",
        author=BO,
        edits=(
            after(
                "net/ipv4/tcp_output.c",
                "    u64 step = NSEC_PER_MSEC * segments;\n",
                "    u32 burst = min(segments, tcp_sk(sk)->snd_cwnd);\n",
            ),
        ),
    ),
    Change(
        key="wake_on_close",
        subject="mptcp: wake readers when the connection closes",
        body="A reader that sleeps while the connection is closed would sleep until its timeout.\n",
        author=ADA,
        edits=(
            before(
                "net/mptcp/protocol.c",
                "    mptcp_cancel_work(msk);\n",
                "    mptcp_wake_readers(msk, msk->ack_seq);\n",
            ),
        ),
    ),
)
"""v5.9 to v5.10; the old topic forks between the two."""

TO_5_11 = (
    Change(
        key="adjust_rcvbuf",
        subject="mptcp: adjust the receive buffer limit to the number of subflows",
        body="Several subflows fill the buffer faster than one; a limit made for one stalls them.\n",
        author=ADA,
        edits=(
            swap(
                "net/mptcp/protocol.c",
                "    int limit = READ_ONCE(msk->rcvbuf_base);\n",
                """
    int flows = max(1, READ_ONCE(msk->flow_count));
    int limit = READ_ONCE(msk->rcvbuf_base) * flows;
""",
            ),
        ),
    ),
    Change(
        key="busy_poll",
        subject="net: add SO_PREFER_BUSY_POLL and a budget to busy polling",
        body="Latency sensitive users want interrupts to stay off while they poll.\n",
        author=BO,
        edits=(
            after(
                "include/net/sock.h",
                "    unsigned int sk_poll_usec;\n",
                "    u8 sk_poll_preferred;\n    u16 sk_poll_budget;\n",
            ),
            after(
                "include/uapi/asm-generic/socket.h",
                "#define SO_BINDTOIFINDEX    62\n",
                "#define SO_PREFER_BUSY_POLL    69\n#define SO_BUSY_POLL_BUDGET    70\n",
            ),
            after(
                "net/core/sock.c",
                "        WRITE_ONCE(sk->sk_poll_usec, value);\n        break;\n",
                """
    case SO_PREFER_BUSY_POLL:
        WRITE_ONCE(sk->sk_poll_preferred, value);
        break;
    case SO_BUSY_POLL_BUDGET:
        WRITE_ONCE(sk->sk_poll_budget, value);
        break;
""",
            ),
        ),
    ),
    Change(
        key="data_fin_state",
        subject="mptcp: keep the peer's close in the flags of the connection",
        body="The worker looks at the flags anyway, and a bit can be tested without the lock.\n",
        author=ADA,
        edits=(
            swap(
                "net/mptcp/protocol.c",
                "    if (!msk->peer_fin_seen)\n",
                "    if (!test_bit(MPTCP_PEER_FIN, &msk->flags))\n",
            ),
            swap(
                "net/mptcp/options.c", "    msk->peer_fin_seen = true;\n", "    set_bit(MPTCP_PEER_FIN, &msk->flags);\n"
            ),
            swap("net/mptcp/protocol.h", "    bool peer_fin_seen;\n", ""),
            after("net/mptcp/protocol.h", "    MPTCP_WORK_CLOSE,\n", "    MPTCP_PEER_FIN,\n"),
        ),
    ),
    Change(
        key="pacing_burst",
        subject="tcp: let small windows send two segments in a burst",
        body="One segment at a time wakes the receiver twice as often as needed.\n",
        author=BO,
        edits=(
            swap(
                "net/ipv4/tcp_output.c",
                "    do_div(step, max(1U, tcp_sk(sk)->snd_cwnd));\n",
                "    do_div(step, max(2U, tcp_sk(sk)->snd_cwnd));\n",
            ),
        ),
    ),
)
"""v5.10 to v5.11."""

TO_5_12 = (
    Change(
        key="conflicting",
        subject="mptcp: let tcp say how much room a fragment has",
        body="The stack kept an estimate of its own, half a segment; TCP knows better.\n"
        "Export its helper and drop ours.\n",
        author=ZOE,
        edits=(
            swap(
                "net/ipv4/tcp.c",
                "    if (queued > TCP_TAIL_LIMIT)\n        return 0;\n",
                "    if (queued > tcp_tail_limit(sk))\n        return 0;\n",
            ),
            after(
                "net/ipv4/tcp.c",
                "        copied += tcp_copy_frag(sk, from, frag, room);\n    }\n    return copied;\n}\n",
                """

/* The same answer for the stacks that sit on top of TCP. */
unsigned int tcp_frag_space(const struct sock *sk)
{
    return tcp_frag_room(sk, sk_page_frag(sk));
}
EXPORT_SYMBOL_GPL(tcp_frag_space);
""",
            ),
            after(
                "include/net/tcp.h",
                "unsigned int tcp_tail_bytes(const struct sock *sk);\n",
                """
unsigned int tcp_tail_limit(const struct sock *sk);
unsigned int tcp_frag_space(const struct sock *sk);
""",
            ),
            swap(
                "net/mptcp/protocol.c",
                "    room = mptcp_tail_room(ssk);\n",
                "    room = tcp_frag_space(ssk);\n",
            ),
            swap(
                "net/mptcp/protocol.c",
                """
/* What the last segment of a subflow can still take. */
static unsigned int mptcp_tail_room(const struct sock *ssk)
{
    return tcp_goal_bytes(ssk) / 2;
}

""",
                "",
            ),
        ),
    ),
    Change(
        key="split_options",
        subject="mptcp: give each suboption a writer of its own",
        body="Seven more suboptions are to come; one function for all of them gets out of hand.\n",
        author=BO,
        edits=(
            swap(
                "net/mptcp/options.c",
                """
    if (out->suboptions & OPTION_MPTCP_CAPABLE)
        ptr = mptcp_put_key(ptr, out->sndr_key);
    if (out->suboptions & OPTION_MPTCP_ADD_ADDR)
        ptr = mptcp_put_addr(ptr, &out->addr, out->addr_id);
""",
                """
    if (out->suboptions & OPTION_MPTCP_CAPABLE)
        ptr = mptcp_write_capable(ptr, out);
    if (out->suboptions & OPTION_MPTCP_ADD_ADDR)
        ptr = mptcp_write_add_addr(ptr, out);
""",
            ),
            before(
                "net/mptcp/options.c",
                "/* Put the suboptions of one segment behind each other; the caller made the room. */\n",
                """
static __be32 *mptcp_write_capable(__be32 *ptr, const struct mptcp_out *out)
{
    return mptcp_put_key(ptr, out->sndr_key);
}

static __be32 *mptcp_write_add_addr(__be32 *ptr, const struct mptcp_out *out)
{
    return mptcp_put_addr(ptr, &out->addr, out->addr_id);
}

""",
            ),
        ),
    ),
    Change(
        key="fix_join_leak",
        subject="mptcp: free the subflow of a join that fails",
        body="A join with an unknown token left its subflow behind, owned by nobody.\n",
        author=ADA,
        edits=(
            swap(
                "net/mptcp/subflow.c",
                "    if (err)\n        return err;\n\n    mptcp_flow_enqueue(flow, &msk->joining);\n",
                """
    if (err) {
        mptcp_subflow_free(flow);
        return err;
    }

    mptcp_flow_enqueue(flow, &msk->joining);
""",
            ),
        ),
    ),
    Change(
        key="new_file",
        subject="mptcp: move the socket options to a file of their own",
        body="protocol.c is long enough, and socket options are about to grow. No change in behaviour.\n",
        author=ZOE,
        edits=(
            Write(path="net/mptcp/sockopt.c", data=sockopt_file()),
            *(
                Swap(path="net/mptcp/protocol.c", old=b"\n" + tabs(text).encode(), new=b"")
                for text in (SOCKOPT_POLL, SOCKOPT_SET, SOCKOPT_GET)
            ),
            after(
                "net/mptcp/protocol.h",
                "void mptcp_wake_readers(struct mptcp_sock *msk, u64 seq);\n",
                """

/* sockopt.c */
int mptcp_setsockopt(struct mptcp_sock *msk, int name, int value);
int mptcp_getsockopt(struct mptcp_sock *msk, int name, int *value);
""",
            ),
            swap(
                "net/mptcp/Makefile",
                "mptcp-y := protocol.o subflow.o options.o\n",
                "mptcp-y := protocol.o subflow.o options.o sockopt.o\n",
            ),
        ),
    ),
    Change(
        key="unsupported",
        subject="mptcp: sockopt: pass on the busy poll options and remember the last one",
        body="Subflows that join later need the options that were set before.\n",
        author=BO,
        edits=(
            after(
                "net/mptcp/sockopt.c",
                "    case SO_BUSY_POLL:\n",
                "    case SO_PREFER_BUSY_POLL:\n    case SO_BUSY_POLL_BUDGET:\n",
            ),
            swap(
                "net/mptcp/sockopt.c",
                "        ret = mptcp_flow_setsockopt(flow, name, value);\n    return ret;\n",
                """
        ret = mptcp_flow_setsockopt(flow, name, value);
    if (!ret)
        mptcp_sockopt_remember(msk, name, value);
    return ret;
""",
            ),
            after(
                "net/mptcp/protocol.h", "    int flow_count;\n", "    int last_option;\n    int last_option_value;\n"
            ),
        ),
    ),
    Change(
        key="veth_stats",
        subject="veth: count what both ends drop",
        body="Only one end had a counter.\n",
        author=BO,
        edits=(after("drivers/net/veth.c", "#include <linux/kernel.h>\n", "#include <linux/u64_stats_sync.h>\n"),),
    ),
)
"""v5.11 to v5.12."""
