/* SPDX-License-Identifier: MIT */
/* How call chains get to the user side: each once, by name, or along with the event. */
#include "logic.h"

/* Bytes of all events of a kind, as they lie in the ring. */
static size_t bytes_of(__u32 kind)
{
	size_t bytes = 0;

	for (struct shim_event *e = shim_events; e; e = e->next) {
		const struct event_header *h = (const void *)e->data;

		if (e->submitted && h->kind == kind)
			bytes += h->size;
	}
	return bytes;
}

/* One chain, however many accesses have it. */
static void test_chain_is_sent_once(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 1};
	const struct event_header *h = NULL;
	const struct event_overlap *overlap;

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	assert_int_equal(bytes_of(EVENT_CHAIN), sizeof(struct event_chain));
	assert_int_equal(bytes_of(EVENT_OVERLAP), sizeof(struct event_overlap_brief));
	assert_int_equal(bytes_of(EVENT_STALL),
	                 events_of(EVENT_STALL, NULL) * sizeof(struct event_stall_brief));
	assert_int_equal(events_of(EVENT_OVERLAP, &h), 1);
	overlap = (const void *)h;
	assert_int_equal(overlap->h.size, sizeof(*overlap));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(overlap->held.stack[i], shim.stack[i]);
		assert_int_equal(overlap->came.stack[i], shim.stack[i]);
	}
	assert_int_equal(overlap->held.goid, 7);
	assert_int_equal(overlap->came.goid, 8);
	assert_sums();
}

static void test_other_chain_has_another_name(void **state)
{
	struct access a = {.depth = 3, .tgid = 5, .stack = {1, 2, 3}}, b = a;

	(void)state;
	b.stack[2]++;
	assert_int_not_equal(chain_name(&a), chain_name(&b));
	b = a;
	b.stack[3] = 4; /* not part of it */
	assert_int_equal(chain_name(&a), chain_name(&b));
	b.depth = 4;
	assert_int_not_equal(chain_name(&a), chain_name(&b));
	b = a;
	b.tgid++;
	assert_int_not_equal(chain_name(&a), chain_name(&b));
}

/* No room for a name, or somebody else about to send the chain: it goes with the event. */
static void test_chain_without_a_name_goes_along(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 1};
	struct access a = {.depth = 3, .tgid = TGID, .stack = {0x1000, 0x2000, 0x3000}};
	__u64 name = chain_name(&a);
	__u32 sending = 0;

	(void)state;
	bpf_map_update_elem(&chains, &name, &sending, BPF_ANY);
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	assert_int_equal(bytes_of(EVENT_CHAIN), 0);
	assert_int_equal(bytes_of(EVENT_OVERLAP), sizeof(struct event_overlap));
	assert_int_equal(bytes_of(EVENT_STALL),
	                 events_of(EVENT_STALL, NULL) * sizeof(struct event_stall));
	assert_sums();
}

/* A chain that found no room in the ring is no chain that was sent. */
static void test_lost_chain_is_sent_again(void **state)
{
	struct access a = {.depth = 1, .tgid = TGID, .stack = {0x1000}};

	(void)state;
	shim.ring_limit = 1;
	shim_event_count = 1;
	assert_int_equal(chain_tell(&a), 0);
	shim.ring_limit = 0;
	assert_int_equal(chain_tell(&a), chain_name(&a));
	assert_int_equal(chain_tell(&a), chain_name(&a));
	assert_int_equal(events_of(EVENT_CHAIN, NULL), 1);
	assert_sums();
}

static void test_unknown_chain_is_never_shown(void **state)
{
	struct access access = {.depth = 2};
	struct event_stall_brief brief = {.h = {.kind = EVENT_STALL, .size = sizeof(brief)}};
	struct event_chain chain = {.h = {.kind = EVENT_CHAIN, .tgid = 5}, .name = 9, .depth = 2};
	struct event_whole whole;
	struct chain_store *store;

	(void)state;
	assert_int_equal(chain_store_create(-1, &store), 0);
	access_brief_set(&brief.access, &access, 9);
	assert_int_equal(chain_store_find(store, &brief.h, &whole), -ENOENT);
	assert_int_equal(chain_store_put(store, &chain), 0);
	assert_int_equal(chain_store_find(store, &brief.h, &whole), 0);
	chain_store_forget(store, 6);
	assert_int_equal(chain_store_find(store, &brief.h, &whole), 0);
	chain_store_forget(store, 5);
	assert_int_equal(chain_store_find(store, &brief.h, &whole), -ENOENT);
	chain_store_destroy(store);
}

static void test_full_ring_is_a_loss(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 4};

	(void)state;
	shim.ring_limit = 2;
	hold_with(&v, &g1, OP_WRITE);
	assert_true(total(COVERAGE_RING_FULL) > 0);
	assert_true(state_of(&map_a)->counts.conflicts >= 1); /* counted all the same */
	assert_sums();
}

static void test_chain_that_cannot_be_walked_is_a_loss(void **state)
{
	struct visitor v = {.g = &g2, .map = &map_a, .op = OP_WRITE, .left = 2};
	struct operation o = {.now = shim.now_ns, .map = 1, .g = (unsigned long)&g1};
	struct access a;

	(void)state;
	assert_int_equal(hold_with(&v, &g1, OP_WRITE), 1);
	shim.stack_depth = 0;
	o.caller = 0x10; /* the immediate caller alone is a chain, if a short one */
	assert_true(access_capture(NULL, &o, &a));
	o.caller = 0;
	assert_false(access_capture(NULL, &o, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_chain_is_sent_once),
	        T(test_other_chain_has_another_name),
	        T(test_chain_without_a_name_goes_along),
	        T(test_lost_chain_is_sent_again),
	        T(test_unknown_chain_is_never_shown),
	        T(test_full_ring_is_a_loss),
	        T(test_chain_that_cannot_be_walked_is_a_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
