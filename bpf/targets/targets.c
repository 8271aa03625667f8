/* SPDX-License-Identifier: MIT */
#include "bpf/targets/targets.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bpf/targets/targets_internal.h"
#include "core/base/clock.h"
#include "core/process/go_process.h"

#define ROWS_FIRST  8
#define ATTEND_NS   1000000000ULL /* when to try a pidfd again */
#define CPU_LOOK_NS 50000000ULL

/* As a process maps an executable the kernel plants a breakpoint for each probe: it copies a page
 * the first time and writes to it, some microseconds each (uprobe_mmap(),
 * kernel/events/uprobes.c). */
#define PLANT_NS 10000ULL

/* ---- the list ------------------------------------------------------------------------ */

static struct target *target_find(const struct targets *t, pid_t pid)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].pid == pid)
			return &t->rows[i];
	return NULL;
}

/* From now on its end is noticed: by a pidfd, or because it has ended already. Where descriptors or
 * memory are short that is tried again later. */
static void target_attend(struct targets *t, struct target *row)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)row->pid};

	row->pidfd = go_process_open(row->pid, NULL);
	if (row->pidfd == -ESRCH) {
		row->over = true;
		t->over++;
	} else if (row->pidfd < 0) {
		t->unattended = true;
	} else if (epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, row->pidfd, &e)) {
		close(row->pidfd);
		row->pidfd = -1;
		t->unattended = true;
	}
	if (row->pidfd < 0)
		row->pidfd = -1;
}

static bool capacity_need(struct targets *t)
{
	size_t capacity = t->capacity ? 2 * t->capacity : ROWS_FIRST;
	void *more;

	if (t->count < t->capacity)
		return true;
	more = reallocarray(t->rows, capacity, sizeof(*t->rows));
	if (!more)
		return false;
	t->rows = more;
	t->capacity = capacity;
	return true;
}

static void target_add(struct targets *t, pid_t pid)
{
	struct target row = {.pid = pid};

	if (target_find(t, pid))
		return;
	target_attend(t, &row);
	if (go_process_cpu(pid, &row.cpu_ns))
		row.cpu_ns = 0;
	row.cpu_base = row.cpu_ns;
	if (go_process_calls(pid, &row.calls))
		row.calls = 0;
	row.calls_base = row.calls;
	pthread_mutex_lock(&t->lock);
	if (capacity_need(t)) {
		t->rows[t->count++] = row;
		atomic_fetch_add(&t->alive, 1);
	} else {
		t->over -= row.over;
		if (row.pidfd >= 0)
			close(row.pidfd);
	}
	pthread_mutex_unlock(&t->lock);
}

size_t targets_count(const struct targets *t)
{
	return t->count;
}

pid_t targets_pid(const struct targets *t, size_t index)
{
	return t->rows[index].pid;
}

/* It has begun while the probes were in place: that has cost it something before its first hit. */
void targets_started(struct targets *t, pid_t pid)
{
	if (!target_find(t, pid))
		atomic_fetch_add(&t->planted_ns, PLANT_NS * atomic_load(&t->probes));
	target_add(t, pid);
}

bool targets_knows(const struct targets *t, pid_t pid)
{
	return target_find(t, pid) != NULL;
}

/* ---- ends ---------------------------------------------------------------------------- */

void targets_crashed(struct targets *t, pid_t pid)
{
	struct target *row = target_find(t, pid);

	if (row)
		row->crashed = true;
}

static void unattended_retry(struct targets *t)
{
	uint64_t now = clock_now();

	if (!t->unattended || now < t->attend_ns)
		return;
	t->attend_ns = now + ATTEND_NS;
	t->unattended = false;
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].pidfd < 0 && !t->rows[i].over)
			target_attend(t, &t->rows[i]);
	pthread_mutex_unlock(&t->lock);
}

