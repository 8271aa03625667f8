/* SPDX-License-Identifier: MIT */
#include "bpf/watch/watch_follow.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "bpf/watch/follow_events.h"
#include "bpf/watch/watch_internal.h"
#include "core/base/clock.h"
#include "core/process/go_process.h"

#define LOOK_MS    1000
#define SETTLE_MS  20           /* how often to look while a file is being written */
#define PAUSE_NS   2000000      /* between two looks, at least */
#define SETTLED_NS 100000000ULL /* unchanged for so long, it is taken to be whole */
#define RUNNERS_NS 1000000000ULL
#define MISSING_NS 1000000000ULL /* so long a deployment may leave PATH without a file */
#define FOUND_MAX  64            /* processes found by one look */

/* What stands at PATH, before it is known to be whole. */
struct candidate {
	bool is; /* there is one */
	struct file_identity seen;
	uint64_t since_ns; /* unchanged */
};

struct watch_follow {
	struct watch *w;
	const char *path;
	struct follow_events *events;
	struct watch_binary
	        *current; /* what stands at PATH, or did last; NULL: it cannot be watched */
	struct watch_binary *formers[FIELD_ROWS]; /* that are still probed */
	size_t former_count;
	struct candidate candidate;
	bool refused; /* the candidate cannot be watched; that was said */
	bool closed;  /* whoever wrote at PATH has just closed the file */
	bool written; /* the current file was written over: no binary is current */
	bool had;     /* a file at PATH was watched */
	uint64_t runners_ns, looked_ns;
	uint64_t missing_ns;        /* nothing stands at PATH since then; 0: something does */
	bool missing_said, started; /* a process was seen to run it */
	pthread_t thread;
	int wake_fd;
	bool running;
	pthread_mutex_t lock; /* for what follows */
	struct watch_replaced state;
	enum watch_waiting waiting;
};

/* ---- what is said -------------------------------------------------------------------- */

static void clock_format(char out[16])
{
	time_t now = time(NULL);
	struct tm tm;

	strftime(out, 16, "%H:%M:%S", localtime_r(&now, &tm));
}

static const char *what_happened(const struct watch_follow *f)
{
	return f->written ? "written over" : "replaced";
}

static size_t formers_runners(const struct watch_follow *f)
{
	size_t count = 0;

	for (size_t i = 0; i < f->former_count; i++)
		count += go_process_runners(&f->formers[i]->file.seen);
	return count;
}

static void say_replaced(struct watch_follow *f, const struct watch_binary *b, const char *version,
                         const char *build_id, size_t attached)
{
	size_t runners = formers_runners(f);
	char clock[16], old[64] = "", lacks[96] = "";

	clock_format(clock);
	if (runners)
		snprintf(old, sizeof(old), "; %zu process%s the old one", runners,
		         runners == 1 ? " still runs" : "es still run");
	if (attached < b->plan.site_count)
		snprintf(lacks, sizeof(lacks), "; %zu of its %zu functions cannot be probed",
		         b->plan.site_count - attached, b->plan.site_count);
	if (!f->had)
		watch_say(f->w, "%s is there since %s: it (%s%s%.24s) is watched%s", f->path, clock,
		          version, *build_id ? ", build id " : "", build_id, lacks);
	else
		watch_say(f->w, "%s was %s at %s: the new file (%s%s%.24s) is watched%s%s", f->path,
		          what_happened(f), clock, version, *build_id ? ", build id " : "",
		          build_id, lacks, old);
}

static void say_refused(struct watch_follow *f, const char *reason)
{
	char clock[16], old[96] = "";
	size_t runners = formers_runners(f);

	clock_format(clock);
	if (runners)
		snprintf(old, sizeof(old), "; the old one goes on being watched in %zu process%s",
		         runners, runners == 1 ? "" : "es");
	if (!f->had)
		watch_say(f->w,
		          "%s is there since %s, and cannot be watched (%s); another one is waited "
		          "for",
		          f->path, clock, reason);
	else
		watch_say(f->w, "%s was %s at %s by a file that cannot be watched (%s)%s", f->path,
		          what_happened(f), clock, reason, old);
}

