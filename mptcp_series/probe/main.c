// SPDX-License-Identifier: MIT
/*
 * probe [stall=SECONDS] [limit=SECONDS] [size=BYTES] [only=CASE]
 *
 * As process 1 it mounts /proc, runs the cases and restarts the machine, which ends QEMU under -no-reboot. As an
 * ordinary process it takes a user namespace where it needs one, and its status is 0 where every case was run.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_MS 10
/* A killed case still has to come out of the kernel. */
#define BURIAL_MS 5000

static bool read_number(const char *argument, const char *name, long least, long most, long *value)
{
	const size_t size = strlen(name);
	char *end;

	if (strncmp(argument, name, size) != 0 || argument[size] != '=')
		return false;
	*value = strtol(argument + size + 1, &end, 10);
	return end != argument + size + 1 && !*end && *value >= least && *value <= most;
}

static bool read_options(int count, char **arguments, struct options *options)
{
	int at;

	for (at = 1; at < count; at++) {
		long value;

		if (read_number(arguments[at], "stall", 1, 3600, &value)) {
			options->stall = (int)value;
		} else if (read_number(arguments[at], "limit", 1, 3600, &value)) {
			options->limit = (int)value;
		} else if (read_number(arguments[at], "size", 1024 * 1024, 1024 * 1024 * 1024, &value)) {
			options->size = (size_t)value;
		} else if (strncmp(arguments[at], "only=", 5) == 0) {
			options->only = arguments[at] + 5;
		} else {
			report("step=usage argument=%s", arguments[at]);
			return false;
		}
	}
	return true;
}

/* Whether the child ended within the time; it is gone afterwards if it can be. */
static bool await_child(pid_t child, int ms, int *status)
{
	const int64_t end = now_ms() + ms;

	for (;;) {
		pid_t ended = waitpid(child, status, WNOHANG);

		if (ended == child)
			return true;
		if (ended < 0 && errno != EINTR)
			return false;
		if (now_ms() >= end)
			return false;
		sleep_ms(STEP_MS);
	}
}

static enum result run_case(const struct test_case *test_case, const struct options *options)
{
	const int64_t start = now_ms();
	int status = 0;
	pid_t child;

	report("step=begin case=%s", test_case->name);
	child = fork();
	if (child < 0) {
		report("step=case name=%s result=failed why=fork:%s ms=0", test_case->name, error_word(errno));
		return FAILED;
	}
	if (child == 0) {
		enum result result = test_case->run(options);

		report("step=case name=%s result=%s why=%s ms=%" PRId64, test_case->name, result_word(result), why(),
		       now_ms() - start);
		_exit(result);
	}
	if (!await_child(child, options->limit * 1000, &status)) {
		bool gone;

		kill(child, SIGKILL);
		gone = await_child(child, BURIAL_MS, &status);
		report("step=case name=%s result=hangs why=%s ms=%" PRId64, test_case->name,
		       gone ? "case-limit" : "stuck-in-the-kernel", now_ms() - start);
		return HANGS;
	}
	if (!WIFEXITED(status)) {
		report("step=case name=%s result=failed why=signal-%d ms=%" PRId64, test_case->name, WTERMSIG(status),
		       now_ms() - start);
		return FAILED;
	}
	return (enum result)WEXITSTATUS(status);
}

/* An ordinary user needs a namespace of users; root does not, unless its rights are cut. */
static int take_rights(void)
{
	pid_t child = fork();
	int status = 0;

	if (child < 0)
		return -errno;
	if (child == 0)
		_exit(unshare(CLONE_NEWNET) < 0);
	if (!await_child(child, BURIAL_MS, &status))
		return -ETIMEDOUT;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : world_enter_user_namespace();
}

static int run_all(const struct options *options)
{
	const struct test_case *at;
	struct utsname name;
	int error, run = 0;

	uname(&name);
	report("step=start version=1 kernel=%s machine=%s process=%d stall=%d limit=%d size=%zu", name.release,
	       name.machine, (int)getpid(), options->stall, options->limit, options->size);
	error = take_rights();
	if (error) {
		report("step=end cases=0 why=rights:%s", error_word(-error));
		return 1;
	}
	for (at = test_cases; at->name; at++) {
		if (at != test_cases && options->only && strcmp(at->name, options->only) != 0)
			continue;
		run++;
		if (run_case(at, options) != DONE && at == test_cases) {
			report("step=end cases=%d why=world", run);
			return 1;
		}
	}
	report("step=end cases=%d why=-", run);
	return 0;
}

int main(int count, char **arguments)
{
	struct options options = { .stall = 20, .limit = 60, .size = 8 * 1024 * 1024 };
	const bool is_init = getpid() == 1;
	int status = 2;

	if (is_init) {
		mkdir("/proc", 0555);
		if (mount("proc", "/proc", "proc", 0, NULL) < 0)
			perror("probe: mount /proc");
	}
	report_open();
	if (read_options(count, arguments, &options))
		status = run_all(&options);
	if (is_init) {
		/* The log goes out over a slow line. */
		sleep_ms(200);
		reboot(RB_AUTOBOOT);
	}
	return status;
}
