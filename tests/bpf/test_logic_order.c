/* SPDX-License-Identifier: MIT */
/* What is told of places that order goroutines, and of accesses to maps meanwhile. */
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

static int set_up_order(void **state)
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

static void pass_with(const struct fake_g *g, enum site site, struct pt_regs regs)
{
	static const __u64 stack[1] = {FROM};

	regs.r14 = (unsigned long)g;
	regs.ip = AT;
	regs.sp = (unsigned long)stack;
	shim.cookie = COOKIE(0xffff, PROBE_ORDER, 0, 0, 0, 0) | COOKIE_ORDER(site);
	shim.pid_tgid = (__u64)TGID << 32 | (100 + g->goid);
	on_probe(&regs);
}

static void pass(const struct fake_g *g, enum site site, __u64 object)
{
	pass_with(g, site, (struct pt_regs){.bx = object});
}

static int told_count(void)
{
	int count = 0;

	for (struct shim_event *e = shim_order_events; e; e = e->next)
		count += e->submitted;
	return count;
}

/* The nth event from the first one (0) on; negative: from the last one (-1) back. */
static const struct shim_event *told_at(int n)
{
	int at = n < 0 ? told_count() + n : n;

	for (struct shim_event *e = shim_order_events; e; e = e->next)
		if (e->submitted && !at--)
			return e;
	fail_msg("no order event %d of %d", n, told_count());
	return NULL;
}

static const struct order_event *told(int n)
{
	return (const struct order_event *)told_at(n)->data;
}

static const struct access_brief *chain_of(int n)
{
	const struct order_event *e = told(n);

	return e->flagged ? &((const struct order_access_event *)e)->access : NULL;
}

/* Every event that was begun is in the ring or told as a loss; each is as long as it says. */
static void assert_order_sums(void)
{
	assert_sums();
	assert_int_equal(told_count(), shim_order_event_count);
	assert_int_equal(order_begun, told_count() + order_lost);
	for (int i = 0; i < told_count(); i++)
		assert_int_equal(told_at(i)->size, told(i)->flagged
		                                           ? sizeof(struct order_access_event)
		                                           : sizeof(struct order_event));
}

/* ---- where goroutines are ordered ------------------------------------------------------------ */

static void test_a_site_is_told(void **state)
{
	const struct order_event *e;

	(void)state;
	pass(&g2, TAKE, OBJECT);
	assert_int_equal(told_count(), 1);
	e = told(0);
	assert_int_equal(e->act, ORDER_ACT_TAKE);
	assert_int_equal(e->time_ns, shim.now_ns);
	assert_int_equal(e->g, (unsigned long)&g2);
	assert_int_equal(e->object, OBJECT + 8);
	assert_int_equal(e->place, AT);
	assert_int_equal(e->tgid, TGID);
	assert_int_equal(e->tid, 100 + g2.goid);
	assert_int_equal(e->window, 77);
	assert_int_equal(e->row, 0);
	assert_int_equal(e->late, 0);
	assert_int_equal(e->flagged, 0);
	pass(&g1, ENTRY, OBJECT);
	assert_int_equal(told(1)->place, FROM);
	assert_int_equal(told(1)->object, OBJECT);
	assert_int_equal(total(COVERAGE_ORDER_SITE), 2);
	assert_int_equal(total(COVERAGE_EVENTS_MADE), events_of(EVENT_PROCESS, NULL));
	assert_order_sums();
}

static void test_the_row_is_told(void **state)
{
	static const __u64 stack[1] = {0x10};
	struct pt_regs regs = {.r14 = (unsigned long)&g1,
	                       .ax = (unsigned long)&map_type,
	                       .bx = (unsigned long)&map_a,
	                       .sp = (unsigned long)stack,
	                       .ip = AT};

	(void)state;
	field_rows[9] = field_rows[0];
	tuning.order_rows = 1ULL << 9;
	shim.cookie = COOKIE(0xffff, PROBE_ORDER, 0, 0, 0, 9) | COOKIE_ORDER(TAKE);
	on_probe(&regs);
	assert_int_equal(told(0)->row, 9);
	shim.cookie = COOKIE(3, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_PUSH, 9);
	on_probe(&regs);
	assert_int_equal(told(1)->act, ORDER_ACT_ACCESS);
	assert_int_equal(told(1)->row, 9);
	memset(&field_rows[9], 0, sizeof(field_rows[9]));
	assert_order_sums();
}

