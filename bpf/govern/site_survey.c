/* SPDX-License-Identifier: MIT */
#include "bpf/govern/site_survey.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "core/budget/hold_value.h"
#include "gomaptop.skel.h"

struct site_survey {
	struct gomaptop *skeleton;
	struct touch_key *keys; /* TOUCHES_MAX of each */
	struct touch *values;
	struct survey_touch *touches;
};

int site_survey_create(const struct program *program, struct site_survey **out)
{
	struct site_survey *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->skeleton = program->skeleton;
	s->keys = calloc(TOUCHES_MAX, sizeof(*s->keys));
	s->values = calloc(TOUCHES_MAX, sizeof(*s->values));
	s->touches = calloc(TOUCHES_MAX, sizeof(*s->touches));
	if (!s->keys || !s->values || !s->touches) {
		site_survey_destroy(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}

void site_survey_destroy(struct site_survey *s)
{
	if (!s)
		return;
	free(s->keys);
	free(s->values);
	free(s->touches);
	free(s);
}

static void trial_watched(struct survey_trial *t, uint64_t hold_ns, uint64_t arrivals,
                          uint64_t control_ns)
{
	t->expected += (double)hold_expected(hold_ns, arrivals, control_ns) / 1000;
	t->arrivals += (double)arrivals;
	t->watched_s += (double)control_ns / 1e9;
}

static bool is_unordered(const struct site_survey *s, __u64 place)
{
	const struct detector_tuning *tuning = &s->skeleton->bss->tuning;

	for (size_t i = 0; i < ORDER_PLACES; i++)
		if (__atomic_load_n(&tuning->order_places[i], __ATOMIC_RELAXED) == place)
			return true;
	return false;
}

static void site_read(const struct site_survey *s, struct survey_touch *t)
{
	struct call_site_key key = {.caller = t->touch.place, .tgid = t->key.tgid};
	const struct call_site *site = &t->site;

	if (bpf_map_lookup_elem(bpf_map__fd(s->skeleton->maps.call_sites), &key, &t->site))
		return;
	t->place = (struct survey_trial){
	        .holds = site->holds, .met = site->met, .contested = site->flags & MAP_CONTESTED};
	t->place.unordered = is_unordered(s, t->touch.place);
	t->place.waited = (double)await_worth(&site->awaits) / 1000;
	trial_watched(&t->place, site->hold_ns, site->control_arrivals, site->control_ns);
}

static void map_read(const struct site_survey *s, struct survey_touch *t)
{
	struct map_key key = {.addr = t->touch.map, .tgid = t->key.tgid};
	struct map_state m;

	if (bpf_map_lookup_elem(bpf_map__fd(s->skeleton->maps.maps), &key, &m))
		return;
	t->ops = m.counts.ops[t->key.op < OP_COUNT ? t->key.op : OP_READ];
	t->map = (struct survey_trial){.holds = m.counts.holds,
	                               .met = m.counts.conflicts,
	                               .contested = m.counts.flags & MAP_CONTESTED};
	t->map.waited = (double)await_worth(&m.awaits) / 1000;
	for (int i = 0; i < 2; i++)
		trial_watched(&t->map, m.counts.hold_ns[i], m.counts.control_arrivals[i],
		              m.counts.control_ns[i]);
}

/* A row that is inserted meanwhile may be missed; the next reading has it. */
static size_t touches_read(struct site_survey *s)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u64 token = 0;
	size_t total = 0;
	int rc = 0;

	while (!rc && total < TOUCHES_MAX) {
		__u32 count = (__u32)(TOUCHES_MAX - total);

		rc = bpf_map_lookup_batch(bpf_map__fd(s->skeleton->maps.touches),
		                          total ? &token : NULL, &token, s->keys + total,
		                          s->values + total, &count, &opts);
		if (rc && rc != -ENOENT)
			break;
		total += count;
		if (!count)
			break;
	}
	return total;
}

size_t site_survey_read(struct site_survey *s, uint64_t since_ns, const struct survey_touch **out)
{
	size_t total = touches_read(s), count = 0;

	for (size_t i = 0; i < total; i++) {
		struct survey_touch *t = &s->touches[count];

		if (s->values[i].last_ns < since_ns)
			continue;
		*t = (struct survey_touch){.key = s->keys[i], .touch = s->values[i]};
		site_read(s, t);
		map_read(s, t);
		count++;
	}
	*out = s->touches;
	return count;
}
