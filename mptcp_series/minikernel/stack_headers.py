# SPDX-License-Identifier: MIT
"""The MPTCP stack of the mini-kernel as v5.9 has it: headers, sysctls and build files, invented like the rest."""

from __future__ import annotations

__all__ = ["CTRL", "KCONFIG", "MAKEFILE", "MPTCP_H", "PROTOCOL_H", "UAPI_H"]

CTRL = (
    """
static int mptcp_enabled = 1;
static unsigned int mptcp_add_addr_timeout = 120;
""",
    """
static struct ctl_table mptcp_ctl_table[] = {
    { .procname = "enabled", .data = &mptcp_enabled, .maxlen = sizeof(int), .mode = 0644 },
    { .procname = "add_addr_timeout", .data = &mptcp_add_addr_timeout, .maxlen = sizeof(int), .mode = 0644 },
    { }
};
""",
    """
/* Seconds until an announced address is announced again. */
unsigned int mptcp_get_add_addr_timeout(const struct net *net)
{
    return READ_ONCE(mptcp_add_addr_timeout);
}
""",
)

PROTOCOL_H = """
#define MPTCP_RETRANS_BURST    16
#define MPTCP_RCVBUF_CEILING    (6 << 20)
#define MPTCP_ADDR_LIMIT    8
#define MPTCP_SOCKOPT_LAST    63

enum mptcp_work {
    MPTCP_WORK_RETRANS,
    MPTCP_WORK_EOF,
    MPTCP_WORK_CLOSE,
};

struct mptcp_sock {
    u64 snd_nxt;
    u64 ack_seq;
    u64 peer_fin_seq;
    bool peer_fin_seen;
    unsigned long flags;
    int rcvbuf_base;
    int backlog_share;
    int flow_count;
    struct mptcp_pm pm;
    struct mptcp_flow_list joining;
    struct mptcp_job job;
};

/* subflow.c */
int mptcp_subflow_join(struct mptcp_sock *msk, struct sock *ssk);
void mptcp_subflow_established(struct mptcp_subflow *flow);
void mptcp_subflow_init_req(struct request_sock *req, const struct sock *listener);

/* pm.c */
void mptcp_pm_subflow_ready(struct mptcp_sock *msk, u8 id);
int mptcp_pm_announce_addr(struct mptcp_sock *msk, const struct mptcp_addr *addr);
int mptcp_pm_remove_addr(struct mptcp_sock *msk, u8 id);

/* options.c */
unsigned int mptcp_write_options(__be32 *ptr, const struct mptcp_out *out);

/* protocol.c */
void mptcp_set_state(struct mptcp_sock *msk, int state);
void mptcp_wake_readers(struct mptcp_sock *msk, u64 seq);

/* token_cache.c */
u32 mptcp_token_cached(const struct mptcp_sock *msk);
"""

MAKEFILE = """
# SPDX-License-Identifier: MIT
obj-$(CONFIG_MPTCP) += mptcp.o

mptcp-y := protocol.o subflow.o options.o
mptcp-y += token_cache.o

mptcp-y += pm.o pm_netlink.o

mptcp-y += ctrl.o

obj-$(CONFIG_MPTCP_TESTS) += token_test.o
"""

KCONFIG = """
# SPDX-License-Identifier: MIT

config MPTCP
    bool "MPTCP: several paths for one connection"
    depends on INET
    help
      Connections of the mini-kernel may use several subflows.

config MPTCP_IPV6
    bool "MPTCP: subflows over IPv6"
    depends on MPTCP && IPV6
    default y
"""

MPTCP_H = """
struct mptcp_sock;
struct request_sock;

struct mptcp_in {
    u64 data_seq;
    u8 add_addr : 1,
       data_fin : 1,
       fastclose : 1;
};

#ifdef CONFIG_MPTCP
void mptcp_incoming_options(struct mptcp_sock *msk, const struct mptcp_in *in);
bool mptcp_syn_options(const struct sock *sk, unsigned int *size);
void mptcp_boot(void);
#else
static inline bool mptcp_syn_options(const struct sock *sk, unsigned int *size)
{
    return false;
}

static inline void mptcp_boot(void)
{
}
#endif
"""

UAPI_H = """
#define MPTCP_PM_NAME    "mptcp_pm"
#define MPTCP_PM_VER    0x1

enum {
    MPTCP_PM_CMD_UNSPEC,
    MPTCP_PM_CMD_ADD_ADDR,
    MPTCP_PM_CMD_DEL_ADDR,
    MPTCP_PM_CMD_GET_LIMITS,
    MPTCP_PM_CMD_SET_LIMITS,
    __MPTCP_PM_CMD_LAST,
};

#define MPTCP_INFO_FLAG_FALLBACK    (1 << 0)
#define MPTCP_INFO_FLAG_KEY_SEEN    (1 << 1)

struct mptcp_info {
    __u8 flows;
    __u8 addrs_signalled;
    __u32 flags;
    __u32 token;
};
"""
