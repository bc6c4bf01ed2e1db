# SPDX-License-Identifier: MIT
"""The files next to the stack as v5.9 has them: TCP, sockets, selftests, documentation.

As in `stack`: real names of files and of some functions, invented bodies.
"""

from __future__ import annotations

__all__ = [
    "ASM_SOCKET_H",
    "CORE_SOCK",
    "JOIN_SH",
    "MAKEFILE",
    "SAMPLE",
    "SELFTESTS_MAKEFILE",
    "SOCK_H",
    "SYNCOOKIES",
    "SYSCTL_RST",
    "TCP",
    "TCP_H",
    "TCP_INPUT",
    "TCP_OUTPUT",
]

MAKEFILE = """
# SPDX-License-Identifier: MIT
VERSION = 5
PATCHLEVEL = {patchlevel}
SUBLEVEL = {sublevel}
EXTRAVERSION ={extraversion}
NAME = Mini Kernel

obj-y := kernel/ mm/ lib/ fs/ drivers/ net/

MINI_FLAGS := -O2 -Wall

all: vmlinux

vmlinux: $(obj-y)
    $(LD) -o $@ $(patsubst %/,%/built-in.a,$(obj-y))
"""

TCP = (
    """
/* Room that the last segment of the write queue offers to one fragment. */
static unsigned int tcp_frag_room(const struct sock *sk, const struct page_frag *frag)
{
    unsigned int room = frag->size - frag->offset;
    unsigned int queued = tcp_tail_bytes(sk);

    if (queued > TCP_TAIL_LIMIT)
        return 0;

    return min(room, tcp_goal_bytes(sk) - queued);
}
""",
    """
/* Copy from user space into the write queue until it is full. */
static int tcp_copy_in(struct sock *sk, struct iov_iter *from, struct page_frag *frag)
{
    int copied = 0;

    while (iov_iter_count(from)) {
        unsigned int room = tcp_frag_room(sk, frag);

        if (!room)
            break;
        copied += tcp_copy_frag(sk, from, frag, room);
    }
    return copied;
}
""",
    """
/* Sockets that lost their owner may take a share of all sockets, never more. */
static bool tcp_too_many_orphans(const struct sock *sk, int share)
{
    const struct tcp_census *census = tcp_take_census(sk->sk_prot);

    if (!census->living)
        return false;
    return census->orphans * share > census->living;
}
""",
)

TCP_INPUT = (
    """
/* A valid reset: tell the owner and let the socket go. */
void tcp_reset(struct sock *sk)
{
    int why = tcp_reset_error(sk->sk_state);

    sk->sk_reset_error = why;
    tcp_drop_unsent(sk);
    tcp_leave(sk, TCP_LEFT_BY_RESET);
    tcp_tell_owner(sk, why);
}
""",
    """
/* The slow path of a segment that carries data. */
static void tcp_data_queue(struct sock *sk, struct sk_buff *skb)
{
    struct tcp_slot *slot = tcp_slot_for(sk, skb);

    if (slot->wants_options)
        mptcp_incoming_segment(sk, skb);
    if (slot->in_order)
        tcp_slot_append(slot, skb);
    else
        tcp_slot_park(slot, skb);
}
""",
    """
/* Segments may be put together when nothing about them differs. */
static bool tcp_try_coalesce(struct sock *sk, struct sk_buff *to, struct sk_buff *from)
{
    if (!tcp_follows(from, to) || tcp_options_differ(from, to))
        return false;
    return tcp_glue(sk, to, from) > 0;
}
""",
)

TCP_OUTPUT = (
    """
/* Pace a socket by its congestion window, one burst a millisecond. */
static u64 tcp_pacing_step(const struct sock *sk, u32 segments)
{
    u64 step = NSEC_PER_MSEC * segments;

    do_div(step, max(1U, tcp_sk(sk)->snd_cwnd));
    return step;
}
""",
    """
/* Build the options of a SYN; MPTCP comes last and only when there is room. */
static unsigned int tcp_syn_options(struct sock *sk, struct tcp_out_options *opts)
{
    unsigned int used = tcp_base_options(sk, opts);
    unsigned int extra;

    if (mptcp_syn_options(sk, &extra) && used + extra <= TCP_OPTION_BYTES)
        used += extra;
    return used;
}
""",
)

