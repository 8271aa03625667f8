/* SPDX-License-Identifier: MIT */
/*
 * fault: a library to be preloaded that makes one call fail, the Nth of its kind, and only that
 * one.
 *
 *   FAULT_KIND   a name of `kinds`
 *   FAULT_NTH    which call fails, from 1
 *   FAULT_STATE  a file of at least 16 bytes: two counters, shared by all processes that inherit
 *   the
 *                environment: calls of the kind so far, and how many were made to fail
 *
 * Calls that the C library makes within itself are not seen; those of other libraries are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind {
	BPF,
	SYSCALL,
	READ,
	OPEN,
	MMAP,
	THREAD,
	MEMORY,
	IOCTL,
	FCNTL,
	FORK,
	PAIR,
	EPOLL,
	KINDS
};

static const struct {
	const char *name;
	int errors[2]; /* by turns */
} kinds[KINDS] = {
        [BPF] = {"bpf", {EINVAL, ENOMEM}},         [SYSCALL] = {"syscall", {EPERM, EMFILE}},
        [READ] = {"read", {EIO, EINTR}},           [OPEN] = {"open", {EMFILE, ENOENT}},
        [MMAP] = {"mmap", {ENOMEM, EPERM}},        [THREAD] = {"thread", {EAGAIN, EAGAIN}},
        [MEMORY] = {"memory", {ENOMEM, ENOMEM}},   [IOCTL] = {"ioctl", {EINVAL, ENOMEM}},
        [FCNTL] = {"fcntl", {EMFILE, EINVAL}},     [FORK] = {"fork", {EAGAIN, ENOMEM}},
        [PAIR] = {"socketpair", {EMFILE, ENFILE}}, [EPOLL] = {"epoll", {ENOMEM, EINTR}},
};

static struct state {
	_Atomic unsigned long calls, failed;
} * state;
static enum kind chosen = KINDS;
static unsigned long nth;

__attribute__((constructor)) static void fault_begin(void)
{
	const char *kind = getenv("FAULT_KIND"), *number = getenv("FAULT_NTH"),
	           *path = getenv("FAULT_STATE");
	void *map;
	int fd;

	if (!kind || !number || !path)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	map = (void *)syscall(SYS_mmap, NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED,
	                      fd, 0);
	syscall(SYS_close, fd);
	if (fd < 0 || map == MAP_FAILED)
		return;
	state = map;
	nth = strtoul(number, NULL, 10);
	for (int i = 0; i < KINDS; i++)
		if (!strcmp(kinds[i].name, kind))
			chosen = i;
}

/* Is it this call's turn? Then errno is set. */
static int fails(enum kind kind)
{
	if (kind != chosen || atomic_fetch_add(&state->calls, 1) + 1 != nth)
		return 0;
	atomic_fetch_add(&state->failed, 1);
	errno = kinds[kind].errors[nth & 1];
	return 1;
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

long syscall(long number, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (state && fails(number == SYS_bpf ? BPF : SYSCALL))
		return -1;
	return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

ssize_t read(int fd, void *to, size_t size)
{
	return fails(READ) ? -1 : NEXT(read)(fd, to, size);
}

ssize_t pread(int fd, void *to, size_t size, off_t at)
{
	return fails(READ) ? -1 : NEXT(pread)(fd, to, size, at);
}

ssize_t pread64(int fd, void *to, size_t size, off64_t at)
{
	return fails(READ) ? -1 : NEXT(pread64)(fd, to, size, at);
}

#define OPEN_MODE(flags)                       \
	mode_t mode = 0;                       \
	if ((flags) & (O_CREAT | O_TMPFILE)) { \
		va_list ap;                    \
		va_start(ap, flags);           \
		mode = va_arg(ap, mode_t);     \
		va_end(ap);                    \
	}

int open(const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	return fails(OPEN) ? -1 : NEXT(open)(path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	return fails(OPEN) ? -1 : NEXT(open64)(path, flags, mode);
}

int openat(int at, const char *path, int flags, ...)
{
	OPEN_MODE(flags)
	return fails(OPEN) ? -1 : NEXT(openat)(at, path, flags, mode);
}

void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	return fails(MMAP) ? MAP_FAILED : NEXT(mmap)(at, size, protection, flags, fd, offset);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
	return fails(THREAD) ? errno : NEXT(pthread_create)(thread, attr, run, arg);
}

/* dlsym() itself may allocate: the C library's own names lead past it. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

void *malloc(size_t size)
{
	return fails(MEMORY) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(MEMORY) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
	return fails(MEMORY) ? NULL : __libc_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
	size_t bytes;

	if (fails(MEMORY))
		return NULL;
	if (__builtin_mul_overflow(count, size, &bytes)) {
		errno = ENOMEM;
		return NULL;
	}
	return __libc_realloc(block, bytes);
}

int ioctl(int fd, unsigned long what, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fails(IOCTL) ? -1 : NEXT(ioctl)(fd, what, arg);
}

#define FCNTL_CALL(name)                                              \
	{                                                             \
		va_list ap;                                           \
		void *arg;                                            \
		va_start(ap, what);                                   \
		arg = va_arg(ap, void *);                             \
		va_end(ap);                                           \
		return fails(FCNTL) ? -1 : NEXT(name)(fd, what, arg); \
	}

int fcntl(int fd, int what, ...) FCNTL_CALL(fcntl) int fcntl64(int fd, int what, ...)
        FCNTL_CALL(fcntl64)

                pid_t fork(void)
{
	return fails(FORK) ? -1 : NEXT(fork)();
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	return fails(PAIR) ? -1 : NEXT(socketpair)(domain, type, protocol, fds);
}

int pipe2(int fds[2], int flags)
{
	return fails(PAIR) ? -1 : NEXT(pipe2)(fds, flags);
}

int epoll_create1(int flags)
{
	return fails(EPOLL) ? -1 : NEXT(epoll_create1)(flags);
}

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	return fails(EPOLL) ? -1 : NEXT(epoll_ctl)(epoll, what, fd, event);
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	return fails(EPOLL) ? -1 : NEXT(epoll_wait)(epoll, events, most, timeout);
}

int poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return fails(EPOLL) ? -1 : NEXT(poll)(fds, count, timeout);
}
