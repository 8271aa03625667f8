/* SPDX-License-Identifier: MIT */
#include "bpf/attach/keeper_links.h"

#include <stdlib.h>

/* The serial number in the upper half tells a row's links from those that it held before. */
static link_handle handle_of(const struct keeper_links *t, size_t row)
{
	return (link_handle)t->rows[row].serial << 32 | row;
}

static struct keeper_link *row_need(struct keeper_links *t)
{
	size_t room = t->count ? 2 * t->count : 64;
	struct keeper_link *more;

	for (size_t i = 0; i < t->count; i++)
		if (!t->rows[i].links)
			return &t->rows[i];
	more = reallocarray(t->rows, room, sizeof(*t->rows));
	if (!more)
		return NULL;
	for (size_t i = t->count; i < room; i++)
		more[i] = (struct keeper_link){0};
	t->rows = more;
	more += t->count;
	t->count = room;
	return more;
}

link_handle keeper_links_add(struct keeper_links *t, int file, struct probe_links *links)
{
	struct keeper_link *row = row_need(t);

	if (!row)
		return 0;
	*row = (struct keeper_link){.links = links, .file = file, .serial = ++t->serial};
	return handle_of(t, (size_t)(row - t->rows));
}

struct probe_links *keeper_links_take(struct keeper_links *t, link_handle handle)
{
	size_t row = (uint32_t)handle;
	struct probe_links *links;

	if (!handle || row >= t->count || handle_of(t, row) != handle)
		return NULL;
	links = t->rows[row].links;
	t->rows[row].links = NULL;
	return links;
}

size_t keeper_links_take_all(struct keeper_links *t, int file, struct probe_links **out, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < t->count && count < max; i++) {
		if (!t->rows[i].links || (file >= 0 && t->rows[i].file != file))
			continue;
		out[count++] = t->rows[i].links;
		t->rows[i].links = NULL;
	}
	return count;
}
