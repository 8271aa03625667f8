/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memfd_create(), unshare() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/process/descriptor_end.h"

#define NOBODY 4194304 /* one more than the kernel's largest process id */

static bool out(int fd)
{
	return descriptor_goes_out(getpid(), (uint64_t)fd);
}

/* A process that has what this one has at this moment, and nothing happens in it. */
static pid_t other_process(void)
{
	pid_t child = fork();

	if (child)
		return child;
	for (;;)
		pause();
}

static void process_end(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void test_files(void **state)
{
	char path[] = "/tmp/descriptor-end-XXXXXX";
	int file = mkstemp(path), folder = open("/tmp", O_RDONLY), reader;
	int memory = memfd_create("test", MFD_CLOEXEC);

	(void)state;
	assert_true(file >= 0);
	assert_true(out(file));
	assert_true(out(folder));
	reader = open(path, O_RDONLY);
	assert_false(out(file));
	close(reader);
	reader = open(path, O_WRONLY);
	assert_true(out(file));
	close(reader);
	assert_false(out(memory));
	close(memory);
	close(folder);
	unlink(path);
	assert_true(out(file));
	close(file);
	assert_false(out(file));
}

static void test_shared_memory(void **state)
{
	char path[] = "/dev/shm/descriptor-end-XXXXXX";
	int file = mkstemp(path);

	(void)state;
	if (file < 0)
		skip();
	unlink(path);
	assert_false(out(file));
	close(file);
}

static void test_devices(void **state)
{
	int null = open("/dev/null", O_WRONLY), terminal = posix_openpt(O_RDWR | O_NOCTTY), side;

	(void)state;
	assert_true(out(null));
	close(null);
	if (terminal < 0)
		skip();
	assert_int_equal(grantpt(terminal), 0);
	assert_int_equal(unlockpt(terminal), 0);
	side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	assert_true(side >= 0);
	assert_false(out(terminal));
	assert_false(out(side));
	close(terminal);
	assert_true(out(side));
	close(side);
}

static void test_neither(void **state)
{
	int event = eventfd(0, 0), epoll = epoll_create1(0);

	(void)state;
	assert_false(out(event));
	assert_false(out(epoll));
	close(event);
	close(epoll);
	assert_false(descriptor_goes_out(NOBODY, 1));
	assert_false(descriptor_goes_out(0, 1));
	assert_false(descriptor_goes_out(-1, 1));
	assert_false(descriptor_goes_out(getpid(), 1 << 20));
	assert_false(descriptor_goes_out(getpid(), UINT64_MAX));
}

static void test_pipes(void **state)
{
	int ends[2], same;
	pid_t other;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_false(out(ends[1]));
	other = other_process();
	assert_false(out(ends[1]));
	same = dup(ends[0]);
	close(ends[0]);
	assert_false(out(ends[1]));
	close(same);
	assert_true(out(ends[1])); /* the other process reads it */
	same = dup(ends[1]);
	assert_true(out(ends[1]));
	assert_true(out(same));
	close(same);
	assert_false(descriptor_goes_out(other, (uint64_t)ends[1]));
	close(ends[1]);
	process_end(other);
}

static void test_fifo(void **state)
{
	char folder[] = "/tmp/descriptor-end-XXXXXX", path[64];
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/fifo", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_false(out(fd));
	close(fd);
	unlink(path);
	rmdir(folder);
}

/* ---- sockets ------------------------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

static int bound(int family, int type, union address *address, socklen_t *length)
{
	int fd = socket(family, type, 0);

	*address = (union address){.any.sa_family = (sa_family_t)family};
	*length = family == AF_INET ? sizeof(address->in) : sizeof(address->in6);
	if (family == AF_INET)
		address->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address->in6.sin6_addr = in6addr_loopback;
	if (fd < 0 || bind(fd, &address->any, *length)) {
		close(fd);
		return -1;
	}
	assert_int_equal(getsockname(fd, &address->any, length), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static void tcp_try(int family)
{
	union address address;
	socklen_t length;
	int listener = bound(family, SOCK_STREAM, &address, &length), client, server;
	pid_t other;

	if (listener < 0)
		return;
	client = socket(family, SOCK_STREAM, 0);
	assert_false(out(client));
	assert_int_equal(connect(client, &address.any, length), 0);
	assert_false(out(client)); /* nobody's yet */
	server = accept(listener, NULL, NULL);
	assert_false(out(client));
	assert_false(out(server));
	assert_false(out(listener));
	other = other_process();
	assert_false(out(client));
	close(server);
	assert_true(out(client));
	process_end(other);
	assert_false(out(client)); /* what is still on its way is nobody's */
	close(client);
	close(listener);
}