SYNCOOKIES = (
    """
/* A cookie came back: make the request it stands for. */
struct sock *cookie_v4_check(struct sock *sk, struct sk_buff *skb)
{
    struct request_sock *req;

    if (!cookie_is_fresh(skb, jiffies))
        return cookie_refuse(sk, skb);
    req = cookie_new_request(sk, COOKIE_REQUEST_PLAIN);
    if (!req)
        return cookie_refuse(sk, skb);

    cookie_fill_request(req, skb);
    return cookie_accept(sk, req);
}
""",
)

CORE_SOCK = (
    """
/* The options any socket has. */
int sock_setsockopt(struct sock *sk, int name, int value)
{
    switch (name) {
    case SO_KEEPALIVE:
        sk->sk_keepalive = !!value;
        break;
    case SO_BUSY_POLL:
        if (value < 0)
            return -EINVAL;
        WRITE_ONCE(sk->sk_poll_usec, value);
        break;
    default:
        return -ENOPROTOOPT;
    }
    return 0;
}
""",
)

TCP_H = """
#define TCP_TAIL_LIMIT    65536
#define TCP_OPTION_BYTES    40

struct tcp_out_options {
    u16 options;
    u8 num_sack_blocks;
    struct mptcp_out *mptcp;
};

/* tcp.c */
int tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size);
unsigned int tcp_goal_bytes(const struct sock *sk);
unsigned int tcp_tail_bytes(const struct sock *sk);

/* tcp_input.c */
void tcp_reset(struct sock *sk);
void tcp_data_ready(struct sock *sk);

/* syncookies.c */
struct sock *cookie_v4_check(struct sock *sk, struct sk_buff *skb);
"""

SOCK_H = """
struct sock {
    int sk_state;
    int sk_err;
    u8 sk_keepalive;
    unsigned int sk_poll_usec;
    struct proto *sk_prot;
    struct page_frag sk_frag;
};

#define sk_page_frag(sk)    (&(sk)->sk_frag)

int sock_setsockopt(struct sock *sk, int name, int value);
void sk_error_report(struct sock *sk);
"""

ASM_SOCKET_H = """
#define SO_KEEPALIVE    9
#define SO_BUSY_POLL    46
#define SO_INCOMING_CPU    49
#define SO_BINDTOIFINDEX    62
"""

SAMPLE = (
    """
/* Print each subflow of a connection as it comes up. */
static int mptcp_probe_flow(struct kprobe *probe, struct pt_regs *regs)
{
    pr_info("mptcp flow %lu\\n", probe_arg(regs, 1));
    return 0;
}
""",
)

JOIN_SH = """
timeout_test=30
endpoints=4

fail()
{
    echo "[FAIL] $*"
    exit 1
}

setup_ns()
{
    ip netns add "$1" || fail "no namespace $1"
    add_links "$1" "$2"
}

run_transfer()
{
    timeout "$timeout_test" ip netns exec "$1" ./transfer -s "$2"
}

drop_ns()
{
    ip netns del "$1"
}
"""

SELFTESTS_MAKEFILE = """
# SPDX-License-Identifier: MIT
MINI_FLAGS := -O2 -Wall

SCRIPTS := mptcp_join.sh

BUILT := transfer endpoint

DATA := settings pm_rules.txt

include ../../mini.mk
"""

SYSCTL_RST = """
.. SPDX-License-Identifier: MIT

MPTCP sysctls of the mini-kernel
================================

Written by J\u00f6rg \u00c5kesson, with thanks to Andr\u00e9 Mu\u00f1oz.

enabled - BOOLEAN
    Whether sockets may ask for MPTCP. Na\u00efve programs never notice.

    Default: 1

add_addr_timeout - INTEGER (seconds)
    When to announce an address again that the peer has not echoed.

    Default: 120
"""
