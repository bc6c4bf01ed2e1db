# SPDX-License-Identifier: MIT
"""The MPTCP stack of the mini-kernel as v5.9 has it: the functions the story edits.

Names of files and of some functions are those of real kernels, as facts; every body is invented. `content` puts
generated functions around them; what is hardly code (headers, sysctls, build files) stands in `stack_headers`.
"""

from __future__ import annotations

__all__ = [
    "OPTIONS",
    "PM",
    "PM_NETLINK",
    "PROTOCOL",
    "SOCKOPT_GET",
    "SOCKOPT_POLL",
    "SOCKOPT_SET",
    "SUBFLOW",
]

SOCKOPT_POLL = """
/* Options that only say how a subflow is polled: they are passed on as they are. */
static bool mptcp_sockopt_is_poll(int name)
{
    switch (name) {
    case SO_BUSY_POLL:
        return true;
    default:
        return false;
    }
}
"""

SOCKOPT_SET = """
/* An option set on the connection belongs on each of its subflows. */
int mptcp_setsockopt(struct mptcp_sock *msk, int name, int value)
{
    struct mptcp_subflow *flow;
    int ret = -ENOPROTOOPT;

    if (!mptcp_sockopt_is_poll(name) && name > MPTCP_SOCKOPT_LAST)
        return ret;
    for_each_flow(msk, flow)
        ret = mptcp_flow_setsockopt(flow, name, value);
    return ret;
}
"""

SOCKOPT_GET = """
/* The first subflow answers for the connection. */
int mptcp_getsockopt(struct mptcp_sock *msk, int name, int *value)
{
    struct mptcp_subflow *first = mptcp_first_flow(msk);

    if (!first)
        return -ENOTCONN;
    *value = mptcp_flow_getsockopt(first, name);
    return 0;
}
"""

PROTOCOL = (
    """
/* How many bytes one connection may hold back in its receive queue. */
static int mptcp_rcvbuf_limit(const struct mptcp_sock *msk)
{
    int limit = READ_ONCE(msk->rcvbuf_base);

    limit += READ_ONCE(msk->backlog_share);
    return min(limit, MPTCP_RCVBUF_CEILING);
}
""",
    """
/* The peer may close its direction once all data before the close has arrived. */
static bool mptcp_check_data_fin(struct mptcp_sock *msk)
{
    u64 fin_seq = msk->peer_fin_seq;

    if (!msk->peer_fin_seen)
        return false;
    if (fin_seq != msk->ack_seq)
        return false;

    mptcp_set_state(msk, MPTCP_STATE_CLOSING);
    mptcp_wake_readers(msk, fin_seq);
    return true;
}
""",
    """
/* What the last segment of a subflow can still take. */
static unsigned int mptcp_tail_room(const struct sock *ssk)
{
    return tcp_goal_bytes(ssk) / 2;
}
""",
    """
/* Send one fragment on a subflow; short sends are retried by the worker. */
static int mptcp_sendmsg_frag(struct mptcp_sock *msk, struct sock *ssk, struct mptcp_frag *frag)
{
    unsigned int todo = frag->len - frag->sent;
    unsigned int room;

    room = mptcp_tail_room(ssk);
    if (!room)
        return -EAGAIN;

    todo = min(todo, room);
    frag->sent += mptcp_push_bytes(ssk, frag, todo);
    msk->snd_nxt += todo;
    return todo;
}
""",
    *(SOCKOPT_POLL, SOCKOPT_SET, SOCKOPT_GET),
    """
/* Send again what no subflow has acknowledged, a burst at a time. */
static void mptcp_retrans(struct mptcp_sock *msk)
{
    struct sock *ssk = mptcp_pick_backup(msk);
    unsigned int budget = MPTCP_RETRANS_BURST;

    while (ssk && budget--) {
        if (mptcp_retrans_one(msk, ssk) < 0)
            break;
    }
    mptcp_arm_retrans(msk, ssk);
}
""",
    """
/* Everything that cannot be done in softirq context. */
static void mptcp_worker(struct mptcp_job *job)
{
    struct mptcp_sock *msk = job->owner;

    mptcp_lock_worker(msk);
    mptcp_admit_joining(msk);
    if (mptcp_check_data_fin(msk))
        mptcp_shutdown_flows(msk);
    if (mptcp_job_takes(job, MPTCP_WORK_RETRANS))
        mptcp_retrans(msk);
    mptcp_unlock_worker(msk);
}
""",
    """
/* Give back what the connection holds; its subflows live on until they are closed. */
static void mptcp_close(struct mptcp_sock *msk, long timeout)
{
    mptcp_set_state(msk, MPTCP_STATE_DEAD);
    mptcp_cancel_work(msk);
    mptcp_purge_queues(msk, timeout);
    mptcp_token_destroy(msk);
}
""",
)