static void test_nothing_is_told_before_all_is_in_place(void **state)
{
	(void)state;
	tuning.order_since = 0;
	for (enum site site = TAKE; site < SITES; site++)
		pass(&g1, site, (unsigned long)&map_b);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(total(COVERAGE_ORDER_SITE), SITES);
	assert_int_equal(told_count(), 0);
	assert_int_equal(order_begun, 0);
	tuning.order_since = SINCE;
	pass(&g1, TAKE, OBJECT);
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 2);
	assert_order_sums();
}

static void test_nothing_is_told_of_what_is_not_watched(void **state)
{
	(void)state;
	config.any_process = 0;
	pass(&g1, TAKE, OBJECT);
	assert_int_equal(total(COVERAGE_OTHER_PROCESS), 1);
	assert_int_equal(told_count(), 0);
	assert_order_sums();
}

static void test_conditions(void **state)
{
	static const struct {
		enum order_condition condition;
		__u64 flags;
		int counts;
	} cases[] = {{ORDER_ALWAYS, CARRY | ZERO | SIGN, 1},
	             {ORDER_ALWAYS, 0, 1},
	             {ORDER_IF_ZF, ZERO, 1},
	             {ORDER_IF_ZF, CARRY | SIGN, 0},
	             {ORDER_IF_NOT_ZF, ZERO, 0},
	             {ORDER_IF_NOT_ZF, CARRY | SIGN, 1},
	             {ORDER_IF_NOT_SF, SIGN, 0},
	             {ORDER_IF_NOT_SF, CARRY | ZERO, 1},
	             {ORDER_IF_NO_CF_ZF, CARRY, 0},
	             {ORDER_IF_NO_CF_ZF, ZERO, 0},
	             {ORDER_IF_NO_CF_ZF, SIGN, 1}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const __u32 at = TAKE;
		struct order_row row = sites[TAKE];
		int before = told_count();

		row.condition = cases[i].condition;
		bpf_map_update_elem(&order_sites, &at, &row, BPF_ANY);
		pass_with(&g1, TAKE, (struct pt_regs){.bx = OBJECT, .flags = cases[i].flags});
		assert_int_equal(told_count() - before, cases[i].counts);
		if (cases[i].counts)
			assert_int_equal(told(-1)->late, 0);
	}
	assert_order_sums();
}

static void test_a_try_that_fails_is_not_told(void **state)
{
	(void)state;
	pass_with(&g1, TRY, (struct pt_regs){.bx = OBJECT, .flags = CARRY | SIGN});
	assert_int_equal(told_count(), 0);
	pass_with(&g1, TRY, (struct pt_regs){.bx = OBJECT, .flags = ZERO});
	assert_int_equal(told_count(), 1);
	assert_order_sums();
}

/* A reader that does not get its lock waits for it: it has it when it goes on. */
static void test_who_waits_is_told_as_late(void **state)
{
	(void)state;
	pass_with(&g1, READ, (struct pt_regs){.bx = OBJECT});
	assert_int_equal(told(0)->act, ORDER_ACT_TAKE_SHARED);
	assert_int_equal(told(0)->late, 0);
	pass_with(&g1, READ, (struct pt_regs){.bx = OBJECT, .flags = SIGN});
	assert_int_equal(told(1)->act, ORDER_ACT_TAKE_SHARED);
	assert_int_equal(told(1)->object, OBJECT);
	assert_int_equal(told(1)->late, 1);
	pass(&g1, LATE, OBJECT);
	assert_int_equal(told(2)->late, 1);
	assert_order_sums();
}

static void test_every_register_is_read(void **state)
{
	const struct pt_regs regs = {.ax = 100,
	                             .cx = 101,
	                             .dx = 102,
	                             .bx = 103,
	                             .sp = 104,
	                             .bp = 105,
	                             .si = 106,
	                             .di = 107,
	                             .r8 = 108,
	                             .r9 = 109,
	                             .r10 = 110,
	                             .r11 = 111,
	                             .r12 = 112,
	                             .r13 = 113,
	                             .r14 = 114,
	                             .r15 = 115};

	(void)state;
	for (__u32 i = 0; i < 16; i++)
		assert_int_equal(order_register(&regs, i), 100 + i);
	assert_int_equal(order_register(&regs, 16), 0);
}

