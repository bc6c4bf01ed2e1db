// SPDX-License-Identifier: MIT
/* Links, addresses and MPTCP endpoints by netlink, as the guest has no `ip`. */
#include "probe.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_SECONDS 5
#define QUEUE_BYTES (1024 * 1024)
#define BURST_BYTES (32 * 1024)

/* include/uapi/linux/mptcp.h, which is younger than the headers of some machines. */
#define PM_NAME "mptcp_pm"
#define PM_VERSION 1
enum { PM_ATTR_ADDR = 1, PM_ATTR_RCV_ADD_ADDRS = 2, PM_ATTR_SUBFLOWS = 3 };
enum { PM_ADDR_FAMILY = 1, PM_ADDR_ADDR4 = 3, PM_ADDR_FLAGS = 6 };
enum { PM_CMD_ADD_ADDR = 1, PM_CMD_SET_LIMITS = 5 };

struct message {
	struct nlmsghdr header;
	unsigned char room[1024];
};

static void *end_of(struct message *message)
{
	return (unsigned char *)message + NLMSG_ALIGN(message->header.nlmsg_len);
}

static void begin(struct message *message, int type, int flags, const void *body, size_t size)
{
	memset(message, 0, sizeof(*message));
	message->header.nlmsg_type = (uint16_t)type;
	message->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	message->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(size);
	memcpy(NLMSG_DATA(&message->header), body, size);
}

/* Messages of this file are a few hundred bytes at most; the room is never short. */
static struct nlattr *put(struct message *message, int type, const void *value, size_t size)
{
	struct nlattr *attribute = end_of(message);

	attribute->nla_type = (uint16_t)type;
	attribute->nla_len = (uint16_t)(NLA_HDRLEN + size);
	if (size)
		memcpy((unsigned char *)attribute + NLA_HDRLEN, value, size);
	message->header.nlmsg_len = NLMSG_ALIGN(message->header.nlmsg_len) + NLA_ALIGN(attribute->nla_len);
	return attribute;
}

static struct nlattr *nest(struct message *message, int type)
{
	return put(message, type | NLA_F_NESTED, NULL, 0);
}

static void close_nest(struct message *message, struct nlattr *attribute)
{
	attribute->nla_len = (uint16_t)((unsigned char *)end_of(message) - (unsigned char *)attribute);
}

/* Send a message and wait for its acknowledgement; the first other answer goes to `answer`. */
static int talk(int protocol, struct message *message, void *answer, size_t answer_size)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const struct timeval patience = { .tv_sec = ANSWER_SECONDS };
	_Alignas(struct nlmsghdr) unsigned char buffer[8192];
	int file, error = -ETIMEDOUT;
	bool waiting = true;

	file = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	if (file < 0)
		return -errno;
	if (setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0 ||
	    sendto(file, message, message->header.nlmsg_len, 0, (const void *)&kernel, sizeof(kernel)) < 0) {
		error = -errno;
		waiting = false;
	}
	while (waiting) {
		ssize_t got = recv(file, buffer, sizeof(buffer), 0);
		struct nlmsghdr *header = (void *)buffer;
		size_t left;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			error = errno == EAGAIN ? -ETIMEDOUT : -errno;
			break;
		}
		for (left = (size_t)got; NLMSG_OK(header, left); header = NLMSG_NEXT(header, left)) {
			if (header->nlmsg_type == NLMSG_ERROR) {
				error = ((struct nlmsgerr *)NLMSG_DATA(header))->error;
				waiting = false;
			} else if (answer && header->nlmsg_len <= answer_size) {
				memcpy(answer, header, header->nlmsg_len);
			}
		}
	}
	close(file);
	return error;
}

int link_create(const char *name, int peer_namespace)
{
	const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	struct nlattr *info, *data, *peer;
	struct message message;

	begin(&message, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &any, sizeof(any));
	put(&message, IFLA_IFNAME, name, strlen(name) + 1);
	info = nest(&message, IFLA_LINKINFO);
	put(&message, IFLA_INFO_KIND, "veth", sizeof("veth"));
	data = nest(&message, IFLA_INFO_DATA);
	/* The peer's attributes follow an ifinfomsg of its own. */
	peer = put(&message, VETH_INFO_PEER | NLA_F_NESTED, &any, sizeof(any));
	put(&message, IFLA_IFNAME, name, strlen(name) + 1);
	put(&message, IFLA_NET_NS_FD, &peer_namespace, sizeof(peer_namespace));
	close_nest(&message, peer);
	close_nest(&message, data);
	close_nest(&message, info);
	return talk(NETLINK_ROUTE, &message, NULL, 0);
}

