/* SPDX-License-Identifier: MIT */
/*
 * The governor's account against targets that are made up: so many CPUs, so many operations a
 * second, each hit so dear. What they would really lose is added up here, apart from the account.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/budget/overhead_budget.h"

#define MS        1000000.0
#define HIT_NS    1000.0
#define OPEN_MS   8 /* what putting probes in and out takes; nothing is decided meanwhile */
#define CLOSE_MS  30
#define WINDOW_NS 10000000ULL
#define TAIL_NS   500000ULL

/* A target with threads of its own: each does operations as fast as they go, up to a rate. */
struct world {
	double cpus;     /* it uses, unwatched */
	double ops_rate; /* per second of time */
	double now_ms;
	double cpu_ns, hits_ns, held_ns;
	double armed_ms;
	double busy_ms; /* of the governor's thread: until then it does not look */
	int windows;
	bool armed;
	struct overhead_budget budget;
};

static struct overhead_reading reading(const struct world *w)
{
	return (struct overhead_reading){.now_ns = (uint64_t)(w->now_ms * MS) + 1,
	                                 .cpu_ns = (uint64_t)w->cpu_ns,
	                                 .hits_ns = (uint64_t)w->hits_ns,
	                                 .held_ns = (uint64_t)w->held_ns};
}

static void world_arm(struct world *w, bool armed)
{
	w->armed = armed;
	w->windows += armed;
	w->busy_ms = w->now_ms + (armed ? OPEN_MS : CLOSE_MS);
	overhead_budget_armed(&w->budget, (uint64_t)(w->now_ms * MS) + 1, armed);
}

static struct world world_make(double overhead_limit, double cpus, double ops_rate)
{
	struct world w = {.cpus = cpus, .ops_rate = ops_rate};
	struct overhead_reading r = reading(&w);

	overhead_budget_open(&w.budget, overhead_limit, WINDOW_NS, TAIL_NS, 7);
	if (overhead_budget_look(&w.budget, &r) == OVERHEAD_ARM)
		world_arm(&w, true);
	return w;
}

/* A tenth of a millisecond. Operations that are probed take HIT_NS more: the target's threads do
 * fewer of them, or, where it had CPU time to spare, more CPU time. */
static void world_step(struct world *w)
{
	double ms = 0.1, ops = w->ops_rate * ms / 1000, hits = 0;

	if (w->armed) {
		double plain_ns = w->cpus * 1e9 / w->ops_rate;

		hits = ops * plain_ns / (plain_ns + HIT_NS);
		w->armed_ms += ms;
		w->held_ns += overhead_budget_hold_rate(&w->budget) * ms * MS * 0.9;
	}
	w->hits_ns += hits * HIT_NS;
	w->cpu_ns += w->cpus * ms * MS;
	w->now_ms += ms;
}

static void world_run(struct world *w, double ms)
{
	double end = w->now_ms + ms, look = w->now_ms;

	while (w->now_ms < end) {
		world_step(w);
		if (w->now_ms < look || w->now_ms < w->busy_ms)
			continue;
		struct overhead_reading r = reading(w);
		enum overhead_advice advice = overhead_budget_look(&w->budget, &r);

		if (advice != OVERHEAD_STAY)
			world_arm(w, advice == OVERHEAD_ARM);
		look = w->now_ms + (double)overhead_budget_wait_ns(&w->budget) / MS;
	}
}

/* Spent of the CPU time since a moment. */
static double spent_since(const struct world *w, const struct world *then)
{
	return (w->hits_ns + w->held_ns - then->hits_ns - then->held_ns) /
	       (w->cpu_ns - then->cpu_ns);
}

/* How long it takes for the probes to be in place for a second. */
static void test_gap_of_windows(void **state)
{
	struct world w = world_make(0.03, 1, 1e6), then;

	(void)state;
	assert_true(overhead_budget_gap(&w.budget) == 1); /* nothing is known */
	world_run(&w, 5000);
	then = w;
	world_run(&w, 5000);
	double gap = 5000 / (w.armed_ms - then.armed_ms);
	assert_true(overhead_budget_gap(&w.budget) > gap / 3);
	assert_true(overhead_budget_gap(&w.budget) < gap * 3);
	/* The load is gone, and the probes stay. */
	w.ops_rate = 100;
	world_run(&w, 20000);
	assert_true(w.armed);
	assert_true(overhead_budget_gap(&w.budget) < 1.5);
}