static void test_tcp(void **state)
{
	(void)state;
	tcp_try(AF_INET);
	tcp_try(AF_INET6);
}

/* One end is of IPv6, its address of IPv4. */
static void test_tcp_mapped(void **state)
{
	union address address;
	socklen_t length;
	int listener = bound(AF_INET, SOCK_STREAM, &address, &length), client, server;
	struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = address.in.sin_port};
	pid_t other;

	(void)state;
	memcpy(&mapped.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\377\377\177\0\0\1", 16);
	client = socket(AF_INET6, SOCK_STREAM, 0);
	if (client < 0)
		skip();
	assert_int_equal(connect(client, (struct sockaddr *)&mapped, sizeof(mapped)), 0);
	server = accept(listener, NULL, NULL);
	assert_false(out(client));
	assert_false(out(server));
	other = other_process();
	close(client);
	assert_true(out(server));
	process_end(other);
	close(server);
	close(listener);
}

static void test_udp(void **state)
{
	union address address;
	socklen_t length;
	int own = bound(AF_INET, SOCK_DGRAM, &address, &length),
	    to = socket(AF_INET, SOCK_DGRAM, 0);
	pid_t other;

	(void)state;
	assert_false(out(own));
	assert_false(out(to));
	assert_int_equal(connect(to, &address.any, length), 0);
	assert_false(out(to));
	other = other_process();
	close(own);
	assert_true(out(to));
	process_end(other);
	close(to);
}

static void test_unix_pair(void **state)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int ends[2];
		pid_t other;

		assert_int_equal(socketpair(AF_UNIX, types[i], 0, ends), 0);
		assert_false(out(ends[0]));
		assert_false(out(ends[1]));
		other = other_process();
		assert_false(out(ends[0]));
		close(ends[1]);
		assert_true(out(ends[0]));
		process_end(other);
		assert_false(out(ends[0]));
		close(ends[0]);
	}
}

