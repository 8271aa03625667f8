/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/collector_internal.h"
#include "core/go_process.h"

#define POLL_MAX 256 /* pidfds looked at in one poll; more targets are looked at in turn */

static struct collector_target *target_find(struct collector *c, pid_t pid)
{
	for (size_t i = 0; i < c->target_count; i++)
		if (c->targets[i].pid == pid)
			return &c->targets[i];
	return NULL;
}

/* What an earlier process with that number used stays part of the sums. */
static void target_reset(struct collector *c, struct collector_target *t, pid_t pid)
{
	uint64_t cpu_ns = t->cpu_ns - t->cpu_base, calls = t->calls - t->calls_base;

	t->pid = pid;
	t->crashed = false;
	t->pidfd = go_process_open(pid, NULL);
	if (t->pidfd >= 0)
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
		if (t->pidfd < 0) /* a new process with an old number */
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
	              .time_ns = collector_now(),
	              .tgid = t->pid},
	        .state = state,
	};

	c->made_here++;
	collector_push(c, &e.h);
	c->news = true;
}

static void target_ended(struct collector *c, struct collector_target *t)
{
	uint32_t pid = t->pid;

	pthread_mutex_lock(&c->targets_lock);
	close(t->pidfd);
	t->pidfd = -1;
	pthread_mutex_unlock(&c->targets_lock);
	collector_layouts_forget(c, t->pid);
	atomic_fetch_sub(&c->alive, 1);
	/* The number may serve another process of the same executable: let that one be new. */
	bpf_map_delete_elem(c->config.targets_fd, &pid);
	memset(c->config.tuning->known, 0, sizeof(c->config.tuning->known));
	/* Its last events first: among them why it ended. */
	ring_buffer__consume(c->ring);
	chain_store_forget(c->names, pid);
	target_tell(c, t, t->crashed ? PROCESS_CRASHED : PROCESS_EXITED);
}

void collector_targets_poll(struct collector *c, int timeout_ms)
{
	struct pollfd fds[POLL_MAX];
	size_t index[POLL_MAX];
	nfds_t n = 0;

	for (size_t i = 0; i < c->target_count && n < POLL_MAX; i++) {
		if (c->targets[i].pidfd < 0)
			continue;
		index[n] = i;
		fds[n++] = (struct pollfd){.fd = c->targets[i].pidfd, .events = POLLIN};
	}
	if (poll(fds, n, timeout_ms) <= 0)
		return;
	for (nfds_t i = 0; i < n; i++)
		if (fds[i].revents)
			target_ended(c, &c->targets[index[i]]);
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
	uint64_t now = collector_now();

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
	free(c->targets);
}
