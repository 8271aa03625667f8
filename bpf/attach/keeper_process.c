/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* close_range() */
#include "bpf/attach/keeper_protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bpf/attach/keeper_files.h"
#include "bpf/attach/keeper_links.h"
#include "bpf/attach/keeper_tasks.h"
#include "bpf/attach/keeper_wire.h"
#include "core/base/clock.h"
#include "core/process/process_apart.h"

#define CLOSE_AT_ONCE 1024

struct keeper {
	struct keeper_shared *shared;
	int sockets[KEEPER_LANES];
	pthread_mutex_t lock; /* for what follows */
	struct keeper_files *files;
	struct keeper_links links;
	struct keeper_tasks tasks;
	int program_fd;
};

struct lane {
	struct keeper *keeper;
	int index;
};

/* ---- letting go ------------------------------------------------------------------------ */

/* Probes on their way out, and the file that is released behind them. */
struct leaving {
	struct keeper *keeper;
	int file; /* -1: of no file in particular */
	size_t count;
	struct probe_links *links[CLOSE_AT_ONCE];
};

/* The lock is held. */
static void leaving_settle(struct leaving *l)
{
	if (l->file >= 0)
		keeper_files_release(l->keeper->files, l->file);
	free(l);
}

static void *leaving_run(void *arg)
{
	struct leaving *l = arg;
	struct keeper *k = l->keeper;

	probe_links_close_safely(l->links, l->count);
	pthread_mutex_lock(&k->lock);
	leaving_settle(l);
	pthread_mutex_unlock(&k->lock);
	return NULL;
}

/* With perf events it takes 100 ms for each probe: the keeper looks after the others meanwhile. The
 * lock is held. */
static void leaving_start(struct leaving *l)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, leaving_run, l)) {
		pthread_detach(thread);
		return;
	}
	probe_links_close_safely(l->links, l->count); /* no thread: everything else waits */
	leaving_settle(l);
}

/* All probes of a file (-1: of all files); behind them the lease of the file `released` (-1: none).
 * The lock is held. False: no memory, they stay. */
static bool let_go(struct keeper *k, int file, int released)
{
	size_t count;

	if (file >= 0)
		atomic_fetch_add(&k->shared->gone[file], 1);
	do {
		struct leaving *l = malloc(sizeof(*l));

		if (!l)
			return false;
		count = keeper_links_take_all(&k->links, file, l->links, CLOSE_AT_ONCE);
		l->keeper = k;
		l->file = released;
		l->count = count;
		leaving_start(l);
	} while (count == CLOSE_AT_ONCE);
	return true;
}

/* What cannot be let go in an orderly way goes with the process. */
static void let_all_go(struct keeper *k)
{
	atomic_fetch_add(&k->shared->drops, 1);
	if (!let_go(k, -1, -1))
		_exit(EXIT_FAILURE);
}

/* ---- requests -------------------------------------------------------------------------- */

static bool governor_is_silent(const struct keeper *k)
{
	unsigned long long beat = atomic_load(&k->shared->beat_ns), now = clock_now();

	return beat && now > beat && now - beat > KEEPER_BEAT_NS;
}

/* 0, or why these probes may not go in, or not stay. The lock is held. */
static int refusal(struct keeper *k, int file)
{
	if (atomic_load(&k->shared->paused) || governor_is_silent(k))
		return -ECANCELED;
	return keeper_files_refusal(k->files, file);
}

/* Put the probes into one more process. -ESRCH: it has ended meanwhile, and another process may
 * have its number by now. */
static int runner_open(struct keeper *k, struct keeper_request *r, const char *path,
                       const struct keeper_runner *runner, struct probe_links **links)
{
	struct probe_links *more = NULL;
	int rc = probe_links_open(k->program_fd, r->mode, path, runner->pid, r->points, r->count,
	                          &more);

	if (rc <= 0)
		return rc;
	if (keeper_runner_is_gone(runner)) {
		probe_links_close_safely(&more, 1);
		return -ESRCH;
	}
	if (*links)
		probe_links_join(*links, more);
	else
		*links = more;
	return rc;
}