static void test_within_budget(void **state)
{
	static const double shares[] = {0.005, 0.01, 0.03, 0.1, 0.3};
	static const struct {
		double cpus, ops_rate;
	} loads[] = {{1, 1e8}, {1, 1e6}, {0.3, 1e5}, {2, 4e6}, {32, 3e8}, {64, 1e7}, {1, 20000}};

	(void)state;
	for (size_t s = 0; s < sizeof(shares) / sizeof(*shares); s++)
		for (size_t l = 0; l < sizeof(loads) / sizeof(*loads); l++) {
			struct world w = world_make(shares[s], loads[l].cpus, loads[l].ops_rate);
			struct world then;

			world_run(&w, 5000);
			assert_true(spent_since(&w, &(struct world){0}) < shares[s]);
			then = w;
			world_run(&w, 20000);
			assert_true(spent_since(&w, &then) < shares[s] * 0.75);
			/* And it is used: somebody is looking. */
			assert_true(spent_since(&w, &then) > shares[s] * OVERHEAD_AIM_FULL * 0.5 ||
			            w.armed_ms > w.now_ms * 0.9);
			assert_true(w.armed_ms > w.now_ms * shares[s] * OVERHEAD_AIM_FULL * 0.3);
		}
}

static void test_aim(void **state)
{
	double before = 0;

	(void)state;
	assert_true(overhead_leeway(0) == 0);
	assert_true(overhead_leeway(0.3) == 0);
	assert_true(overhead_leeway(0.5) == 1);
	assert_true(overhead_leeway(1) == 1);
	assert_true(overhead_aim(0) == OVERHEAD_AIM_FULL);
	assert_true(overhead_aim(1) == OVERHEAD_AIM_ROOM);
	for (double room = 0; room < 1; room += 0.01) {
		assert_true(overhead_aim(overhead_leeway(room)) >= before);
		before = overhead_aim(overhead_leeway(room));
	}
}

/* With plenty of room more is spent, and not more than was promised. */
static void test_within_budget_with_room(void **state)
{
	static const double ops_rates[] = {1e8, 1e6, 1e5};

	(void)state;
	for (size_t i = 0; i < sizeof(ops_rates) / sizeof(*ops_rates); i++) {
		struct world w = world_make(0.03, 1, ops_rates[i]), then;
		double little;

		world_run(&w, 5000);
		then = w;
		world_run(&w, 20000);
		little = spent_since(&w, &then);
		w.budget.aim = overhead_aim(1);
		world_run(&w, 1000);
		then = w;
		world_run(&w, 20000);
		assert_true(spent_since(&w, &then) > 1.4 * little);
		assert_true(spent_since(&w, &then) < 0.03);
	}
}

static void test_few_hits_always_armed(void **state)
{
	struct world w = world_make(0.03, 1, 2000);

	(void)state;
	world_run(&w, 10000);
	assert_true(w.armed_ms > 0.999 * w.now_ms);
	assert_int_equal(w.windows, 1);
}

/* The first look is short, however busy the target is. */
static void test_first_look(void **state)
{
	struct world w = world_make(0.03, 16, 1e8);

	(void)state;
	world_run(&w, OPEN_MS + 10);
	assert_false(w.armed);
	/* Nothing can be decided while the probes are being put in place. */
	assert_true(w.armed_ms < OPEN_MS + 5);
}

static void test_jump(void **state)
{
	struct world w = world_make(0.03, 1, 3000), then;

	(void)state;
	world_run(&w, 5000);
	assert_true(w.armed);
	w.ops_rate *= 100;
	w.ops_rate *= 100;
	then = w;
	world_run(&w, 1000);
	assert_true(spent_since(&w, &then) < 0.02); /* within 10 ms it is seen */
	then = w;
	world_run(&w, 1000);
	assert_true(spent_since(&w, &then) < 0.03);
	/* And back: in place all the time again within seconds. */
	w.ops_rate = 3000;
	world_run(&w, 10000);
	then = w;
	world_run(&w, 2000);
	assert_true(w.armed_ms - then.armed_ms > 1990);
}

/* What a target uses is known within a fifth of a second, not only after a few. */
static void test_income_is_known_soon(void **state)
{
	struct world w = world_make(0.03, 2, 1e6);

	(void)state;
	world_run(&w, 300);
	assert_true(w.budget.cpu_rate > 1.4);
	assert_true(w.budget.cpu_rate < 2.01);
}

/* Calls are probed where windows are open for next to none of the time, and it takes more than a
 * trifle to change that. */
