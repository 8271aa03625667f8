/* SPDX-License-Identifier: MIT */
#include "bpf/watch/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bpf/attach/detector_tuning.h"
#include "bpf/watch/watch_family.h"
#include "bpf/watch/watch_follow.h"
#include "bpf/watch/watch_internal.h"
#include "core/base/clock.h"
#include "core/base/test_knob.h"
#include "core/budget/overhead_budget.h"
#include "core/process/go_process.h"
#include "core/process/process_apart.h"

#include "gomaptop.skel.h"

#define EVENTS_BYTES ((size_t)4 << 20) /* of the queue, beside the counts of full tables */

/* While the programs are loaded: three times the weight of the target's threads. */
#define LOAD_NICE -5

#define STOPPED_AFTER_NS 2000000 /* programs that were running have ended; holds are short there */

/* ---- settings ------------------------------------------------------------------------ */

/* Tests make the ring tiny, or the kernel old, from outside. */
static void config_environment(struct watch_config *c, struct program_config *p)
{
	size_t ring = test_knob_number(TEST_KNOB_RING_BYTES);

	p->ring_bytes = ring ? ring : c->ring_bytes;
	p->stack_copies_all = test_knob_is_on(TEST_KNOB_STACK_COPY);
	p->perf_only = test_knob_is_on(TEST_KNOB_PERF_ONLY);
}

static int load(struct watch *w, struct error *err)
{
	struct program_config p = {
	        .stall_min_ns = w->config.stall_min_ns,
	        .stall_max_ns = w->config.stall_max_ns,
	        .stack_depth = w->config.stack_depth,
	        .any_process = !w->config.pid_count || w->by_family,
	        .family = w->by_family,
	        .show_keys = w->config.show_keys,
	        .verbose = w->config.verbose,
	        .maps_max = w->config.maps_max,
	        .goroutines_max = w->config.goroutines_max,
	};
	int before, rc;

	config_environment(&w->config, &p);
	/* The kernel verifies the programs for up to half a second of CPU time. */
	before = process_apart_hasten(LOAD_NICE);
	rc = program_load(&p, &w->program, err);
	process_apart_rest(before);
	for (size_t i = 0; !rc && i < w->binary_count; i++)
		watch_binary_fields_set(w, w->binaries[i]);
	return rc;
}

/* ---- names --------------------------------------------------------------------------- */

static int names_open(struct watch *w)
{
	int rc = symbolizer_create(&w->symbolizer);

	if (rc)
		return rc;
	/* A process that has yet to execute its program is placed at its first event. */
	for (size_t i = 0; i < w->target_count; i++)
		watch_target_place(w, &w->targets[i]);
	return 0;
}

/* With --verbose: how long the target was worked on. */
static void say_took(const struct watch *w, const char *what, uint64_t begin_ns)
{
	if (w->config.verbose)
		fprintf(stderr, "gomaptop: %zu probes %s in %.1f ms (%s)\n", w->attached, what,
		        (clock_now() - begin_ns) / 1e6, watch_attach_name(w));
}

/* ---- life ---------------------------------------------------------------------------- */

static size_t executables_list(const struct watch *w, struct collector_executable *out)
{
	for (size_t i = 0; i < w->binary_count; i++)
		out[i] = watch_binary_told(w->binaries[i]);
	return w->binary_count;
}

static int collect(struct watch *w, struct error *err)
{
	struct collector_executable executables[FIELD_ROWS];
	struct collector_config c = {
	        .queue = w->queue,
	        .event_fd = w->event_fd,
	        .interval_ns = w->config.interval_ns,
	        .stack_depth = w->config.stack_depth,
	        .verbose = w->config.verbose,
	        .governor = w->governor,
	        .unlimited = w->config.overhead_limit >= OVERHEAD_UNLIMITED,
	        .targets = w->processes,
	        .account = w->account,
	        .executables = executables,
	        .executable_count = executables_list(w, executables),
	};

	collector_config_program(&c, &w->program);
	return collector_start(&c, &w->collector, err);
}