static bool is_ended(int rc)
{
	return rc == -ESRCH || rc == -ENOENT;
}

/* The error of a point that went into another process; 0: there is none. */
static int point_lacking(const struct probe_point *here, const struct probe_point *there,
                         size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (here[i].error && !there[i].error)
			return here[i].error;
	return 0;
}

/* Put the probes into each process that runs the file, and into no other process: the same points
 * into every process that lives, or no point into any. Returns what probe_links_open() returns. A
 * process that ends meanwhile is left out. */
static int runners_probe(struct keeper *k, struct keeper_request *r, const char *path,
                         const struct keeper_runner *runners, size_t count,
                         struct probe_links **links)
{
	struct probe_point *first = calloc(r->count + 1, sizeof(*first));
	int in_first = -ENOENT, rc = 0;

	if (!first)
		return -ENOMEM;
	for (size_t i = 0; i < count && (rc >= 0 || is_ended(rc)); i++) {
		rc = runner_open(k, r, path, &runners[i], links);
		if (rc > 0 && in_first <= 0) {
			memcpy(first, r->points, r->count * sizeof(*first));
			in_first = rc;
		} else if (rc > 0 && rc != in_first) {
			rc = rc < in_first ? point_lacking(r->points, first, r->count)
			                   : point_lacking(first, r->points, r->count);
		}
	}
	if (rc < 0 && !is_ended(rc)) {
		probe_links_close_safely(links, *links != NULL);
		*links = NULL;
		in_first = rc;
	} else if (in_first > 0) {
		memcpy(r->points, first, r->count * sizeof(*first));
	}
	free(first);
	return in_first;
}

/* Before the links are opened: an execve(2) from now on is noticed. */
static void tasks_note(struct keeper *k, int file, const struct keeper_runner *runners,
                       size_t count)
{
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < count; i++)
		keeper_tasks_add(&k->tasks, file, runners[i].pid);
	pthread_mutex_unlock(&k->lock);
}

static int runners_open(struct keeper *k, struct keeper_request *r, const char *path,
                        struct probe_links **links)
{
	struct keeper_runner *runners;
	ssize_t count;
	int rc;

	pthread_mutex_lock(&k->lock);
	count = keeper_files_runners(k->files, r->file, &runners);
	pthread_mutex_unlock(&k->lock);
	if (count < 0)
		return (int)count;
	if (count > LINK_KEEPER_RUNNERS) {
		rc = -EUSERS;
	} else {
		tasks_note(k, r->file, runners, (size_t)count);
		rc = runners_probe(k, r, path, runners, (size_t)count, links);
	}
	keeper_runners_free(runners, (size_t)count);
	return rc;
}

/* Without a lease probes must be confined to processes: refused where the kernel cannot. */
static bool can_confine(const struct keeper *k, const struct keeper_request *r)
{
	return r->mode != PROBE_LINK_MULTI || atomic_load(&k->shared->confines);
}

/* Another number whenever links of the file may have been let go, see link_keeper_era(). */
static unsigned int era_of(const struct keeper *k, int file)
{
	return atomic_load(&k->shared->drops) +
	       (file >= 0 && file < LINK_KEEPER_FILES ? atomic_load(&k->shared->gone[file]) : 0);
}

/* Putting probes in takes milliseconds. The lock is not held meanwhile, so what was true before is
 * looked at once more afterwards. */
