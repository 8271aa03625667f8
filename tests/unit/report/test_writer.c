/* SPDX-License-Identifier: MIT */
/* The writer: order, bounds, and that a descriptor that takes nothing keeps nobody waiting. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/writer.h"

#define PIPE_BYTES 4096

struct scene {
	int fds[2];
	struct writer *writer;
};

static struct scene scene_open(size_t room)
{
	struct scene scene;

	assert_int_equal(pipe2(scene.fds, O_CLOEXEC), 0);
	assert_true(fcntl(scene.fds[1], F_SETPIPE_SZ, PIPE_BYTES) == PIPE_BYTES);
	assert_int_equal(writer_create(scene.fds[1], room, 512, &scene.writer), 0);
	return scene;
}

static void scene_close(struct scene *scene)
{
	writer_destroy(scene->writer);
#ifndef __SANITIZE_THREAD__ /* a stuck thread is left behind, which may still look at it */
	close(scene->fds[1]);
#endif
	if (scene->fds[0] >= 0)
		close(scene->fds[0]);
}

static double seconds_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool is_readable(int fd, int ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, ms) > 0;
}

/* Ten times what the pipe holds, so that it is full and more waits. */
static void fill(struct scene *scene)
{
	static char text[10 * PIPE_BYTES];

	memset(text, 'x', sizeof(text));
	assert_int_equal(writer_put(scene->writer, text, sizeof(text)), 0);
}

static void *reader_run(void *ctx)
{
	int fd = *(int *)ctx;
	size_t sum = 0;
	char text[997];
	ssize_t n;
	unsigned int expected = 0;

	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++, sum++)
			expected += (unsigned char)text[i] != (unsigned char)(sum / 100);
	return (void *)(expected ? (size_t)0 : sum);
}

static void test_order(void **state)
{
	struct scene scene = scene_open(SIZE_MAX);
	char text[100];
	pthread_t thread;
	void *sum;

	(void)state;
	assert_int_equal(writer_state(scene.writer), 0);
	assert_int_equal(pthread_create(&thread, NULL, reader_run, &scene.fds[0]), 0);
	for (int i = 0; i < 1000; i++) {
		memset(text, i, sizeof(text));
		assert_int_equal(writer_put(scene.writer, text, sizeof(text)), 0);
	}
	assert_int_equal(writer_drain(scene.writer, 5000), 0);
	assert_true(is_readable(writer_fd(scene.writer), 1000));
	assert_int_equal(writer_state(scene.writer), 0);
	assert_false(is_readable(writer_fd(scene.writer), 0));
	close(scene.fds[1]);
	pthread_join(thread, &sum);
	assert_int_equal((size_t)sum, 100000);
	scene.fds[1] = -1;
	scene_close(&scene);
}

static void test_room(void **state)
{
	struct scene scene = scene_open(PIPE_BYTES);

	(void)state;
	fill(&scene); /* more than there is room for, but nothing waits */
	assert_int_equal(writer_put(scene.writer, "x", 1), -ENOBUFS);
	assert_int_equal(writer_state(scene.writer), 1);
	scene_close(&scene);
}

static void test_stuck(void **state)
{
	struct scene scene = scene_open(SIZE_MAX);
	double began = seconds_now();
	int waits = 0;

	(void)state;
	for (int i = 0; i < 100; i++)
		fill(&scene);
	assert_true(seconds_now() - began < 1);
	assert_int_equal(writer_drain(scene.writer, 300), -ETIMEDOUT);
	assert_true(seconds_now() - began < 2);
	assert_int_equal(fcntl(scene.fds[1], F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(ioctl(scene.fds[0], FIONREAD, &waits), 0);
	assert_int_equal(waits, PIPE_BYTES);
	began = seconds_now();
	scene_close(&scene);
	assert_true(seconds_now() - began < 0.5);
}

/* Progress renews the patience: 40 KB at 4 KB in 100 ms take longer than 300 ms. */
static void test_slow(void **state)
{
	struct scene scene = scene_open(SIZE_MAX);
	char text[PIPE_BYTES];

	(void)state;
	fill(&scene);
	for (int i = 0; i < 9; i++) {
		assert_int_equal(writer_drain(scene.writer, 100), -ETIMEDOUT);
		for (size_t got = 0; got < sizeof(text);)
			got += (size_t)read(scene.fds[0], text, sizeof(text) - got);
	}
	assert_int_equal(writer_drain(scene.writer, 1000), 0);
	scene_close(&scene);
}

static void test_errors(void **state)
{
	struct scene scene = scene_open(SIZE_MAX);

	(void)state;
	fill(&scene);
	assert_int_equal(writer_state(scene.writer), 1);
	close(scene.fds[0]);
	scene.fds[0] = -1;
	assert_true(is_readable(writer_fd(scene.writer), 5000));
	assert_int_equal(writer_state(scene.writer), -EPIPE);
	assert_int_equal(writer_put(scene.writer, "x", 1), -EPIPE);
	assert_int_equal(writer_drain(scene.writer, 1000), -EPIPE);
	scene_close(&scene);
	writer_destroy(NULL);
}

/* Another program has set O_NONBLOCK on the shared end. */
static void test_nonblocking(void **state)
{
	struct scene scene = scene_open(SIZE_MAX);
	char text[PIPE_BYTES];

	(void)state;
	assert_int_equal(fcntl(scene.fds[1], F_SETFL, O_NONBLOCK), 0);
	fill(&scene);
	assert_int_equal(writer_drain(scene.writer, 100), -ETIMEDOUT);
	for (size_t got = 0; got < 10 * sizeof(text);)
		got += (size_t)read(scene.fds[0], text, sizeof(text));
	assert_int_equal(writer_drain(scene.writer, 1000), 0);
	scene_close(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_order),  cmocka_unit_test(test_room),
	        cmocka_unit_test(test_stuck),  cmocka_unit_test(test_slow),
	        cmocka_unit_test(test_errors), cmocka_unit_test(test_nonblocking),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
