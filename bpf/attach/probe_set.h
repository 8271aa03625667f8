/* SPDX-License-Identifier: MIT */
/*
 * probe_set: probes in several files and processes that come and go together, many times.
 *
 * Putting probes in place takes 0.2 to 20 ms, taking them out about 30 ms with uprobe_multi; but
 * the breakpoints are gone within the first of these: what remains is the kernel waiting until no
 * program runs any more.
 */
#ifndef GOMAPTOP_BPF_PROBE_SET_H
#define GOMAPTOP_BPF_PROBE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bpf/attach/link_keeper.h"
#include "bpf/attach/probe_link.h"
#include "core/base/file_identity.h"

struct probe_set;

/* An executable, open, and what it was before the first byte was read from that descriptor. */
struct probe_file {
	int fd; /* borrowed: must outlive the set */
	struct file_identity seen;
	int guard; /* its index at the keeper */
};

/* An empty set. Its probes run the keeper's program and belong to the keeper, which must outlive
 * it. 0 or -ENOMEM; owned by the caller. */
int probe_set_create(struct link_keeper *keeper, enum probe_link_mode mode, struct probe_set **out);
void probe_set_destroy(struct probe_set *set); /* accepts NULL; closes first */

/* More points, in one file and process (0: all). They go in when the set opens next, which it may
 * while others are in place. The points are copied.
 * However often the set opens, its probes go into the file of that descriptor and no other,
 * whatever stands under its name by then, and none goes in once its content was changed: an offset
 * of then may lie within an instruction of now. told: the points are counted, and failures told,
 * when the set opens; not so for further processes of a file. 0, -ENOMEM, or -ESTALE: it was
 * changed already. */
int probe_set_add(struct probe_set *set, const struct probe_file *file, pid_t pid, bool told,
                  const struct probe_point *points, size_t count);

/* Take those in the file of this descriptor out, and forget them. */
void probe_set_remove(struct probe_set *set, int fd);

/* Put all of them in place that are not. Points that the kernel refuses are left out from then on;
 * failed(), may be NULL, is told of each. Returns how many of those that count are in place, or
 * -errno when none could be put in place anywhere. An empty set opens: 0. */
int probe_set_open(struct probe_set *set,
                   void (*failed)(void *ctx, const struct probe_point *point), void *ctx);

/* The same, one point after the other, where taking out is slow: keep() (NULL: all may) is asked
 * after each whether it may stay. One that may not is taken out at once, and told as failed with
 * -EDQUOT. */
int probe_set_open_each(struct probe_set *set, bool (*keep)(void *keeper), void *keeper,
                        void (*failed)(void *ctx, const struct probe_point *point), void *ctx);

/* Take them out, and wait until no program of theirs runs any more. Closing twice is fine. */
void probe_set_close(struct probe_set *set);

/* Find out which of them the keeper has let go by itself: those are not in place any more, and the
 * next opening puts them back, those of stale files excepted. Cheap: a look at shared memory. */
void probe_set_look(struct probe_set *set);

bool probe_set_is_open(const struct probe_set *set);  /* some are in place */
bool probe_set_is_whole(const struct probe_set *set); /* all are, but for those of stale files */
size_t probe_set_held(const struct probe_set *set); /* calls of probe_set_add() that are in place */
/* Does one of its files stand like this? */
bool probe_set_waits_for(const struct probe_set *set, enum link_file_state state);
size_t
probe_set_accepted(const struct probe_set *set);    /* points that count and were in place once */
size_t probe_set_size(const struct probe_set *set); /* points that count */

#endif
