// SPDX-License-Identifier: MIT
/*
 * Two network namespaces with two links between them:
 *
 *     server 10.0.1.1 --- link1 --- 10.0.1.2 client
 *            10.0.2.1 --- link2 --- 10.0.2.2
 *                                   10.0.2.3
 *                                   10.0.2.4
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PREFIX 24
#define BYTES_PER_SECOND 4000000
#define STEP_MS 20

static int namespaces[SIDES] = { -1, -1 };
static const char *const links[LINKS] = { "link1", "link2" };
static const char *const sides[SIDES] = { "server", "client" };

static int write_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (file < 0)
		return -errno;
	if (write(file, text, strlen(text)) < 0)
		error = -errno;
	close(file);
	return error;
}

/* The whole of a file of /proc, which has no size: NULL where it cannot be read. The caller frees it. */
static char *read_file(const char *path)
{
	size_t size = 0, room = 4096;
	char *text = malloc(room);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = -1;

	while (file >= 0 && text) {
		got = read(file, text + size, room - size - 1);
		if (got <= 0)
			break;
		size += (size_t)got;
		if (size + 1 == room) {
			char *more = realloc(text, room *= 2);

			if (!more)
				got = -1;
			else
				text = more;
			if (!more)
				break;
		}
	}
	if (file >= 0)
		close(file);
	if (got < 0) {
		free(text);
		return NULL;
	}
	text[size] = '\0';
	return text;
}

/* user_namespaces(7): an ordinary user may own network namespaces inside a user namespace of its own. */
int world_enter_user_namespace(void)
{
	const unsigned int user = geteuid(), group = getegid();
	char map[64];
	int error;

	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	error = write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", user);
	error = error ? error : write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", group);
	return error ? error : write_file("/proc/self/gid_map", map);
}

const char *world_link(enum link link)
{
	return links[link];
}

uint32_t world_address(enum side side, enum link link)
{
	return 10u << 24 | ((uint32_t)link + 1) << 8 | (side == SERVER ? 1u : 2u);
}

uint32_t world_spare_address(unsigned int number)
{
	return world_address(CLIENT, SECOND) + 1 + number;
}

int world_go(enum side side)
{
	return setns(namespaces[side], CLONE_NEWNET) < 0 ? -errno : 0;
}

/* A packet from one link's address may leave by the other link; new namespaces inherit the machine's filters. */
static void allow_crossing(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", name);
	write_file(path, "0");
}

static int make_namespace(enum side side)
{
	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	namespaces[side] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (namespaces[side] < 0)
		return -errno;
	/* Off by default in some distributions. Where it cannot be written, the first socket tells. */
	write_file("/proc/sys/net/mptcp/enabled", "1");
	allow_crossing("all");
	allow_crossing("default");
	return link_set("lo", true);
}

static int make_link(enum link link, enum speed speed)
{
	enum side side;
	int error;

	error = world_go(SERVER);
	error = error ? error : link_create(links[link], namespaces[CLIENT]);
	for (side = SERVER; side < SIDES; side++) {
		error = error ? error : world_go(side);
		error = error ? error : address_add(links[link], world_address(side, link), PREFIX);
		error = error ? error : link_set(links[link], true);
		if (error)
			return error;
		allow_crossing(links[link]);
		error = speed == SLOW ? link_shape(links[link], BYTES_PER_SECOND) : 0;
		if (error) {
			say_why("tbf:%s", error_word(-error));
			return error;
		}
	}
	return error;
}

int world_make(enum speed speed)
{
	enum side side;
	enum link link;
	int error;

	for (side = SERVER; side < SIDES; side++) {
		error = make_namespace(side);
		if (error) {
			say_why("namespace:%s", error_word(-error));
			return error;
		}
	}
	for (link = FIRST; link < LINKS; link++) {
		error = make_link(link, speed);
		if (error) {
			say_why("veth:%s", error_word(-error));
			return error;
		}
	}
	error = world_go(CLIENT);
	error = error ? error : address_add(links[SECOND], world_spare_address(0), PREFIX);
	error = error ? error : address_add(links[SECOND], world_spare_address(1), PREFIX);
	if (error)
		say_why("address:%s", error_word(-error));
	return error;
}

/* A word of a line that ends with the line, or NULL after the last. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, " ");
	size_t size = strcspn(word, " \n");

	if (!size)
		return NULL;
	*at = word + size;
	if (**at == ' ')
		*(*at)++ = '\0';
	else if (**at == '\n')
		**at = '\0';
	return word;
}

/* /proc/net/netstat has a line of names and below it one of values for each table. */
static bool each_counter(enum side side, bool (*visit)(const char *name, uint64_t value, void *data), void *data)
{
	static const char table[] = "\nMPTcpExt:";
	char *text = world_go(side) ? NULL : read_file("/proc/net/netstat");
	char *names = text ? strstr(text, table) : NULL;
	char *values = names ? strstr(names + 1, table) : NULL;
	bool found = values != NULL;

	if (found) {
		names += sizeof(table) - 1;
		values += sizeof(table) - 1;
		for (;;) {
			const char *name = next_word(&names), *value = next_word(&values);

			if (!name || !value || visit(name, strtoull(value, NULL, 10), data))
				break;
		}
	}
	free(text);
	return found;
}

struct sought {
	const char *name;
	uint64_t value;
	bool there;
};

static bool is_sought(const char *name, uint64_t value, void *data)
{
	struct sought *sought = data;

	if (strcmp(name, sought->name) != 0)
		return false;
	sought->value = value;
	sought->there = true;
	return true;
}

uint64_t world_counter(enum side side, const char *name, bool *there)
{
	struct sought sought = { .name = name };

	each_counter(side, is_sought, &sought);
	if (there)
		*there = sought.there;
	return sought.value;
}

uint64_t world_await(enum side side, const char *name, uint64_t least, int ms)
{
	const int64_t end = now_ms() + ms;
	uint64_t value = world_counter(side, name, NULL);

	while (value < least && now_ms() < end) {
		sleep_ms(STEP_MS);
		value = world_counter(side, name, NULL);
	}
	return value;
}

/* What the client sent on a link: the ninth number behind the name in /proc/net/dev. */
uint64_t world_link_bytes(enum link link)
{
	char *text = world_go(CLIENT) ? NULL : read_file("/proc/net/dev");
	char *at = text ? strstr(text, links[link]) : NULL;
	uint64_t bytes = 0;

	if (at) {
		int column;

		at += strlen(links[link]) + 1;
		for (column = 0; column < 9; column++)
			bytes = strtoull(at, &at, 10);
	}
	free(text);
	return bytes;
}

struct row {
	char text[800];
	size_t size;
};

static bool add_to_row(const char *name, uint64_t value, void *data)
{
	struct row *row = data;
	int added;

	if (!value)
		return false;
	added = snprintf(row->text + row->size, sizeof(row->text) - row->size, " %s=%" PRIu64, name, value);
	if (added < 0 || (size_t)added >= sizeof(row->text) - row->size)
		return true;
	row->size += (size_t)added;
	return false;
}

void world_report(const char *name)
{
	enum side side;
	enum link link;

	for (side = SERVER; side < SIDES; side++) {
		struct row row = { .size = 0 };

		each_counter(side, add_to_row, &row);
		report("step=counters case=%s side=%s%.*s", name, sides[side], (int)row.size, row.text);
	}
	for (link = FIRST; link < LINKS; link++)
		report("step=link case=%s name=%s bytes=%" PRIu64, name, links[link], world_link_bytes(link));
}
