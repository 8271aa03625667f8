/* SPDX-License-Identifier: MIT */
/* Totals of the whole run, by process: for those who read again and again and take differences. */
#include "core/model/model_internal.h"

#include <stdlib.h>

static struct model_totals *totals_new(struct model *model, struct id_key key, uint32_t tgid)
{
	struct model_totals *totals = calloc(1, sizeof(*totals));
	size_t index;

	if (!totals)
		return NULL;
	totals->tgid = tgid;
	if (id_table_put(&model->totals_keys, key, totals) < 0)
		goto cleanup;
	if (row_list_add(&model->totals, totals, &index) < 0) {
		id_table_remove(&model->totals_keys, key);
		goto cleanup;
	}
	return totals;
cleanup:
	free(totals);
	return NULL;
}

struct model_totals *totals_obtain(struct model *model, uint32_t tgid)
{
	struct id_key key = {.a = tgid};
	struct model_totals *totals = model->totals_latest;

	if (totals && totals->tgid == tgid)
		return totals;
	totals = id_table_get(&model->totals_keys, key);
	if (!totals)
		totals = totals_new(model, key, tgid);
	if (!totals)
		return &model->totals_lost;
	model->totals_latest = totals;
	return totals;
}

void totals_destroy(struct model *model)
{
	for (size_t i = 0; i < model->totals.count; i++)
		free(model->totals.rows[i]);
	free(model->totals.rows);
	id_table_clear(&model->totals_keys);
}

static size_t left_out(const struct model *model, size_t max)
{
	return model->totals.count > max ? model->totals.count - max : 0;
}

size_t model_totals(const struct model *model, const struct model_totals **rows, size_t max)
{
	size_t first = left_out(model, max);

	for (size_t i = first; i < model->totals.count; i++)
		rows[i - first] = model->totals.rows[i];
	return model->totals.count - first;
}

static void totals_add(struct model_totals *sum, const struct model_totals *more)
{
	sum->conflicts += more->conflicts;
	for (int kind = 0; kind < CONFLICT_KIND_COUNT; kind++)
		sum->sightings[kind] += more->sightings[kind];
	pair_counts_add(&sum->order, &more->order);
	for (int op = 0; op < OP_COUNT; op++)
		sum->ops[op] += more->ops[op];
	sum->goroutines += more->goroutines;
	sum->crashes += more->crashes;
}

struct model_totals model_totals_rest(const struct model *model, size_t max)
{
	struct model_totals sum = model->totals_lost;

	for (size_t i = 0; i < left_out(model, max); i++)
		totals_add(&sum, model->totals.rows[i]);
	return sum;
}
