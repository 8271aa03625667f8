/* SPDX-License-Identifier: MIT */
/*
 * watch_follow: -e PATH goes on with the file that stands at PATH, however it came there.
 *
 * A program is deployed in one of two ways. Either its file is written over: then nobody can run
 * the old content any more, its probes go, and the new content is read once the writer has closed
 * it. Or another file takes the name (mv, a hard link or symbolic link that is switched, unlink and
 * create): then both are probed until no process runs the old one. A name that is missing for a
 * while is waited for.
 *
 * It has a thread of its own, since reading a large executable takes a tenth of a second. It is
 * told of changes by inotify, and looks once a second where inotify sees nothing (a network file
 * system).
 */
#ifndef GOMAPTOP_BPF_WATCH_FOLLOW_H
#define GOMAPTOP_BPF_WATCH_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/watch/watch.h"

struct watch_follow;

/* Follow the executable of the watch, whose first binary is what stands there. From then on this
 * thread alone adds binaries. 0 or -errno. */
int watch_follow_start(struct watch *watch, struct watch_follow **out);

/* End the thread; what was said can still be asked for. Before anything else of the watch stops. */
void watch_follow_stop(struct watch_follow *follow);
void watch_follow_destroy(struct watch_follow *follow); /* accepts NULL; stops first */

/* The functions of watch.h that these are named after. Any thread. */
enum watch_waiting watch_follow_waiting(struct watch_follow *follow);
void watch_follow_state(struct watch_follow *follow, struct watch_replaced *out);

#endif
