/* SPDX-License-Identifier: MIT */
/*
 * logic_order: one order site of each form, and the events that hits there and accesses to maps
 * make, for the test_logic_order_*.c.
 */
#ifndef GOMAPTOP_TESTS_BPF_LOGIC_ORDER_H
#define GOMAPTOP_TESTS_BPF_LOGIC_ORDER_H

#include <stdlib.h>

#include "logic.h"

#define OBJECT 0x5000ULL
#define BASE   3 /* RBX */
#define SINCE  (77ULL << 10)
#define AT     0x2000 /* instruction pointer at every site here, */
#define FROM   0x3000 /* and return address */
#define CARRY  0x001
#define ZERO   0x040
#define SIGN   0x080

enum site { TAKE, TRY, READ, LATE, LOADED, CONSTANT, NOWHERE, ENTRY, SYSTEM, SELECT, SITES };

#define IN_BASE .object = ORDER_OBJECT_REGISTER, .base = BASE

static const struct order_row sites[SITES] = {
        [TAKE] = {.act = ORDER_ACT_TAKE, IN_BASE, .displacement = 8},
        [TRY] = {.act = ORDER_ACT_TAKE, IN_BASE, .condition = ORDER_IF_ZF},
        [READ] = {.act = ORDER_ACT_TAKE_SHARED, IN_BASE, .condition = ORDER_IF_NOT_SF, .waits = 1},
        [LATE] = {.act = ORDER_ACT_DROP, IN_BASE, .late = 1},
        [LOADED] = {.act = ORDER_ACT_DROP,
                    .object = ORDER_OBJECT_LOADED,
                    .base = BASE,
                    .offset = 8,
                    .displacement = -16},
        [CONSTANT] = {.act = ORDER_ACT_TAKE,
                      .object = ORDER_OBJECT_CONSTANT,
                      .displacement = (__s64)OBJECT - AT},
        [NOWHERE] = {.act = ORDER_ACT_PUBLISH, .object = ORDER_OBJECT_NONE, .base = BASE},
        [ENTRY] = {.act = ORDER_ACT_SEND, IN_BASE, .at_entry = 1},
        [SYSTEM] = {.act = ORDER_ACT_WAKE, IN_BASE, .at_entry = 1, .system = 1},
        [SELECT] = {.act = ORDER_ACT_SELECT_MANY,
                    .condition = ORDER_IF_NO_CF_ZF,
                    .at_entry = 1,
                    .select = 1},
};

/* The g of a system stack, and its m, which knows for whom it works. */
struct fake_m {
	__u64 g0, curg;
};

struct fake_g0 {
	struct fake_g g;
	struct fake_m *m;
};

static inline int set_up_order(void **state)
{
	set_up(state);
	field_rows[0].g_m = offsetof(struct fake_g0, m);
	field_rows[0].m_curg = offsetof(struct fake_m, curg);
	for (__u32 i = 0; i < SITES; i++)
		bpf_map_update_elem(&order_sites, &i, &sites[i], BPF_ANY);
	tuning.order_since = SINCE;
	tuning.order_rows = 1;
	return 0;
}

static inline void pass_with(const struct fake_g *g, enum site site, struct pt_regs regs)
{
	static const __u64 stack[1] = {FROM};

	regs.r14 = (unsigned long)g;
	regs.ip = AT;
	regs.sp = (unsigned long)stack;
	shim.cookie = COOKIE(0xffff, PROBE_ORDER, 0, 0, 0, 0) | COOKIE_ORDER(site);
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	on_probe(&regs);
}

static inline void pass(const struct fake_g *g, enum site site, __u64 object)
{
	pass_with(g, site, (struct pt_regs){.bx = object});
}

static inline int told_count(void)
{
	int count = 0;

	for (struct shim_event *e = shim_order_events; e; e = e->next)
		count += e->submitted;
	return count;
}

/* The nth event from the first one (0) on; negative: from the last one (-1) back. */
static inline const struct shim_event *told_at(int n)
{
	int at = n < 0 ? told_count() + n : n;

	for (struct shim_event *e = shim_order_events; e; e = e->next)
		if (e->submitted && !at--)
			return e;
	fail_msg("no order event %d of %d", n, told_count());
	abort(); /* fail_msg() does not come back */
}

static inline const struct order_event *told(int n)
{
	return (const struct order_event *)told_at(n)->data;
}

/* Every event that was begun is in the ring or told as a loss; each is as long as it says. */
static inline void assert_order_sums(void)
{
	assert_sums();
	assert_int_equal(told_count(), shim_order_event_count);
	assert_int_equal(order_begun, told_count() + order_lost);
	for (int i = 0; i < told_count(); i++)
		assert_int_equal(told_at(i)->size, told(i)->flagged
		                                           ? sizeof(struct order_access_event)
		                                           : sizeof(struct order_event));
}

#define ORDER(test) cmocka_unit_test_setup_teardown(test, set_up_order, tear_down)

#endif