static void state_set(struct watch_follow *f, bool unwatched, const struct watch_binary *b,
                      size_t attached)
{
	pthread_mutex_lock(&f->lock);
	f->state.unwatched = unwatched;
	if (b) {
		f->state.count += f->had;
		f->state.fresh = true;
		f->state.wanted = b->plan.site_count;
		f->state.attached = attached;
	}
	pthread_mutex_unlock(&f->lock);
}

/* ---- binaries that come and go ------------------------------------------------------- */

/* What was current is not: it stays probed as long as a process runs it. */
static void former_add(struct watch_follow *f)
{
	if (f->current)
		f->formers[f->former_count++] = f->current;
	f->current = NULL;
}

static void binary_take(struct watch_follow *f, struct watch_binary *b)
{
	char version[64], build_id[128] = "";
	size_t attached = 0;

	snprintf(version, sizeof(version), "%s", go_binary_version(b->binary));
	if (go_binary_build_id(b->binary))
		snprintf(build_id, sizeof(build_id), "%s", go_binary_build_id(b->binary));
	watch_binary_bring(f->w, b, &attached);
	follow_events_file_add(f->events, b->file.fd);
	former_add(f);
	f->current = b;
	state_set(f, false, b, attached);
	say_replaced(f, b, version, build_id, attached);
	f->written = false;
	f->had = true;
}

static void binary_drop(struct watch_follow *f, struct watch_binary *b)
{
	size_t kept = 0;

	follow_events_file_remove(f->events, b->file.fd);
	watch_attach_remove(f->w, b);
	if (f->current == b)
		f->current = NULL;
	for (size_t i = 0; i < f->former_count; i++)
		if (f->formers[i] != b)
			f->formers[kept++] = f->formers[i];
	f->former_count = kept;
}

/* Written to: whatever was decoded from it is wrong. */
static bool binary_is_written(const struct watch_follow *f, const struct watch_binary *b)
{
	struct file_identity now;

	return link_keeper_file_state(f->w->keeper, b->file.guard) == LINK_FILE_STALE ||
	       follow_events_written(f->events, b->file.fd) ||
	       file_identity_read(b->file.fd, &now) ||
	       !file_identity_unwritten(&now, &b->file.seen);
}

static void written_drop(struct watch_follow *f)
{
	for (size_t i = f->former_count; i > 0; i--)
		if (binary_is_written(f, f->formers[i - 1]))
			binary_drop(f, f->formers[i - 1]);
	if (f->current && binary_is_written(f, f->current)) {
		binary_drop(f, f->current);
		f->written = true;
		f->candidate.is = false;
		state_set(f, true, NULL, 0);
	}
}

/* Seen twice without anybody: it may have been between two of them. */
static void formers_drop(struct watch_follow *f, uint64_t now)
{
	if (!f->former_count || now - f->runners_ns < RUNNERS_NS)
		return;
	f->runners_ns = now;
	for (size_t i = f->former_count; i > 0; i--) {
		struct watch_binary *b = f->formers[i - 1];

		b->idle_looks = go_process_runners(&b->file.seen) ? 0 : b->idle_looks + 1;
		if (b->idle_looks == 2)
			binary_drop(f, b);
	}
}

/* ---- what stands at PATH ------------------------------------------------------------- */

/* The name came back to a file that is still probed (a deployment that was undone). */
static bool former_again(struct watch_follow *f, const struct file_identity *seen)
{
	for (size_t i = 0; i < f->former_count; i++) {
		struct watch_binary *b = f->formers[i];
		char clock[16];

		if (!file_identity_unwritten(&b->file.seen, seen))
			continue;
		f->formers[i] = f->current;
		if (!f->current)
			f->formers[i] = f->formers[--f->former_count];
		f->current = b;
		b->idle_looks = 0;
		state_set(f, false, NULL, 0);
		clock_format(clock);
		watch_say(f->w, "%s is the former file again since %s; it is still watched",
		          f->path, clock);
		return true;
	}
	return false;
}