static void test_where_the_object_is(void **state)
{
	__u64 memory[4] = {1, OBJECT + 16, 2, 3};

	(void)state;
	pass(&g1, LOADED, (uintptr_t)memory);
	assert_int_equal(told(0)->object, OBJECT);
	pass(&g1, CONSTANT, 0);
	assert_int_equal(told(1)->object, OBJECT);
	pass(&g1, NOWHERE, OBJECT);
	assert_int_equal(told(2)->object, 0);
	pass(&g1, LOADED, -8ULL); /* what cannot be read is not known */
	assert_int_equal(told(3)->object, 0);
	assert_order_sums();
}

/* On its own stack a goroutine is known by its g; on another the m knows whose it is. */
static void test_for_whom_the_runtime_works(void **state)
{
	struct fake_m m = {.curg = (uintptr_t)&g2};
	struct fake_g0 g0 = {.m = &m};

	(void)state;
	m.g0 = (uintptr_t)&g0;
	pass(&g0.g, SYSTEM, OBJECT);
	assert_int_equal(told(0)->g, (uintptr_t)&g2);
	assert_int_equal(told(0)->place, FROM);
	pass(&g0.g, ENTRY, OBJECT); /* not known to be for anybody */
	assert_int_equal(told(1)->g, 0);
	m.curg = 0; /* the scheduler's own work */
	pass(&g0.g, SYSTEM, OBJECT);
	assert_int_equal(told(2)->g, 0);
	m.curg = (uintptr_t)&g2;
	pass(&g1, SYSTEM, OBJECT);
	assert_int_equal(told(3)->g, (uintptr_t)&g1);
	assert_order_sums();
}

static void test_without_a_goid_it_is_the_g(void **state)
{
	(void)state;
	field_rows[0].g_goid = -1;
	g1.goid = 0;
	pass(&g1, ENTRY, OBJECT);
	assert_int_equal(told(0)->g, (uintptr_t)&g1);
}

static void test_losses_are_counted(void **state)
{
	(void)state;
	shim.order_ring_limit = 2;
	for (int i = 0; i < 5; i++)
		pass(&g1, TAKE, OBJECT);
	assert_int_equal(told_count(), 2);
	assert_int_equal(order_begun, 5);
	assert_int_equal(order_lost, 3);
	assert_int_equal(total(COVERAGE_RING_FULL), 0); /* of the other ring */
	assert_order_sums();
}

/* ---- select ---------------------------------------------------------------------------------- */

/* type scase struct { c *hchan; elem unsafe.Pointer } */
struct fake_case {
	__u64 channel, element;
};

static void pass_select(const struct fake_case *cases, __u64 sends, __u64 receives, __u64 flags)
{
	pass_with(&g1, SELECT,
	          (struct pt_regs){.ax = (uintptr_t)cases,
	                           .bx = OBJECT,
	                           .cx = 3,
	                           .di = sends,
	                           .si = receives,
	                           .flags = flags});
}

static void assert_case(int n, enum order_act act, __u64 channel)
{
	assert_int_equal(told(n)->act, act);
	assert_int_equal(told(n)->object, channel);
	assert_int_equal(told(n)->g, (uintptr_t)&g1);
	assert_int_equal(told(n)->window, 77);
	assert_int_equal(told(n)->late, 0);
}

static void test_each_case_of_a_select_is_told(void **state)
{
	static const struct fake_case cases[] = {{0xa0, 1}, {0xb0, 2}, {0xc0, 3}, {0xd0, 4},
	                                         {0xe0, 5}, {0xf0, 6}, {0x99, 7}};

	(void)state;
	pass_select(cases, 2, 3, 0);
	assert_int_equal(told_count(), 5);
	assert_case(0, ORDER_ACT_SEND, 0xa0);
	assert_case(1, ORDER_ACT_SEND, 0xb0);
	assert_case(2, ORDER_ACT_RECEIVE, 0xc0);
	assert_case(3, ORDER_ACT_RECEIVE, 0xd0);
	assert_case(4, ORDER_ACT_RECEIVE, 0xe0);
	pass_select(cases, ORDER_CASES_KNOWN, 0, 0);
	assert_int_equal(told_count(), 5 + ORDER_CASES_KNOWN);
	assert_case(-1, ORDER_ACT_SEND, 0xf0);
	pass_select(cases, 0, 1, 0);
	assert_case(-1, ORDER_ACT_RECEIVE, 0xa0);
	pass_select(cases, 1, 1, CARRY); /* its stack grows, and it begins anew */
	assert_int_equal(told_count(), 5 + ORDER_CASES_KNOWN + 1);
	assert_order_sums();
}

