/* SPDX-License-Identifier: MIT */
/*
 * follow_events: what inotify says of a path and of files that were opened.
 *
 * Watched are the folder that holds the path, where the path is a symbolic link also the folder of
 * what it names, and each file by itself, whatever its name by now. One thread.
 */
#ifndef GOMAPTOP_BPF_FOLLOW_EVENTS_H
#define GOMAPTOP_BPF_FOLLOW_EVENTS_H

#include <stdbool.h>

struct follow_events;

/* 0 or -errno. Without inotify it opens all the same and says nothing. */
int follow_events_open(const char *path, struct follow_events **out);
void follow_events_close(struct follow_events *events); /* accepts NULL */

int follow_events_fd(const struct follow_events *events); /* for poll(2); -1: there is no inotify */

/* Read what has happened. *closed: set where somebody closed a file at the path after writing, or
 * moved one there; cleared where one is being written; else left alone. */
void follow_events_take(struct follow_events *events, bool *closed);

/* A file that is open at fd. Where it cannot be watched it is never said to be written to. */
void follow_events_file_add(struct follow_events *events, int fd);
void follow_events_file_remove(struct follow_events *events, int fd);
bool follow_events_written(const struct follow_events *events, int fd); /* since it was added */

#endif