SUBFLOW = (
    """
/* Bring a new subflow into a connection that exists. */
int mptcp_subflow_join(struct mptcp_sock *msk, struct sock *ssk)
{
    struct mptcp_subflow *flow = mptcp_subflow_alloc(ssk);
    int err;

    if (!flow)
        return -ENOMEM;
    err = mptcp_join_token(msk, flow);
    if (err)
        return err;

    mptcp_flow_enqueue(flow, &msk->joining);
    return 0;
}
""",
    """
/* The last acknowledgement of the handshake is in: data may flow. */
void mptcp_subflow_established(struct mptcp_subflow *flow)
{
    struct mptcp_sock *msk = flow->conn;

    flow->state = MPTCP_FLOW_READY;
    msk->flow_count++;
    mptcp_pm_subflow_ready(msk, flow->id);
}
""",
    """
/* A request that is not yet known to speak MPTCP. */
void mptcp_subflow_init_req(struct request_sock *req, const struct sock *listener)
{
    struct mptcp_req *mreq = mptcp_req(req);

    mreq->kind = MPTCP_REQ_PLAIN;
    mreq->nonce = 0;
    mreq->listener_key = mptcp_listener_key(listener);
}
""",
    """
/* A subflow whose peer sends no MPTCP options any more goes on as plain TCP. */
static bool mptcp_subflow_fallback(struct mptcp_subflow *flow)
{
    if (flow->mapped_bytes)
        return false;
    flow->fallback_reason = MPTCP_FALLBACK_NO_OPTION;
    mptcp_set_state(flow->conn, MPTCP_STATE_FALLBACK);
    return true;
}
""",
)

OPTIONS = (
    """
/* Put the suboptions of one segment behind each other; the caller made the room. */
unsigned int mptcp_write_options(__be32 *ptr, const struct mptcp_out *out)
{
    const __be32 *start = ptr;

    if (out->suboptions & OPTION_MPTCP_CAPABLE)
        ptr = mptcp_put_key(ptr, out->sndr_key);
    if (out->suboptions & OPTION_MPTCP_ADD_ADDR)
        ptr = mptcp_put_addr(ptr, &out->addr, out->addr_id);
    if (out->suboptions & OPTION_MPTCP_DSS)
        ptr = mptcp_put_mapping(ptr, out->map_seq, out->map_len);

    return (ptr - start) * sizeof(*ptr);
}
""",
    """
/* How long the data acknowledgement of this segment is going to be. */
static unsigned int mptcp_ack_len(const struct mptcp_sock *msk, bool wide)
{
    unsigned int ack_len = wide ? 8 : 4;

    if (msk->ack_seq >> 32)
        ack_len = 8;
    return ack_len;
}
""",
    """
/* Look at what a segment brought along. */
void mptcp_incoming_options(struct mptcp_sock *msk, const struct mptcp_in *in)
{
    if (in->add_addr)
        mptcp_pm_peer_addr(msk, &in->addr);
    if (in->data_fin)
        mptcp_note_data_fin(msk, in->data_seq);
    if (in->fastclose)
        mptcp_set_state(msk, MPTCP_STATE_DEAD);
}
""",
    """
/* The peer closed its direction at this sequence number. */
static void mptcp_note_data_fin(struct mptcp_sock *msk, u64 data_seq)
{
    msk->peer_fin_seq = data_seq;
    msk->peer_fin_seen = true;
    mptcp_schedule_work(msk);
}
""",
)

PM = (
    """
/* Tell the peer about one more address, with the next acknowledgement. */
int mptcp_pm_announce_addr(struct mptcp_sock *msk, const struct mptcp_addr *addr)
{
    struct mptcp_pm *pm = &msk->pm;
    u8 signal = pm->signals;

    if (signal & MPTCP_SIGNAL_ADDR)
        return -EBUSY;

    mptcp_pm_offer(pm, addr);
    pm->signals = signal | MPTCP_SIGNAL_ADDR;
    mptcp_pm_poke(msk);
    return 0;
}
""",
    """
/* Take an address back; subflows that use it are closed by the worker. */
int mptcp_pm_remove_addr(struct mptcp_sock *msk, u8 id)
{
    struct mptcp_pm *pm = &msk->pm;

    if (!mptcp_pm_id_known(pm, id))
        return -ENOENT;
    pm->remove_id = id;
    pm->signals |= MPTCP_SIGNAL_REMOVE;
    return 0;
}
""",
    """
/* A subflow came up: it counts against the limit of the path manager. */
void mptcp_pm_subflow_ready(struct mptcp_sock *msk, u8 id)
{
    mptcp_pm_hold(&msk->pm);
    mptcp_ids_take(&msk->pm.active, id);
    msk->pm.ready++;
    mptcp_pm_release(&msk->pm);
}
""",
)

PM_NETLINK = (
    """
/* The smallest address id nobody uses; 0 is the address of the first subflow. */
static int mptcp_nl_next_id(struct mptcp_pernet *pernet)
{
    int id;

    for (id = 1; id <= MPTCP_MAX_ADDR_ID; id++) {
        if (!mptcp_nl_find_id(pernet, id))
            return id;
    }
    return -ENOSPC;
}
""",
    """
/* Add an endpoint that user space configured. */
static int mptcp_nl_append_addr(struct mptcp_pernet *pernet, struct mptcp_pm_entry *entry)
{
    int id;

    if (pernet->addrs >= MPTCP_ADDR_LIMIT)
        return -ERANGE;
    id = mptcp_nl_next_id(pernet);
    if (id < 0)
        return id;

    mptcp_nl_number_entry(entry, id);
    mptcp_nl_publish(pernet, entry);
    pernet->addrs++;
    return 0;
}
""",
    """
/* Offer the next configured endpoint to the peer. */
static void mptcp_nl_announce_next(struct mptcp_sock *msk, struct mptcp_pernet *pernet)
{
    struct mptcp_pm_entry *entry = mptcp_nl_select(msk, pernet);

    if (!entry)
        return;
    if (!mptcp_pm_announce_addr(msk, &entry->addr))
        msk->pm.announced++;
}
""",
)