/* select {} among them has none: it waits for ever. */
static void test_a_nil_channel_is_no_case(void **state)
{
	static const struct fake_case cases[] = {{0, 1}, {0xb0, 2}, {0, 3}};

	(void)state;
	pass_select(cases, 1, 2, 0);
	assert_int_equal(told_count(), 1);
	assert_case(0, ORDER_ACT_RECEIVE, 0xb0);
	pass_select(cases, 0, 0, 0);
	assert_int_equal(told_count(), 1);
	assert_order_sums();
}

static void test_a_select_of_many_is_told_as_that(void **state)
{
	struct fake_case cases[ORDER_CASES_KNOWN + 1];

	(void)state;
	for (int i = 0; i <= ORDER_CASES_KNOWN; i++)
		cases[i] = (struct fake_case){0xa0 + i, 1};
	pass_select(cases, 3, ORDER_CASES_KNOWN - 2, 0);
	assert_int_equal(told_count(), 1);
	assert_case(0, ORDER_ACT_SELECT_MANY, 0);
	assert_order_sums();
}

/* ---- where a map is used --------------------------------------------------------------------- */

static void test_an_access_is_told(void **state)
{
	const struct order_event *e;

	(void)state;
	tuning.order_rows = 1;
	hit(&g1, &map_a, OP_DELETE, 0x10);
	assert_int_equal(told_count(), 1);
	e = told(0);
	assert_int_equal(e->act, ORDER_ACT_ACCESS);
	assert_int_equal(e->time_ns, shim.now_ns);
	assert_int_equal(e->g, (unsigned long)&g1);
	assert_int_equal(e->object, (unsigned long)&map_a);
	assert_int_equal(e->place, 0x10);
	assert_int_equal(e->tgid, TGID);
	assert_int_equal(e->tid, 100 + g1.goid);
	assert_int_equal(e->gen, state_of(&map_a)->counts.gen);
	assert_int_equal(e->op, OP_DELETE);
	assert_int_equal(e->row, 0);
	assert_int_equal(e->late, 0);
	assert_int_equal(e->window, SINCE >> 10);
	assert_order_sums();
}

/* What follows another at its address is another map. */
static void test_the_generation_is_told(void **state)
{
	(void)state;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	map_a.hash0 += 5;
	hit(&g2, &map_a, OP_WRITE, 0x20);
	assert_int_equal(told(1)->gen, state_of(&map_a)->counts.gen);
	assert_int_equal(told(1)->gen, told(0)->gen + 1);
	assert_order_sums();
}

/* In the order in which all happens, and the place is that of each. */
static void test_the_order_is_kept(void **state)
{
	static const enum order_act acts[] = {ORDER_ACT_TAKE, ORDER_ACT_ACCESS, ORDER_ACT_DROP};

	(void)state;
	for (int i = 0; i < 10; i++) {
		pass(i & 1 ? &g1 : &g2, TAKE, OBJECT);
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10 + i);
		pass(i & 1 ? &g1 : &g2, LATE, OBJECT);
	}
	assert_int_equal(told_count(), 30);
	for (int i = 0; i < 30; i++) {
		assert_int_equal(told(i)->act, acts[i % 3]);
		assert_int_equal(told(i)->g, (uintptr_t)(i / 3 & 1 ? &g1 : &g2));
		if (i % 3 == 1)
			assert_int_equal(told(i)->place, 0x10 + i / 3);
	}
	assert_order_sums();
}

/* Accesses that are counted the short way otherwise: who owns a map may yet share it. */
static void test_every_access_of_an_owner_is_told(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		__u64 now = shim.now_ns += 100;

		hit(&g1, &map_a, OP_WRITE, 0x10 + i); /* some are held */
		assert_int_equal(told_count(), i + 1);
		assert_int_equal(told(i)->place, 0x10 + i);
		assert_int_equal(told(i)->time_ns, now);
	}
	assert_int_equal(state_of(&map_a)->counts.ops[OP_WRITE], 1000);
	assert_int_equal(goroutine_of(&g1)->ops[OP_WRITE], 1000);
	tuning.order_since = 0;
	shim.user_reads = 0;
	for (int i = 0; i < CALL_SAMPLE; i++)
		hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 1000);
	assert_in_range(shim.user_reads, CALL_SAMPLE, 2 * CALL_SAMPLE); /* the short way again */
	assert_order_sums();
}