static int32_t open_links(struct keeper *k, struct keeper_request *r)
{
	struct probe_links *links = NULL;
	bool leased;
	unsigned int era = era_of(k, r->file);
	char path[32] = "";
	int rc;

	pthread_mutex_lock(&k->lock);
	rc = refusal(k, r->file);
	if (!rc)
		memcpy(path, keeper_files_path(k->files, r->file), sizeof(path));
	leased = keeper_files_is_leased(k->files, r->file);
	if (!rc && r->pid)
		keeper_tasks_add(&k->tasks, r->file, r->pid);
	pthread_mutex_unlock(&k->lock);
	if ((!rc || rc == -ENOENT) && !leased && !can_confine(k, r))
		rc = -ENOLCK;
	if (rc)
		return rc;
	rc = leased || r->pid ? probe_links_open(k->program_fd, r->mode, path, r->pid, r->points,
	                                         r->count, &links)
	                      : runners_open(k, r, path, &links);
	if (rc <= 0)
		return rc;
	pthread_mutex_lock(&k->lock);
	r->handle = 0;
	if (refusal(k, r->file))
		rc = refusal(k, r->file);
	else if (era != era_of(k, r->file))
		rc = -ECANCELED;
	else
		r->handle = keeper_links_add(&k->links, r->file, links);
	pthread_mutex_unlock(&k->lock);
	if (r->handle)
		return rc;
	probe_links_close_safely(&links, 1);
	return rc < 0 ? rc : -ENOMEM;
}

static int32_t close_links(struct keeper *k, const struct keeper_request *r)
{
	struct probe_links **links = calloc(r->count + 1, sizeof(struct probe_links *));
	size_t count = 0;

	if (!links)
		return -ENOMEM;
	pthread_mutex_lock(&k->lock);
	for (uint32_t i = 0; i < r->count; i++) {
		links[count] = keeper_links_take(&k->links, r->handles[i]);
		count += links[count] != NULL;
	}
	pthread_mutex_unlock(&k->lock);
	probe_links_close_safely(links, count);
	free(links);
	return 0;
}

static int32_t program_set(struct keeper *k, int fd)
{
	if (fd < 0)
		return -EBADF;
	if (k->program_fd >= 0)
		close(k->program_fd);
	k->program_fd = fd;
	return 0;
}

static int32_t file_remove(struct keeper *k, int file)
{
	bool gone = let_go(k, file, -1);

	keeper_tasks_remove(&k->tasks, file);
	keeper_files_remove(k->files, file);
	return gone ? 0 : -ENOMEM;
}

/* Without a lease the probes are in those processes alone that ran the file when they were put in.
 * They all go now, and the governor puts them into every process that runs the file. */
static int32_t runner_add(struct keeper *k, const struct keeper_request *r, int pidfd)
{
	bool leased = keeper_files_is_leased(k->files, r->file);
	int rc = keeper_files_runner(k->files, r->file, r->pid, pidfd);

	return rc || leased || let_go(k, r->file, -1) ? rc : -ENOMEM;
}

/* Those that take no time. The lock is held. */
static int32_t settle(struct keeper *k, struct keeper_request *r, int fd)
{
	switch (r->op) {
	case KEEPER_PROGRAM:
		return program_set(k, fd);
	case KEEPER_FILE_ADD:
		return fd < 0 ? -EBADF : keeper_files_add(k->files, r->file, fd, &r->identity);
	case KEEPER_FILE_REMOVE:
		return file_remove(k, r->file);
	case KEEPER_RUNNER:
		return fd < 0 ? -EBADF : runner_add(k, r, fd);
	case KEEPER_DROP:
		let_all_go(k);
		return 0;
	default:
		return -EINVAL;
	}
}

static int32_t serve(struct keeper *k, struct keeper_request *r, int fd)
{
	int32_t answer;

	if (r->count > KEEPER_POINTS_MAX)
		return -EINVAL;
	if (r->op == KEEPER_OPEN)
		return open_links(k, r);
	if (r->op == KEEPER_CLOSE)
		return close_links(k, r);
	pthread_mutex_lock(&k->lock);
	answer = settle(k, r, fd);
	pthread_mutex_unlock(&k->lock);
	return answer;
}

/* gomaptop has ended, or wants it to end. All probes go, several at a time. */
static _Noreturn void end(struct keeper *k)
{
	struct probe_links *links[CLOSE_AT_ONCE];
	size_t count;

	pthread_mutex_lock(&k->lock);
	while ((count = keeper_links_take_all(&k->links, -1, links, CLOSE_AT_ONCE)))
		probe_links_close_safely(links, count);
	_exit(EXIT_SUCCESS);
}

