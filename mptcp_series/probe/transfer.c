// SPDX-License-Identifier: MIT
/*
 * One connection from the client to the server's first address, and a stream of known bytes on it.
 *
 * The writer is a process of its own and blocks in send(), as most programs do; a kernel that cannot go on leaves it
 * there for good. The reader is here, and sees a stall as a poll() that ran out of time.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PORT 7000
#define SLICE_MS 200

static const uint64_t fnv_start = 0xcbf29ce484222325u, fnv_prime = 0x100000001b3u;

static uint64_t hashed(uint64_t hash, const unsigned char *bytes, size_t size)
{
	/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
	while (size--)
		hash = (hash ^ *bytes++) * fnv_prime;
	return hash;
}

static enum result error_of(const char *step, int error)
{
	say_why("%s:%s", step, error_word(error));
	return FAILED;
}

static int make_socket(enum side side)
{
	int error = world_go(side);

	if (error) {
		errno = -error;
		return -1;
	}
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, PROTOCOL_MPTCP);
}

/* Wait for one event of one socket. */
static bool await_event(int file, short events, int stall)
{
	struct pollfd one = { .fd = file, .events = events };

	return poll(&one, 1, stall * 1000) > 0;
}

/* The writer: obey orders until there are no more, then end the stream. The bytes are xorshift64's, so that no two
 * places of the stream look alike. */
static void __attribute__((noreturn)) write_all(const struct stream *stream, int orders)
{
	struct written *written = stream->written;
	uint64_t words[2048], limit, state = 0x9e3779b97f4a7c15u;
	size_t at = sizeof(words), word;

	while (read(orders, &limit, sizeof(limit)) == sizeof(limit)) {
		while (written->sent < limit) {
			size_t size;
			ssize_t took;

			if (at == sizeof(words)) {
				for (word = 0; word < sizeof(words) / sizeof(words[0]); word++) {
					state ^= state << 13;
					state ^= state >> 7;
					state ^= state << 17;
					words[word] = state;
				}
				at = 0;
			}
			size = sizeof(words) - at;
			if (size > limit - written->sent)
				size = (size_t)(limit - written->sent);
			took = send(stream->client, (unsigned char *)words + at, size, MSG_NOSIGNAL);
			if (took < 0 && errno == EINTR)
				continue;
			if (took < 0) {
				written->error = errno;
				_exit(1);
			}
			written->hash = hashed(written->hash, (unsigned char *)words + at, (size_t)took);
			written->sent += (uint64_t)took;
			at += (size_t)took;
		}
	}
	if (shutdown(stream->client, SHUT_WR) < 0) {
		written->error = errno;
		_exit(1);
	}
	_exit(0);
}

static enum result start_writer(struct stream *stream)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_of("pipe", errno);
	stream->writer = fork();
	if (stream->writer < 0) {
		stream->writer = 0;
		return error_of("fork", errno);
	}
	if (stream->writer == 0) {
		/* Without a reader nobody would end it. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[1]);
		write_all(stream, ends[0]);
	}
	close(ends[0]);
	stream->orders = ends[1];
	return DONE;
}

enum result stream_open(struct stream *stream, size_t total, int stall)
{
	struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	socklen_t size = sizeof(int);
	int error = 0;

	memset(stream, 0, sizeof(*stream));
	stream->listener = stream->client = stream->server = stream->orders = -1;
	stream->total = total;
	stream->received_hash = fnv_start;
	stream->written = mmap(NULL, sizeof(*stream->written), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (stream->written == MAP_FAILED) {
		stream->written = NULL;
		return error_of("mmap", errno);
	}
	stream->written->hash = fnv_start;
	stream->listener = make_socket(SERVER);
	if (stream->listener < 0) {
		error_of("socket", errno);
		return REFUSED;
	}
	/* Every address: subflows come to the other one too. */
	server.sin_addr.s_addr = htonl(INADDR_ANY);
	if (bind(stream->listener, (void *)&server, sizeof(server)) < 0)
		return error_of("bind", errno);
	if (listen(stream->listener, 4) < 0)
		return error_of("listen", errno);

	stream->client = make_socket(CLIENT);
	if (stream->client < 0)
		return error_of("socket", errno);
	server.sin_addr.s_addr = htonl(world_address(SERVER, FIRST));
	if (connect(stream->client, (void *)&server, sizeof(server)) < 0 && errno != EINPROGRESS)
		return error_of("connect", errno);
	if (!await_event(stream->client, POLLOUT, stall)) {
		say_why("connect");
		return HANGS;
	}
	if (getsockopt(stream->client, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error)
		return error_of("connect", error);
	if (!await_event(stream->listener, POLLIN, stall)) {
		say_why("accept");
		return HANGS;
	}
	stream->server = accept(stream->listener, NULL, NULL);
	if (stream->server < 0)
		return error_of("accept", errno);
	if (fcntl(stream->server, F_SETFL, O_NONBLOCK) < 0 || fcntl(stream->client, F_SETFL, 0) < 0)
		return error_of("fcntl", errno);
	return start_writer(stream);
}

/* Read once what is there: 1 where some was, 0 where none was, -1 on an error, and -2 at the stream's end. */
static int read_some(struct stream *stream)
{
	unsigned char bytes[16384];
	ssize_t got = recv(stream->server, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (got == 0)
		return -2;
	stream->received_hash = hashed(stream->received_hash, bytes, (size_t)got);
	stream->received += (uint64_t)got;
	return 1;
}

/* Wait for bytes until `progress` is older than a stall may be; `some` is what read_some() gave, or 0. */
static enum result read_next(struct stream *stream, int64_t progress, int stall, int *some)
{
	struct pollfd one = { .fd = stream->server, .events = POLLIN };
	const int64_t left = progress + (int64_t)stall * 1000 - now_ms();

	*some = 0;
	if (stream->written->error)
		return error_of("send", stream->written->error);
	if (left <= 0) {
		say_why("no-byte-for-%ds", stall);
		return HANGS;
	}
	/* In slices, to see an error of the writer early. */
	if (poll(&one, 1, left < SLICE_MS ? (int)left : SLICE_MS) < 0 && errno != EINTR)
		return error_of("poll", errno);
	if (one.revents)
		*some = read_some(stream);
	return *some == -1 ? error_of("recv", errno) : DONE;
}

enum result stream_pump(struct stream *stream, uint64_t limit, uint64_t target, int stall)
{
	int64_t progress = now_ms();

	if (write(stream->orders, &limit, sizeof(limit)) != sizeof(limit))
		return error_of("pipe", errno);
	while (stream->received < target) {
		int some;
		enum result result = read_next(stream, progress, stall, &some);

		if (result != DONE)
			return result;
		if (some == -2) {
			say_why("end-too-early");
			return FAILED;
		}
		if (some == 1)
			progress = now_ms();
	}
	return DONE;
}

enum result stream_finish(struct stream *stream, int stall)
{
	enum result result = stream_pump(stream, stream->total, stream->total, stall);
	const int64_t progress = now_ms();
	int some = 0;

	close(stream->orders);
	stream->orders = -1;
	while (result == DONE && some != -2) {
		result = read_next(stream, progress, stall, &some);
		if (some == 1) {
			say_why("bytes-behind-the-end");
			return FAILED;
		}
	}
	if (result == DONE && stream->received_hash != stream->written->hash) {
		say_why("hash");
		return FAILED;
	}
	return result;
}

void stream_end(struct stream *stream)
{
	if (stream->writer > 0)
		kill(stream->writer, SIGKILL);
}
