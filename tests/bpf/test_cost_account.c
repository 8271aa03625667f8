/* SPDX-License-Identifier: MIT */
/* What counters add up to, read from a table of the kernel's as the programs have it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>

#include "bpf/govern/cost_account.h"

struct table {
	int fd, cpus;
	__u64 (*rows)[COVERAGE_COUNT];
};

static const struct overhead_costs costs = {
        .ns = {[BODY_OPERATION] = 1000, [BODY_FILTERED] = 100, [BODY_HOLD] = 5000},
        .timed = {[TIMED_OPERATION] = {.ns = 50, .cold = 2}},
};

static int setup(void **state)
{
	struct table *t = calloc(1, sizeof(*t));

	t->cpus = libbpf_num_possible_cpus();
	t->rows = calloc((size_t)t->cpus, sizeof(*t->rows));
	t->fd = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "coverage", sizeof(__u32),
	                       sizeof(*t->rows), 1, NULL);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct table *t = *state;

	if (t->fd >= 0)
		close(t->fd);
	free(t->rows);
	free(t);
	return 0;
}

static void table_write(struct table *t)
{
	__u32 zero = 0;

	assert_int_equal(bpf_map_update_elem(t->fd, &zero, t->rows, BPF_ANY), 0);
}

/* Counters of the last CPU, too. */
static void counters_set(struct table *t, __u64 operations, __u64 timed_ns)
{
	t->rows[0][COVERAGE_COUNTED] = operations / 2;
	t->rows[t->cpus - 1][COVERAGE_COUNTED] += operations - operations / 2;
	t->rows[0][COVERAGE_TIMED] = 10;
	t->rows[0][COVERAGE_TIMED_NS] = timed_ns;
	table_write(t);
	t->rows[t->cpus - 1][COVERAGE_COUNTED] = 0;
}

static void need_table(const struct table *t)
{
	if (t->fd < 0) /* no privilege */
		skip();
}

static void account_open(const struct table *t, struct targets **targets,
                         struct cost_account **account)
{
	need_table(t);
	assert_int_equal(targets_create(NULL, 0, targets), 0);
	assert_int_equal(cost_account_create(t->fd, &costs, *targets, account), 0);
}

static void test_what_it_is_made_of(void **state)
{
	struct table *t = *state;
	struct cost_account *account;
	struct targets *targets;
	struct cost c;

	account_open(t, &targets, &account);
	t->rows[0][COVERAGE_STALLS] = 2;
	t->rows[0][COVERAGE_STALL_NS] = 70000;
	counters_set(t, 100, 500);
	targets_probes_set(targets, 3);
	targets_started(targets, getpid());
	assert_int_equal(cost_account_read(account, &c), 0);
	assert_int_equal(c.value[COVERAGE_COUNTED], 100);
	assert_int_equal(c.warm_ns, 100 * 1000 + 2 * 5000);
	assert_int_equal(c.cold_ns, 0);
	assert_int_equal(c.held_ns, 70000);
	assert_int_equal(c.planted_ns, targets_planted_ns(targets));
	assert_true(c.planted_ns > 0);
	assert_int_equal(cost_hits_ns(&c), c.warm_ns + c.planted_ns);
	assert_int_equal(cost_all_ns(&c), cost_hits_ns(&c) + 70000);
	cost_account_destroy(account);
	targets_destroy(targets);
}

static void test_cold_never_goes_down(void **state)
{
	struct table *t = *state;
	struct cost_account *account;
	struct targets *targets;
	struct cost c;
	uint64_t cold;

	account_open(t, &targets, &account);
	counters_set(t, 100, 1500); /* 100 ns longer than in a loop, twice that a hit */
	assert_int_equal(cost_account_read(account, &c), 0);
	cold = c.cold_ns;
	assert_int_equal(cold, 100 * 100 * 2);
	assert_true(cost_coldness(&c) > 1.19 && cost_coldness(&c) < 1.21);
	counters_set(t, 101, 600);
	assert_int_equal(cost_account_read(account, &c), 0);
	assert_int_equal(c.cold_ns, cold);
	cost_account_destroy(account);
	targets_destroy(targets);
}

static void test_waiting_counts_from_when_it_was_seen(void **state)
{
	struct table *t = *state;
	struct cost_account *account;
	struct targets *targets;
	struct cost c;

	account_open(t, &targets, &account);
	counters_set(t, 100, 500);
	assert_int_equal(cost_account_read(account, &c), 0);
	cost_account_contention_set(account, 0, &c); /* nothing was seen yet */
	assert_int_equal(cost_account_read(account, &c), 0);
	assert_int_equal(c.waiting_ns, 0);
	counters_set(t, 300, 500);
	assert_int_equal(cost_account_read(account, &c), 0);
	cost_account_contention_set(account, 1.5, &c);
	cost_account_contention_set(account, 1.5, &c); /* no hit since then */
	assert_int_equal(cost_account_read(account, &c), 0);
	assert_int_equal(c.waiting_ns, 100 * 1000);
	assert_true(c.contention > 1.49 && c.contention < 1.51);
	assert_int_equal(cost_all_ns(&c), 400 * 1000);
	cost_account_destroy(account);
	targets_destroy(targets);
}

static void test_what_cannot_be_read_leaves_the_last(void **state)
{
	struct cost_account *account;
	struct targets *targets;
	struct cost c = {.warm_ns = 7};

	(void)state;
	assert_int_equal(targets_create(NULL, 0, &targets), 0);
	assert_int_equal(cost_account_create(-1, &costs, targets, &account), 0);
	assert_true(cost_account_read(account, &c) < 0);
	assert_int_equal(c.warm_ns, 7);
	cost_account_destroy(account);
	targets_destroy(targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(test_what_it_is_made_of, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_cold_never_goes_down, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_waiting_counts_from_when_it_was_seen, setup,
	                                        teardown),
	        cmocka_unit_test(test_what_cannot_be_read_leaves_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
