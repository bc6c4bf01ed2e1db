# SPDX-License-Identifier: MIT
"""The mini-kernel as a tree that make and gcc build: its C is the package's, what it lacks is a vendor's commit.

The mini-kernel's functions use types, members and macros that none of its files define. The vendor's commit adds what
is missing around them and changes nothing the queue touches: a top Makefile, Kconfig files, Makefiles of directories,
and headers. Members that structures of the tree lack are put in by sed into copies that are compiled in their place,
line for line, so that gcc speaks of the tree's own lines. Commit ids of the mini-kernel stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path

import pygit2

from mptcp_series.engine.store.objects import Objects
from mptcp_series.engine.store.tree import TreeEditor
from mptcp_series.minikernel.text import _FIELDS, _WORDS
from mptcp_series.minikernel.world import World

from .buildlab import CONFIG_AWK, KCONFIG, LIMITS, MAKEFILE

__all__ = ["buildable_base"]

_DIRECTORIES = ("net/core", "net/ipv4", "net/ipv6", "net/mptcp", "net/netlink", "net/sched")

# Copies with the missing members, and the prototypes of each file's own functions before it: functions of one file
# call each other in any order.
_COPIES = r"""
copies := $(shell cd $(srctree) && find include net -name '*.[ch]')
prepare: $(copies)
$(copies): %: $(srctree)/%
	@mkdir -p $(@D) && sed -f $(srctree)/scripts/members.sed $< > $@
"""
_COMPILE = r"""
	@mkdir -p $(@D) && echo '  CC      $@' && sed -n -f $(srctree)/scripts/prototypes.sed $*.c > $*.proto && \
		$(CC) $(flags) -Iinclude/uapi -include $(srctree)/include/mini/kernel.h -include $*.proto \
		-MMD -MP -MF $(@D)/.$(*F).d -c -o $@ $*.c
