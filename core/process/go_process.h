/* SPDX-License-Identifier: MIT */
/*
 * go_process: a live process seen through /proc: which file it runs, since when, where it is
 * loaded; and the list of the Go processes that run on this host.
 *
 * Reads only. Nothing here stops, traces or signals a process. A process may end at any moment:
 * then the functions answer -ESRCH. Any thread, except that one go_process_list belongs to one
 * thread at a time.
 */
#ifndef GOMAPTOP_CORE_GO_PROCESS_H
#define GOMAPTOP_CORE_GO_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "core/base/file_identity.h"
#include "core/go/go_binary.h"
#include "core/process/process_unit.h"

/* Long enough for any /proc/PID/NAME that this project reads. */
#define PROC_PATH_MAX 64

/* A descriptor that refers to this very process, never to a later one with the same number, and
 * that becomes readable when it ends (also while its parent has not reaped it yet). The caller
 * closes it. -ESRCH: no such process, or a thread's id; -EINVAL: not a pid. With words in err. */
int go_process_open(pid_t pid, struct error *err);

/* Path of the file that the process runs, as the kernel tells it: for showing, since it may end in
 * " (deleted)" or belong to another mount namespace; open /proc/PID/exe instead.
 * 0, -ESRCH, or -EACCES (no privilege to look). */
int go_process_executable(pid_t pid, char *out, size_t size);

/* The file that the process runs, opened for reading; the caller closes it. It is that of this very
 * process, not of a later one with the same number. -ESRCH, -EACCES, or -errno of open(2). */
int go_process_open_executable(pid_t pid);

/* When the process started, CLOCK_REALTIME nanoseconds (to the kernel's clock tick, 10 ms).
 * 0 or -ESRCH. */
int go_process_started(pid_t pid, uint64_t *realtime_ns);

/* CPU time of all its threads so far, ended ones included: what utime and stime of /proc/PID/stat
 * add up to, in nanoseconds where the kernel lets its CPU clock be read, else to the tick. 0 or
 * -ESRCH. */
int go_process_cpu(pid_t pid, uint64_t *cpu_ns);

/* Read and write calls of all its threads so far, ended ones included: what syscr and syscw of
 * /proc/PID/io add up to. 0, -ESRCH (also where the kernel does not count them) or -EACCES. */
int go_process_calls(pid_t pid, uint64_t *calls);

/* Run-time address minus file address: 0 where the executable is not position-independent.
 * The binary must be the one the process runs (open it as /proc/PID/exe). 0, -ESRCH, -EACCES, or
 * -ENOENT: the process does not have the binary's text mapped (it has executed another program). */
int go_process_load_bias(pid_t pid, const struct go_binary *binary, uint64_t *bias);

/* Processes that run a file which was at path before the one that is there now (an upgrade): the
 * first max of their ids into pids; returns how many there are. */
size_t go_process_former(const char *path, pid_t *pids, size_t max);

/* Does it run this very file? No also where that may not be seen. */
bool go_process_runs(pid_t pid, const struct file_identity *file);

/* Processes that run this very file, as far as may be seen, whatever its name by now: a look at
 * every process of /proc. */
size_t go_process_runners(const struct file_identity *file);
/* The same; the first max of their ids into pids. */
size_t go_process_runners_list(const struct file_identity *file, pid_t *pids, size_t max);

/* What people call it: the last part of the path of what it runs, else the name that the kernel
 * keeps (15 bytes), else "?". */
void go_process_name(pid_t pid, char *out, size_t size);

/* Processes of this name, by the file that they run or by the name that the kernel keeps, other
 * than the caller: the first max of their ids into pids; returns how many there are. They need not
 * run Go. */
size_t go_process_named(const char *name, pid_t *pids, size_t max);

/* The process of a thread: tid itself where it is a process. -ESRCH. */
pid_t go_process_of_thread(pid_t tid);

/* It has ended, though its parent may not have collected it yet (a zombie). */
bool go_process_over(pid_t pid);

struct go_process_row {
	pid_t pid;
	char command[256];   /* command line, arguments separated by blanks; may hold any byte */
	char go_version[64]; /* "go1.24.4", or "not readable" */
	bool unreadable;     /* its executable gave no answer in time, or broke its reader */
	char user[32];       /* name, or the number where it has none */
	double cpu_percent;  /* since the scan before, or since it started; 100 = one CPU */
	uint64_t started_ns; /* CLOCK_REALTIME; 0: not known */
	char unit[PROCESS_UNIT_MAX]; /* see there */
};

struct go_process_list;

/* 0 or -ENOMEM. It lasts as long as its process, the helper that lists. */
int go_process_list_create(struct go_process_list **out);

struct go_process_list_hooks {
	/* Called before each process is looked at; false: leave it, it is listed as not
	 * readable. */
	bool (*before)(void *ctx, pid_t pid);
	void *ctx;
};
void go_process_list_hook(struct go_process_list *list, const struct go_process_list_hooks *hooks);

/* Look at every process of /proc and fill rows[] with up to max Go processes, most CPU time first;
 * returns how many. Executables are read by processes of their own (core/process/parse_job), a few
 * at a time, and remembered by device, inode and mtime: a process is listed by the first scan after
 * the answer, and as not readable when there was none in time. A file system or /proc itself may
 * still make it wait: core/process/list_helper has a process for that. */
size_t go_process_list_scan(struct go_process_list *list, struct go_process_row *rows, size_t max);

/* Wait until another file was read, other_fd (-1: none) is readable, or the time is over. Returns
 * the events of other_fd. */
int go_process_list_wait(struct go_process_list *list, int other_fd, int timeout_ms);

#endif
