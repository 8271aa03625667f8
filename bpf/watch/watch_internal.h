/* SPDX-License-Identifier: MIT */
/*
 * watch_internal: what the files of the watch share. All of it belongs to the thread that made the
 * watch, except where it says otherwise; the collector has its own copies.
 */
#ifndef GOMAPTOP_BPF_WATCH_INTERNAL_H
#define GOMAPTOP_BPF_WATCH_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "bpf/attach/link_keeper.h"
#include "bpf/attach/probe_set.h"
#include "bpf/attach/program.h"
#include "bpf/collect/collector.h"
#include "bpf/govern/birth_probes.h"
#include "bpf/govern/governor.h"
#include "bpf/govern/order_probes.h"
#include "bpf/govern/site_zoom.h"
#include "bpf/targets/targets.h"
#include "bpf/watch/watch.h"
#include "core/probe/birth_site.h"
#include "core/process/go_type_live.h"
#include "core/symbol/symbolizer.h"

/* One executable that is watched; several processes may run it. */
struct watch_binary {
	struct go_binary *binary;
	char path[PATH_MAX];    /* for words: nothing opens it again */
	struct probe_file file; /* opened once: parsed, and probed through this descriptor */
	struct probe_plan plan;
	struct chain_ends ends;
	size_t row;              /* of its fields */
	size_t first_site;       /* of its probes among all: row * ROW_SITES */
	unsigned int idle_looks; /* how often in a row no process was seen to run it */
	bool removed;            /* the same, for the governor's thread alone */
	uint64_t retired_ns;     /* its probes are out for good since then; 0: they are not */
};

/* Of one session, former ones included: people still look at what was seen in them. */
#define BINARIES_MAX 4096

struct watch_target {
	pid_t pid;
	size_t binary;
	uint64_t bias;
	bool placed;         /* the load bias is known, the symbolizer knows the process */
	uint64_t started_ns; /* tells it from an earlier process with its pid; 0: not known */
	struct go_type_live types;
};

#define WATCH_NEWS_MAX  64
#define WATCH_NEWS_TEXT 512

struct watch_news {
	pthread_mutex_t lock;
	char text[WATCH_NEWS_MAX][WATCH_NEWS_TEXT];
	size_t said, told; /* made, handed out */
};

struct watch {
	struct watch_config config;
	struct program program;
	struct link_keeper *keeper;
	/* Added by one thread (at first the watch's, then that of watch_follow), read by it and the
	 * watch's up to the count. None is taken away before the end. */
	struct watch_binary *binaries[BINARIES_MAX];
	atomic_size_t binary_count;
	struct watch_binary *_Atomic rows[FIELD_ROWS]; /* whose fields; NULL: free */
	struct watch_target *targets;
	size_t target_count;
	const char *site_functions[FIELD_ROWS * ROW_SITES];
	struct probe_set *standing; /* probes on crashes: always in place */
	struct probe_set *governed; /* those on map operations */
	struct governor *governor;
	struct site_zoom *sites; /* probes at calls, driven by the governor; NULL: none */
	pid_t *site_pids;        /* in which processes, by binary */
	struct probe_skip *skips;
	size_t skip_count, wanted, attached;
	const struct probe_note *unseen[PROBE_NOTES_MAX];
	size_t unseen_count;
	struct event_queue *queue;
	struct symbolizer *symbolizer;
	struct birth_probes *births;
	struct order_probes *order;   /* NULL: none */
	struct watch_order *finder;   /* the thread that looks for their sites; NULL: none runs */
	struct targets *processes;    /* for the governor and the collector, */
	struct cost_account *account; /* both */
	struct collector *collector;
	struct watch_follow *follow; /* NULL: no file is followed */
	struct watch_family *family; /* NULL: CMD is the program itself, or there is none */
	pid_t root;                  /* of by_family: the process that is to execute CMD */
	bool by_family;              /* CMD is not a Go program: what it starts is looked at */
	struct watch_news news;
	int event_fd;
	bool stopped;
};

/* watch_binaries.c: open what the targets run, plan the probes. */
int watch_binaries_open(struct watch *w, struct error *err);
void watch_binaries_close(struct watch *w);

/* One more, read from what is open at fd, which belongs to the watch on success. No other thread
 * sees it before watch_binary_publish(), from which on no other than the watch's own may use its
 * go_binary, but for what takes it const. By the thread that adds. -ESTALE: written to meanwhile;
 * those of go_binary_open_fd(). */
int watch_binary_make(struct watch *w, int fd, const char *path, struct watch_binary **out,
                      struct error *err);
/* Was that refused because it is no Go program at all? */
bool watch_binary_is_not_go(int fd, int rc, const struct error *err);
void watch_binary_free(struct watch *w, struct watch_binary *b); /* one that was not published */
void watch_binary_publish(struct watch *w, struct watch_binary *b);
struct collector_executable watch_binary_told(const struct watch_binary *b); /* to the collector */
void watch_binary_fields_set(struct watch *w, const struct watch_binary *b); /* once loaded */

/* watch_news.c: a line for watch_news(). Any thread. */
void watch_say(struct watch *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* watch_names.c: processes and symbols. */
struct watch_target *watch_target_find(struct watch *w, pid_t pid);
int watch_target_register(struct watch *w, pid_t pid, size_t binary);
int watch_target_place(struct watch *w, struct watch_target *t);

/* watch_lengths.c: see struct model_symbols. */
void watch_lengths(struct watch *w, struct map_length *maps, size_t count);

/* watch_births.c: where maps are made. */
int watch_births_create(struct watch *w);
void watch_births_start(struct watch *w);
/* While it runs, in every process, by the thread that adds. 0 or -errno. */
int watch_births_add(struct watch *w, const struct watch_binary *b, const struct birth_plan *plan);

/* watch_order.c: where goroutines are ordered. create: before the governor starts. start: from then
 * on a thread finds the sites of each binary, also of those that come; stop: before binaries are
 * closed. No error ends the watch. */
void watch_order_create(struct watch *w);
void watch_order_start(struct watch *w);
void watch_order_stop(struct watch *w);

/* watch_sites.c: probes at calls, where that can be had. */
void watch_sites_create(struct watch *w);

/* -e: PATH may come to be another file. With -p what the processes run is what is watched. */
static inline bool watch_is_following(const struct watch *w)
{
	return w->config.executable && !w->config.pid_count && !w->by_family;
}

/* Which processes there are is not known beforehand. */
static inline bool watch_meets_processes(const struct watch *w)
{
	return w->by_family || watch_is_following(w);
}

/* watch_attach.c: what to probe, and probes in. plan: 0 or -ENOMEM. */
int watch_attach_plan(struct watch *w);
/* watch_change.c: while it runs, in every process, by the thread that adds; the binary is
 * published. *attached: for how many of its functions a probe is in place, or will be when it is
 * their turn. 0 or -errno. */
int watch_attach_add(struct watch *w, struct watch_binary *b, size_t *attached);
/* All of that for a binary that was just made: known to all, then probed. */
void watch_binary_bring(struct watch *w, struct watch_binary *b, size_t *attached);
/* Its probes out for good, of all kinds. */
void watch_attach_remove(struct watch *w, struct watch_binary *b);
int watch_attach(struct watch *w, struct error *err);
int watch_attach_points(struct watch *w,
                        const struct watch_binary *b); /* into the sets: all processes */

#endif