static void *lane_run(void *arg)
{
	struct lane *lane = arg;
	struct keeper *k = lane->keeper;
	struct keeper_request *r = &k->shared->lanes[lane->index];
	int fd;

	while (keeper_wire_receive(k->sockets[lane->index], &fd) == 0) {
		r->answer = serve(k, r, fd);
		if (keeper_wire_send(k->sockets[lane->index], -1))
			break;
	}
	end(k);
}

/* ---- the watch -------------------------------------------------------------------------- */

static void files_look(struct keeper *k)
{
	pthread_mutex_lock(&k->lock);
	for (int i = 0; i < LINK_KEEPER_FILES; i++)
		if (keeper_files_look(k->files, i) && !let_go(k, i, i))
			_exit(EXIT_FAILURE);
	pthread_mutex_unlock(&k->lock);
}

static void tasks_look(struct keeper *k)
{
	int file;

	pthread_mutex_lock(&k->lock);
	while ((file = keeper_tasks_replaced(&k->tasks)) >= 0)
		if (!let_go(k, file, -1))
			_exit(EXIT_FAILURE);
	pthread_mutex_unlock(&k->lock);
}

/* Once: the silence lasts until the governor says something. */
static void governor_look(struct keeper *k, bool *silent)
{
	bool now = governor_is_silent(k);

	if (now && !*silent) {
		pthread_mutex_lock(&k->lock);
		let_all_go(k);
		pthread_mutex_unlock(&k->lock);
	}
	*silent = now;
}

/* A writer that opens a guarded file makes the kernel send SIGIO (fcntl(2), Leases). */
static int lease_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static _Noreturn void watch(struct keeper *k)
{
	struct pollfd signals = {.fd = lease_signals(), .events = POLLIN};
	struct signalfd_siginfo info;
	bool silent = false;

	for (;;) {
		atomic_store(&k->shared->kept_ns, clock_now());
		poll(&signals, signals.fd >= 0, KEEPER_ROUND_MS);
		while (signals.fd >= 0 && read(signals.fd, &info, sizeof(info)) > 0)
			;
		files_look(k);
		tasks_look(k);
		governor_look(k, &silent);
	}
}

/* ---- life ------------------------------------------------------------------------------ */

/* It holds nothing of gomaptop's: no terminal, no pipe that a reader waits for the end of, no
 * file. */
static void descriptors_close(const int sockets[KEEPER_LANES])
{
	int nothing = open("/dev/null", O_RDWR), last = -1;

	for (int fd = 0; nothing >= 0 && fd <= STDERR_FILENO; fd++)
		dup2(nothing, fd);
	last = STDERR_FILENO;
	for (int i = 0; i < KEEPER_LANES; i++) { /* in ascending order, see lanes_move() */
		if (sockets[i] > last + 1)
			close_range((unsigned int)last + 1, (unsigned int)sockets[i] - 1, 0);
		last = sockets[i];
	}
	close_range((unsigned int)last + 1, ~0U, 0);
}

static int compare_int(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

_Noreturn void keeper_process_run(struct keeper_shared *shared, const int sockets[KEEPER_LANES])
{
	static struct lane lanes[KEEPER_LANES];
	static struct keeper k;
	int sorted[KEEPER_LANES];
	pthread_t thread;
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "gomaptop-keeper");
	prctl(PR_SET_PDEATHSIG, SIGCONT); /* stopped, it would not see the end of gomaptop */
	memcpy(sorted, sockets, sizeof(sorted));
	qsort(sorted, KEEPER_LANES, sizeof(*sorted), compare_int);
	descriptors_close(sorted);
	process_apart_hurry();
	process_apart_leave();
	k = (struct keeper){.shared = shared, .program_fd = -1};
	memcpy(k.sockets, sockets, sizeof(k.sockets));
	pthread_mutex_init(&k.lock, NULL);
	if (keeper_files_create(shared->files, &k.files))
		_exit(EXIT_FAILURE);
	for (int i = 0; i < KEEPER_LANES; i++) {
		lanes[i] = (struct lane){&k, i};
		if (pthread_create(&thread, NULL, lane_run, &lanes[i]))
			_exit(EXIT_FAILURE);
	}
	watch(&k);
}
