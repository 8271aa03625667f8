/* SPDX-License-Identifier: MIT */
#include "bpf/attach/detector_tuning.h"

static void set_32(__u32 *field, __u32 value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

static void set_64(__u64 *field, __u64 value)
{
	__atomic_store_n(field, value, __ATOMIC_RELAXED);
}

void detector_tuning_timed_all_set(struct detector_tuning *t, bool on)
{
	set_32(&t->timed_all, on);
}

void detector_tuning_timed_most_set(struct detector_tuning *t, int kind, __u32 ns)
{
	set_32(&t->timed_most[kind], ns);
}

void detector_tuning_known_clear(struct detector_tuning *t)
{
	for (size_t i = 0; i < KNOWN_PROCESSES; i++)
		set_64(&t->known[i], 0);
}

void detector_tuning_proven_set(struct detector_tuning *t, size_t row, __u32 proven)
{
	set_32(&t->proven[row], proven);
}

void detector_tuning_fresh_spacing_set(struct detector_tuning *t, __u64 ns)
{
	set_64(&t->fresh_spacing_ns, ns);
}

void detector_tuning_tried_spacing_set(struct detector_tuning *t, __u64 ns)
{
	set_64(&t->tried_spacing_ns, ns);
}

void detector_tuning_clock_restart(struct detector_tuning *t)
{
	set_64(&t->clock_tick, 0);
}

void detector_tuning_scanned_set(struct detector_tuning *t, __u64 ns)
{
	set_64(&t->scanned_ns, ns);
}

void detector_tuning_beat_set(struct detector_tuning *t, __u64 ns)
{
	set_64(&t->beat_ns, ns);
}

void detector_tuning_armed_set(struct detector_tuning *t, __u64 ns)
{
	set_64(&t->armed_ns, ns);
}

void detector_tuning_sampling_set(struct detector_tuning *t, bool on)
{
	set_64(&t->sampling, on);
}

void detector_tuning_closing_set(struct detector_tuning *t, bool on)
{
	set_32(&t->closing, on);
}

void detector_tuning_hold_divisor_set(struct detector_tuning *t, __u64 divisor)
{
	set_64(&t->hold_divisor, divisor);
}

__u64 detector_tuning_hold_divisor(const struct detector_tuning *t)
{
	return __atomic_load_n(&t->hold_divisor, __ATOMIC_RELAXED);
}

void detector_tuning_window_gap_set(struct detector_tuning *t, __u64 gap)
{
	set_64(&t->window_gap, gap);
}

void detector_tuning_births_allowed_set(struct detector_tuning *t, __u64 count)
{
	set_64(&t->births_allowed, count);
}

void detector_tuning_order_chain_set(struct detector_tuning *t, size_t place, __u64 map)
{
	set_64(&t->order_chains[place % ORDER_CHAINS_WANTED], map);
}

void detector_tuning_order_place_set(struct detector_tuning *t, size_t position, __u64 place)
{
	set_64(&t->order_places[position % ORDER_PLACES], place);
}

/* Which rows, before the word that sends the programs to look. */
void detector_tuning_order_set(struct detector_tuning *t, __u64 ns, __u64 rows)
{
	if (ns)
		set_64(&t->order_rows, rows);
	__atomic_store_n(&t->order_since, ns, __ATOMIC_RELEASE);
}

void detector_tuning_order_whole_set(struct detector_tuning *t, __u64 ns)
{
	__atomic_store_n(&t->order_whole, ns, __ATOMIC_RELEASE);
}

/* The bits before the word that sends the programs to look at them. */
static void calls_probed_set(struct detector_tuning *t, bool any)
{
	__atomic_store_n(&t->calls_probed, any, __ATOMIC_RELEASE);
}

void detector_tuning_call_add(struct detector_tuning *t, __u32 bit)
{
	__atomic_or_fetch(&t->calls[bit / 64], 1ULL << bit % 64, __ATOMIC_RELAXED);
	calls_probed_set(t, true);
}

void detector_tuning_calls_set(struct detector_tuning *t, const __u64 bits[CALL_BITS / 64],
                               bool any)
{
	for (size_t i = 0; i < CALL_BITS / 64; i++)
		set_64(&t->calls[i], bits[i]);
	calls_probed_set(t, any);
}

void detector_tuning_stop(struct detector_tuning *t)
{
	set_32(&t->stopped, 1);
}
