// SPDX-License-Identifier: MIT
/* What is tried. A case says what came of it and leaves the judgement to its reader. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define GREETING 4096
#define SMALL (256 * 1024)
#define JOIN_MS 5000
/* For a join more than was waited for. */
#define SETTLE_MS 300

static struct stream stream;

static enum result refused(const char *what, int error)
{
	say_why("%s:%s", what, error_word(-error));
	return REFUSED;
}

/* What became of the stream, which ends here. */
static void report_stream(const char *name)
{
	report("step=transfer case=%s sent=%" PRIu64 " received=%" PRIu64 " sent_hash=%016" PRIx64
	       " received_hash=%016" PRIx64,
	       name, stream.written ? stream.written->sent : 0, stream.received,
	       stream.written ? stream.written->hash : 0, stream.received_hash);
	stream_end(&stream);
}

static void report_row(const char *name)
{
	bool there;

	world_counter(CLIENT, name, &there);
	report("step=feature name=%s result=%s", name, there ? "present" : "absent");
}

/* Namespaces, links, a socket, a path manager: what every other case needs, each named where it is not there. */
static enum result world(const struct options *options)
{
	int file, error;

	(void)options;
	if (world_make(SLOW))
		return REFUSED;
	report("step=feature name=links result=present");
	file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, PROTOCOL_MPTCP);
	if (file < 0)
		return refused("mptcp", -errno);
	close(file);
	report("step=feature name=mptcp result=present");
	error = limits_set(1, 1);
	report("step=feature name=path-manager result=%s", error ? error_word(-error) : "present");
	report_row("MPCapableSYNRX");
	report_row("MPJoinAckRx");
	report_row("SubflowStale");
	return DONE;
}

/* One subflow. */
static enum result capable(const struct options *options)
{
	enum result result;

	if (world_make(SLOW))
		return REFUSED;
	result = stream_open(&stream, SMALL, options->stall);
	if (result == DONE)
		result = stream_finish(&stream, options->stall);
	report_stream("capable");
	world_report("capable");
	return result;
}

/* The server offers its address on the second link, and the client joins there. */
static enum result open_on_both(const struct options *options, enum speed speed)
{
	enum result result;
	int error;

	if (world_make(speed) || world_go(SERVER))
		return REFUSED;
	error = limits_set(0, 1);
	error = error ? error : endpoint_add(world_address(SERVER, SECOND), ENDPOINT_SIGNAL);
	error = error ? error : world_go(CLIENT);
	error = error ? error : limits_set(1, 1);
	if (error)
		return refused("endpoint", error);
	result = stream_open(&stream, options->size, options->stall);
	if (result == DONE)
		result = stream_pump(&stream, GREETING, GREETING, options->stall);
	if (result != DONE)
		return result;
	world_await(SERVER, "MPJoinAckRx", 1, JOIN_MS);
	return DONE;
}

/* A transfer over both links. */
static enum result join(const struct options *options)
{
	enum result result = open_on_both(options, SLOW);

	if (result == DONE)
		result = stream_finish(&stream, options->stall);
	report_stream("join");
	world_report("join");
	return result;
}

/*
 * The first link goes down on one side when a quarter of the stream has come. By then half of it may be written, and no
 * more, however fast the machine is: the other half has to go over the second link.
 */
static enum result cut(const struct options *options, const char *name, enum speed speed, enum side side)
{
	enum result result = open_on_both(options, speed);
	int error;

	if (result == DONE)
		result = stream_pump(&stream, stream.total / 2, stream.total / 4, options->stall);
	if (result == DONE) {
		int64_t start;

		report("step=cut case=%s received=%" PRIu64 " link1=%" PRIu64 " link2=%" PRIu64, name, stream.received,
		       world_link_bytes(FIRST), world_link_bytes(SECOND));
		start = now_ms();
		error = world_go(side);
		error = error ? error : link_set(world_link(FIRST), false);
		if (error) {
			stream_end(&stream);
			return refused("cut", error);
		}
		result = stream_finish(&stream, options->stall);
		report("step=after-cut case=%s ms=%" PRId64, name, now_ms() - start);
	}
	report_stream(name);
	world_report(name);
	return result;
}

