/* SPDX-License-Identifier: MIT */
#include "core/budget/overhead_budget.h"

#define SAVINGS_NS   1e9  /* so much time's income may be saved up: enough for one busy second */
#define START_NS     2e6  /* to begin with: one short look, from which to learn */
#define CPU_NS       5e8  /* time constant of the targets' CPU use, */
#define COST_NS      2e7  /* and of what probes in place cost: two windows */
#define FORGET_NS    1e10 /* an old experience fades in so long */
#define CPU_FIRST_NS 5e7  /* and that when nothing was seen yet */
#define LOOK_NS      2000000ULL /* next look while the account runs low */
#define LOOK_PARTS   8          /* looks while the account is spent at the rate of late, at least */
#define LOOK_CALM    10000000ULL  /* while probes are in place and cost little: load may come */
#define LOOK_OUT     5000000ULL   /* while they are out: when the next window can be paid for, at */
#define LOOK_OUT_MAX 100000000ULL /* least and at most */
#define LOOK_NEVER   200000000ULL /* nothing to decide */
#define HOLDS_LEAST  0.75         /* of the income: counting without holding finds nothing, */
#define HOLDS_MOST   0.8          /* holding without counting knows not what to hold; */
#define HOLDS_CALLS  0.58  /* the least beside probed calls, which cost something all the time */
#define CALLS_PART   0.3   /* of the income is theirs; the rest is for windows, to find new ones */
#define ORDER_PART   0.4   /* of the income is for order windows, */
#define ORDER_NS     5e9   /* saved up for so long, as they are rare; to begin with a loan: */
#define ORDER_START  6e7   /* the first ones, of which the limit over ten seconds has room for */
#define ORDER_FREE   0.1   /* CPUs for order windows where nothing limits what is spent */
#define LEARN_IN_NS  3.5e7 /* time with the probes in place that tells enough of calls, */
#define LEARN_NS     3000000000ULL /* and longest time to wait for that */
#define CALLS_WANTED 3    /* windows can be open for less than so many times what is held, */
#define CALLS_ENOUGH 6    /* and no longer wanted above this */
#define ROOM_NONE    0.3  /* of the CPU time unused: a burst may take it, or it waits for a disk; */
#define ROOM_PLENTY  0.42 /* so much seldom */
#define WINDOWS_KEPT 0.8  /* of what was seen of windows, at each */
#define CALM         0.25 /* of the income: spending below this is little */

static bool unlimited(const struct overhead_budget *b)
{
	return b->overhead_limit >= OVERHEAD_UNLIMITED;
}

void overhead_budget_open(struct overhead_budget *b, double overhead_limit, uint64_t window_ns,
                          uint64_t tail_ns, uint32_t dice)
{
	*b = (struct overhead_budget){
	        .overhead_limit = overhead_limit < 0 ? 0 : overhead_limit,
	        .aim = OVERHEAD_AIM_FULL,
	        .hit_factor = 1,
	        .hold_factor = 1,
	        .hold_most = 1,
	        .window_ns = window_ns,
	        .tail_ns = tail_ns,
	        .cpu_rate = OVERHEAD_CPU_FLOOR,
	        .cost_rate = -1,
	        .patience = 1,
	        .dice = dice ? dice : 1,
	};
	token_bucket_open(&b->account, START_NS);
	token_bucket_open(&b->order_account, ORDER_START);
}

double overhead_budget_income(const struct overhead_budget *b)
{
	double cpus = b->cpu_rate > OVERHEAD_CPU_FLOOR ? b->cpu_rate : OVERHEAD_CPU_FLOOR;

	return b->overhead_limit * b->aim * cpus;
}

double overhead_leeway(double room)
{
	double part = (room - ROOM_NONE) / (ROOM_PLENTY - ROOM_NONE);

	if (part < 0)
		return 0;
	return part < 1 ? part : 1;
}

double overhead_aim(double leeway)
{
	return OVERHEAD_AIM_FULL * (1 - leeway) + OVERHEAD_AIM_ROOM * leeway;
}

double overhead_hold_factor(double leeway)
{
	return OVERHEAD_HOLD_FULL + leeway * (1 - OVERHEAD_HOLD_FULL);
}

double overhead_budget_hold_rate(const struct overhead_budget *b)
{
	double income = overhead_budget_income(b), left = income - b->hits_rate;
	double least = income * (b->calls_wanted ? HOLDS_CALLS : HOLDS_LEAST),
	       most = income * HOLDS_MOST;
	double rate = (left < least ? least : left > most ? most : left) / b->hold_factor;

	return rate < b->hold_most ? rate : b->hold_most;
}

