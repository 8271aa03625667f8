/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "core/process/list_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/process/confine.h"

#define ROWS_MAX    1024
#define SKIPS_MAX   64
#define LEFT_MAX    64
#define INTERVAL_MS 1000
#define SETTLE_MS   20                   /* between two lists while files are being read */
#define STUCK_NS    UINT64_C(2000000000) /* at one process */
#define SILENCE_NS  UINT64_C(6000000000) /* between two of them */
#define RESTART_NS  UINT64_C(1000000000) /* not again before */
#define FILES_LIMIT 256

/* One message of the helper's; the one without a pid ends a list. */
struct message {
	struct go_process_row row;
};

/* What the helper is doing, readable also while it hangs. */
struct progress {
	_Atomic pid_t looking_at; /* 0: at none */
	_Atomic uint64_t steps;   /* processes looked at so far, and lists sent */
};

struct list_helper {
	pid_t pid; /* 0: none runs */
	int socket, events;
	struct progress *progress;     /* shared with the helper */
	uint64_t started_ns, moved_ns; /* moved: when steps was seen to have changed */
	uint64_t steps;
	pid_t skips[SKIPS_MAX];
	size_t skip_count;
	pid_t left[LEFT_MAX]; /* ended, but not reaped yet */
	struct go_process_row *rows, *coming;
	size_t row_count, coming_count;
	bool complete;
};

/* ---- the helper's side --------------------------------------------------------------------------
 */

static bool skipped(const struct list_helper *helper, pid_t pid)
{
	for (size_t i = 0; i < helper->skip_count; i++)
		if (helper->skips[i] == pid)
			return true;
	return false;
}

static bool on_before(void *ctx, pid_t pid)
{
	struct list_helper *helper = ctx;

	atomic_store(&helper->progress->looking_at, pid);
	atomic_fetch_add(&helper->progress->steps, 1);
	return !skipped(helper, pid);
}

static void message_send(int socket, const struct go_process_row *row)
{
	struct message message = {.row = *row};

	if (send(socket, &message, sizeof(message), MSG_NOSIGNAL) < 0 && errno != EINTR)
		_exit(0); /* the other end is gone */
}

static void list_send(struct list_helper *helper, struct go_process_list *list)
{
	const struct go_process_row end = {0};
	size_t count = go_process_list_scan(list, helper->rows, ROWS_MAX);

	atomic_store(&helper->progress->looking_at, 0);
	for (size_t i = 0; i < count; i++)
		message_send(helper->socket, &helper->rows[i]);
	message_send(helper->socket, &end);
	atomic_fetch_add(&helper->progress->steps, 1);
}

