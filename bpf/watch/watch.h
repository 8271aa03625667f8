/* SPDX-License-Identifier: MIT */
/*
 * watch: one session of watching Go processes: probes in, events out.
 *
 * Opens the binaries, plans the probes, loads the BPF programs, attaches, and runs the collector
 * thread, which drains the kernel's ring buffer and reads the counts once an interval and pushes
 * everything into an event_queue. The thread that made the watch consumes that queue.
 *
 * What it promises the target: no ptrace, no signal, no uretprobe, breakpoints only at decoded
 * instructions of a file that nothing was written to since, held time bounded; all of it disappears
 * when this process ends, is stopped or gets no CPU time, because every link is owned by a keeper
 * process (link_keeper.h) that hears whether the cost is limited.
 */
#ifndef GOMAPTOP_BPF_WATCH_H
#define GOMAPTOP_BPF_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/budget/overhead_cost.h"
#include "core/event/event.h"
#include "core/event/event_queue.h"
#include "core/go/go_binary.h"
#include "core/model/model.h"
#include "core/probe/probe_site.h"

struct watch;

/* Either pids, or executable, or both: then these very processes are watched, with the executable
 * as their binary. That is for a process that has not executed the program yet (`-- CMD` holds its
 * child before execve): its /proc/PID/exe still names another file. Where that executable is a
 * script, another program that is not Go, or a tool of Go itself, the Go programs that the process
 * and its descendants execute are watched in its place. Only the sizes have defaults:
 * those of the options are the command line's. */
struct watch_config {
	const pid_t *pids; /* -p: processes that run now */
	size_t pid_count;
	const char *executable; /* -e: every process, now and later, that runs this file */
	uint64_t stall_min_ns, stall_max_ns; /* --stall */
	uint64_t interval_ns;                /* between two counts */
	int stack_depth;                     /* --stack-depth */
	double overhead_limit; /* --max-overhead: part of the targets' CPU time; 1: no limit */
	bool show_keys;        /* read map keys; else no key leaves a target's memory */
	bool verbose;          /* messages about features tried go to standard error */
	/* For tests; 0: the default. */
	size_t ring_bytes, queue_bytes;
	size_t maps_max, goroutines_max;
};

/* Attach and start. On success *out is owned by the caller, and the model has a target_row for
 * every process. Errors with words that end with what to do: -ESRCH no such process, -EPERM/-EACCES
 * no privilege, those of go_binary_open_fd, -ENODATA nothing to probe, -EOPNOTSUPP the kernel lacks
 * something. */
int watch_start(const struct watch_config *config, struct watch **out, struct error *err);

/* Take the probes out, stop the collector, push what is left (final counts, EVENT_TICK). The queue
 * can still be consumed. Idempotent. By the thread that consumes the queue: consume(ctx), which
 * empties it, is called while the last counts are pushed, so that they all arrive however small the
 * queue is; NULL: the queue must hold them. */
void watch_stop_consumed(struct watch *watch, void (*consume)(void *ctx), void *ctx);
/* on: all probes out now, and none in until off; for a process that is about to be stopped. The
 * watch goes on by itself afterwards. */
void watch_pause(struct watch *watch, bool on);

void watch_destroy(struct watch *watch); /* accepts NULL; stops first */

struct event_queue *watch_queue(struct watch *watch);

/* How the model learns names from this watch; ctx belongs to the watch. Same thread as the model.
 */
struct model_symbols watch_symbols(struct watch *watch);

/* Consumer side, at every EVENT_PROCESS of a running process that the caller sees in the queue,
 * before model_apply(): lets the watch register the process for symbols and fills *row. 0, or
 * -ESRCH: it is none of those that are watched. */
int watch_target(struct watch *watch, const struct event_process *event, struct target_row *row);

/* True when every target of -p has ended; of CMD, which has ended itself, all that it left behind,
 * as far as it runs Go. Any thread. */
bool watch_targets_gone(const struct watch *watch);

/* -e: what became of the file at PATH. A file that takes its place is watched as well. */
struct watch_replaced {
	/* how often the file at PATH came to be another one, or got another content */
	size_t count;
	bool unwatched;          /* what is at PATH now cannot be watched, or is being written */
	bool fresh;              /* it is not the one that was there when the watch began: */
	size_t wanted, attached; /* probes in it */
};
void watch_replaced(const struct watch *watch, struct watch_replaced *out); /* any thread */

/* Of CMD that starts what is watched. ran_none: it has run no Go program that could be watched yet;
 * *ran: which programs it ran, in words. processes: CMD and those that stem from it, as far as they
 * run now; returns how many it put into pids. Any thread. */
bool watch_follows_command(const struct watch *watch);
bool watch_ran_none(const struct watch *watch, char *ran, size_t size);
size_t watch_command_processes(const struct watch *watch, pid_t *pids, size_t max);

/* What has to happen before anything can be seen. */
enum watch_waiting {
	WATCH_WAITS_FOR_NOTHING,
	WATCH_WAITS_FOR_FILE,    /* -e: nothing stands at PATH yet */
	WATCH_WAITS_FOR_PROCESS, /* -e, CMD: no process runs it */
};
/* In words, without a full stop; WATCH_WAITS_FOR_NOTHING: out is empty. Any thread. */
enum watch_waiting watch_waiting(const struct watch *watch, char *out, size_t size);

/* The oldest line of words about that which was not handed out yet. False: there is none. */
bool watch_news(struct watch *watch, char *text, size_t size);

/* A file descriptor that becomes readable when the queue has news (overlap, crash, tick,
 * process): for poll(2). Read it empty (eventfd) before consuming the queue. */
int watch_event_fd(const struct watch *watch);

const char *watch_attach_name(const struct watch *watch); /* "uprobe_multi", "perf_event" */
/* Are perf events used because uprobe_multi cannot be had? Then out says why, and what that
 * costs. */
bool watch_fell_back(const struct watch *watch, char *out, size_t size);
/* What a hit costs on this machine; owned by the watch. */
const struct overhead_costs *watch_costs(const struct watch *watch);
size_t watch_probes_wanted(const struct watch *watch);
size_t watch_probes_attached(const struct watch *watch);
/* Calls of these functions that are probed one by one now, where the functions are too dear to be
 * probed all the time. */
size_t watch_calls_probed(const struct watch *watch);
/* Functions that are not probed and why; owned by the watch. */
const struct probe_skip *watch_skips(const struct watch *watch, size_t *count);
/* Ways to touch a map that no probe sees, each once; owned by the watch. */
const struct probe_note *const *watch_unseen(const struct watch *watch, size_t *count);

#endif
