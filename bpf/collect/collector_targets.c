/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"
#include "core/process/go_process.h"

#define ENDS_MAX 64 /* told in one look; further ones in the next */
#define RETRY_NS \
	1000000000ULL /* to watch for the end of a target that could not be watched so far */

static struct collector_target *target_find(struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->target_count; i++)
		if (c->targets[i].pid == pid)
			return &c->targets[i];
	return NULL;
}

/* From now on its end is noticed. 0; -ESRCH: it has ended already; else that is tried again
 * later. */
static int target_attend(struct collector *c, struct collector_target *t)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)(t - c->targets)};
	int rc = 0;

	t->pidfd = go_process_open(t->pid, NULL);
	if (t->pidfd < 0) {
		rc = t->pidfd;
	} else if (epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, t->pidfd, &e)) {
		rc = -errno;
		close(t->pidfd);
		t->pidfd = -1;
	}
	t->unattended = rc && rc != -ESRCH;
	c->unattended |= t->unattended;
	return rc;
}

/* As a process maps an executable the kernel plants a breakpoint for each probe: it copies a page
 * the first time and writes to it, some microseconds each (uprobe_mmap(),
 * kernel/events/uprobes.c). */
#define PLANT_NS 10000ULL

/* It has begun while the probes were in place: that has cost it something before its first hit. */
static void planted_add(struct collector *c)
{
	struct governor_state state = {0};

	if (c->config.governor)
		governor_state(c->config.governor, &state);
	atomic_fetch_add(&c->planted_ns, PLANT_NS * state.accepted);
}

uint64_t collector_planted_ns(const struct collector *c)
{
	return atomic_load_explicit(&c->planted_ns, memory_order_relaxed);
}

/* What an earlier process with that number used stays part of the sums. */
static void target_reset(struct collector *c, struct collector_target *t, pid_t pid)
{
	uint64_t cpu_ns = t->cpu_ns - t->cpu_base, calls = t->calls - t->calls_base;

	t->pid = pid;
	t->crashed = false;
	if (target_attend(c, t) != -ESRCH)
		atomic_fetch_add(&c->alive, 1);
	if (go_process_cpu(pid, &t->cpu_ns))
		t->cpu_ns = 0;
	t->cpu_base = t->cpu_ns - cpu_ns;
	if (go_process_calls(pid, &t->calls))
		t->calls = 0;
	t->calls_base = t->calls - calls;
}

static void target_add(struct collector *c, pid_t pid)
{
	struct collector_target *t = target_find(c, pid);

	if (t) {
		if (t->pidfd < 0 && !t->unattended) /* a new process with an old number */
			target_reset(c, t, pid);
		return;
	}
	if (c->target_count == c->target_room) {
		size_t room = c->target_room ? 2 * c->target_room : 8;
		void *more = reallocarray(c->targets, room, sizeof(*c->targets));

		if (!more)
			return;
		c->targets = more;
		c->target_room = room;
	}
	t = &c->targets[c->target_count++];
	*t = (struct collector_target){0};
	target_reset(c, t, pid);
}

void collector_target_add(struct collector *c, pid_t pid)
{
	pthread_mutex_lock(&c->targets_lock);
	target_add(c, pid);
	pthread_mutex_unlock(&c->targets_lock);
}

void collector_target_started(struct collector *c, pid_t pid)
{
	if (!target_find(c, pid))
		planted_add(c);
	collector_target_add(c, pid);
}

void collector_target_crashed(struct collector *c, pid_t pid)
{
	struct collector_target *t = target_find(c, pid);

	if (t)
		t->crashed = true;
}

static void target_tell(struct collector *c, const struct collector_target *t, uint32_t state)
{
	struct event_process e = {
	        .h = {.kind = EVENT_PROCESS,
	              .size = sizeof(e),
	              .time_ns = clock_now(),
	              .tgid = t->pid},
	        .state = state,
	};

	c->made_here++;
	collector_push(c, &e.h);
	c->news = true;
}