__attribute__((noreturn)) static void helper_run(struct list_helper *helper, int socket,
                                                 pid_t parent)
{
	const struct rlimit files = {FILES_LIMIT, FILES_LIMIT}, none = {0, 0};
	const struct go_process_list_hooks hooks = {on_before, helper};
	struct go_process_list *list;
	sigset_t signals;

	sigemptyset(&signals);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	setsid(); /* keys of the terminal are not meant for it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	helper->socket = fcntl(socket, F_DUPFD_CLOEXEC, 3);
	confine_descriptors(&helper->socket, 1);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_CORE, &none);
	if (getppid() != parent || helper->socket < 0 || go_process_list_create(&list))
		_exit(1);
	go_process_list_hook(list, &hooks);
	for (uint64_t next = 0;;) {
		uint64_t now = clock_now();
		if (now < next) {
			poll(NULL, 0, (int)((next - now) / 1000000) + 1);
			continue;
		}
		next = now + SETTLE_MS * UINT64_C(1000000);
		list_send(helper, list);
		go_process_list_wait(list, -1, INTERVAL_MS);
	}
}

/* ---- this side ----------------------------------------------------------------------------------
 */

static int helper_start(struct list_helper *helper)
{
	struct epoll_event wanted = {.events = EPOLLIN};
	pid_t parent = getpid();
	int ends[2], rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	atomic_store(&helper->progress->looking_at, 0);
	helper->coming_count = 0;
	helper->started_ns = helper->moved_ns = clock_now();
	helper->pid = fork();
	if (helper->pid == 0)
		helper_run(helper, ends[1], parent);
	if (helper->pid < 0 || epoll_ctl(helper->events, EPOLL_CTL_ADD, ends[0], &wanted))
		rc = -errno;
	close(ends[1]);
	helper->socket = ends[0];
	if (helper->pid < 0)
		helper->pid = 0;
	return rc;
}

static void left_reap(struct list_helper *helper)
{
	for (size_t i = 0; i < LEFT_MAX; i++)
		if (helper->left[i] && waitpid(helper->left[i], NULL, WNOHANG) != 0)
			helper->left[i] = 0;
}

/* A helper that waits for a dead file system cannot be ended before it is answered: it is not
 * waited for. */
static void helper_stop(struct list_helper *helper)
{
	if (helper->pid > 0) {
		kill(helper->pid, SIGKILL);
		for (size_t i = 0; i < LEFT_MAX; i++)
			if (!helper->left[i]) {
				helper->left[i] = helper->pid;
				break;
			}
	}
	helper->pid = 0;
	if (helper->socket >= 0)
		close(helper->socket);
	helper->socket = -1;
	left_reap(helper);
}

static void skip_add(struct list_helper *helper, pid_t pid)
{
	if (pid > 0 && !skipped(helper, pid))
		helper->skips[helper->skip_count++ % SKIPS_MAX] = pid;
	if (helper->skip_count > SKIPS_MAX)
		helper->skip_count = SKIPS_MAX;
}

int list_helper_create(struct list_helper **out, struct error *err)
{
	struct list_helper *helper = calloc(1, sizeof(*helper));
	int rc = 0;

	*out = NULL;
	if (!helper)
		return error_no_memory(err);
	helper->socket = -1;
	helper->events = epoll_create1(EPOLL_CLOEXEC);
	helper->rows = calloc(ROWS_MAX, sizeof(*helper->rows));
	helper->coming = calloc(ROWS_MAX, sizeof(*helper->coming));
	helper->progress = mmap(NULL, sizeof(*helper->progress), PROT_READ | PROT_WRITE,
	                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (helper->progress == MAP_FAILED)
		helper->progress = NULL;
	if (helper->events < 0 || !helper->rows || !helper->coming || !helper->progress)
		rc = -ENOMEM;
	if (!rc)
		rc = helper_start(helper);
	if (rc) {
		list_helper_destroy(helper);
		return error_set(err, -rc,
		                 "cannot start the process that lists others: %s; name one with "
		                 "-p PID",
		                 strerror(-rc));
	}
	*out = helper;
	return 0;
}

void list_helper_destroy(struct list_helper *helper)
{
	if (!helper)
		return;
	helper_stop(helper);
	if (helper->events >= 0)
		close(helper->events);
	if (helper->progress)
		munmap(helper->progress, sizeof(*helper->progress));
	free(helper->rows);
	free(helper->coming);
	free(helper);
}

int list_helper_fd(const struct list_helper *helper)
{
	return helper->events;
}

static void message_take(struct list_helper *helper, struct message *message)
{
	struct go_process_row *row = &message->row, *swap = helper->rows;

	if (row->pid > 0) {
		row->command[sizeof(row->command) - 1] = '\0';
		row->go_version[sizeof(row->go_version) - 1] = '\0';
		row->user[sizeof(row->user) - 1] = '\0';
		if (helper->coming_count < ROWS_MAX)
			helper->coming[helper->coming_count++] = *row;
		return;
	}
	helper->rows = helper->coming;
	helper->row_count = helper->coming_count;
	helper->coming = swap;
	helper->coming_count = 0;
	helper->complete = true;
}

/* True: it runs, or at least has not ended. */
static bool messages_take(struct list_helper *helper)
{
	struct message message;
	ssize_t got;

	for (int i = 0; i < 2 * ROWS_MAX; i++) {
		got = recv(helper->socket, &message, sizeof(message), 0);
		if (got != (ssize_t)sizeof(message))
			return got < 0 && (errno == EAGAIN || errno == EINTR);
		message_take(helper, &message);
	}
	return true;
}

static bool helper_stuck(struct list_helper *helper, uint64_t now)
{
	uint64_t steps = atomic_load(&helper->progress->steps);
	bool looking = atomic_load(&helper->progress->looking_at) != 0;

	if (steps != helper->steps) {
		helper->steps = steps;
		helper->moved_ns = now;
	}
	return now - helper->moved_ns > (looking ? STUCK_NS : SILENCE_NS);
}

size_t list_helper_rows(struct list_helper *helper, struct go_process_row *rows, size_t max,
                        bool *complete)
{
	bool runs = helper->socket >= 0 && messages_take(helper);
	uint64_t now = clock_now();

	if (runs && helper_stuck(helper, now)) {
		skip_add(helper, atomic_load(&helper->progress->looking_at));
		runs = false;
	}
	if (!runs && now - helper->started_ns > RESTART_NS) {
		helper_stop(helper);
		helper_start(helper); /* where that fails it is tried again later */
	} else if (!runs) {
		helper_stop(helper);
	}
	left_reap(helper);
	if (complete)
		*complete = helper->complete;
	if (max > helper->row_count)
		max = helper->row_count;
	memcpy(rows, helper->rows, max * sizeof(*rows));
	return max;
}
