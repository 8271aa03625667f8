/* SPDX-License-Identifier: MIT */
/* The model's lists: rows in the order in which people want them. */
#include "core/model/model_internal.h"

#include <errno.h>
#include <stdlib.h>

#define LIST_CAPACITY_MIN 64

int row_list_add(struct row_list *list, void *row, size_t *index)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : LIST_CAPACITY_MIN;
		void **rows = realloc(list->rows, capacity * sizeof(*rows));

		if (!rows)
			return -ENOMEM;
		list->rows = rows;
		list->capacity = capacity;
	}
	*index = list->count;
	list->rows[list->count++] = row;
	return 0;
}

void *row_list_remove(struct row_list *list, size_t index)
{
	list->count--;
	if (index == list->count)
		return NULL;
	list->rows[index] = list->rows[list->count];
	return list->rows[index];
}

/* ---- the first few of many ----------------------------------------------------------- */

typedef int row_compare(const void *, const void *); /* of pointers to pointers to rows */

/* rows[] is a heap with its last-ranking row on top. */
static void heap_sink(void **rows, size_t count, row_compare *compare)
{
	for (size_t i = 0, child; (child = 2 * i + 1) < count; i = child) {
		void *row = rows[i];

		if (child + 1 < count && compare(&rows[child + 1], &rows[child]) > 0)
			child++;
		if (compare(&rows[child], &rows[i]) <= 0)
			break;
		rows[i] = rows[child];
		rows[child] = row;
	}
}

static void heap_rise(void **rows, size_t i, row_compare *compare)
{
	while (i > 0 && compare(&rows[i], &rows[(i - 1) / 2]) > 0) {
		size_t parent = (i - 1) / 2;
		void *row = rows[i];

		rows[i] = rows[parent];
		rows[parent] = row;
		i = parent;
	}
}

static bool is_sorted(void **rows, size_t count, row_compare *compare)
{
	for (size_t i = 1; i < count; i++)
		if (compare(&rows[i - 1], &rows[i]) > 0)
			return false;
	return true;
}

/* The first max rows in the order of compare, of those that shown() lets through: a screenful of a
 * hundred thousand costs no full sort, rows that come in their order cost none at all. Without
 * compare: any max rows, in no order. */
static size_t rows_first(const struct row_list *list, bool (*shown)(const void *, const void *),
                         const void *what, row_compare *compare, void **out, size_t max)
{
	size_t count = 0;
	bool heap = false;

	for (size_t i = 0; i < list->count && (compare || count < max); i++) {
		void *row = list->rows[i];

		if (!shown(row, what))
			continue;
		if (count < max) {
			out[count++] = row;
			continue;
		}
		for (size_t k = 0; !heap && k < count; k++)
			heap_rise(out, k, compare);
		heap = true;
		if (max && compare(&row, &out[0]) < 0) {
			out[0] = row;
			heap_sink(out, count, compare);
		}
	}
	if (compare && !is_sorted(out, count, compare))
		qsort(out, count, sizeof(*out), compare);
	return count;
}

#define COMPARE_DESCENDING(x, y)                   \
	do {                                       \
		if ((x) != (y))                    \
			return (x) < (y) ? 1 : -1; \
	} while (0)

/* ---- maps ---------------------------------------------------------------------------- */

static uint64_t map_changes(const struct map_row *row)
{
	return OPS_CHANGING(row->ops);
}

static double map_rate(const struct map_row *row)
{
	double rate = 0;

	for (int op = 0; op < OP_COUNT; op++)
		rate += row->rate[op];
	return rate;
}

static int by_number(const struct map_row *a, const struct map_row *b)
{
	return (a->number > b->number) - (a->number < b->number);
}

#define MAP_COMPARE(name, ...)                                         \
	static int name(const void *x, const void *y)                  \
	{                                                              \
		const struct map_row *a = *(struct map_row *const *)x; \
		const struct map_row *b = *(struct map_row *const *)y; \
		__VA_ARGS__                                            \
		return by_number(a, b);                                \
	}

MAP_COMPARE(maps_by_conflicts, COMPARE_DESCENDING(a->conflicts, b->conflicts);
            COMPARE_DESCENDING(map_changes(a), map_changes(b));)
MAP_COMPARE(maps_by_findings, COMPARE_DESCENDING(a->conflicts, b->conflicts);
            COMPARE_DESCENDING(a->order.unordered > 0, b->order.unordered > 0);
            COMPARE_DESCENDING(map_changes(a), map_changes(b));)
MAP_COMPARE(maps_by_rate, COMPARE_DESCENDING(map_rate(a), map_rate(b));)
MAP_COMPARE(maps_by_writes, COMPARE_DESCENDING(map_changes(a), map_changes(b));)
MAP_COMPARE(maps_by_goroutines, COMPARE_DESCENDING(a->goroutines, b->goroutines);)
MAP_COMPARE(maps_by_number, )