static void test_unix_accepted(void **state)
{
	union address address = {.un.sun_family = AF_UNIX}; /* of no file: named by the kernel */
	socklen_t length = sizeof(address);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	int server;
	pid_t other;

	(void)state;
	assert_int_equal(bind(listener, &address.any, sizeof(sa_family_t)), 0);
	assert_int_equal(getsockname(listener, &address.any, &length), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(connect(client, &address.any, length), 0);
	assert_false(out(client));
	server = accept(listener, NULL, NULL);
	assert_false(out(client));
	other = other_process();
	close(client);
	assert_true(out(server));
	process_end(other);
	close(server);
	close(listener);
}

/* The kernel's answers are about this thread's network only. */
static void test_other_network(void **state)
{
	int ends[2], ready[2];
	pid_t other;
	char byte;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(pipe(ready), 0);
	other = fork();
	if (!other) {
		close(ends[0]);
		close(ready[0]);
		byte = unshare(CLONE_NEWNET) ? 'n' : 'y';
		_exit(write(ready[1], &byte, 1) != 1 || pause());
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	if (byte == 'y')
		assert_false(descriptor_goes_out(other, (uint64_t)ends[1]));
	else
		assert_true(descriptor_goes_out(other, (uint64_t)ends[1]));
	assert_true(descriptor_goes_out(other, (uint64_t)ready[1]));
	process_end(other);
	close(ends[0]);
	close(ends[1]);
	close(ready[0]);
	close(ready[1]);
}

/* ---- answers that are kept ----------------------------------------------------------------- */

static void test_kept(void **state)
{
	struct descriptor_ends *ends = descriptor_ends_create();
	int null = open("/dev/null", O_WRONLY), pipes[2];
	uint64_t fd = (uint64_t)null, before = clock_now();
	pid_t self = getpid(), other;

	(void)state;
	assert_non_null(ends);
	assert_int_equal(pipe(pipes), 0);
	assert_true(descriptor_ends_goes_out(ends, self, fd));
	assert_false(descriptor_ends_goes_out(ends, self, (uint64_t)pipes[1]));
	assert_true(descriptor_ends_went_out(ends, self, fd, clock_now()));
	assert_false(descriptor_ends_went_out(ends, self, fd, before));
	/* The same number, another file: at once. */
	assert_int_equal(dup2(pipes[1], null), null);
	assert_false(descriptor_ends_goes_out(ends, self, fd));
	close(null);
	assert_false(descriptor_ends_goes_out(ends, self, fd));
	/* The pipe's last reader of its own goes: known a little later, and not of before. */
	other = other_process();
	close(pipes[0]);
	usleep(1200000);
	before = clock_now();
	assert_true(descriptor_ends_goes_out(ends, self, (uint64_t)pipes[1]));
	assert_false(descriptor_ends_went_out(ends, self, (uint64_t)pipes[1], before));
	before = clock_now();
	usleep(1200000); /* read anew, and true all the time */
	assert_true(descriptor_ends_went_out(ends, self, (uint64_t)pipes[1], before));
	process_end(other);
	close(pipes[1]);
	descriptor_ends_destroy(ends);
	descriptor_ends_destroy(NULL);
}

/* One that appears is known soon. */
static void test_new_descriptor(void **state)
{
	struct descriptor_ends *ends = descriptor_ends_create();
	int null;

	(void)state;
	assert_non_null(ends);
	assert_false(descriptor_ends_goes_out(ends, getpid(), 1 << 19));
	(void)descriptor_ends_goes_out(ends, getpid(), 0);
	null = open("/dev/null", O_WRONLY);
	for (int i = 0; i < 200; i++) {
		if (descriptor_ends_goes_out(ends, getpid(), (uint64_t)null))
			break;
		usleep(10000);
	}
	assert_true(descriptor_ends_goes_out(ends, getpid(), (uint64_t)null));
	close(null);
	descriptor_ends_destroy(ends);
}

static void test_many_processes(void **state)
{
	struct descriptor_ends *ends = descriptor_ends_create();
	int null = open("/dev/null", O_WRONLY);
	pid_t others[80];

	(void)state;
	assert_non_null(ends);
	for (size_t i = 0; i < 80; i++)
		others[i] = other_process();
	for (size_t i = 0; i < 80; i++)
		assert_true(descriptor_ends_goes_out(ends, others[i], (uint64_t)null));
	for (size_t i = 0; i < 80; i++)
		process_end(others[i]);
	assert_false(descriptor_ends_goes_out(ends, others[79], (uint64_t)null));
	assert_false(descriptor_ends_goes_out(ends, NOBODY, 1));
	assert_false(descriptor_ends_goes_out(ends, 0, 1));
	close(null);
	descriptor_ends_destroy(ends);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_files),
	        cmocka_unit_test(test_shared_memory),
	        cmocka_unit_test(test_devices),
	        cmocka_unit_test(test_neither),
	        cmocka_unit_test(test_pipes),
	        cmocka_unit_test(test_fifo),
	        cmocka_unit_test(test_tcp),
	        cmocka_unit_test(test_tcp_mapped),
	        cmocka_unit_test(test_udp),
	        cmocka_unit_test(test_unix_pair),
	        cmocka_unit_test(test_unix_accepted),
	        cmocka_unit_test(test_other_network),
	        cmocka_unit_test(test_kept),
	        cmocka_unit_test(test_new_descriptor),
	        cmocka_unit_test(test_many_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
