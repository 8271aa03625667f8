/* SPDX-License-Identifier: MIT */
/*
 * process_rights: open a file with the rights of another process's user.
 *
 * A program can name any path as its source (`//line /etc/shadow:1`). gomaptop, which may read
 * everything, shows only what the user of that program could read.
 */
#ifndef GOMAPTOP_CORE_PROCESS_RIGHTS_H
#define GOMAPTOP_CORE_PROCESS_RIGHTS_H

#include <sys/types.h>

#define PROCESS_GROUPS_MAX 64 /* of more the first ones: fewer rights, never more */

struct process_rights {
	uid_t uid; /* that for files, of /proc/PID/status */
	gid_t gid;
	gid_t groups[PROCESS_GROUPS_MAX];
	int group_count;
};

/* 0, -ESRCH, or -EPROTO: /proc says it in another form. */
int process_rights_read(pid_t pid, struct process_rights *out);

/* Open for reading, without waiting, as a thread of that user would: path is looked up within the
 * folder that `root` refers to, symbolic links included (openat2(2), RESOLVE_IN_ROOT). Where this
 * user may not take another's rights his own are used. A descriptor of the caller's, or -errno.
 * Changes the calling thread's rights for the time of the call only. */
int process_rights_open(const struct process_rights *rights, int root, const char *path);

#endif