/* Of a binary whose order sites are not probed nothing can be said. */
static void test_a_binary_without_order_probes(void **state)
{
	(void)state;
	tuning.order_rows = ~1ULL;
	for (int i = 0; i < 100; i++)
		hit(i & 1 ? &g1 : &g2, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 0);
	assert_int_equal(order_begun, 0);
	assert_int_equal(state_of(&map_a)->counts.ops[OP_WRITE], 100);
	assert_order_sums();
}

/* A map that finds no room in its table is in no list; nobody asks what orders it. */
static void test_a_map_without_a_row(void **state)
{
	(void)state;
	hit(&g1, &map_b, OP_WRITE, 0x10);
	shim.map_limit = 1;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_null(state_of(&map_a));
	assert_int_equal(told_count(), 1);
	assert_order_sums();
}

/* ---- call chains ----------------------------------------------------------------------------- */

static int chains_told(void)
{
	int count = 0;

	for (int i = 0; i < told_count(); i++)
		count += chain_of(i) != NULL;
	return count;
}

/* So many accesses, with so much time before each; returns how many came with their chains. */
static int chains_of(int count, __u64 gap_ns)
{
	int before = chains_told(), told_before = told_count();

	for (int i = 0; i < count; i++) {
		shim.now_ns += gap_ns;
		hit(i & 1 ? &g1 : &g2, i & 2 ? &map_a : &map_b, OP_READ, 0x10);
	}
	assert_int_equal(told_count() - told_before, count);
	return chains_told() - before;
}

static void test_a_chain_now_and_then(void **state)
{
	const int burst = ORDER_BURST_NS / ORDER_CHAIN_NS;

	(void)state;
	tuning.closing = 1; /* nobody is held: time stands still */
	assert_in_range(chains_of(2 * burst, 0), burst, burst + 1);
	assert_int_equal(chains_of(1, ORDER_CHAIN_NS - 1), 0);
	assert_int_equal(chains_of(1, 1), 1);
	assert_int_equal(chains_of(10, 0), 0);
	assert_int_equal(chains_of(10, ORDER_CHAIN_NS), 10);
	assert_in_range(chains_of(4000, ORDER_CHAIN_NS / 100), 39, 41);
	/* What was not used is kept for so long, and no longer. */
	assert_int_equal(chains_of(11, 0), 0);
	assert_in_range(chains_of(1, 10 * ORDER_CHAIN_NS) + chains_of(20, 0), 9, 11);
	assert_in_range(chains_of(1, 1000 * MS) + chains_of(2 * burst, 0), burst, burst + 1);
	assert_order_sums();
}

static void test_chains_that_are_asked_for(void **state)
{
	(void)state;
	order_chains_until_ns = UINT64_MAX; /* none for any other reason */
	for (int place = 0; place < ORDER_CHAINS_WANTED; place++) {
		int before = chains_told();

		tuning.order_chains[place] = (unsigned long)&map_a;
		for (int i = 0; i < 100; i++) {
			hit(i & 1 ? &g1 : &g2, &map_a, OP_READ, 0x10);
			hit(i & 1 ? &g1 : &g2, &map_b, OP_READ, 0x10);
		}
		assert_int_equal(chains_told() - before, 100);
		tuning.order_chains[place] = 0;
	}
	assert_int_equal(order_chains_until_ns, UINT64_MAX);
	assert_order_sums();
}