"""

_PROTOTYPES = r"""# SPDX-License-Identifier: MIT
# The line above an opening brace in the first column, as a prototype.
/^[a-z].*)$/ { h; n; /^{$/ { x; s/$/;/; p } }
"""

_MEMBERS = r"""# SPDX-License-Identifier: MIT
s/^struct sock {$/& MINI_MEMBERS int sk_reset_error;/
s/^struct mptcp_sock {$/& MINI_MEMBERS int state;/
s/^struct mptcp_in {$/& struct mptcp_addr addr;/
"""

_KERNEL_H = r"""/* SPDX-License-Identifier: MIT */
#ifndef _MINI_KERNEL_H
#define _MINI_KERNEL_H
typedef unsigned char u8, __u8;
typedef unsigned short u16, __u16, __be16;
typedef unsigned int u32, __u32, __be32;
typedef unsigned long long u64, __u64;
typedef unsigned long size_t;
#define bool _Bool
#define true 1
#define false 0
#define NULL ((void *)0)
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define do_div(a, b) ((a) /= (b))
#define NSEC_PER_MSEC 1000000ULL
enum { ENOENT = 2, EAGAIN = 11, ENOMEM = 12, EBUSY = 16, EEXIST = 17, EINVAL = 22, ENOSPC = 28, ERANGE = 34,
       ENOPROTOOPT = 92, ENOBUFS = 105, ENOTCONN = 107 };
struct list_head { struct list_head *next, *prev; };
#define container_of(at, type, member) ((type *)((char *)(at) - __builtin_offsetof(type, member)))
#define list_for_each_entry_safe(at, next_at, head, member) \
	for (at = container_of((head)->next, __typeof__(*at), member), \
	next_at = container_of(at->member.next, __typeof__(*at), member); &at->member != (head); \
	at = next_at, next_at = container_of(next_at->member.next, __typeof__(*next_at), member))
#define MINI_MEMBERS @MEMBERS@
@NODES@
struct page_frag { unsigned int size, offset; };
struct mptcp_addr { int family; };
struct mptcp_pm { u8 signals, remove_id, announced; int ready; struct { int ids; } active; MINI_MEMBERS };
struct mptcp_flow_list { struct list_head head; };
struct mptcp_job { struct mptcp_sock *owner; };
struct mptcp_out { unsigned int suboptions; u64 sndr_key, map_seq; struct mptcp_addr addr; u8 addr_id; u16 map_len; };
struct mptcp_subflow {
	struct mptcp_sock *conn;
	int state, id, mapped_bytes, fallback_reason, reset_reason, announce;
	struct mptcp_addr local;
	MINI_MEMBERS
};
struct tcp_census { int living, orphans; };
struct mptcp_frag { unsigned int len, sent; };
struct mptcp_req { int kind; u32 nonce; u64 listener_key; };
struct tcp_slot { bool wants_options, in_order; };
struct mptcp_pernet { int addrs, ids, addr_limit; };
struct mptcp_pm_entry { struct mptcp_addr addr; };
struct tcp_sock { u32 snd_cwnd; };
struct ctl_table { const char *procname; void *data; int maxlen, mode; };
struct tcp_sock *tcp_sk(const void *sk);
struct mptcp_req *mptcp_req(void *req);
struct tcp_slot *tcp_slot_for(void *sk, void *skb);
struct mptcp_subflow *mptcp_flow(void *ssk), *mptcp_first_flow(const void *msk);
struct tcp_census *tcp_take_census(const void *prot);
extern unsigned long jiffies;
extern int bsp_pm_busy;
#define for_each_flow(msk, flow) for (flow = mptcp_first_flow(msk); flow; flow = NULL)
enum { COOKIE_REQUEST_PLAIN, TCP_LEFT_BY_RESET, MPTCP_REQ_PLAIN, MPTCP_FLOW_READY, MPTCP_FALLBACK_NO_OPTION,
       MPTCP_STATE_DEAD, MPTCP_STATE_CLOSING, MPTCP_STATE_FALLBACK, MPTCP_SIGNAL_ADDR, MPTCP_SIGNAL_ECHO,
       MPTCP_SIGNAL_REMOVE, MPTCP_RESET_ALL, OPTION_MPTCP_CAPABLE = 1, OPTION_MPTCP_ADD_ADDR = 2,
       OPTION_MPTCP_DSS = 4, MPTCP_MAX_ADDR_ID = 255 };
enum { @NAMES@ };
struct sock; struct mptcp_sock; struct request_sock; struct sk_buff; struct msghdr; struct iov_iter; struct net;
struct mptcp_in; struct tcp_out_options; struct request_sock_ops; struct proto; struct mptcp_token;
#include <asm-generic/socket.h>
#endif
"""


def _c_files(repo: pygit2.Repository, tree: bytes) -> dict[str, str]:
    objects = Objects(repo)
    found = TreeEditor(objects, tree)
    files = {**found.files("net"), **found.files("include")}
    return {
        path: objects.read(entry.oid).decode("latin-1") for path, entry in files.items() if path.endswith((".c", ".h"))
    }


def _kernel_h(texts: dict[str, str]) -> str:
    """The vendor's header: the members and nodes of generated functions, and the constants they are named for."""
    members = "".join(
        f"unsigned int {name}_limit, {name}_used, {name}_users; u32 {name}_seq, {name}_swept; u64 {name}_sum; "
        for name in _FIELDS
    )
    members += "".join(
        f"struct list_head {name}_list; u32 {name}_clock; struct {name}_ops *{name}_table[64]; int {name}_lock; "
        f"unsigned int {name}_count; "
        for name in _WORDS
    )
    links = "".join(f"struct list_head {name}_link; " for name in _FIELDS)
    nodes = "".join(
        f"struct {name}_ops {{ int id; unsigned int weight; }};\nstruct {name}_node {{ u32 age; {links}}};\n"
        for name in _WORDS
    )
    text = "\n".join(texts.values())
    nodes += "".join(
        f"struct {name} {{ MINI_MEMBERS }};\n" for name in sorted(set(re.findall(r"\w+_ctx\b", text)) - {""})
    )
    named = set(re.findall(r"\b[A-Z][A-Z0-9_]*_(?:DONE|MASK)\b", text))
    names = named - set(re.findall(r"#define[ \t]+(\w+)", text))
    return (
        _KERNEL_H.replace("@MEMBERS@", members)
        .replace("@NODES@", nodes)
        .replace("@NAMES@", ", ".join(sorted(names)) or "NONE")
    )


def buildable_base(world: World, repo: Path, base: str, branch: str = "buildable") -> str:
    """A commit on top of a base of the mini-kernel that can be built; its id. `branch` of the repository names it."""
    git = pygit2.Repository(str(repo))
    commit = git.revparse_single(base).peel(pygit2.Commit)
    source = pygit2.Repository(str(world.source))
    texts: dict[str, str] = {}
    for tree in (
        source.revparse_single("v5.15.5").peel(pygit2.Commit).tree_id,
        source.revparse_single("v5.16-rc1").peel(pygit2.Commit).tree_id,
    ):
        texts |= {f"{path} {tree}": text for path, text in _c_files(source, tree.raw).items()}
    texts |= _c_files(git, commit.tree_id.raw)
    files = {
        "Makefile": _makefile(git, commit),
        "drivers/Kconfig": "# SPDX-License-Identifier: MIT\n",
        "net/Kconfig": KCONFIG,
        "scripts/config.awk": CONFIG_AWK,
        "scripts/limits.c": LIMITS,
        "scripts/members.sed": _MEMBERS,
        "scripts/prototypes.sed": _PROTOTYPES,
        "include/linux/kernel.h": "/* SPDX-License-Identifier: MIT */\n",
        "include/linux/module.h": "/* SPDX-License-Identifier: MIT */\n",
        "include/mini/kernel.h": _kernel_h(texts),
    }
    for directory in _DIRECTORIES:
        if directory != "net/mptcp":
            sources = sorted(path for path in texts if path.startswith(f"{directory}/") and path.endswith(".c"))
            listed = " ".join(path.rpartition("/")[2].removesuffix(".c") + ".o" for path in sources)
            files[f"{directory}/Makefile"] = f"# SPDX-License-Identifier: MIT\nobj-y := {listed}\n"
    index = pygit2.Index()
    index.read_tree(commit.tree)
    for path, text in files.items():
        index.add(pygit2.IndexEntry(path, git.create_blob(text.encode()), pygit2.enums.FileMode.BLOB))
    person = pygit2.Signature("A Vendor", "vendor@example.org", 1_640_000_000, 0)
    made = git.create_commit(None, person, person, "vendor: make it build\n", index.write_tree(git), [commit.id])
    git.references.create(f"refs/heads/{branch}", made, force=True)
    return str(made)


def _makefile(git: pygit2.Repository, commit: pygit2.Commit) -> str:
    """The version the base has, and rules that build it."""
    blob = git[commit.tree["Makefile"].id]
    assert isinstance(blob, pygit2.Blob)
    version = re.findall(r"^(?:VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION) =.*\n", blob.data.decode(), re.MULTILINE)
    rules = MAKEFILE.partition("EXTRAVERSION =\n")[2]
    for old, new in (
        ("@DIRS@", " ".join(_DIRECTORIES)),
        ("@HOST@", ""),
        ("-std=gnu11", "-std=gnu89"),
        ("-Wall -Werror=implicit-function-declaration", "-w"),
        ("@FLAGS@", ""),
        # The copies are compiled, not what they were made from.
        ("VPATH := $(srctree)\n", ""),
        ("-I$(srctree)/include -Iinclude", "-Iinclude"),
    ):
        assert rules.count(old) == 1, old
        rules = rules.replace(old, new)
    head, _, rest = rules.partition("$(objects): %.o: %.c include/generated/limits.h\n")
    rest = rest.partition("\n")[2]
    compile_rule = "$(objects): %.o: %.c include/generated/limits.h | prepare" + _COMPILE
    return "# SPDX-License-Identifier: MIT\n" + "".join(version) + head + _COPIES + compile_rule + rest
