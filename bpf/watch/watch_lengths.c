/* SPDX-License-Identifier: MIT */
#include "bpf/watch/watch_internal.h"
#include "core/process/process_memory.h"

#define LENGTHS_AT_ONCE 512

/* What both kinds of maps begin with: runtime/map.go type hmap, count int, flags, B uint8,
 * noverflow uint16, hash0 uint32; internal/runtime/maps/map.go type Map, used, seed uint64. */
struct map_head {
	uint64_t count;
	uint64_t seed;
};

static uint64_t head_seed(const struct map_head *head, bool swiss)
{
	return swiss ? head->seed : head->seed >> 32;
}

/* Maps of one process. The seed says whether the map that is meant still is at its address, and
 * that its header is where it is looked for: of a layout that is not believed it is zero. */
static void lengths_read(struct watch *w, struct map_length *maps, size_t count)
{
	struct watch_target *t = watch_target_find(w, maps->tgid);
	struct process_piece pieces[LENGTHS_AT_ONCE];
	struct map_head heads[LENGTHS_AT_ONCE];
	bool swiss;

	if (!t || !t->placed)
		return;
	swiss = go_binary_map_runtime(w->binaries[t->binary]->binary) == GO_MAP_SWISS;
	for (size_t i = 0; i < count; i++)
		pieces[i] =
		        (struct process_piece){maps[i].addr, &heads[i], sizeof(heads[i]), false};
	if (process_memory_read_pieces(t->pid, pieces, count))
		return;
	for (size_t i = 0; i < count; i++)
		if (pieces[i].read && maps[i].seed && head_seed(&heads[i], swiss) == maps[i].seed)
			maps[i].length = (int64_t)heads[i].count;
}

void watch_lengths(struct watch *w, struct map_length *maps, size_t count)
{
	while (count) {
		size_t n = 1;

		while (n < count && n < LENGTHS_AT_ONCE && maps[n].tgid == maps[0].tgid)
			n++;
		lengths_read(w, maps, n);
		maps += n;
		count -= n;
	}
}