static bool candidate_is_whole(struct watch_follow *f, const struct file_identity *seen,
                               uint64_t now)
{
	struct candidate *c = &f->candidate;
	bool closed = f->closed;

	f->closed = false;
	if (!c->is || !file_identity_unwritten(&c->seen, seen)) {
		*c = (struct candidate){.is = true, .seen = *seen, .since_ns = now};
		f->refused = false;
		return closed;
	}
	return closed || now - c->since_ns >= SETTLED_NS;
}

static void candidate_read(struct watch_follow *f, int fd)
{
	struct watch_binary *b;
	struct error err = {""};
	int rc = watch_binary_make(f->w, fd, f->path, &b, &err);

	if (!rc && link_keeper_file_state(f->w->keeper, b->file.guard) == LINK_FILE_WRITTEN) {
		watch_binary_free(f->w, b);
		rc = -ESTALE;
	}
	if (!rc) {
		f->candidate.is = false;
		binary_take(f, b);
		return;
	}
	close(fd);
	if (rc == -ESTALE) {
		f->candidate.is = false;
		return;
	}
	f->refused = true;
	former_add(f);
	state_set(f, true, NULL, 0);
	say_refused(f, err.text);
}

/* It may come back: that is awaited. In the middle of a deployment it is soon there. */
static void path_is_missing(struct watch_follow *f, uint64_t now)
{
	size_t runners;

	f->candidate.is = false;
	if (!f->missing_ns)
		f->missing_ns = now;
	if (f->missing_said || !f->had || now - f->missing_ns < MISSING_NS)
		return;
	f->missing_said = true;
	runners =
	        formers_runners(f) + (f->current ? go_process_runners(&f->current->file.seen) : 0);
	watch_say(f->w,
	          "%s is gone: a file that comes back there is watched; %zu process%s the former "
	          "one, "
	          "still watched",
	          f->path, runners, runners == 1 ? " runs" : "es run");
}

static void path_is_there(struct watch_follow *f, bool same)
{
	if (f->missing_said && same)
		watch_say(f->w, "%s is back, the same file as before; it is watched", f->path);
	f->missing_said = false;
	f->missing_ns = 0;
}

static void path_look(struct watch_follow *f, uint64_t now)
{
	struct file_identity seen;
	int fd = file_identity_open(f->path);
	bool same = false;

	if (fd >= 0 && !file_identity_read(fd, &seen)) {
		same = f->current && file_identity_inode(&f->current->file.seen, &seen);
		path_is_there(f, same);
	} else {
		path_is_missing(f, now);
		goto cleanup;
	}
	if (same) {
		f->candidate.is = false;
		state_set(f, false, NULL, 0);
	} else if (former_again(f, &seen)) {
		f->candidate.is = false;
	} else if (candidate_is_whole(f, &seen, now) && !f->refused) {
		candidate_read(f, fd);
		return;
	}
cleanup:
	if (fd >= 0)
		close(fd);
}

/* ---- processes ----------------------------------------------------------------------- */

static void waiting_set(struct watch_follow *f, enum watch_waiting waiting)
{
	enum watch_waiting before;

	pthread_mutex_lock(&f->lock);
	before = f->waiting;
	f->waiting = waiting;
	pthread_mutex_unlock(&f->lock);
	if (waiting == before)
		return;
	if (waiting == WATCH_WAITS_FOR_FILE)
		watch_say(f->w, "waiting for %s: there is no such file yet", f->path);
	else if (waiting == WATCH_WAITS_FOR_PROCESS && !f->started)
		watch_say(f->w, "waiting for %s to be started: no process runs it", f->path);
	else if (waiting == WATCH_WAITS_FOR_NOTHING && !f->started)
		watch_say(f->w, "%s was started, and is watched", f->path);
}