static int govern(struct watch *w)
{
	struct gomaptop *s = w->program.skeleton;
	struct governor_config c = {
	        .keeper = w->keeper,
	        .mode = w->program.mode,
	        .costs = w->program.costs,
	        .tuning = &s->bss->tuning,
	        .hold_divisor = w->program.budget_divisor,
	        .stall_max_ns = w->config.stall_max_ns,
	        .overhead_limit = w->config.overhead_limit,
	};
	int rc = link_keeper_program_set(w->keeper, program_probe(&w->program));

	link_keeper_confines_set(w->keeper, w->program.pid_filter);
	if (!rc)
		rc = watch_attach_plan(w);
	if (!rc)
		rc = targets_create(w->config.pids, w->config.pid_count, &w->processes);
	if (!rc)
		rc = cost_account_create(bpf_map__fd(s->maps.coverage), &w->program.costs,
		                         w->processes, &w->account);
	c.probes = w->governed;
	c.standing = w->standing;
	c.targets = w->processes;
	c.account = w->account;
	return rc ? rc : governor_create(&c, &w->governor);
}

/* A scan of full tables fits in, with room for events. */
static size_t queue_bytes(const struct watch *w)
{
	if (w->config.queue_bytes)
		return w->config.queue_bytes;
	return w->program.maps_max * sizeof(struct event_map) +
	       w->program.goroutines_max * sizeof(struct event_goroutine) + EVENTS_BYTES;
}

static int queue_open(struct watch *w)
{
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->event_fd < 0)
		return -errno;
	return event_queue_create(queue_bytes(w), &w->queue);
}

/* Whether all targets of -p still run; of which one does not: *gone. */
static bool targets_run(const struct watch *w, pid_t *gone)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < w->config.pid_count; i++) {
		*gone = w->config.pids[i];
		if (go_process_executable(*gone, path, sizeof(path)) == -ESRCH)
			return false;
	}
	return true;
}

static int prepare_error(int rc, struct error *err)
{
	return error_set(err, -rc, "cannot prepare the watch: %s; %s", strerror(-rc),
	                 error_remedy(-rc, "try again; --verbose shows what was tried"));
}

/* All that needs no probe in the target. */
static int prepare(struct watch *w, struct error *err)
{
	int rc = watch_binaries_open(w, err);

	if (w->by_family) { /* its members are met one by one */
		w->root = w->config.pids[0];
		w->config.pid_count = 0;
	}
	if (!rc)
		rc = load(w, err);
	if (rc)
		return rc;
	rc = queue_open(w);
	if (!rc)
		rc = names_open(w);
	if (!rc)
		rc = govern(w);
	if (!rc)
		rc = watch_births_create(w);
	return rc ? prepare_error(rc, err) : collect(w, err);
}

static int follow(struct watch *w, struct error *err)
{
	int rc;

	if (w->by_family) {
		rc = watch_family_start(w, w->root, &w->family);
		return rc ? error_set(
		                    err, -rc,
		                    "cannot follow what CMD starts: %s; name the Go program itself",
		                    strerror(-rc))
		          : 0;
	}
	if (!watch_is_following(w))
		return 0;
	rc = watch_follow_start(w, &w->follow);
	return rc ? error_set(err, -rc, "cannot look after %s: %s; free memory and try again",
	                      w->config.executable, strerror(-rc))
	          : 0;
}

