/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* syscall() */
#include "bpf/attach/keeper_images.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

struct keeper_image {
	int file;
	pid_t pid;
	int memory;
};

/* Nothing is mapped at address 0: reading there fails as long as the address space is in use. */
static bool is_in_use(int memory)
{
	char byte;

	return pread(memory, &byte, sizeof(byte), 0) != 0;
}

static bool is_alive(pid_t pid)
{
	struct pollfd p = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
	bool alive = p.fd >= 0 && poll(&p, 1, 0) == 0;

	if (p.fd >= 0)
		close(p.fd);
	return alive;
}

static bool is_known(const struct keeper_images *images, int file, pid_t pid)
{
	for (size_t i = 0; i < images->count; i++)
		if (images->rows[i].file == file && images->rows[i].pid == pid &&
		    is_in_use(images->rows[i].memory))
			return true;
	return false;
}

void keeper_images_add(struct keeper_images *images, int file, pid_t pid)
{
	char path[32];
	void *more;
	int memory;

	if (is_known(images, file, pid))
		return;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	memory = open(path, O_RDONLY | O_CLOEXEC);
	if (memory < 0)
		return;
	more = is_in_use(memory)
	               ? reallocarray(images->rows, images->count + 1, sizeof(*images->rows))
	               : NULL;
	if (!more) {
		close(memory);
		return;
	}
	images->rows = more;
	images->rows[images->count++] = (struct keeper_image){file, pid, memory};
}

static void row_remove(struct keeper_images *images, size_t row)
{
	close(images->rows[row].memory);
	images->rows[row] = images->rows[--images->count];
}

int keeper_images_replaced(struct keeper_images *images)
{
	for (size_t i = images->count; i-- > 0;) {
		struct keeper_image image = images->rows[i];

		if (is_in_use(image.memory))
			continue;
		row_remove(images, i);
		if (is_alive(image.pid))
			return image.file;
	}
	return -1;
}

void keeper_images_remove(struct keeper_images *images, int file)
{
	for (size_t i = images->count; i-- > 0;)
		if (images->rows[i].file == file)
			row_remove(images, i);
}