static void test_calls_wanted(void **state)
{
	struct world few = world_make(0.03, 1, 5e4), many = world_make(0.03, 1, 1e7), at;

	(void)state;
	few.budget.hold_most = many.budget.hold_most = 0.008;
	world_run(&many, 200);
	assert_false(overhead_budget_calls_wanted(&many.budget)); /* nothing is known of them yet */
	world_run(&few, 4000);
	world_run(&many, 4000);
	assert_false(overhead_budget_calls_wanted(&few.budget));
	assert_true(overhead_budget_calls_wanted(&many.budget));
	/* Holding has its part beside them, smaller than without, however much hits took. */
	few.budget.hold_most = many.budget.hold_most = 1;
	few.budget.hits_rate = many.budget.hits_rate = 1;
	assert_true(overhead_budget_hold_rate(&many.budget) <
	            overhead_budget_income(&many.budget) * 0.7);
	assert_true(overhead_budget_hold_rate(&few.budget) >
	            overhead_budget_income(&few.budget) * 0.7);
	at = many;
	at.budget.hold_most = 0.008;
	for (at.budget.cost_rate = 1; overhead_budget_calls_wanted(&at.budget);)
		at.budget.cost_rate *= 0.99;
	at.budget.cost_rate *= 1.2;
	assert_false(overhead_budget_calls_wanted(&at.budget));
	at.budget.cost_rate *= 2;
	assert_true(overhead_budget_calls_wanted(&at.budget));
}

/* A second in which hits cost so many times the income; so many of a thousand were at calls. */
static void second_passes(struct world *w, double cost, uint64_t calls)
{
	struct overhead_reading r;

	w->now_ms += 1000;
	w->cpu_ns += w->cpus * 1e9;
	w->hits_ns += cost * 1e9 * overhead_budget_income(&w->budget);
	r = reading(w);
	r.hits = w->budget.hits + 1000;
	r.calls = w->budget.calls + calls;
	overhead_budget_look(&w->budget, &r);
}

/* Hits at calls have an account of their own: they take nothing from windows but their part, and
 * find it there when they come. */
static void test_calls_have_an_account(void **state)
{
	struct world w = world_make(0.03, 1, 1e7);
	double rate, balance;

	(void)state;
	world_run(&w, 4000);
	assert_true(overhead_budget_calls_wanted(&w.budget));
	rate = overhead_budget_calls_rate(&w.budget, 500000000);
	assert_true(rate > 0.5 * overhead_budget_income(&w.budget));
	assert_true(rate < overhead_budget_income(&w.budget));
	/* Calls cost twice what may be spent on everything; no window was open. */
	balance = w.budget.account.level_ns;
	second_passes(&w, 2, 1000);
	assert_true(w.budget.account.level_ns > balance);
	assert_true(overhead_budget_calls_rate(&w.budget, 500000000) == 0);
	/* Three in four of the hits were at functions: windows pay for these. */
	balance = w.budget.account.level_ns;
	second_passes(&w, 4, 250);
	assert_true(w.budget.account.level_ns < balance);
}

/* A target that was busy and rests: what it cost then must not keep the probes away for long. */
static void test_rest_after_work(void **state)
{
	struct world w = world_make(0.03, 32, 1e9), then;

	(void)state;
	world_run(&w, 5000);
	w.cpus = 0.01;
	w.ops_rate = 100;
	world_run(&w, 20000);
	then = w;
	world_run(&w, 5000);
	assert_true(w.armed_ms - then.armed_ms > 4900);
}

static void test_bounds(void **state)
{
	struct world none = world_make(0, 1, 1e6), all = world_make(1, 4, 1e9);

	(void)state;
	world_run(&none, 2000);
	world_run(&all, 2000);
	assert_int_equal(none.windows, 0);
	assert_int_equal(all.windows, 1);
	assert_true(all.armed);
	assert_true(overhead_base_ns(10, 1000) == 333);
	assert_true(overhead_base_ns(500, 1000) == 500);
}

/* What hits at order sites cost is paid from their own part, and is not taken for what windows
 * cost. */
static void test_order_sites_have_an_account(void **state)
{
	struct overhead_budget without, with;
	struct overhead_reading r = {.now_ns = 1};

	(void)state;
	overhead_budget_open(&without, 0.03, WINDOW_NS, TAIL_NS, 7);
	without.order_wanted = true;
	overhead_budget_look(&without, &r);
	overhead_budget_armed(&without, r.now_ns, true);
	with = without;
	for (int i = 0; i < 1000; i++) {
		r.now_ns += MS;
		r.cpu_ns += MS;
		r.hits_ns += MS / 100;
		overhead_budget_look(&without, &r);
	}
	assert_true(without.order_account.level_ns > 0);
	r = (struct overhead_reading){.now_ns = 1};
	for (int i = 0; i < 1000; i++) {
		r.now_ns += MS;
		r.cpu_ns += MS;
		r.order_ns += MS / 10;
		r.hits_ns += MS / 100 + MS / 10;
		overhead_budget_look(&with, &r);
	}
	assert_true(with.order_account.level_ns < 0);
	assert_true(fabs(with.account.level_ns - without.account.level_ns) < 1);
	assert_true(fabs(with.cost_rate - without.cost_rate) < 1e-9);
}

