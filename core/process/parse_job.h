/* SPDX-License-Identifier: MIT */
/*
 * parse_job: look into an executable of any user, in a process of its own.
 *
 * The process opens the file (which may hang, on a network mount that is gone), gives up everything
 * else (core/process/confine), and reads it. It has 3 s, 2 s of them of CPU time, and 160 MB;
 * whatever happens to it, the process that asked goes on.
 *
 * All functions from one thread, in a process that leaves the ends of these children to this
 * module.
 */
#ifndef GOMAPTOP_CORE_PARSE_JOB_H
#define GOMAPTOP_CORE_PARSE_JOB_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"

#define PARSE_JOB_MS 3000

struct parse_answer {
	/* 0; -errno of go_binary_open_fd(), with its words in err; -ETIMEDOUT: no answer within its
	 * time; -EIO: the process ended without one (a limit, or a damaged file that broke it). */
	int status;
	char go_version[64]; /* "go1.24.4"; empty where there is none that gomaptop understands */
	struct error err;
};

struct parse_job;

/* Start on what the process with that pid runs, or on what is open at fd (pid 0), which is borrowed
 * for the call. 0, or -errno of fork(2) and pipe(2). */
int parse_job_start(pid_t pid, int fd, const char *name, struct parse_job **out);

/* Readable when there is an answer, or never will be one. */
int parse_job_fd(const struct parse_job *job);

/* Milliseconds until it is given up; 0: now. */
int parse_job_left_ms(const struct parse_job *job);

/* Never waits. True: *answer says how it went, and the job is only to be destroyed. */
bool parse_job_done(struct parse_job *job, struct parse_answer *answer);

/* Ends the process where it still runs. Accepts NULL. */
void parse_job_destroy(struct parse_job *job);

/* Ask whether the file at path can be opened at all before this process opens it: a network mount
 * that is gone keeps who opens it waiting, and not even SIGKILL ends that. Waits for the answer, at
 * most PARSE_JOB_MS. A file that cannot be opened for another reason passes: open(2) says so again.
 * 0; or -ETIMEDOUT, or -errno of fork(2) and pipe(2), with words. */
int parse_job_reach(const char *path, struct error *err);

/* Ask whether the file open at fd can be read within the limits before this process reads it
 * itself: waits for the answer, at most PARSE_JOB_MS. A file that is no Go program or that is
 * damaged passes: its reader says so better. 0; or -EIO or -ETIMEDOUT with words. */
int parse_job_vet(int fd, const char *name, struct error *err);

#endif
