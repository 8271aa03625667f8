/* SPDX-License-Identifier: MIT */
#include "tui/check/check_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const check_section_keys[CHECK_SECTION_COUNT] = {
        [CHECK_PROGRAM] = "program",
        [CHECK_PRIVILEGES] = "privileges",
        [CHECK_KERNEL] = "kernel",
        [CHECK_MACHINE] = "machine",
};

const char *const check_state_keys[CHECK_STATE_COUNT] = {
        [CHECK_OK] = "ok",           [CHECK_NOTE] = "note",       [CHECK_LIMIT] = "limit",
        [CHECK_UNKNOWN] = "unknown", [CHECK_PROBLEM] = "problem",
};

const char *const check_probe_keys[CHECK_PROBE_KIND_COUNT] = {
        [CHECK_EMULATED] = "emulated", [CHECK_STEPPED] = "stepped", [CHECK_COVERED] = "covered",
        [CHECK_DROPPED] = "dropped",   [CHECK_MISSING] = "missing",
};

/* ---- adding ---------------------------------------------------------------------------- */

/* Room for one more, zeroed; NULL: out of memory. */
static void *row_add(struct check_report *report, void **rows, size_t *count, size_t size)
{
	char *more = reallocarray(*rows, *count + 1, size);

	if (!more) {
		report->failed = true;
		return NULL;
	}
	*rows = more;
	return memset(more + (*count)++ * size, 0, size);
}

void check_fact_add(struct check_report *report, enum check_section section, enum check_state state,
                    const char *key, const char *title, struct check_value value,
                    const char *meaning, ...)
{
	struct check_fact *fact =
	        row_add(report, (void **)&report->facts, &report->fact_count, sizeof(*fact));
	va_list ap;

	if (!fact)
		return;
	fact->section = section;
	fact->state = state;
	fact->key = key;
	fact->title = title;
	fact->value = value;
	snprintf(fact->text, sizeof(fact->text), "%s", value.text ? value.text : "");
	fact->value.text = NULL; /* rows move: fact->text is where it is */
	va_start(ap, meaning);
	vsnprintf(fact->meaning, sizeof(fact->meaning), meaning, ap);
	va_end(ap);
}

struct check_probe *check_probe_add(struct check_report *report, const char *function)
{
	struct check_probe *probe =
	        row_add(report, (void **)&report->probes, &report->probe_count, sizeof(*probe));

	if (probe)
		snprintf(probe->function, sizeof(probe->function), "%s", function);
	return probe;
}

void check_unseen_add(struct check_report *report, const char *operation, const char *reason)
{
	struct check_unseen *row =
	        row_add(report, (void **)&report->unseen, &report->unseen_count, sizeof(*row));

	if (!row)
		return;
	snprintf(row->operation, sizeof(row->operation), "%s", operation);
	snprintf(row->reason, sizeof(row->reason), "%s", reason);
}

void check_birth_add(struct check_report *report, const char *function, uint64_t addr,
                     uint64_t file_offset)
{
	struct check_birth *row =
	        row_add(report, (void **)&report->births, &report->birth_count, sizeof(*row));

	if (!row)
		return;
	snprintf(row->function, sizeof(row->function), "%s", function);
	row->addr = addr;
	row->file_offset = file_offset;
}

void check_report_free(struct check_report *report)
{
	free(report->facts);
	free(report->probes);
	free(report->unseen);
	free(report->births);
	order_plan_free(&report->order);
	*report = (struct check_report){0};
}

/* ---- asking ---------------------------------------------------------------------------- */

const struct check_fact *check_fact_find(const struct check_report *report, const char *key)
{
	for (size_t i = 0; i < report->fact_count; i++)
		if (!strcmp(report->facts[i].key, key))
			return &report->facts[i];
	return NULL;
}

size_t check_probe_count(const struct check_report *report, enum check_probe_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < report->probe_count; i++)
		count += report->probes[i].kind == kind;
	return count;
}

size_t check_probes_stepped_once(const struct check_report *report)
{
	size_t count = 0;

	for (size_t i = 0; i < report->probe_count; i++)
		count += report->probes[i].kind == CHECK_STEPPED &&
		         !strcmp(report->probes[i].operation, "crash");
	return count;
}

size_t check_probes_placed(const struct check_report *report)
{
	return check_probe_count(report, CHECK_EMULATED) + check_probe_count(report, CHECK_STEPPED);
}

size_t check_probes_wanted(const struct check_report *report)
{
	return check_probes_placed(report) + check_probe_count(report, CHECK_MISSING);
}

/* ---- the verdict ----------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void say(struct check_report *report,
                                                      const char *format, ...)
{
	size_t used = strlen(report->verdict);
	va_list ap;

	va_start(ap, format);
	vsnprintf(report->verdict + used, sizeof(report->verdict) - used, format, ap);
	va_end(ap);
}

static void judge_bad(struct check_report *report, const struct check_fact *first, size_t count)
{
	say(report, "Watching will not work: %s.", first->meaning);
	if (count > 1)
		say(report, " %zu more %s marked FAIL.", count - 1,
		    count == 2 ? "problem is" : "problems are");
}

static void judge_good(struct check_report *report)
{
	size_t stepped = check_probe_count(report, CHECK_STEPPED);
	size_t missing = check_probe_count(report, CHECK_MISSING);
	size_t placed = check_probes_placed(report);

	say(report, "Watching will work: %zu of %zu probes, ", placed, check_probes_wanted(report));
	if (!stepped)
		say(report, "all emulated");
	else
		say(report, "%zu emulated, %zu stepped", placed - stepped, stepped);
	if (stepped && stepped == check_probes_stepped_once(report))
		say(report, " (hit by a crash only)");
	if (missing)
		say(report, "; %zu %s not be seen", missing,
		    missing == 1 ? "function will" : "functions will");
	say(report, ".");
	/* What narrows the view is said again at the end, where it is read. */
	for (size_t i = 0; i < report->fact_count; i++)
		if (report->facts[i].state == CHECK_LIMIT)
			say(report, " Mind: %s.", report->facts[i].meaning);
}

void check_report_judge(struct check_report *report)
{
	const struct check_fact *first = NULL;
	size_t count = 0;

	report->verdict[0] = '\0';
	for (size_t i = 0; i < report->fact_count; i++) {
		if (report->facts[i].state != CHECK_PROBLEM)
			continue;
		count++;
		if (!first || report->facts[i].section < first->section)
			first = &report->facts[i];
	}
	report->works = !count && check_probes_placed(report) > 0;
	if (first)
		judge_bad(report, first, count);
	else if (report->works)
		judge_good(report);
	else
		say(report, "Watching will not work: there is nothing to probe; choose a program "
		            "that uses maps.");
}
