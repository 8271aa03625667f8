/* SPDX-License-Identifier: MIT */
/* Executables that come while others are watched, and go. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bpf/govern/site_probes_internal.h"

void site_binary_set(struct site_binary *b, const struct site_probes_binary *what)
{
	*b = (struct site_binary){.what = *what};
	snprintf(b->path, sizeof(b->path), "/proc/self/fd/%d", what->file.fd);
}

int site_probes_add(struct site_probes *p, const struct site_probes_binary *binary)
{
	void *more;

	if (p->binary_count == SITE_BINARIES_MAX)
		return -ENOSPC;
	more = reallocarray(p->binaries, p->binary_count + 1, sizeof(*p->binaries));
	if (!more)
		return -ENOMEM;
	p->binaries = more;
	site_binary_set(&p->binaries[p->binary_count++], binary);
	return 0;
}

/* What is remembered of its calls stays (their hits are part of the sums), but none is chosen
 * again. */
static void binary_end(struct site_probes *p, size_t index)
{
	for (size_t i = 0; i < p->site_count; i++)
		if (p->sites[i]->place.binary == index)
			p->sites[i]->wanted = false;
	site_stale_close(p);
	for (size_t i = 0; i < p->site_count; i++)
		if (p->sites[i]->place.binary == index)
			p->sites[i]->refusal = CALL_NO_FUNCTION;
	call_sites_destroy(p->binaries[index].calls);
	probe_plan_free(&p->binaries[index].plan);
	go_binary_close(p->binaries[index].binary);
	p->binaries[index] =
	        (struct site_binary){.what = p->binaries[index].what, .tried = true, .gone = true};
}

void site_probes_remove(struct site_probes *p, int fd)
{
	for (size_t i = 0; i < p->binary_count; i++)
		if (!p->binaries[i].gone && p->binaries[i].what.file.fd == fd)
			binary_end(p, i);
}