static row_compare *const map_orders[] = {
        [MAPS_BY_CONFLICTS] = maps_by_conflicts,
        [MAPS_BY_FINDINGS] = maps_by_findings,
        [MAPS_BY_RATE] = maps_by_rate,
        [MAPS_BY_WRITES] = maps_by_writes,
        [MAPS_BY_GOROUTINES] = maps_by_goroutines,
        [MAPS_BY_NUMBER] = maps_by_number,
};

static bool map_shown(const void *row, const void *what)
{
	(void)what;
	return !((const struct map_row *)row)->forgotten;
}

size_t model_maps(const struct model *model, enum map_order order, struct map_row **rows,
                  size_t max)
{
	return rows_first(&model->entries, map_shown, NULL, map_orders[order], (void **)rows, max);
}

size_t model_map_count(const struct model *model)
{
	size_t count = 0;

	for (size_t i = 0; i < model->entries.count; i++)
		count += map_shown(model->entries.rows[i], NULL);
	return count;
}

void model_verdicts(const struct model *model, size_t counts[VERDICT_COUNT])
{
	for (int verdict = 0; verdict < VERDICT_COUNT; verdict++)
		counts[verdict] = 0;
	for (size_t i = 0; i < model->entries.count; i++) {
		const struct map_row *row = model->entries.rows[i];

		counts[row->verdict] += map_shown(row, NULL);
	}
}

/* ---- conflicts, goroutines ----------------------------------------------------------- */

static bool conflict_shown(const void *row, const void *what)
{
	return !what || ((const struct conflict_row *)row)->map == what;
}

static int conflicts_by_count(const void *x, const void *y)
{
	const struct conflict_row *a = *(struct conflict_row *const *)x;
	const struct conflict_row *b = *(struct conflict_row *const *)y;

	COMPARE_DESCENDING(a->count, b->count);
	return (a->number > b->number) - (a->number < b->number);
}

size_t model_conflicts(const struct model *model, const struct map_row *map,
                       struct conflict_row **rows, size_t max)
{
	return rows_first(&model->conflicts, conflict_shown, map, conflicts_by_count, (void **)rows,
	                  max);
}

static int findings_by_count(const void *x, const void *y)
{
	const struct conflict_row *a = *(struct conflict_row *const *)x;
	const struct conflict_row *b = *(struct conflict_row *const *)y;

	COMPARE_DESCENDING(b->also_overlaps, a->also_overlaps);
	COMPARE_DESCENDING(a->evidence != EVIDENCE_UNORDERED, b->evidence != EVIDENCE_UNORDERED);
	return conflicts_by_count(x, y);
}

size_t model_findings(const struct model *model, const struct map_row *map,
                      struct conflict_row **rows, size_t max, size_t *told)
{
	size_t count = rows_first(&model->conflicts, conflict_shown, map, findings_by_count,
	                          (void **)rows, max);

	*told = count;
	while (*told && rows[*told - 1]->also_overlaps)
		--*told;
	return count;
}

static bool goroutine_shown(const void *row, const void *what)
{
	(void)what;
	return !((const struct goroutine_row *)row)->forgotten;
}

static int goroutines_by_ops(const void *x, const void *y)
{
	const struct goroutine_row *a = *(struct goroutine_row *const *)x;
	const struct goroutine_row *b = *(struct goroutine_row *const *)y;
	uint64_t a_ops = 0, b_ops = 0;

	for (int op = 0; op < OP_COUNT; op++) {
		a_ops += a->ops[op];
		b_ops += b->ops[op];
	}
	COMPARE_DESCENDING(a_ops, b_ops);
	COMPARE_DESCENDING(b->tgid, a->tgid);
	COMPARE_DESCENDING(b->goid, a->goid);
	return 0;
}

size_t model_goroutines(const struct model *model, struct goroutine_row **rows, size_t max)
{
	return rows_first(&model->goroutines, goroutine_shown, NULL, goroutines_by_ops,
	                  (void **)rows, max);
}

size_t model_goroutines_unsorted(const struct model *model, struct goroutine_row **rows, size_t max)
{
	return rows_first(&model->goroutines, goroutine_shown, NULL, NULL, (void **)rows, max);
}

/* ---- targets, crashes: in the order in which they came ------------------------------- */

static size_t rows_copy(const struct row_list *list, void **out, size_t max)
{
	size_t count = list->count < max ? list->count : max;

	for (size_t i = 0; i < count; i++)
		out[i] = list->rows[i];
	return count;
}

size_t model_targets(const struct model *model, struct target_row **rows, size_t max)
{
	return rows_copy(&model->targets, (void **)rows, max);
}

size_t model_crashes(const struct model *model, struct crash_row **rows, size_t max)
{
	return rows_copy(&model->crashes, (void **)rows, max);
}

size_t model_conflict_count(const struct model *model)
{
	return model->conflicts.count;
}

size_t model_goroutine_count(const struct model *model)
{
	return model->goroutines.count;
}

size_t model_target_count(const struct model *model)
{
	return model->targets.count;
}

size_t model_crash_count(const struct model *model)
{
	return model->crashes.count;
}
