/* SPDX-License-Identifier: MIT */
/* Lengths of maps: read from the live process when somebody wants to see them, never otherwise. */
#include <stdlib.h>

#include "core/model/model_internal.h"

/* More than any process can hold: a map that is being made, or none. */
#define LENGTH_MAX (1ULL << 40)

/* The map whose length a row can tell: the only one that it stands for, if it still lives and its
 * hash seed is known. */
static const struct map_instance *length_instance(const struct map_entry *entry)
{
	const struct map_instance *only = entry->only;

	return only && !only->ended && only->seed && entry->row.maps == 1 ? only : NULL;
}

void model_lengths_read(const struct model *model, struct map_row *const *rows, size_t count)
{
	struct map_length *asked = calloc(count + 1, sizeof(*asked));
	size_t n = 0;

	if (!asked || !model->symbols.lengths)
		goto cleanup;
	for (size_t i = 0; i < count; i++) {
		struct map_entry *entry = (struct map_entry *)rows[i];
		const struct map_instance *of = length_instance(entry);

		if (entry->length_tick == model->tick + 1)
			continue;
		entry->length_tick = model->tick + 1;
		entry->row.length = -1;
		if (of)
			asked[n++] = (struct map_length){.tgid = of->tgid,
			                                 .addr = of->addr,
			                                 .seed = of->seed,
			                                 .length = -1,
			                                 .row = &entry->row};
	}
	model->symbols.lengths(model->symbols.ctx, asked, n);
	for (size_t i = 0; i < n; i++)
		if (asked[i].length >= 0 && (uint64_t)asked[i].length < LENGTH_MAX)
			asked[i].row->length = asked[i].length;
cleanup:
	free(asked);
}
