/* SPDX-License-Identifier: MIT */
/*
 * Accusations that wait.
 *
 * Nothing that was told orders the two accesses. Something that was not may: a release that had
 * been made before the second access, and is told later. The first such one on the way was made by
 * a goroutine that has seen the first access as far as is known, or was about to: whatever it was
 * told by, was told. It has told nothing else since, so the next that is heard of it decides.
 */
#include <string.h>

#include "core/judge/order_judge_internal.h"

/* ---- the goroutines that an accusation waits for ------------------------------------- */

static bool waits(const struct order_accusation *accusation, size_t slot)
{
	return accusation->waits_for[slot / 64] >> slot % 64 & 1;
}

static bool waits_for_nobody(const struct order_accusation *accusation)
{
	uint64_t any = 0;

	for (size_t i = 0; i < ORDER_SLOTS / 64; i++)
		any |= accusation->waits_for[i];
	return !any;
}

static void waits_for_all_who_know(struct order_judge *judge, struct order_accusation *accusation,
                                   const struct order_record *first,
                                   const struct order_goroutine *second)
{
	for (size_t slot = 0; slot < judge->slots_used; slot++) {
		struct order_goroutine *other = &judge->goroutines[slot];

		if (other == second || other->ended || other->tgid != second->tgid || !other->g)
			continue;
		if (other->clock.at[first->slot] < first->own &&
		    !open_covers(judge, other, first->slot, first->own))
			continue;
		accusation->waits_for[slot / 64] |= UINT64_C(1) << slot % 64;
		other->waited_for++;
	}
}

/* ---- ends ---------------------------------------------------------------------------- */

static void accusation_remove(struct order_judge *judge, size_t i)
{
	for (size_t slot = 0; slot < judge->slots_used; slot++)
		judge->goroutines[slot].waited_for -= waits(&judge->accusations[i], slot);
	judge->accusations[i] = judge->accusations[--judge->accusation_count];
}

static void accusation_drop(struct order_judge *judge, size_t i)
{
	struct order_map *map = map_find(judge, &judge->accusations[i].finding.map);

	pair_unknown(&judge->counts, ORDER_BY_UNSEEN);
	if (map) {
		pair_unknown(&map->counts, ORDER_BY_UNSEEN);
		map->changed = true;
	}
	accusation_remove(judge, i);
}

static void accusation_prove(struct order_judge *judge, size_t i)
{
	struct order_finding finding = judge->accusations[i].finding;

	if (judge->config.is_left_out && judge->config.is_left_out(judge->config.ctx, &finding)) {
		accusation_drop(judge, i);
		return;
	}
	accusation_remove(judge, i);
	judge->config.found(judge->config.ctx, &finding);
}

static void decided_note(struct order_counts *counts, bool stands)
{
	if (stands)
		counts->unordered++;
	else
		pair_unknown(counts, ORDER_BY_UNSEEN);
}

void order_judge_decide(struct order_judge *judge, const struct order_finding *finding, bool stands)
{
	struct order_map *map = map_find(judge, &finding->map);

	decided_note(&judge->counts, stands);
	if (!map)
		return;
	decided_note(&map->counts, stands);
	map->changed = true;
}

void wait_clear(struct order_judge *judge, struct order_goroutine *goroutine, uint64_t until)
{
	size_t slot = goroutine->slot;

	for (size_t i = judge->accusation_count; i-- > 0 && goroutine->waited_for;) {
		struct order_accusation *accusation = &judge->accusations[i];

		if (!waits(accusation, slot) || accusation->number >= until)
			continue;
		accusation->waits_for[slot / 64] &= ~(UINT64_C(1) << slot % 64);
		goroutine->waited_for--;
		if (waits_for_nobody(accusation))
			accusation_prove(judge, i);
	}
}

void wait_drop(struct order_judge *judge, struct order_goroutine *goroutine)
{
	for (size_t i = judge->accusation_count; i-- > 0 && goroutine->waited_for;)
		if (waits(&judge->accusations[i], goroutine->slot))
			accusation_drop(judge, i);
}

void wait_drop_process(struct order_judge *judge, uint32_t tgid)
{
	for (size_t i = judge->accusation_count; i-- > 0;)
		if (judge->accusations[i].finding.map.tgid == tgid)
			accusation_drop(judge, i);
}

void wait_drop_all(struct order_judge *judge)
{
	while (judge->accusation_count)
		accusation_drop(judge, judge->accusation_count - 1);
}

/* ---- a new one ----------------------------------------------------------------------- */

static bool finding_alike(const struct order_finding *x, const struct order_finding *y)
{
	return x->first.place == y->first.place && x->second.place == y->second.place &&
	       x->first.op == y->first.op && x->second.op == y->second.op &&
	       x->map.addr == y->map.addr && x->map.tgid == y->map.tgid && x->map.gen == y->map.gen;
}

/* Where there is no room, the oldest one is dropped. */
static struct order_accusation *accusation_memory(struct order_judge *judge)
{
	size_t oldest = 0;

	if (judge->accusation_count == ORDER_ACCUSATIONS) {
		for (size_t i = 1; i < ORDER_ACCUSATIONS; i++)
			if (judge->accusations[i].number < judge->accusations[oldest].number)
				oldest = i;
		accusation_drop(judge, oldest);
	}
	return &judge->accusations[judge->accusation_count++];
}

bool wait_accuse(struct order_judge *judge, const struct order_finding *finding,
                 const struct order_record *first, const struct order_goroutine *second)
{
	struct order_accusation *accusation;

	for (size_t i = 0; i < judge->accusation_count; i++)
		if (finding_alike(&judge->accusations[i].finding, finding))
			return false;
	accusation = accusation_memory(judge);
	memset(accusation, 0, sizeof(*accusation));
	accusation->finding = *finding;
	accusation->number = judge->accusation_number++;
	waits_for_all_who_know(judge, accusation, first, second);
	if (waits_for_nobody(accusation))
		accusation_prove(judge, judge->accusation_count - 1);
	return true;
}

/* ---- are they parked? ---------------------------------------------------------------- */

void order_judge_look(struct order_judge *judge,
                      bool (*is_parked)(void *ctx, uint32_t tgid, uint64_t g), void *ctx)
{
	judge->asked_until = judge->accusation_number;
	for (size_t slot = 0; slot < judge->slots_used; slot++) {
		const struct order_goroutine *other = &judge->goroutines[slot];
		struct order_asked *asked = &judge->asked[slot];

		*asked = (struct order_asked){0};
		if (other->waited_for && is_parked(ctx, other->tgid, other->g))
			*asked = (struct order_asked){other->previous, other->serial};
	}
}

void order_judge_settle(struct order_judge *judge)
{
	for (size_t slot = 0; slot < judge->slots_used; slot++) {
		struct order_asked *asked = &judge->asked[slot];
		struct order_goroutine *other = goroutine_at(judge, slot, asked->serial);

		if (other && !other->ended && other->previous == asked->previous)
			wait_clear(judge, other, judge->asked_until);
		*asked = (struct order_asked){0};
	}
}
