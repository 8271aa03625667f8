/* SPDX-License-Identifier: MIT */
#include "core/report/overhead_text.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/budget/overhead_budget.h"

struct line {
	char *text;
	size_t size, length;
};

__attribute__((format(printf, 2, 3))) static void say(struct line *line, const char *format, ...)
{
	size_t room = line->size - line->length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(line->text + line->length, room, format, args);
	va_end(args);
	if (length > 0)
		line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static double base_ns(const struct coverage_row *c)
{
	return c->target_cpu_ns ? (double)overhead_base_ns(c->target_cpu_ns, c->watched_ns) : 0;
}

void overhead_text(const struct coverage_row *c, double overhead_limit, char *text, size_t size)
{
	struct line line = {.text = text, .size = size};
	double base = base_ns(c);

	*text = '\0';
	if (base <= 0)
		return;
	say(&line, "Watching has cost about %.2f %% of %s so far", 100 * c->overhead_estimate,
	    base > (double)c->target_cpu_ns ? "a third of a CPU (the targets use less)"
	                                    : "the targets' CPU time");
	if (overhead_limit > 0 && overhead_limit < OVERHEAD_UNLIMITED)
		say(&line, "; the limit is %.3g %%", 100 * overhead_limit);
}

void overhead_parts_text(const struct coverage_row *c, char *text, size_t size)
{
	struct line line = {.text = text, .size = size};
	double held = (double)c->value[COVERAGE_STALL_NS];
	double percent = base_ns(c) / 100;

	*text = '\0';
	if (percent <= 0)
		return;
	say(&line, "probe hits %.2f %%, held accesses %.2f %%, other effects: ",
	    (double)coverage_hits_ns(c) / percent, held / percent);
	if (c->contention > 0)
		say(&line, "%.2f %%", (double)c->waiting_ns / percent);
	else
		say(&line, "unknown");
}
