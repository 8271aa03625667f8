/* SPDX-License-Identifier: MIT */
/* Which maps a lock guards, for the programs: held time goes to the others first. */
#include <bpf/bpf.h>

#include "bpf/collect/collector_internal.h"
#include "core/judge/order_judge.h"

/* Accesses of several goroutines that were seen, all under one lock. The one access in a hundred
 * that is not is still looked for, by order windows and with held time that no other map wants. */
#define GUARDED_FROM 64

static bool is_guarded(const struct order_counts *counts, const struct order_guard *guard)
{
	return guard->lock && !guard->bare && guard->accesses >= GUARDED_FROM && !counts->unordered;
}

/* Where it cannot be written the map is held like others. */
void collector_guard_tell(const struct collector *c, const struct order_map_id *map,
                          const struct order_counts *counts, const struct order_guard *guard)
{
	struct map_key key = {.addr = map->addr, .tgid = map->tgid};
	__u32 gen = map->gen;

	if (is_guarded(counts, guard))
		bpf_map_update_elem(c->config.guarded_fd, &key, &gen, BPF_ANY);
	else
		bpf_map_delete_elem(c->config.guarded_fd, &key);
}