size_t targets_poll(struct targets *t, int timeout_ms, pid_t ended[TARGET_ENDS_MAX])
{
	struct epoll_event events[TARGET_ENDS_MAX];
	int noticed = epoll_wait(t->epoll_fd, events, TARGET_ENDS_MAX, timeout_ms);
	size_t count = 0;

	if (noticed < 0 && errno != EINTR)
		nanosleep(&(struct timespec){.tv_nsec = timeout_ms * 1000000L}, NULL);
	for (int i = 0; i < noticed; i++)
		ended[count++] = (pid_t)events[i].data.u64;
	unattended_retry(t);
	for (size_t i = 0; t->over && i < t->count && count < TARGET_ENDS_MAX; i++)
		if (t->rows[i].over)
			ended[count++] = t->rows[i].pid;
	return count;
}

bool targets_end(struct targets *t, pid_t pid)
{
	struct target *row = target_find(t, pid);
	bool crashed;

	if (!row)
		return false;
	crashed = row->crashed;
	pthread_mutex_lock(&t->lock);
	if (row->pidfd >= 0)
		close(row->pidfd); /* leaves the epoll set by that */
	t->over -= row->over;
	t->gone_cpu_ns += row->cpu_ns - row->cpu_base;
	t->gone_calls += row->calls - row->calls_base;
	*row = t->rows[--t->count];
	pthread_mutex_unlock(&t->lock);
	atomic_fetch_sub(&t->alive, 1);
	return crashed;
}

size_t targets_alive(const struct targets *t)
{
	return atomic_load_explicit(&t->alive, memory_order_relaxed);
}

/* ---- what they use ------------------------------------------------------------------- */

uint64_t targets_cpu_now_ns(struct targets *t)
{
	uint64_t sum, now;

	pthread_mutex_lock(&t->lock);
	sum = t->gone_cpu_ns;
	for (size_t i = 0; i < t->count; i++) {
		struct target *row = &t->rows[i];

		if (!row->over && !go_process_cpu(row->pid, &now) && now > row->cpu_ns)
			row->cpu_ns = now;
		sum += row->cpu_ns - row->cpu_base;
	}
	pthread_mutex_unlock(&t->lock);
	return sum;
}

uint64_t targets_calls(struct targets *t)
{
	uint64_t sum, now;

	pthread_mutex_lock(&t->lock);
	sum = t->gone_calls;
	for (size_t i = 0; i < t->count; i++) {
		struct target *row = &t->rows[i];

		if (!row->over && !go_process_calls(row->pid, &now) && now > row->calls)
			row->calls = now;
		sum += row->calls - row->calls_base;
	}
	pthread_mutex_unlock(&t->lock);
	return sum;
}

void targets_look(struct targets *t)
{
	uint64_t now = clock_now();

	if (now - t->cpu_looked_ns >= CPU_LOOK_NS) {
		t->cpu_looked_ns = now;
		atomic_store_explicit(&t->cpu_ns, targets_cpu_now_ns(t), memory_order_relaxed);
	}
	targets_room_look(t);
}

uint64_t targets_cpu_ns(const struct targets *t)
{
	return atomic_load_explicit(&t->cpu_ns, memory_order_relaxed);
}

void targets_probes_set(struct targets *t, size_t count)
{
	atomic_store_explicit(&t->probes, count, memory_order_relaxed);
}

uint64_t targets_planted_ns(const struct targets *t)
{
	return atomic_load_explicit(&t->planted_ns, memory_order_relaxed);
}

/* ---- life ---------------------------------------------------------------------------- */

int targets_create(const pid_t *pids, size_t count, struct targets **out)
{
	struct targets *t = calloc(1, sizeof(*t));
	int rc;

	*out = NULL;
	if (!t)
		return -ENOMEM;
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (t->epoll_fd < 0) {
		rc = -errno;
		free(t);
		return rc;
	}
	pthread_mutex_init(&t->lock, NULL);
	for (size_t i = 0; i < count; i++)
		target_add(t, pids[i]);
	*out = t;
	return 0;
}

void targets_destroy(struct targets *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		if (t->rows[i].pidfd >= 0)
			close(t->rows[i].pidfd);
	close(t->epoll_fd);
	pthread_mutex_destroy(&t->lock);
	free(t->rows);
	free(t);
}
