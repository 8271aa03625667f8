/* SPDX-License-Identifier: MIT */
/*
 * process_unit: what a process belongs to on its host: a service, a container, a session.
 *
 * Any thread.
 */
#ifndef GOMAPTOP_CORE_PROCESS_UNIT_H
#define GOMAPTOP_CORE_PROCESS_UNIT_H

#include <stddef.h>
#include <sys/types.h>

#define PROCESS_UNIT_MAX 32

/* From the text of /proc/PID/cgroup: the last part of the path of cgroup v2 (else of the first
 * hierarchy that has one) without its ".service", ".scope" or ".slice"; of a container the first 12
 * digits of its id, as `docker ps` and `crictl ps` show them. Empty: nothing but the root, or a
 * name that does not fit. May hold any byte but NUL. */
void process_unit_of(const char *cgroups, char out[PROCESS_UNIT_MAX]);

/* The same of a process; empty as well where that cannot be read. */
void process_unit_read(pid_t pid, char out[PROCESS_UNIT_MAX]);

#endif