static int begin(const struct watch_config *config, struct watch **out, struct error *err)
{
	struct watch *w = calloc(1, sizeof(*w));
	uint64_t begin_ns = clock_now();
	pid_t gone;
	bool ran;
	int rc;

	if (!w)
		return error_no_memory(err);
	w->config = *config;
	pthread_mutex_init(&w->news.lock, NULL);
	w->event_fd = -1;
	ran = targets_run(w, &gone);
	rc = link_keeper_start(&w->keeper);
	if (rc) {
		error_set(err, -rc, "cannot start the process that owns the probes: %s; %s",
		          strerror(-rc),
		          error_remedy(-rc, "free memory and processes and try again"));
		goto cleanup;
	}
	rc = prepare(w, err);
	if (rc)
		goto cleanup;
	watch_sites_create(w);
	governor_sites_set(w->governor, w->sites);
	watch_order_create(w);
	rc = watch_attach(w, err);
	if (rc)
		goto cleanup;
	watch_births_start(w);
	rc = follow(w, err);
	if (rc)
		goto cleanup;
	say_took(w, "attached", begin_ns);
	*out = w;
	return 0;
cleanup:
	/* Whatever failed then failed for that. */
	if (ran && !targets_run(w, &gone))
		rc = error_set(err, ESRCH,
		               "process %d ended while gomaptop attached to it; `gomaptop -- CMD` "
		               "starts a program under watch, `-e` waits for the next process",
		               gone);
	watch_destroy(w);
	return rc;
}

/* Beside 24 busy loops on 2 CPUs it took 13 s before; every moment of it with probes in place that
 * are not governed yet is a cost to the target. */
int watch_start(const struct watch_config *config, struct watch **out, struct error *err)
{
	int before = process_apart_hasten(PROCESS_APART_FIRST);
	int rc = begin(config, out, err);

	process_apart_rest(before);
	if (!rc)
		watch_order_start(*out);
	return rc;
}

/* Perf-event probes stay for seconds after they were closed. Nothing here waits for them: the
 * keeper sees them out, and the program looks away from now on. */
static void slow_stop(struct watch *w)
{
	if (w->program.skeleton) {
		detector_tuning_stop(&w->program.skeleton->bss->tuning);
		nanosleep(&(struct timespec){.tv_nsec = STOPPED_AFTER_NS}, NULL);
	}
	link_keeper_abandon(w->keeper);
}

void watch_stop_consumed(struct watch *w, void (*consume)(void *ctx), void *ctx)
{
	uint64_t begin_ns = clock_now();

	if (w->stopped)
		return;
	w->stopped = true;
	watch_follow_stop(w->follow);
	watch_family_stop(w->family);
	watch_order_stop(w);
	if (w->collector)
		collector_disarm(w->collector);
	if (w->keeper && w->program.mode == PROBE_LINK_PERF)
		slow_stop(w);
	governor_stop(w->governor);
	if (w->collector)
		say_took(w, "taken out", begin_ns);
	collector_stop_consumed(w->collector, consume, ctx);
	w->collector = NULL;
}

void watch_pause(struct watch *w, bool on)
{
	link_keeper_pause(w->keeper, on);
}

void watch_destroy(struct watch *w)
{
	if (!w)
		return;
	watch_stop_consumed(w, NULL, NULL);
	watch_follow_destroy(w->follow);
	watch_family_destroy(w->family);
	governor_destroy(w->governor);
	birth_probes_destroy(w->births);
	order_probes_destroy(w->order);
	cost_account_destroy(w->account);
	targets_destroy(w->processes);
	site_zoom_destroy(w->sites);
	free(w->site_pids);
	probe_set_destroy(w->governed);
	probe_set_destroy(w->standing);
	link_keeper_destroy(w->keeper);
	program_unload(&w->program);
	symbolizer_destroy(w->symbolizer);
	watch_binaries_close(w);
	event_queue_destroy(w->queue);
	if (w->event_fd >= 0)
		close(w->event_fd);
	free(w->skips);
	for (size_t i = 0; i < w->target_count; i++)
		go_type_live_free(&w->targets[i].types);
	free(w->targets);
	pthread_mutex_destroy(&w->news.lock);
	free(w);
}

/* ---- reading it ---------------------------------------------------------------------- */