uint64_t overhead_base_ns(uint64_t cpu_ns, uint64_t watched_ns)
{
	uint64_t floor = (uint64_t)((double)watched_ns * OVERHEAD_CPU_FLOOR);

	return cpu_ns > floor ? cpu_ns : floor;
}

/* ---- the account --------------------------------------------------------------------- */

/* A rate in CPUs drawn towards the newest, the more the longer that lasted. */
static double smooth(double rate, double latest, double ns, double constant_ns)
{
	return rate + (latest - rate) * ns / (ns + constant_ns);
}

/* CPUs that probes in place are expected to cost: what they did cost, in proportion to what the
 * targets are doing now. */
static double forecast(const struct overhead_budget *b)
{
	double rate = b->cost_rate;

	if (rate > 0 && b->cpu_rate < b->cost_cpus)
		rate *= b->cpu_rate / b->cost_cpus;
	return rate;
}

/* Windows come first: they find what calls there are. */
static bool learned(const struct overhead_budget *b)
{
	return b->seen_in_ns > LEARN_IN_NS || b->seen_ns - b->begun_ns > LEARN_NS;
}

bool overhead_budget_calls_wanted(struct overhead_budget *b)
{
	double rate = forecast(b), open = overhead_budget_income(b) * (1 - HOLDS_LEAST);
	double enough =
	        (b->calls_wanted ? CALLS_ENOUGH : CALLS_WANTED) * overhead_budget_hold_rate(b);

	if (b->unordered && rate > open)
		enough = 1;
	b->calls_wanted = learned(b) && rate > 0 && open < rate * enough;
	return b->calls_wanted;
}

double overhead_budget_calls_rate(const struct overhead_budget *b, uint64_t ns)
{
	return b->calls_account.level_ns > 0 ? b->calls_account.level_ns / (double)ns : 0;
}

static double window_cost(const struct overhead_budget *b)
{
	double rate = forecast(b);

	return rate > 0 ? rate * (double)(b->window_ns + b->tail_ns) : 0;
}

/* What calls do not want is saved up for them all the same, once. */
static double calls_save(struct overhead_budget *b, double income_ns)
{
	double part = income_ns * CALLS_PART;
	double most = overhead_budget_income(b) * CALLS_PART * SAVINGS_NS;

	token_bucket_fill(&b->calls_account, part, most);
	return b->calls_wanted ? part : 0;
}

double overhead_budget_order_income(const struct overhead_budget *b)
{
	return unlimited(b) ? ORDER_FREE : overhead_budget_income(b) * ORDER_PART;
}

/* The same for order windows. What they began with may be spent later, too. */
static double order_save(struct overhead_budget *b, double ns)
{
	double income = overhead_budget_order_income(b), most = income * ORDER_NS;
	double level = b->order_account.level_ns, lent = level < ORDER_START ? level : ORDER_START;

	if (most < lent)
		most = lent;
	token_bucket_fill(&b->order_account, income * ns, most);
	return b->order_wanted ? income * ns : 0;
}

static void save(struct overhead_budget *b, double ns)
{
	double most = overhead_budget_income(b) * SAVINGS_NS, window = 2 * window_cost(b);
	double income_ns = overhead_budget_income(b) * ns;

	if (most < window)
		most = window;
	if (most < START_NS)
		most = START_NS;
	token_bucket_fill(&b->account, income_ns - calls_save(b, income_ns) - order_save(b, ns),
	                  most);
}

/* What the probes cost while they are in place. Holds are not part of it: they have an allowance of
 * their own, and taking the probes out would save none of it. */
static void learn(struct overhead_budget *b, double cost, double ns)
{
	if (b->armed_ns && b->cost_rate < 0)
		b->cost_rate = cost / ns;
	else if (b->armed_ns)
		b->cost_rate = smooth(b->cost_rate, cost / ns, ns, COST_NS);
	else if (b->cost_rate > 0)
		b->cost_rate -= b->cost_rate * ns / (ns + FORGET_NS);
	if (b->armed_ns)
		b->cost_cpus = b->cpu_rate;
}

/* Of the hits since the last look, those at calls. */
static double calls_part(const struct overhead_budget *b, const struct overhead_reading *r)
{
	double hits = (double)(r->hits - b->hits), calls = (double)(r->calls - b->calls);

	if (hits <= 0)
		return 0;
	return calls < hits ? calls / hits : 1;
}