/* Those that run a file are told before they use a map. */
static size_t runners_tell(struct watch_follow *f, const struct watch_binary *b)
{
	pid_t pids[FOUND_MAX];
	size_t count = go_process_runners_list(&b->file.seen, pids, FOUND_MAX);

	for (size_t i = 0; i < count && i < FOUND_MAX; i++)
		collector_process_add(f->w->collector, pids[i], b->row);
	return count;
}

/* As long as no process is known: a look at every process of /proc takes some milliseconds. */
static void runners_look(struct watch_follow *f, uint64_t now)
{
	size_t count = targets_alive(f->w->processes);

	if (!count && now - f->looked_ns < RUNNERS_NS)
		return;
	f->looked_ns = now;
	if (!count && f->current)
		count += runners_tell(f, f->current);
	for (size_t i = 0; !count && i < f->former_count; i++)
		count += runners_tell(f, f->formers[i]);
	if (count)
		waiting_set(f, WATCH_WAITS_FOR_NOTHING);
	else if (f->current)
		waiting_set(f, WATCH_WAITS_FOR_PROCESS);
	else if (!f->had && f->missing_ns)
		waiting_set(f, WATCH_WAITS_FOR_FILE);
	f->started = f->started || count;
}

/* ---- the thread ---------------------------------------------------------------------- */

/* False: it is to end. */
static bool wait_for_something(const struct watch_follow *f)
{
	struct pollfd fds[] = {
	        {.fd = f->wake_fd, .events = POLLIN},
	        {.fd = follow_events_fd(f->events), .events = POLLIN},
	};
	bool settling = f->candidate.is && !f->refused;

	/* A folder in which much happens must not keep it busy. */
	nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
	poll(fds, 2, settling ? SETTLE_MS : LOOK_MS);
	return !fds[0].revents;
}

static void *run(void *arg)
{
	struct watch_follow *f = arg;

	do {
		uint64_t now = clock_now();

		follow_events_take(f->events, &f->closed);
		written_drop(f);
		path_look(f, now);
		runners_look(f, now);
		formers_drop(f, now);
	} while (wait_for_something(f));
	return NULL;
}

int watch_follow_start(struct watch *w, struct watch_follow **out)
{
	struct watch_follow *f = calloc(1, sizeof(*f));
	int rc = -ENOMEM;

	*out = NULL;
	if (!f)
		return rc;
	f->w = w;
	f->path = w->config.executable;
	f->current = w->binary_count ? w->binaries[0] : NULL;
	f->had = f->current;
	pthread_mutex_init(&f->lock, NULL);
	f->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	rc = f->wake_fd < 0 ? -errno : follow_events_open(f->path, &f->events);
	if (!rc) {
		if (f->current)
			follow_events_file_add(f->events, f->current->file.fd);
		rc = -pthread_create(&f->thread, NULL, run, f);
	}
	f->running = !rc;
	if (rc)
		watch_follow_destroy(f);
	else
		*out = f;
	return rc;
}

void watch_follow_stop(struct watch_follow *f)
{
	if (!f || !f->running)
		return;
	eventfd_write(f->wake_fd, 1);
	pthread_join(f->thread, NULL);
	f->running = false;
	if (!f->started && !targets_alive(f->w->processes))
		watch_say(f->w, "no process ran %s while it was watched", f->path);
}

void watch_follow_destroy(struct watch_follow *f)
{
	if (!f)
		return;
	watch_follow_stop(f);
	follow_events_close(f->events);
	if (f->wake_fd >= 0)
		close(f->wake_fd);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

enum watch_waiting watch_follow_waiting(struct watch_follow *f)
{
	enum watch_waiting waiting;

	pthread_mutex_lock(&f->lock);
	waiting = f->waiting;
	pthread_mutex_unlock(&f->lock);
	return waiting;
}

void watch_follow_state(struct watch_follow *f, struct watch_replaced *out)
{
	pthread_mutex_lock(&f->lock);
	*out = f->state;
	pthread_mutex_unlock(&f->lock);
}
