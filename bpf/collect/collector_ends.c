/* SPDX-License-Identifier: MIT */
/* What is told of processes: those known from the start, and the end of each. */
#include <string.h>

#include <bpf/bpf.h>

#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"

static void target_tell(struct collector *c, pid_t pid, uint32_t state, size_t row)
{
	struct event_process e = {
	        .h = {.kind = EVENT_PROCESS,
	              .size = sizeof(e),
	              .time_ns = clock_now(),
	              .tgid = (__u32)pid},
	        .state = state,
	        .binary = (__u32)row,
	};

	c->made_here++;
	collector_push(c, &e.h);
	c->news = true;
}

/* Known before their first hit: one that is idle is a target all the same. */
void collector_targets_tell(struct collector *c)
{
	for (size_t i = 0; i < targets_count(c->config.targets); i++)
		target_tell(c, targets_pid(c->config.targets, i), PROCESS_RUNNING, 0);
}

void collector_process_add(struct collector *c, pid_t pid, size_t row)
{
	pthread_mutex_lock(&c->found_lock);
	if (c->found_count < FOUND_MAX)
		c->found[c->found_count++] = (struct collector_found){pid, row};
	pthread_mutex_unlock(&c->found_lock);
}

void collector_found_tell(struct collector *c)
{
	struct collector_found found[FOUND_MAX];
	size_t count;

	pthread_mutex_lock(&c->found_lock);
	count = c->found_count;
	memcpy(found, c->found, count * sizeof(*found));
	c->found_count = 0;
	pthread_mutex_unlock(&c->found_lock);
	for (size_t i = 0; i < count; i++) {
		struct executable *e = executables_of_row(c->executables, found[i].row);

		if (!e || targets_knows(c->config.targets, found[i].pid))
			continue;
		targets_started(c->config.targets, found[i].pid);
		chain_finish_process(c->chains, (uint32_t)found[i].pid, e);
		target_tell(c, found[i].pid, PROCESS_RUNNING, found[i].row);
	}
}

static void target_ended(struct collector *c, pid_t pid)
{
	__u32 tgid = (__u32)pid;
	bool crashed;

	/* Its last events first: among them why it ended. */
	ring_buffer__consume(c->ring);
	collector_order_forget(c, tgid);
	crashed = targets_end(c->config.targets, pid);
	collector_layouts_forget(c, pid);
	chain_store_forget(c->names, tgid);
	collector_counts_ended(c, tgid);
	/* The number may serve another process of the same executable: let that one be new. */
	bpf_map_delete_elem(c->config.targets_fd, &tgid);
	detector_tuning_known_clear(c->config.tuning);
	target_tell(c, pid, crashed ? PROCESS_CRASHED : PROCESS_EXITED, 0);
}

void collector_ends_wait(struct collector *c, int timeout_ms)
{
	pid_t ended[TARGET_ENDS_MAX];
	size_t count = targets_poll(c->config.targets, timeout_ms, ended);

	for (size_t i = 0; i < count; i++)
		target_ended(c, ended[i]);
}