/* By index: targets that appear meanwhile move the others. */
static void target_ended(struct collector *c, size_t index)
{
	struct collector_target *t = &c->targets[index];
	uint32_t pid = t->pid;

	pthread_mutex_lock(&c->targets_lock);
	if (t->pidfd >= 0)
		close(t->pidfd); /* leaves the epoll set by that */
	t->pidfd = -1;
	t->unattended = false;
	pthread_mutex_unlock(&c->targets_lock);
	collector_layouts_forget(c, pid);
	atomic_fetch_sub(&c->alive, 1);
	/* The number may serve another process of the same executable: let that one be new. */
	bpf_map_delete_elem(c->config.targets_fd, &pid);
	memset(c->config.tuning->known, 0, sizeof(c->config.tuning->known));
	/* Its last events first: among them why it ended. */
	ring_buffer__consume(c->ring);
	chain_store_forget(c->names, pid);
	t = &c->targets[index];
	target_tell(c, t, t->crashed ? PROCESS_CRASHED : PROCESS_EXITED);
}

/* Descriptors or memory were short when these came. */
static void unattended_retry(struct collector *c)
{
	uint64_t now = clock_now();

	if (!c->unattended || now < c->attend_ns)
		return;
	c->attend_ns = now + RETRY_NS;
	c->unattended = false;
	for (size_t i = 0; i < c->target_count; i++)
		if (c->targets[i].unattended && target_attend(c, &c->targets[i]) == -ESRCH)
			target_ended(c, i);
}

void collector_targets_poll(struct collector *c, int timeout_ms)
{
	struct epoll_event ended[ENDS_MAX];
	int count = epoll_wait(c->epoll_fd, ended, ENDS_MAX, timeout_ms);

	if (count < 0 && errno != EINTR)
		nanosleep(&(struct timespec){.tv_nsec = timeout_ms * 1000000L}, NULL);
	for (int i = 0; i < count; i++)
		target_ended(c, ended[i].data.u64);
	unattended_retry(c);
}

uint64_t collector_targets_cpu_ns(struct collector *c)
{
	uint64_t sum = 0, now;

	pthread_mutex_lock(&c->targets_lock);
	for (size_t i = 0; i < c->target_count; i++) {
		struct collector_target *t = &c->targets[i];

		if (t->pidfd >= 0 && !go_process_cpu(t->pid, &now) && now > t->cpu_ns)
			t->cpu_ns = now;
		sum += t->cpu_ns - t->cpu_base;
	}
	pthread_mutex_unlock(&c->targets_lock);
	return sum;
}

uint64_t collector_targets_calls(struct collector *c)
{
	uint64_t sum = 0, now;

	pthread_mutex_lock(&c->targets_lock);
	for (size_t i = 0; i < c->target_count; i++) {
		struct collector_target *t = &c->targets[i];

		if (t->pidfd >= 0 && !go_process_calls(t->pid, &now) && now > t->calls)
			t->calls = now;
		sum += t->calls - t->calls_base;
	}
	pthread_mutex_unlock(&c->targets_lock);
	return sum;
}

#define CPU_LOOK_NS 50000000ULL

void collector_targets_cpu_look(struct collector *c)
{
	uint64_t now = clock_now();

	if (now - c->cpu_looked_ns < CPU_LOOK_NS)
		return;
	c->cpu_looked_ns = now;
	atomic_store_explicit(&c->cpu_ns, collector_targets_cpu_ns(c), memory_order_relaxed);
}

uint64_t collector_cpu_ns(const struct collector *c)
{
	return atomic_load_explicit(&c->cpu_ns, memory_order_relaxed);
}

int collector_targets_open(struct collector *c)
{
	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		return -errno;
	for (size_t i = 0; i < c->config.pid_count; i++)
		collector_target_add(c, c->config.pids[i]);
	/* Known before their first hit: one that is idle is a target all the same. */
	for (size_t i = 0; i < c->target_count; i++)
		target_tell(c, &c->targets[i], PROCESS_RUNNING);
	return 0;
}

void collector_targets_close(struct collector *c)
{
	for (size_t i = 0; i < c->target_count; i++)
		if (c->targets[i].pidfd >= 0)
			close(c->targets[i].pidfd);
	if (c->epoll_fd >= 0)
		close(c->epoll_fd);
	free(c->targets);
}