/* The chain lies in the other ring before the first event that names it. */
static void test_the_chain_comes_first(void **state)
{
	struct event_chain chain = {0};
	struct access head = {0};
	size_t chain_number = 0;

	(void)state;
	tuning.order_chains[3] = (unsigned long)&map_a;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	hit(&g2, &map_a, OP_WRITE, 0x20);
	for (struct shim_event *e = shim_events; e; e = e->next) {
		if (((struct event_header *)e->data)->kind != EVENT_CHAIN)
			continue;
		assert_int_equal(chain_number, 0); /* once */
		chain = *(const struct event_chain *)e->data;
		chain_number = e->number;
	}
	assert_in_range(chain_number, 1, told_at(0)->number - 1);
	assert_int_equal(chain_of(0)->chain, chain.name);
	assert_int_equal(chain_of(1)->chain, chain.name);
	memcpy(&head, ((const struct order_access_event *)told_at(1)->data)->access.head,
	       ACCESS_HEAD);
	assert_int_equal(head.time_ns, told(1)->time_ns);
	assert_int_equal(head.map, (unsigned long)&map_a);
	assert_int_equal(head.g, (unsigned long)&g2);
	assert_int_equal(head.goid, g2.goid);
	assert_int_equal(head.gopc, g2.gopc);
	assert_int_equal(head.caller, 0x20);
	assert_int_equal(head.op, OP_WRITE);
	assert_int_equal(head.depth, chain.depth);
	assert_int_equal(chain.depth, 3);
	assert_int_equal(told(1)->place, 0x20);
	assert_int_equal(told(1)->window, 77);
	assert_int_equal(told(1)->gen, state_of(&map_a)->counts.gen);
	assert_order_sums();
}

static void test_without_its_chain_it_is_told_all_the_same(void **state)
{
	struct access a = {.depth = 3, .tgid = TGID, .stack = {0x1000, 0x2000, 0x3000}};
	__u64 name = chain_name(&a);
	__u32 sending = 0;

	(void)state;
	tuning.order_chains[0] = (unsigned long)&map_a;
	bpf_map_update_elem(&chains, &name, &sending, BPF_ANY); /* by somebody else, just now */
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 1);
	assert_null(chain_of(0));
	assert_int_equal(told(0)->object, (unsigned long)&map_a);
	assert_int_equal(order_begun, 1);
	bpf_map_delete_elem(&chains, &name);
	shim.ring_limit = shim_event_count; /* no room for the chain */
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_int_equal(told_count(), 2);
	assert_null(chain_of(1));
	shim.ring_limit = 0;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_non_null(chain_of(2));
	assert_int_equal(order_lost, 0);
	assert_order_sums();
}

/* An access is a loss or is told: never neither, and the memory for its chain is given back. */
static void test_lost_accesses_are_counted(void **state)
{
	(void)state;
	tuning.order_chains[0] = (unsigned long)&map_a;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	shim.order_ring_limit = 1;
	for (int i = 0; i < 2 * SCRATCHES; i++) {
		__u64 before = order_lost;

		hit(&g1, i & 1 ? &map_a : &map_b, OP_WRITE, 0x10);
		assert_true(order_lost > before);
	}
	assert_int_equal(told_count(), 1);
	assert_order_sums();
	shim.order_ring_limit = 0;
	hit(&g1, &map_a, OP_WRITE, 0x10);
	assert_non_null(chain_of(-1));
	assert_int_equal(told_count(), 2);
	assert_order_sums();
}

int main(void)
{
#define O(test) cmocka_unit_test_setup_teardown(test, set_up_order, tear_down)
	const struct CMUnitTest tests[] = {
	        O(test_a_site_is_told),
	        O(test_the_row_is_told),
	        O(test_nothing_is_told_before_all_is_in_place),
	        O(test_nothing_is_told_of_what_is_not_watched),
	        O(test_conditions),
	        O(test_a_try_that_fails_is_not_told),
	        O(test_who_waits_is_told_as_late),
	        O(test_every_register_is_read),
	        O(test_where_the_object_is),
	        O(test_for_whom_the_runtime_works),
	        O(test_without_a_goid_it_is_the_g),
	        O(test_losses_are_counted),
	        O(test_each_case_of_a_select_is_told),
	        O(test_a_nil_channel_is_no_case),
	        O(test_a_select_of_many_is_told_as_that),
	        O(test_an_access_is_told),
	        O(test_the_generation_is_told),
	        O(test_the_order_is_kept),
	        O(test_every_access_of_an_owner_is_told),
	        O(test_a_binary_without_order_probes),
	        O(test_a_map_without_a_row),
	        O(test_a_chain_now_and_then),
	        O(test_chains_that_are_asked_for),
	        O(test_the_chain_comes_first),
	        O(test_without_its_chain_it_is_told_all_the_same),
	        O(test_lost_accesses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
