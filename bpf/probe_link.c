/* SPDX-License-Identifier: MIT */
#include "bpf/probe_link.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

struct probe_links {
	int *fds; /* multi links */
	size_t fd_count;
	struct bpf_link **links; /* perf events */
	size_t link_count;
};

/* The part of union bpf_attr for BPF_LINK_CREATE that Debian 12's headers do not know yet:
 * include/uapi/linux/bpf.h, struct link_create.uprobe_multi, kernel 6.6. */
struct link_create_uprobe_multi {
	__u32 prog_fd;
	__u32 target_fd;
	__u32 attach_type;
	__u32 flags;
	__aligned_u64 path;
	__aligned_u64 offsets;
	__aligned_u64 ref_ctr_offsets;
	__aligned_u64 cookies;
	__u32 cnt;
	__u32 multi_flags;
	__u32 pid;
	__u32 pad;
};

static int multi_link_create(int program_fd, const char *path, pid_t pid, const uint64_t *offsets,
                             const uint64_t *cookies, size_t count)
{
	struct link_create_uprobe_multi attr = {
	        .prog_fd = program_fd,
	        .attach_type = ATTACH_TYPE_UPROBE_MULTI,
	        .path = (__u64)(uintptr_t)path,
	        .offsets = (__u64)(uintptr_t)offsets,
	        .cookies = (__u64)(uintptr_t)cookies,
	        .cnt = count,
	        .pid = pid,
	};
	int fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr) - sizeof(attr.pad));

	return fd < 0 ? -errno : fd;
}

/* Attach points[0..count), in halves where the whole is refused. Returns how many are attached. */
static int multi_attach(struct probe_links *links, int program_fd, const char *path, pid_t pid,
                        struct probe_point *points, const uint64_t *offsets,
                        const uint64_t *cookies, size_t count)
{
	int fd = multi_link_create(program_fd, path, pid, offsets, cookies, count);
	size_t half = count / 2;

	if (fd >= 0) {
		links->fds[links->fd_count++] = fd;
		return count;
	}
	if (count == 1) {
		points[0].error = fd;
		return 0;
	}
	return multi_attach(links, program_fd, path, pid, points, offsets, cookies, half) +
	       multi_attach(links, program_fd, path, pid, points + half, offsets + half,
	                    cookies + half, count - half);
}

static int multi_open(struct probe_links *links, int program_fd, const char *path, pid_t pid,
                      struct probe_point *points, size_t count)
{
	uint64_t *offsets = calloc(count, sizeof(*offsets));
	uint64_t *cookies = calloc(count, sizeof(*cookies));
	int attached = -ENOMEM;

	links->fds = calloc(count, sizeof(*links->fds));
	if (!offsets || !cookies || !links->fds)
		goto cleanup;
	for (size_t i = 0; i < count; i++) {
		offsets[i] = points[i].file_offset;
		cookies[i] = points[i].cookie;
	}
	attached = multi_attach(links, program_fd, path, pid, points, offsets, cookies, count);
cleanup:
	free(offsets);
	free(cookies);
	return attached;
}

static int perf_open(struct probe_links *links, struct bpf_program *program, const char *path,
                     pid_t pid, struct probe_point *points, size_t count)
{
	int attached = 0;

	links->links = calloc(count, sizeof(*links->links));
	if (!links->links)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = points[i].cookie);
		struct bpf_link *link = bpf_program__attach_uprobe_opts(
		        program, pid ? pid : -1, path, points[i].file_offset, &opts);

		if (!link) {
			points[i].error = -errno;
			continue;
		}
		links->links[links->link_count++] = link;
		attached++;
	}
	return attached;
}

int probe_links_open(struct bpf_program *program, enum probe_link_mode mode, const char *path,
                     pid_t pid, struct probe_point *points, size_t count, struct probe_links **out)
{
	struct probe_links *links = calloc(1, sizeof(*links));
	int attached;

	if (!links)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		points[i].error = 0;
	if (mode == PROBE_LINK_MULTI)
		attached = multi_open(links, bpf_program__fd(program), path, pid, points, count);
	else
		attached = perf_open(links, program, path, pid, points, count);
	if (attached <= 0) {
		probe_links_close(links);
		if (attached == 0)
			attached = count ? points[0].error : -EINVAL;
		return attached;
	}
	*out = links;
	return attached;
}

static void links_free(struct probe_links *links)
{
	free(links->fds);
	free(links->links);
	free(links);
}

void probe_links_close(struct probe_links *links)
{
	if (!links)
		return;
	for (size_t i = 0; i < links->fd_count; i++)
		close(links->fds[i]);
	for (size_t i = 0; i < links->link_count; i++)
		bpf_link__destroy(links->links[i]);
	links_free(links);
}

/* ---- many ---------------------------------------------------------------------------- */

#define CLOSERS_MAX 64

struct closing {
	struct probe_links **links;
	size_t count;
	atomic_size_t next;
};

static void *closer_run(void *arg)
{
	struct closing *c = arg;
	size_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->count)
		probe_links_close(c->links[i]);
	return NULL;
}

void probe_links_close_all(struct probe_links **links, size_t count)
{
	struct closing c = {.links = links, .count = count};
	pthread_t threads[CLOSERS_MAX];
	size_t running = 0;

	while (running + 1 < count && running < CLOSERS_MAX &&
	       !pthread_create(&threads[running], NULL, closer_run, &c))
		running++;
	closer_run(&c);
	while (running)
		pthread_join(threads[--running], NULL);
}

int probe_links_join(struct probe_links **into, struct probe_links *more)
{
	struct probe_links *all = *into;
	struct bpf_link **links;
	int *fds;

	if (!all) {
		*into = more;
		return 0;
	}
	fds = reallocarray(all->fds, all->fd_count + more->fd_count + 1, sizeof(*fds));
	if (!fds)
		return -ENOMEM;
	all->fds = fds;
	links = reallocarray(all->links, all->link_count + more->link_count + 1, sizeof(*links));
	if (!links)
		return -ENOMEM;
	all->links = links;
	for (size_t i = 0; i < more->fd_count; i++)
		fds[all->fd_count++] = more->fds[i];
	for (size_t i = 0; i < more->link_count; i++)
		links[all->link_count++] = more->links[i];
	links_free(more);
	return 0;
}