/*
 * The sender's own interface goes: what it wrote for that link was never sent, so no retransmission timer of TCP says
 * that it was lost. Links are as fast as they can be, so that little is under way at that time.
 */
static enum result cut_here(const struct options *options)
{
	return cut(options, "cut", FULL, CLIENT);
}

/* The other end goes: packets that were sent are lost in silence, and slow links have some under way. */
static enum result cut_there(const struct options *options)
{
	return cut(options, "cut-far", SLOW, SERVER);
}

/*
 * The fullmesh cases of the kernel's own mptcp_join.sh: every fullmesh endpoint of the client is to be joined with both
 * addresses of the server, which offers its second one.
 */
struct mesh {
	const char *name;
	unsigned int endpoints;
	bool late;	/* the endpoints come during the connection, else the offer does */
	unsigned int limit;	/* of subflows */
	unsigned int wanted;	/* joins; an offer that finds no fullmesh endpoint makes one of its own */
};

static int add_endpoints(const struct mesh *mesh)
{
	int error = world_go(CLIENT);
	unsigned int at;

	for (at = 0; at < mesh->endpoints; at++)
		error = error ? error : endpoint_add(world_spare_address(at), ENDPOINT_SUBFLOW | ENDPOINT_FULLMESH);
	return error;
}

static int add_offer(void)
{
	int error = world_go(SERVER);

	return error ? error : endpoint_add(world_address(SERVER, SECOND), ENDPOINT_SIGNAL);
}

static enum result run_mesh(const struct options *options, const struct mesh *mesh)
{
	enum result result;
	int error;

	if (world_make(SLOW))
		return REFUSED;
	error = world_go(SERVER);
	error = error ? error : limits_set(0, mesh->limit);
	error = error ? error : world_go(CLIENT);
	error = error ? error : limits_set(1, mesh->limit);
	error = error ? error : mesh->late ? add_offer() : add_endpoints(mesh);
	if (error)
		return refused("endpoint", error);
	result = stream_open(&stream, SMALL, options->stall);
	if (result == DONE)
		result = stream_pump(&stream, GREETING, GREETING, options->stall);
	if (result == DONE) {
		/* What is there first is joined first: one join an endpoint, or the one of the offer. */
		world_await(SERVER, "MPJoinAckRx", mesh->late ? 1 : mesh->endpoints, JOIN_MS);
		error = mesh->late ? add_endpoints(mesh) : add_offer();
		if (error) {
			stream_end(&stream);
			return refused("endpoint", error);
		}
		world_await(SERVER, "MPJoinAckRx", mesh->wanted, JOIN_MS);
		sleep_ms(SETTLE_MS);
		report("step=joins case=%s wanted=%u seen=%" PRIu64, mesh->name, mesh->wanted,
		       world_counter(SERVER, "MPJoinAckRx", NULL));
		result = stream_finish(&stream, options->stall);
	}
	report_stream(mesh->name);
	world_report(mesh->name);
	return result;
}

static enum result mesh_2x1(const struct options *options)
{
	return run_mesh(options, &(const struct mesh){ "fullmesh-2x1", 2, false, 4, 4 });
}

static enum result mesh_1x1(const struct options *options)
{
	return run_mesh(options, &(const struct mesh){ "fullmesh-1x1", 1, true, 3, 3 });
}

static enum result mesh_1x2(const struct options *options)
{
	return run_mesh(options, &(const struct mesh){ "fullmesh-1x2", 2, true, 5, 5 });
}

static enum result mesh_limited(const struct options *options)
{
	return run_mesh(options, &(const struct mesh){ "fullmesh-limited", 2, true, 4, 4 });
}

/* The first one decides whether there is any sense in the others. */
const struct test_case test_cases[] = {
	{ "world", world },
	{ "capable", capable },
	{ "join", join },
	{ "cut", cut_here },
	{ "cut-far", cut_there },
	{ "fullmesh-2x1", mesh_2x1 },
	{ "fullmesh-1x1", mesh_1x1 },
	{ "fullmesh-1x2", mesh_1x2 },
	{ "fullmesh-limited", mesh_limited },
	{ NULL, NULL },
};