/* So many milliseconds of a target that uses so many CPUs; at order sites so much is spent. */
static void order_run(struct overhead_budget *b, struct overhead_reading *r, int ms, double cpus,
                      double spent_ns)
{
	for (int i = 0; i < ms; i++) {
		r->now_ns += MS;
		r->cpu_ns += (uint64_t)(cpus * MS);
		if (!i) {
			r->order_ns += (uint64_t)spent_ns;
			r->hits_ns += (uint64_t)spent_ns;
		}
		overhead_budget_look(b, r);
	}
}

static struct overhead_budget order_budget(double overhead_limit, struct overhead_reading *r)
{
	struct overhead_budget b;

	*r = (struct overhead_reading){.now_ns = 1};
	overhead_budget_open(&b, overhead_limit, WINDOW_NS, TAIL_NS, 7);
	b.order_wanted = true;
	overhead_budget_look(&b, r);
	return b;
}

/* What they get is missing elsewhere; nothing is put aside for order sites where there are none. */
static void test_order_sites_take_nothing_for_nothing(void **state)
{
	struct overhead_budget wanted, not_wanted;
	struct overhead_reading r;
	double before, part;

	(void)state;
	wanted = order_budget(0.03, &r);
	order_run(&wanted, &r, 1, 1, 1e9); /* in debt, both: nothing is lost at the brim */
	r.hits_ns += 1e9;
	order_run(&wanted, &r, 1, 1, 0);
	assert_true(wanted.order_account.level_ns < 0 && wanted.account.level_ns < 0);
	not_wanted = wanted;
	not_wanted.order_wanted = false;
	before = wanted.order_account.level_ns;
	for (int i = 0; i < 10; i++) {
		order_run(&wanted, &r, 1, 1, 0);
		overhead_budget_look(&not_wanted, &r);
	}
	part = wanted.order_account.level_ns - before;
	assert_true(part > 0.1 * overhead_budget_income(&wanted) * 10 * MS);
	assert_true(part < 0.5 * overhead_budget_income(&wanted) * 10 * MS);
	assert_true(fabs(not_wanted.account.level_ns - wanted.account.level_ns - part) < 1);
}

/* The first order windows are paid for by a loan, whenever they come; what was spent of it is not
 * lent again. */
static void test_order_sites_begin_with_a_loan(void **state)
{
	struct overhead_reading r;
	struct overhead_budget b;
	double loan, second, most;

	(void)state;
	b = order_budget(0.03, &r);
	loan = b.order_account.level_ns;
	assert_true(loan > 10 * MS && loan < 300 * MS); /* what 3 % are in ten seconds */
	order_run(&b, &r, 20000, 0, 0);                 /* neither lost nor added to */
	assert_true(b.order_account.level_ns == loan);
	order_run(&b, &r, 20000, 0, loan / 2);
	assert_true(fabs(b.order_account.level_ns - loan / 2) < 1);
	order_run(&b, &r, 1, 0, loan / 2);
	assert_true(fabs(b.order_account.level_ns) < loan / 1000);
	order_run(&b, &r, 1000, 0, 0);
	second = b.order_account.level_ns;
	order_run(&b, &r, 20000, 0, 0); /* from income alone, for some seconds */
	most = b.order_account.level_ns;
	assert_true(second > 0 && most > 2 * second && most < 10 * second);
	assert_true(most < loan / 4);
	order_run(&b, &r, 20000, 0, 0);
	assert_true(b.order_account.level_ns == most);
}

/* A large income saves up more than the loan, and no more than some seconds' part of what there is
 * now. */