struct event_queue *watch_queue(struct watch *w)
{
	return w->queue;
}

bool watch_targets_gone(const struct watch *w)
{
	if (w->family)
		return watch_family_over(w->family);
	/* -e waits for the next process of its executable. */
	if (!w->config.pid_count)
		return false;
	return !w->collector || targets_alive(w->processes) == 0;
}

int watch_event_fd(const struct watch *w)
{
	return w->event_fd;
}

const char *watch_attach_name(const struct watch *w)
{
	return w->program.mode == PROBE_LINK_MULTI ? "uprobe_multi" : "perf_event";
}

bool watch_fell_back(const struct watch *w, char *out, size_t size)
{
	int rc = w->program.multi_error;
	bool old = rc == -EINVAL || rc == -EOPNOTSUPP;

	if (!rc)
		return false;
	snprintf(out, size,
	         "probes go through perf events, since uprobe_multi %s%s: each takes about 100 ms "
	         "to "
	         "go, and holds are at most 200 us",
	         old ? "is not in this kernel (Linux 6.6 has it)" : "failed: ",
	         old ? "" : strerror(-rc));
	return true;
}

const struct overhead_costs *watch_costs(const struct watch *w)
{
	return &w->program.costs;
}

void watch_replaced(const struct watch *w, struct watch_replaced *out)
{
	*out = (struct watch_replaced){0};
	if (w->follow)
		watch_follow_state(w->follow, out);
}

bool watch_ran_none(const struct watch *w, char *ran, size_t size)
{
	return w->family && !watch_family_found(w->family, ran, size);
}

bool watch_follows_command(const struct watch *w)
{
	return w->family;
}

size_t watch_command_processes(const struct watch *w, pid_t *pids, size_t max)
{
	return w->family ? watch_family_members(w->family, pids, max) : 0;
}

enum watch_waiting watch_waiting(const struct watch *w, char *out, size_t size)
{
	enum watch_waiting waiting = WATCH_WAITS_FOR_NOTHING;
	char ran[256];

	if (watch_ran_none(w, ran, sizeof(ran))) {
		snprintf(out, size, "Waiting for CMD to start a Go program: so far it ran %s", ran);
		return WATCH_WAITS_FOR_PROCESS;
	}
	if (w->follow)
		waiting = watch_follow_waiting(w->follow);
	snprintf(out, size, "%s", "");
	if (waiting == WATCH_WAITS_FOR_FILE)
		snprintf(out, size, "Waiting for %s: there is no such file yet",
		         w->config.executable);
	if (waiting == WATCH_WAITS_FOR_PROCESS)
		snprintf(out, size, "Waiting for %s to be started: no process runs it",
		         w->config.executable);
	return waiting;
}

size_t watch_probes_wanted(const struct watch *w)
{
	struct watch_replaced replaced;
	size_t wanted, attached;

	if (w->family) {
		watch_family_probes(w->family, &wanted, &attached);
		return wanted;
	}
	watch_replaced(w, &replaced);
	return replaced.fresh ? replaced.wanted : w->wanted;
}

size_t watch_probes_attached(const struct watch *w)
{
	struct watch_replaced replaced;
	struct governor_state state;
	size_t wanted, attached;

	if (w->family) {
		watch_family_probes(w->family, &wanted, &attached);
		return attached;
	}
	watch_replaced(w, &replaced);
	governor_state(w->governor, &state);
	return replaced.fresh ? replaced.attached : state.accepted;
}

size_t watch_calls_probed(const struct watch *w)
{
	struct governor_state state;

	governor_state(w->governor, &state);
	return state.call_sites;
}

const struct probe_skip *watch_skips(const struct watch *w, size_t *count)
{
	*count = w->skip_count;
	return w->skips;
}

const struct probe_note *const *watch_unseen(const struct watch *w, size_t *count)
{
	*count = w->unseen_count;
	return w->unseen;
}
