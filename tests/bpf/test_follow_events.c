/* SPDX-License-Identifier: MIT */
/* What inotify says when a file is replaced in each of the ways in which programs are deployed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/watch/follow_events.h"

static char folder[] = "/tmp/follow-events-XXXXXX";
static char path[64], other[64], link_path[64];
static struct follow_events *events;
static int fd; /* of what stood at path at first */

static void put(const char *to, const char *text)
{
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	assert_true(out >= 0);
	assert_true(write(out, text, 3) == 3);
	close(out);
}

static int set_up(void **state)
{
	(void)state;
	put(path, "old");
	assert_int_equal(symlink(path, link_path), 0);
	fd = open(path, O_RDONLY);
	assert_int_equal(follow_events_open(link_path, &events), 0);
	follow_events_file_add(events, fd);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	follow_events_close(events);
	close(fd);
	unlink(path);
	unlink(other);
	unlink(link_path);
	return 0;
}

/* Has a writer closed the file, or was one moved there? */
static bool take(bool before)
{
	bool closed = before;

	follow_events_take(events, &closed);
	return closed;
}

static void test_nothing(void **state)
{
	struct pollfd news = {.fd = follow_events_fd(events), .events = POLLIN};

	(void)state;
	put(other, "new"); /* another name in the folder */
	assert_int_equal(poll(&news, 1, 1000), 1);
	assert_false(take(false));
	assert_false(follow_events_written(events, fd));
}

static void test_written_over(void **state)
{
	int out = open(path, O_WRONLY);

	(void)state;
	assert_int_equal(write(out, "new", 3), 3);
	assert_false(take(true)); /* it is not whole any more */
	assert_true(follow_events_written(events, fd));
	close(out);
	assert_true(take(false));
}

static void test_moved_over(void **state)
{
	(void)state;
	put(other, "new");
	assert_int_equal(rename(other, path), 0);
	assert_true(take(false));
	assert_false(follow_events_written(events, fd));
	/* The old one is watched whatever its name. */
	assert_true(write(open(path, O_WRONLY), "xxx", 3) == 3);
	take(false);
	assert_false(follow_events_written(events, fd));
}

static void test_link_switched(void **state)
{
	char next[80];

	(void)state;
	put(other, "new");
	snprintf(next, sizeof(next), "%s.next", link_path);
	assert_int_equal(symlink(other, next), 0);
	assert_int_equal(rename(next, link_path), 0);
	assert_true(take(false));
	/* From now on it is what the link names that matters. */
	take(false);
	put(other, "x86");
	assert_true(take(false));
}

static void test_forgotten(void **state)
{
	(void)state;
	follow_events_file_remove(events, fd);
	put(path, "new");
	take(false);
	assert_false(follow_events_written(events, fd));
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_nothing),       T(test_written_over), T(test_moved_over),
	        T(test_link_switched), T(test_forgotten),
	};
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(path, sizeof(path), "%s/program", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(link_path, sizeof(link_path), "%s/link", folder);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