static void settle(struct overhead_budget *b, const struct overhead_reading *r)
{
	double ns = (double)(r->now_ns - b->seen_ns);
	double all = (double)(r->hits_ns - b->hits_ns) * b->hit_factor;
	double order = (double)(r->order_ns - b->order_ns) * b->hit_factor;
	double hits = all - order;
	double held = (double)(r->held_ns - b->held_ns) * b->hold_factor;
	double seen = CPU_FIRST_NS + (double)(b->seen_ns - b->begun_ns);
	double calls = hits * calls_part(b, r);

	b->cpu_rate = smooth(b->cpu_rate, (double)(r->cpu_ns - b->cpu_ns) / ns, ns,
	                     seen < CPU_NS ? seen : CPU_NS);
	b->hits_rate = smooth(b->hits_rate, hits / ns, ns, CPU_NS);
	save(b, ns);
	token_bucket_take(&b->calls_account, calls);
	token_bucket_take(&b->order_account, b->order_open ? all - calls : order);
	token_bucket_take(&b->account, (b->order_open ? 0 : hits - calls) + held);
	b->seen_in_ns += b->armed_ns ? ns : 0;
	learn(b, hits - calls, ns);
}

static void note(struct overhead_budget *b, const struct overhead_reading *r)
{
	if (!b->begun_ns)
		b->begun_ns = r->now_ns;
	b->seen_ns = r->now_ns;
	b->cpu_ns = r->cpu_ns;
	b->hits_ns = r->hits_ns;
	b->held_ns = r->held_ns;
	b->order_ns = r->order_ns;
	b->hits = r->hits;
	b->calls = r->calls;
}

/* ---- advice -------------------------------------------------------------------------- */

static enum overhead_advice advise(const struct overhead_budget *b)
{
	double level = b->account.level_ns;

	if (b->overhead_limit <= 0)
		return b->armed_ns ? OVERHEAD_DISARM : OVERHEAD_STAY;
	if (unlimited(b))
		return b->armed_ns ? OVERHEAD_STAY : OVERHEAD_ARM;
	if (b->armed_ns && b->order_open)
		return OVERHEAD_STAY;
	if (b->armed_ns)
		return level < 0 && forecast(b) > overhead_budget_income(b) / 2 ? OVERHEAD_DISARM
		                                                                : OVERHEAD_STAY;
	if (b->cost_rate < 0)
		return OVERHEAD_ARM; /* the first look, short */
	return level > 0 && level >= b->patience * window_cost(b) ? OVERHEAD_ARM : OVERHEAD_STAY;
}

enum overhead_advice overhead_budget_look(struct overhead_budget *b,
                                          const struct overhead_reading *r)
{
	if (b->seen_ns && r->now_ns > b->seen_ns)
		settle(b, r);
	if (!b->seen_ns || r->now_ns > b->seen_ns)
		note(b, r);
	return advise(b);
}

/* xorshift32; windows want no better dice. */
static double draw(uint32_t *dice)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 17;
	*dice ^= *dice << 5;
	return *dice / 4294967296.0;
}

double overhead_budget_gap(const struct overhead_budget *b)
{
	double in = b->in_ns;

	if (b->armed_ns && b->seen_ns > b->armed_ns)
		in += (double)(b->seen_ns - b->armed_ns);
	return in > 0 ? 1 + b->out_ns / in : 1;
}

static void windows_note(struct overhead_budget *b, uint64_t now_ns, bool armed)
{
	double ns = b->switched_ns ? (double)(now_ns - b->switched_ns) : 0;

	if (armed)
		b->out_ns = b->out_ns * WINDOWS_KEPT + ns;
	else
		b->in_ns = b->in_ns * WINDOWS_KEPT + ns;
	b->switched_ns = now_ns;
}

void overhead_budget_armed(struct overhead_budget *b, uint64_t now_ns, bool armed)
{
	windows_note(b, now_ns, armed);
	b->armed_ns = armed ? now_ns : 0;
	b->patience = 0.75 + draw(&b->dice);
}

/* When the next window can be paid for. */
static uint64_t wait_out_ns(const struct overhead_budget *b)
{
	double missing = b->patience * window_cost(b) - b->account.level_ns;
	double ns = missing / overhead_budget_income(b);

	if (ns < LOOK_OUT)
		return LOOK_OUT;
	return ns > LOOK_OUT_MAX ? LOOK_OUT_MAX : (uint64_t)ns;
}

/* When a part of what there is to spend is spent. */
static uint64_t wait_in_ns(const struct overhead_budget *b)
{
	double ns = b->account.level_ns / b->cost_rate / LOOK_PARTS;

	if (ns < LOOK_NS)
		return LOOK_NS;
	return ns > LOOK_CALM ? LOOK_CALM : (uint64_t)ns;
}

uint64_t overhead_budget_wait_ns(const struct overhead_budget *b)
{
	if (b->overhead_limit <= 0 || unlimited(b))
		return LOOK_NEVER;
	if (!b->armed_ns)
		return wait_out_ns(b);
	if (b->cost_rate < 0)
		return LOOK_NS;
	if (b->cost_rate > overhead_budget_income(b) * CALM)
		return wait_in_ns(b);
	return LOOK_CALM;
}