int link_set(const char *name, bool up)
{
	struct ifinfomsg link = { .ifi_family = AF_UNSPEC, .ifi_change = IFF_UP };
	struct message message;

	link.ifi_index = (int)if_nametoindex(name);
	if (!link.ifi_index)
		return -errno;
	link.ifi_flags = up ? IFF_UP : 0;
	begin(&message, RTM_NEWLINK, 0, &link, sizeof(link));
	return talk(NETLINK_ROUTE, &message, NULL, 0);
}

int address_add(const char *name, uint32_t address, int prefix)
{
	struct ifaddrmsg body = { .ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix };
	const uint32_t wire = htonl(address);
	struct message message;

	body.ifa_index = if_nametoindex(name);
	if (!body.ifa_index)
		return -errno;
	begin(&message, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	put(&message, IFA_LOCAL, &wire, sizeof(wire));
	put(&message, IFA_ADDRESS, &wire, sizeof(wire));
	return talk(NETLINK_ROUTE, &message, NULL, 0);
}

int link_shape(const char *name, uint32_t bytes_per_second)
{
	struct tcmsg body = { .tcm_family = AF_UNSPEC, .tcm_parent = TC_H_ROOT };
	const struct tc_tbf_qopt bucket = {
		/* With the link layer said, the kernel needs no table of rates. */
		.rate = { .rate = bytes_per_second, .linklayer = TC_LINKLAYER_ETHERNET },
		.limit = QUEUE_BYTES,
	};
	const uint32_t burst = BURST_BYTES;
	struct message message;
	struct nlattr *options;

	body.tcm_ifindex = (int)if_nametoindex(name);
	if (!body.tcm_ifindex)
		return -errno;
	begin(&message, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));
	put(&message, TCA_KIND, "tbf", sizeof("tbf"));
	options = nest(&message, TCA_OPTIONS);
	put(&message, TCA_TBF_PARMS, &bucket, sizeof(bucket));
	put(&message, TCA_TBF_BURST, &burst, sizeof(burst));
	close_nest(&message, options);
	return talk(NETLINK_ROUTE, &message, NULL, 0);
}

/* Number of MPTCP's generic netlink family, or a negative errno. */
static int path_manager(void)
{
	const struct genlmsghdr body = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	_Alignas(struct nlmsghdr) unsigned char answer[4096];
	const struct nlmsghdr *header = (const void *)answer;
	const unsigned char *at, *end;
	struct message message;
	int error;

	memset(answer, 0, sizeof(answer));
	begin(&message, GENL_ID_CTRL, 0, &body, sizeof(body));
	put(&message, CTRL_ATTR_FAMILY_NAME, PM_NAME, sizeof(PM_NAME));
	error = talk(NETLINK_GENERIC, &message, answer, sizeof(answer));
	if (error)
		return error;
	end = answer + header->nlmsg_len;
	for (at = answer + NLMSG_LENGTH(GENL_HDRLEN); at + NLA_HDRLEN <= end;) {
		const struct nlattr *attribute = (const void *)at;

		if (attribute->nla_len < NLA_HDRLEN || at + attribute->nla_len > end)
			break;
		if (attribute->nla_type == CTRL_ATTR_FAMILY_ID) {
			uint16_t number;

			memcpy(&number, at + NLA_HDRLEN, sizeof(number));
			return number;
		}
		at += NLA_ALIGN(attribute->nla_len);
	}
	return -EPROTO;
}

static int begin_path_manager(struct message *message, uint8_t command)
{
	const struct genlmsghdr body = { .cmd = command, .version = PM_VERSION };
	int family = path_manager();

	if (family < 0)
		return family;
	begin(message, family, 0, &body, sizeof(body));
	return 0;
}

int endpoint_add(uint32_t address, uint32_t flags)
{
	const uint32_t wire = htonl(address);
	const uint16_t family = AF_INET;
	struct message message;
	struct nlattr *nested;
	int error = begin_path_manager(&message, PM_CMD_ADD_ADDR);

	if (error)
		return error;
	nested = nest(&message, PM_ATTR_ADDR);
	put(&message, PM_ADDR_FAMILY, &family, sizeof(family));
	put(&message, PM_ADDR_ADDR4, &wire, sizeof(wire));
	put(&message, PM_ADDR_FLAGS, &flags, sizeof(flags));
	close_nest(&message, nested);
	return talk(NETLINK_GENERIC, &message, NULL, 0);
}

int limits_set(uint32_t accepted_addresses, uint32_t subflows)
{
	struct message message;
	int error = begin_path_manager(&message, PM_CMD_SET_LIMITS);

	if (error)
		return error;
	put(&message, PM_ATTR_RCV_ADD_ADDRS, &accepted_addresses, sizeof(accepted_addresses));
	put(&message, PM_ATTR_SUBFLOWS, &subflows, sizeof(subflows));
	return talk(NETLINK_GENERIC, &message, NULL, 0);
}