static void test_order_sites_save_up(void **state)
{
	struct overhead_reading r;
	struct overhead_budget b;
	double loan, most;

	(void)state;
	b = order_budget(0.03, &r);
	b.aim = OVERHEAD_AIM_ROOM;
	loan = b.order_account.level_ns;
	order_run(&b, &r, 20000, 8, 0);
	most = b.order_account.level_ns;
	assert_true(most > 4 * loan);
	assert_true(fabs(most - overhead_budget_order_income(&b) * 5e9) < most / 100);
	order_run(&b, &r, 20000, 8, 0);
	assert_true(fabs(b.order_account.level_ns - most) < most / 100);
	order_run(&b, &r, 20000, 4, 0); /* what is there from better times is not kept, */
	assert_true(fabs(b.order_account.level_ns - most / 2) < most / 100);
	order_run(&b, &r, 20000, 0, 0); /* but for what it began with */
	assert_true(fabs(b.order_account.level_ns - loan) < loan / 10);
}

/* While they are in place all other hits but those at calls are theirs, too, and nothing takes the
 * probes out for what these cost. */
static void test_order_windows_pay_for_all(void **state)
{
	struct overhead_budget out, in;
	struct overhead_reading r;

	(void)state;
	out = order_budget(0.03, &r);
	overhead_budget_armed(&out, r.now_ns, true);
	order_run(&out, &r, 1000, 1, 0);
	in = out;
	in.order_open = true;
	r.now_ns += MS;
	r.cpu_ns += MS;
	r.hits_ns += 100 * MS;
	r.order_ns += 20 * MS;
	r.held_ns += 100 * MS; /* in debt, both */
	r.hits += 100;
	r.calls += 25;
	assert_int_equal(overhead_budget_look(&out, &r), OVERHEAD_DISARM);
	assert_int_equal(overhead_budget_look(&in, &r), OVERHEAD_STAY);
	assert_true(in.account.level_ns < 0);
	assert_true(fabs(in.calls_account.level_ns - out.calls_account.level_ns) < 1);
	assert_true(fabs(in.account.level_ns - out.account.level_ns - 60 * MS) < 1);
	assert_true(fabs(out.order_account.level_ns - in.order_account.level_ns - 60 * MS) < 1);
}

/* Without a limit they have a part of a CPU, whatever the target uses. */
static void test_order_sites_without_a_limit(void **state)
{
	static const double cpus[] = {0, 0.5, 8};
	double got[3], most[3];

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct overhead_reading r;
		struct overhead_budget b = order_budget(OVERHEAD_UNLIMITED, &r);

		order_run(&b, &r, 1, cpus[i], 1e9); /* in debt */
		got[i] = -b.order_account.level_ns;
		order_run(&b, &r, 1000, cpus[i], 0);
		got[i] += b.order_account.level_ns;
		assert_true(got[i] > 0.05 * 1e9 && got[i] < 0.2 * 1e9);
		order_run(&b, &r, 40000, cpus[i], 0);
		most[i] = b.order_account.level_ns;
		assert_true(most[i] > 2 * got[i] && most[i] < 10 * got[i]);
		assert_true(fabs(got[i] - got[0]) < 1);
		assert_true(fabs(most[i] - most[0]) < 1);
	}
}

/* Windows begin at times that nobody could be in step with. */
static void test_windows_drawn(void **state)
{
	struct world w = world_make(0.03, 1, 1e8);
	double last = 0, shortest = 1e9, longest = 0;

	(void)state;
	world_run(&w, 1000);
	for (int i = 0, before = w.windows; i < 30000; i++) {
		world_run(&w, 1);
		if (w.windows == before)
			continue;
		before = w.windows;
		if (last > 0 && w.now_ms - last < shortest)
			shortest = w.now_ms - last;
		if (last > 0 && w.now_ms - last > longest)
			longest = w.now_ms - last;
		last = w.now_ms;
	}
	assert_true(longest > 1.2 * shortest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_gap_of_windows),
	        cmocka_unit_test(test_calls_have_an_account),
	        cmocka_unit_test(test_within_budget),
	        cmocka_unit_test(test_aim),
	        cmocka_unit_test(test_within_budget_with_room),
	        cmocka_unit_test(test_few_hits_always_armed),
	        cmocka_unit_test(test_first_look),
	        cmocka_unit_test(test_jump),
	        cmocka_unit_test(test_rest_after_work),
	        cmocka_unit_test(test_income_is_known_soon),
	        cmocka_unit_test(test_calls_wanted),
	        cmocka_unit_test(test_bounds),
	        cmocka_unit_test(test_order_sites_have_an_account),
	        cmocka_unit_test(test_order_sites_take_nothing_for_nothing),
	        cmocka_unit_test(test_order_sites_begin_with_a_loan),
	        cmocka_unit_test(test_order_sites_save_up),
	        cmocka_unit_test(test_order_windows_pay_for_all),
	        cmocka_unit_test(test_order_sites_without_a_limit),
	        cmocka_unit_test(test_windows_drawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
