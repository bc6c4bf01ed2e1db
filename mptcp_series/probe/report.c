// SPDX-License-Identifier: MIT
/* What the probe says, one line at a time, for programs to read. */
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_file = STDOUT_FILENO;
static bool to_kernel;
static char reason[128];

/*
 * As process 1 the lines go through the kernel's log: there they cannot be cut in two by the kernel's own, and a splat
 * stands in the case that brought it.
 */
void report_open(void)
{
	int file;

	if (getpid() != 1)
		return;
	file = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (file >= 0) {
		log_file = file;
		to_kernel = true;
	}
}

void report(const char *format, ...)
{
	/* The kernel cuts a record at about 1000 bytes. */
	char line[960];
	size_t at, size;
	va_list arguments;
	int added;

	at = (size_t)snprintf(line, sizeof(line), "%sprobe: ", to_kernel ? "<6>" : "");
	va_start(arguments, format);
	added = vsnprintf(line + at, sizeof(line) - at - 1, format, arguments);
	va_end(arguments);
	if (added < 0)
		return;
	size = at + (size_t)added;
	if (size > sizeof(line) - 2)
		size = sizeof(line) - 2;
	line[size++] = '\n';
	for (at = 0; at < size;) {
		ssize_t written = write(log_file, line + at, size - at);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		at += (size_t)written;
	}
}

void say_why(const char *format, ...)
{
	va_list arguments;

	if (reason[0])
		return;
	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
}

const char *why(void)
{
	return reason[0] ? reason : "-";
}

const char *result_word(enum result result)
{
	switch (result) {
	case DONE:
		return "done";
	case HANGS:
		return "hangs";
	case REFUSED:
		return "refused";
	case FAILED:
		break;
	}
	return "failed";
}

/* strerror() has spaces, and a line has none within a value. */
const char *error_word(int error)
{
	static char number[32];
	static const struct {
		int error;
		const char *word;
	} words[] = {
		{ EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { EACCES, "EACCES" }, { EINVAL, "EINVAL" },
		{ ENOSYS, "ENOSYS" }, { EEXIST, "EEXIST" }, { ENODEV, "ENODEV" }, { ENOMEM, "ENOMEM" },
		{ ENOSPC, "ENOSPC" }, { EPIPE, "EPIPE" }, { EAGAIN, "EAGAIN" }, { EOPNOTSUPP, "EOPNOTSUPP" },
		{ EPROTONOSUPPORT, "EPROTONOSUPPORT" }, { ENOPROTOOPT, "ENOPROTOOPT" },
		{ EAFNOSUPPORT, "EAFNOSUPPORT" }, { ECONNRESET, "ECONNRESET" }, { ECONNREFUSED, "ECONNREFUSED" },
		{ ETIMEDOUT, "ETIMEDOUT" }, { ENETUNREACH, "ENETUNREACH" }, { EHOSTUNREACH, "EHOSTUNREACH" },
		{ ENETDOWN, "ENETDOWN" }, { EUSERS, "EUSERS" }, { EPROTO, "EPROTO" },
	};
	size_t at;

	for (at = 0; at < sizeof(words) / sizeof(words[0]); at++)
		if (words[at].error == error)
			return words[at].word;
	snprintf(number, sizeof(number), "errno-%d", error);
	return number;
}

int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}
