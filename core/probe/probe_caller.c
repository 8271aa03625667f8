/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/probe/probe_caller.h"
#include "core/probe/prologue.h"

/* Functions that do what their caller asks of a map, and are not probed. Those of the table of
 * probe sites that turned out to be wrappers come on top. */
static const char *const passages[] = {
        "runtime.mapaccess1_fat",
        "runtime.mapaccess2_fat",
        "runtime.mapIterNext",
        "runtime.mapiternext",
        "runtime.mapclear",
        "reflect.mapaccess",
        "reflect.mapaccess_faststr",
        "reflect.mapassign",
        "reflect.mapassign0",
        "reflect.mapassign_faststr",
        "reflect.mapassign_faststr0",
        "reflect.mapdelete",
        "reflect.mapdelete_faststr",
        "reflect.mapiterinit",
        "reflect.mapiternext",
        "reflect.mapIterNext",
        "reflect.mapclear",
        "reflect.Value.MapIndex",
        "reflect.Value.MapKeys",
        "reflect.Value.SetMapIndex",
        "reflect.Value.Clear",
        "reflect.(*MapIter).Next",
        "maps.clone",
};
#define PASSAGES (sizeof(passages) / sizeof(passages[0]))

#define CODE_MAX 4096 /* the longest of them has about 1 KiB */

struct link {
	struct go_function function;
	struct probe_site *site; /* NULL: not probed */
	unsigned char *code;
	size_t code_len;
	bool leads; /* to the site in question */
};

struct chart {
	struct go_binary *binary;
	struct link *links;
	size_t count;
};

static void link_add(struct chart *chart, const char *name, struct probe_site *site)
{
	struct link link = {.site = site};

	if (go_binary_function_find(chart->binary, name, &link.function))
		return;
	for (size_t i = 0; i < chart->count; i++)
		if (chart->links[i].function.entry == link.function.entry)
			return;
	link.code_len = link.function.end - link.function.entry;
	if (link.code_len > CODE_MAX)
		link.code_len = CODE_MAX;
	link.code = malloc(link.code_len + 1);
	if (!link.code ||
	    go_binary_read(chart->binary, link.function.entry, link.code, link.code_len)) {
		free(link.code);
		return;
	}
	chart->links[chart->count++] = link;
}

static int chart_make(struct chart *chart, struct go_binary *binary, struct probe_plan *plan)
{
	*chart = (struct chart){.binary = binary};
	chart->links = calloc(plan->site_count + plan->skip_count + PASSAGES, sizeof(struct link));
	if (!chart->links)
		return -ENOMEM;
	for (size_t i = 0; i < plan->site_count; i++)
		if (plan->sites[i].role == PROBE_MAP_OP)
			link_add(chart, plan->sites[i].function, &plan->sites[i]);
	for (size_t i = 0; i < plan->skip_count; i++)
		if (!plan->skips[i].wanted)
			link_add(chart, plan->skips[i].function, NULL);
	for (size_t i = 0; i < PASSAGES; i++)
		link_add(chart, passages[i], NULL);
	return 0;
}

static void chart_free(struct chart *chart)
{
	for (size_t i = 0; i < chart->count; i++)
		free(chart->links[i].code);
	free(chart->links);
}

static bool link_calls(const struct chart *chart, const struct link *caller,
                       const struct link *callee)
{
	return caller != callee &&
	       code_calls(go_binary_machine(chart->binary), caller->code, caller->code_len,
	                  caller->function.entry, callee->function.entry);
}

/* Does it call something that leads to the target? */
static bool link_leads(const struct chart *chart, const struct link *link)
{
	for (size_t i = 0; i < chart->count; i++)
		if (chart->links[i].leads && link_calls(chart, link, &chart->links[i]))
			return true;
	return false;
}

/* Mark what is not probed and leads to the target, directly or through others that do. */
static void chart_mark(struct chart *chart, const struct link *target)
{
	bool more = true;

	for (size_t i = 0; i < chart->count; i++)
		chart->links[i].leads = &chart->links[i] == target;
	while (more) {
		more = false;
		for (size_t i = 0; i < chart->count; i++) {
			struct link *link = &chart->links[i];

			if (link->site || link->leads || !link_leads(chart, link))
				continue;
			link->leads = more = true;
		}
	}
}

static void caller_add(struct probe_plan *plan, struct probe_site *site, const struct link *link)
{
	plan->callers[plan->caller_count++] = (struct probe_caller){
	        .addr = link->function.entry,
	        .size = link->function.end - link->function.entry,
	        .probed = link->site != NULL,
	};
	site->caller_count++;
}

static void site_callers_find(struct chart *chart, struct link *target, struct probe_plan *plan)
{
	target->site->first_caller = plan->caller_count;
	for (size_t i = 0; i < chart->count; i++)
		if (chart->links[i].site && link_calls(chart, &chart->links[i], target))
			caller_add(plan, target->site, &chart->links[i]);
	chart_mark(chart, target);
	for (size_t i = 0; i < chart->count; i++)
		if (chart->links[i].leads && &chart->links[i] != target)
			caller_add(plan, target->site, &chart->links[i]);
}

int probe_callers_find(struct go_binary *binary, struct probe_plan *plan)
{
	struct chart chart;
	int rc = chart_make(&chart, binary, plan);

	if (rc)
		return rc;
	plan->callers = calloc(chart.count * chart.count + 1, sizeof(*plan->callers));
	for (size_t i = 0; plan->callers && i < chart.count; i++)
		if (chart.links[i].site)
			site_callers_find(&chart, &chart.links[i], plan);
	chart_free(&chart);
	return plan->callers ? 0 : -ENOMEM;
}
