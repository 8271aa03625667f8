/* SPDX-License-Identifier: MIT */
/*
 * chain_finish: call chains that the frame pointers did not lead to the goroutine's start, finished
 * from the copies of stacks that come before them.
 *
 * What cannot be finished is cut off where it stops being true, and marked CHAIN_LOST. Belongs to
 * the collector's thread.
 */
#ifndef GOMAPTOP_BPF_CHAIN_FINISH_H
#define GOMAPTOP_BPF_CHAIN_FINISH_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/wire/brief.h"
#include "core/event/event.h"
#include "core/go/go_binary.h"

struct chain_finish;
struct executable;

/* Where the call chains of an executable's goroutines end, by file address. */
struct chain_ends {
	uint64_t goexit;                       /* what goroutines return to; 0: not known */
	uint64_t callback_begin, callback_end; /* runtime.cgocallback; 0: it has none */
};

/* By the thread of the go_binary. */
void chain_ends_read(struct go_binary *binary, struct chain_ends *out);

/* targets_fd: the BPF map of targets, borrowed. depth: frames kept of each chain. verbose: say at
 * the end what was done. 0 or -ENOMEM. */
int chain_finish_create(int targets_fd, int depth, bool verbose, struct chain_finish **out);
void chain_finish_destroy(struct chain_finish *finish); /* accepts NULL */

/* At a process's first hit of a probe in this executable, which is borrowed until the end: learn
 * where its chains end and tell the BPF programs. What cannot be learned (it has ended already) is
 * left alone; so is all of it where executable is NULL. */
void chain_finish_process(struct chain_finish *finish, uint32_t tgid,
                          struct executable *executable);

void chain_finish_stack(struct chain_finish *finish, const struct event_stack *stack);

/* Put what is known of its chains into a whole event, in place. */
void chain_finish_event(struct chain_finish *finish, struct event_header *event);

#endif
