/* SPDX-License-Identifier: MIT */
/* Which accesses are told with their call chains. */
#include "logic_order.h"

static const struct access_brief *chain_of(int n)
{
	const struct order_event *e = told(n);

	return e->flagged ? &((const struct order_access_event *)e)->access : NULL;
}

static int chains_told(void)
{
	int count = 0;

	for (int i = 0; i < told_count(); i++)
		count += chain_of(i) != NULL;
	return count;
}

/* Returns how many of these accesses came with their chains. */
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
	const struct CMUnitTest tests[] = {
	        ORDER(test_a_chain_now_and_then),
	        ORDER(test_chains_that_are_asked_for),
	        ORDER(test_the_chain_comes_first),
	        ORDER(test_without_its_chain_it_is_told_all_the_same),
	        ORDER(test_lost_accesses_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
