/* SPDX-License-Identifier: MIT */
/*
 * link_keeper: a small process of its own that owns all probes, and lets them go when it must.
 *
 * A probe stays in place as long as somebody holds the descriptor of its link. When that is the
 * process that limits their cost, and this process is stopped (Ctrl-Z, SIGSTOP, a debugger, a
 * frozen control group) or gets no CPU time, the probes stay and nothing limits their cost: a busy
 * target was seen at 1 % of its speed. So the links belong to a child, in a session of its own,
 * outside of the control groups that can be frozen where it may leave them. It lets all probes go
 *   - when the governor has given no sign for half a second,
 *   - when gomaptop ends, however it ends,
 * and those of one executable
 *   - when a writer opens the file: a breakpoint at an offset of the old content may lie within an
 *     instruction of the new. The keeper holds a read lease (fcntl(2), F_SETLEASE): the writer
 *     waits in its open(2) until the probes are out, some tens of milliseconds.
 *   - when its size, modification time or inode is not what it was when it was decoded.
 *   - when the thread that they are tied to is replaced (keeper_tasks.h): they are to be
 *     opened again.
 * Where no lease is to be had (another user's file without CAP_LEASE, a file system without leases)
 * probes are in a file only while a process runs it, which keeps writers out (ETXTBSY).
 *
 * The other way round, a keeper that gives no sign is killed and replaced; links are gone then.
 * All functions may be called by any thread, except where it says otherwise.
 */
#ifndef GOMAPTOP_BPF_LINK_KEEPER_H
#define GOMAPTOP_BPF_LINK_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/attach/probe_link.h"
#include "core/base/file_identity.h"

struct link_keeper;

#define LINK_KEEPER_FILES 256 /* executables at once */

/* Without a lease each process that runs the file is probed by itself. Putting probes into 300 took
 * seconds, and taking them out half a minute: a cost without a limit. At most 16 are probed; when
 * more run the file, none is, and the links are refused with -EUSERS. */
#define LINK_KEEPER_RUNNERS 16

/* Probes of one file and process that were put in together. 0: none. Never given out twice. */
typedef uint64_t link_handle;

enum link_file_state {
	LINK_FILE_NONE,    /* not in use */
	LINK_FILE_LEASED,  /* writers wait for the keeper */
	LINK_FILE_RUNNING, /* no lease; a process that runs it keeps writers out */
	LINK_FILE_IDLE,    /* no lease, and no process is known to run it: no probe goes in */
	LINK_FILE_WRITTEN, /* open for writing: no probe goes in until that has ended */
	LINK_FILE_STALE,   /* it was opened for writing, or changed: its probes are out for good */
};

/* Start the process. 0, or -errno of fork(2), socketpair(2), mmap(2). */
int link_keeper_start(struct link_keeper **out);

/* Let all probes go and end the process; waits for its end, unless it was abandoned. Accepts
 * NULL. */
void link_keeper_destroy(struct link_keeper *keeper);

/* The program of all probes that are opened from now on. 0 or -errno. */
int link_keeper_program_set(struct link_keeper *keeper, int program_fd);

/* Guard this file from now on, before it is decoded: a process that writes to it after this call
 * makes it LINK_FILE_STALE. fd is open for reading; the keeper has its own. Returns its index,
 * -ESTALE when the file is not the one of `identity`, -ENOSPC: LINK_KEEPER_FILES are guarded
 * already, or -errno. */
int link_keeper_file_add(struct link_keeper *keeper, int fd, const struct file_identity *identity);
void link_keeper_file_remove(struct link_keeper *keeper, int file); /* its probes go */

/* Costs nothing: a look at shared memory. */
enum link_file_state link_keeper_file_state(const struct link_keeper *keeper, int file);

/* This process runs the file. Only needed where the state is not LINK_FILE_LEASED. 0 or -errno. */
int link_keeper_runner_add(struct link_keeper *keeper, int file, pid_t pid);

/* Put probes in, as probe_links_open(). Returns how many of the points are in place, *handle is
 * theirs; -ESTALE, -ETXTBSY, -ENOENT: the file is stale, written to, or run by no process and
 * without a lease; -EUSERS: run by more than LINK_KEEPER_RUNNERS processes without a lease;
 * -ECANCELED: paused, or the governor was silent; -EPIPE: the keeper died. */
int link_keeper_open(struct link_keeper *keeper, enum probe_link_mode mode, int file, pid_t pid,
                     struct probe_point *points, size_t count, link_handle *handle);

/* Is this why link_keeper_open() refuses probes now, and may take them later? It says something of
 * the file, the processes that run it, or the governor, and nothing of the points. */
bool link_keeper_may_take_later(int rc);

/* Take probes out and wait until no program of theirs runs any more. Handles of probes that are
 * gone already, and 0, are left alone. With perf events it waits about 100 ms for each probe. */
void link_keeper_close(struct link_keeper *keeper, const link_handle *handles, size_t count);

/* The governor's sign, at least ten times a second. The first one begins the watch over it. */
void link_keeper_beat(struct link_keeper *keeper, uint64_t now_ns);

/* How often all links of all files were let go so far, or the keeper was replaced. */
unsigned int link_keeper_drops(const struct link_keeper *keeper);

/* A number that grows whenever the links of this file are let go by themselves, those of all files
 * included: a handle that was opened under another number is gone. To be read before opening. */
unsigned int link_keeper_era(const struct link_keeper *keeper, int file);

/* Is this handle, opened when link_keeper_era() was `era`, still in place? */
bool link_keeper_holds(const struct link_keeper *keeper, link_handle handle, int file,
                       unsigned int era);

/* Can this kernel confine a uprobe_multi link to one process? Else, and until this was said, such
 * links are refused with -ENOLCK where no lease is to be had. Before the first is opened. */
void link_keeper_confines_set(struct link_keeper *keeper, bool confines);

/* on: let all probes go now, and put none in until off. For a process that is about to stop. */
void link_keeper_pause(struct link_keeper *keeper, bool on);

/* Nothing is asked of it any more: it lets all probes go, and ends when the last is out. For probes
 * that are slow to go (perf events): nothing of gomaptop's waits for them. */
void link_keeper_abandon(struct link_keeper *keeper);

/* By the governor's thread at each of its steps: replace a keeper that died or gives no sign. 0: it
 * lives; 1: it was replaced, all links are gone; -errno: it cannot be replaced now. */
int link_keeper_look(struct link_keeper *keeper, uint64_t now_ns);

#endif
