// SPDX-License-Identifier: MIT
/*
 * A probe of a kernel's Multipath TCP: one static program, /init of a guest or an ordinary process.
 *
 * Every case runs in a child of its own, with two network namespaces and two veth links of its own, so that counters
 * begin at zero and a case that hangs takes no other with it. A case is one process with sockets in both namespaces and
 * one more that writes and may block, as programs do. Every wait of the first has an end, and it ends the second.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPPROTO_MPTCP, which not every machine's headers have. */
#define PROTOCOL_MPTCP 262

/* How a case ended; the words are in report.c. */
enum result {
	DONE,		/* went through; what the counters say is another matter */
	HANGS,		/* no byte came for as long as a stall may take */
	FAILED,		/* an error, or the bytes that came were not those sent */
	REFUSED,	/* the kernel would not do what the case needs */
};

enum side { SERVER, CLIENT, SIDES };
enum link { FIRST, SECOND, LINKS };

struct options {
	int stall;	/* seconds without a byte that count as a hang */
	int limit;	/* seconds a case may take in all */
	size_t size;	/* bytes of a transfer over both links */
	const char *only;	/* name of the one case to run, or NULL */
};

/* report.c: lines of `probe: step=... key=value ...`, in the kernel's log when this is process 1. */
void report_open(void);
__attribute__((format(printf, 1, 2))) void report(const char *format, ...);
/* The reason a case ended as it did, one word or an error's name; the first one said stays. */
__attribute__((format(printf, 1, 2))) void say_why(const char *format, ...);
const char *why(void);
const char *result_word(enum result result);
const char *error_word(int error);
int64_t now_ms(void);
void sleep_ms(int ms);

/* netlink.c: 0, or a negative errno. Each call opens a socket of its own in the namespace it is called in. */
#define ENDPOINT_SIGNAL (1 << 0)
#define ENDPOINT_SUBFLOW (1 << 1)
#define ENDPOINT_FULLMESH (1 << 3)
int link_create(const char *name, int peer_namespace);
int link_set(const char *name, bool up);
int address_add(const char *name, uint32_t address, int prefix);
/* A link as slow as a real one, in the direction away from here; -ENOENT where the kernel has no tbf. */
int link_shape(const char *name, uint32_t bytes_per_second);
int endpoint_add(uint32_t address, uint32_t flags);
int limits_set(uint32_t accepted_addresses, uint32_t subflows);

/* world.c: two namespaces, two links. */
int world_enter_user_namespace(void);
/* SLOW: of limited speed, so that one link alone cannot carry all. */
enum speed { FULL, SLOW };
int world_make(enum speed speed);
int world_go(enum side side);
const char *world_link(enum link link);
uint32_t world_address(enum side side, enum link link);
/* More addresses of the client on the second link: 0 and 1. */
uint32_t world_spare_address(unsigned int number);
/* A counter of MPTcpExt in /proc/net/netstat: 0 where no row or no socket yet, `*there` says which. */
uint64_t world_counter(enum side side, const char *name, bool *there);
/* Wait until a counter is at least `least`, or `ms` have gone by; its last value. */
uint64_t world_await(enum side side, const char *name, uint64_t least, int ms);
uint64_t world_link_bytes(enum link link);
void world_report(const char *name);

/* transfer.c: one connection from client to server, and a stream of known bytes on it. */
struct stream {
	int listener, client, server;
	int orders;	/* to the writer: how far to write */
	int writer;	/* process that writes, 0 where there is none */
	uint64_t received, received_hash;
	size_t total;
	struct written *written;	/* shared with the writer */
};
struct written {
	uint64_t sent, hash;
	int error;
};
enum result stream_open(struct stream *stream, size_t total, int stall);
/* Let up to `limit` bytes of the stream be written, and wait until `target` have come. */
enum result stream_pump(struct stream *stream, uint64_t limit, uint64_t target, int stall);
/* The end of the stream: all of it, its end, and the same hash. */
enum result stream_finish(struct stream *stream, int stall);
/* Nothing of the stream is left behind, whatever became of it. */
void stream_end(struct stream *stream);

/* cases.c */
struct test_case {
	const char *name;
	enum result (*run)(const struct options *options);
};
extern const struct test_case test_cases[];

#endif
