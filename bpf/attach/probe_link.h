/* SPDX-License-Identifier: MIT */
/*
 * probe_link: probes in a file, and out again.
 *
 * Two ways, found by trying. uprobe_multi (kernel 6.6, commit 89ae89f53d20): one link for all
 * probes of a file. Perf events: one a probe; detaching is slow there (about 100 ms each). Either
 * way the kernel owns the probes through file descriptors of the process that opened them: when it
 * ends, however it ends, they are gone. Probes in a program that is watched are opened by the
 * keeper process alone (link_keeper.h).
 */
#ifndef GOMAPTOP_BPF_PROBE_LINK_H
#define GOMAPTOP_BPF_PROBE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum probe_link_mode { PROBE_LINK_MULTI, PROBE_LINK_PERF };

/* BPF_TRACE_UPROBE_MULTI of the kernel's enum bpf_attach_type, which headers before 6.6 lack. */
#define ATTACH_TYPE_UPROBE_MULTI 48

struct probe_point {
	uint64_t file_offset;
	uint64_t cookie;
	int error; /* out: 0 attached, else -errno */
};

struct probe_links; /* the open links of one file */

/* Does this kernel know nothing of uprobe_multi? Found with a program of two instructions; one that
 * is not let try counts as one that knows it. */
bool probe_link_lacks_multi(void);

/* Attach the program (its descriptor) at all points of the file. pid > 0: only in that process (all
 * its threads); 0: in every process that maps the file, now and later. One bad point fails a whole
 * multi link: then halves are tried until the bad ones are alone; each point's error says how it
 * went. Returns the number of points attached, or -errno when none could be (-EINVAL in multi mode
 * with a single good point: this kernel has no uprobe_multi). *out is owned by the caller when the
 * result > 0. */
int probe_links_open(int program_fd, enum probe_link_mode mode, const char *path, pid_t pid,
                     struct probe_point *points, size_t count, struct probe_links **out);

/* `from`, probes in the same file, belongs to `into` from now on, and is closed with it. */
void probe_links_join(struct probe_links *into, struct probe_links *from);

/* Take the probes out and wait until no program of theirs runs any more. Accepts NULL. */
void probe_links_close(struct probe_links *links);

/* The same for many (NULLs among them), side by side and safe from SIGKILL: a kernel whose closing
 * thread has a fatal signal pending gives up and leaves the breakpoint in place for ever ("failed
 * to unregister, leaking uprobe"; get_user_pages returns -EINTR). A process on its way out has none
 * pending. So the last reference to each link goes with the end of a child of its own. For a
 * process with little memory: it forks. */
void probe_links_close_safely(struct probe_links **links, size_t count);

#endif
