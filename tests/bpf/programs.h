/* SPDX-License-Identifier: MIT */
/*
 * The BPF programs as part of an ordinary test program, and what every test of them asks: included
 * first, by a test program's one file, after which all of bpf/kern/gomaptop.bpf.c can be called. A
 * file that wants other registers than this machine's says so by __TARGET_ARCH_... before it.
 */
#ifndef GOMAPTOP_TESTS_BPF_PROGRAMS_H
#define GOMAPTOP_TESTS_BPF_PROGRAMS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shim.h"

#include "bpf/kern/gomaptop.bpf.c"

#include "bpf/collect/chain_store.h"

#define TGID 4121 /* of the process that is watched */
#define MS   1000000ULL

/* A row of a test program's table; it has a set_up of its own, which calls programs_reset(). */
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* The programs as just loaded, with `row` for the layout of all executables, in a process that was
 * not announced yet; empty tables, an empty ring. */
static inline void programs_reset(const struct field_row *row)
{
	shim_reset();
	memset(&config, 0, sizeof(config));
	memset(&tuning, 0, sizeof(tuning));
	lottery_next_ns = budget_spent_until_ns = 0;
	order_begun = order_lost = order_chains_until_ns = 0;
	field_rows[0] = *row;
	for (int i = 0; i < STALL_LENGTHS; i++)
		config.stall_ns[i] = 20000 + i * 1000;
	config.budget_divisor = 125;
	config.budget_burst_ns = 250 * MS;
	config.stack_bytes = 64;
	config.any_process = 1;
	tuning.fresh_spacing_ns = MS;
	tuning.tried_spacing_ns = 31 * MS;
	shim.now_ns = 1000 * MS;
	shim.random = 42;
	shim.step_ns = 1000;
	shim.pid_tgid = (__u64)TGID << 32 | 101;
	shim.stack_depth = 3;
	shim.stack[0] = 0x1000;
	shim.stack[1] = 0x2000;
	shim.stack[2] = 0x3000;
}

static inline int tear_down(void **state)
{
	(void)state;
	shim_reset();
	return 0;
}

static inline __u64 total(enum coverage_field field)
{
	__u32 zero = 0;
	struct coverage *c = bpf_map_lookup_elem(&coverage, &zero);

	return c->value[field];
}

/* NULL: not in the table. */
static inline struct map_state *state_of(const void *map)
{
	struct map_key key = {.addr = (unsigned long)map, .tgid = TGID};

	return bpf_map_lookup_elem(&maps, &key);
}

static inline struct goroutine_counts *goroutine_of(const void *g)
{
	struct goroutine_key key = {.g = (unsigned long)g, .tgid = TGID};

	return bpf_map_lookup_elem(&goroutines, &key);
}

/* How many events of a kind were sent, as they leave the collector: with their chains, which must
 * have come before them. The last one lasts until the next call; `last` may be NULL. */
static inline int events_of(__u32 kind, const struct event_header **last)
{
	static struct chain_store *store;
	static union {
		struct event_header h;
		unsigned char bytes[sizeof(struct event_stack)];
	} made;
	struct event_whole whole;
	int n = 0;

	chain_store_destroy(store);
	assert_int_equal(chain_store_create(-1, &store), 0);

	for (struct shim_event *e = shim_events; e; e = e->next) {
		const struct event_header *h = (const void *)e->data;

		if (e->submitted && h->kind == EVENT_CHAIN)
			assert_int_equal(chain_store_put(store, (const void *)h), 0);
		if (!e->submitted || h->kind != kind)
			continue;
		assert_int_equal(chain_store_find(store, h, &whole), 0);
		assert_true(whole.size <= sizeof(made));
		chain_store_write(&whole, &made);
		if (last)
			*last = &made.h;
		n++;
	}
	return n;
}

#endif
