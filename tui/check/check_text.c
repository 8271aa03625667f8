/* SPDX-License-Identifier: MIT */
/* The report for people: 80 columns, one line a fact and what it means. Colour says nothing that a
 * word does not. Names of the target pass through sanitize(). */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/base/sanitize.h"
#include "tui/check/check_report.h"
#include "tui/term/text.h"

#define COLUMNS      80
#define TITLE_AT     8
#define TITLE_WIDTH  25
#define MEANING_AT   (TITLE_AT + TITLE_WIDTH + 1)
#define NAME_COLUMNS 36
#define TEXT_BYTES   2048

static const struct {
	const char *mark, *color;
} marks[CHECK_STATE_COUNT] = {
        [CHECK_OK] = {"ok", "\x1b[32m"},          [CHECK_NOTE] = {"note", ""},
        [CHECK_LIMIT] = {"LESS", "\x1b[33m"},     [CHECK_UNKNOWN] = {"?", "\x1b[33m"},
        [CHECK_PROBLEM] = {"FAIL", "\x1b[1;31m"},
};

static const char *const titles[CHECK_SECTION_COUNT] = {
        [CHECK_PROGRAM] = "Program",
        [CHECK_PRIVILEGES] = "Privileges",
        [CHECK_KERNEL] = "Kernel features, found by trying",
        [CHECK_MACHINE] = "Machine",
};

struct page {
	FILE *out;
	bool color;
};

static void put_mark(const struct page *page, const char *mark, const char *color, int width)
{
	bool colored = page->color && *color;

	fprintf(page->out, "%s%-*s%s", colored ? color : "", width, mark, colored ? "\x1b[0m" : "");
}

/* Text that begins at column `at` (where the line is already) and goes on below itself. */
static void put_wrapped(const struct page *page, const char *text, int at)
{
	char clean[TEXT_BYTES];
	const char *rest = clean;
	size_t length, skip;

	sanitize(text, clean, sizeof(clean));
	while ((length = text_wrap(rest, COLUMNS - at, &skip)) > 0) {
		fprintf(page->out, "%.*s\n", (int)length, rest);
		rest += skip;
		if (*rest)
			fprintf(page->out, "%*s", at, "");
	}
	if (!clean[0])
		fputc('\n', page->out);
}

static void put_title(const struct page *page, const char *title)
{
	fputc('\n', page->out);
	put_mark(page, title, "\x1b[1m", 0);
	fputc('\n', page->out);
}

/* ---- facts ----------------------------------------------------------------------------- */

static void value_format(const struct check_fact *fact, char *out, size_t size)
{
	switch (fact->value.kind) {
	case CHECK_NULL:
		snprintf(out, size, "unknown");
		break;
	case CHECK_BOOL:
		snprintf(out, size, "%s", fact->value.number ? "yes" : "no");
		break;
	case CHECK_NUMBER:
		snprintf(out, size, "%" PRId64, fact->value.number);
		break;
	case CHECK_TEXT:
		snprintf(out, size, "%s", fact->text);
		break;
	}
}

static void put_fact(const struct page *page, const struct check_fact *fact)
{
	char value[sizeof(fact->text)], line[TEXT_BYTES];

	value_format(fact, value, sizeof(value));
	snprintf(line, sizeof(line), "%s%s%s", value, fact->meaning[0] ? ": " : "", fact->meaning);
	fputs("  ", page->out);
	put_mark(page, marks[fact->state].mark, marks[fact->state].color, TITLE_AT - 2);
	fprintf(page->out, "%-*s ", TITLE_WIDTH, fact->title);
	put_wrapped(page, line, MEANING_AT);
}

static void put_section(const struct page *page, const struct check_report *report,
                        enum check_section section)
{
	bool first = true;

	for (size_t i = 0; i < report->fact_count; i++) {
		if (report->facts[i].section != section)
			continue;
		if (first)
			put_title(page, titles[section]);
		first = false;
		put_fact(page, &report->facts[i]);
	}
}

/* ---- probes ---------------------------------------------------------------------------- */

static void put_placed(const struct page *page, const struct check_report *report)
{
	fprintf(page->out, "  %-*s %-8s %-12s %-6s %s\n", NAME_COLUMNS, "FUNCTION", "SEES",
	        "PROBED AT", "THERE", "HOW");
	for (size_t i = 0; i < report->probe_count; i++) {
		const struct check_probe *p = &report->probes[i];

		if (p->kind != CHECK_EMULATED && p->kind != CHECK_STEPPED)
			continue;
		fprintf(page->out, "  %-*s %-8s 0x%-10" PRIx64 " %-6s %s\n", NAME_COLUMNS,
		        p->function, p->operation, p->addr, p->instruction,
		        check_probe_keys[p->kind]);
	}
}

static const struct {
	enum check_probe_kind kind;
	const char *title;
} groups[] = {
        {CHECK_MISSING, "These cannot be probed, what they do will not be seen:"},
        {CHECK_COVERED, "These need none, each of their operations is a hit of what they call:"},
        {CHECK_DROPPED, "These are not in the program, nothing in it calls them:"},
};

static void put_group(const struct page *page, const struct check_report *report, size_t group)
{
	enum check_probe_kind kind = groups[group].kind;
	char line[TEXT_BYTES];

	if (!check_probe_count(report, kind))
		return;
	fprintf(page->out, "  ");
	put_wrapped(page, groups[group].title, 2);
	for (size_t i = 0; i < report->probe_count; i++) {
		const struct check_probe *p = &report->probes[i];

		if (p->kind != kind)
			continue;
		snprintf(line, sizeof(line), "%s%s%s", p->function, p->reason[0] ? ": " : "",
		         p->reason);
		fprintf(page->out, "    ");
		put_wrapped(page, line, 6);
	}
}

static void put_probes(const struct page *page, const struct check_report *report)
{
	char title[128];

	if (!report->probes_known)
		return;
	snprintf(title, sizeof(title), "Map functions: %zu of %zu can be probed",
	         check_probes_placed(report), check_probes_wanted(report));
	put_title(page, title);
	if (check_probes_placed(report))
		put_placed(page, report);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		put_group(page, report, i);
}

static void put_births(const struct page *page, const struct check_report *report)
{
	if (!report->birth_count)
		return;
	put_title(page, "Where maps are made: seen at these returns");
	fprintf(page->out, "  ");
	put_wrapped(page,
	            "The kernel steps them, which is dear: where many maps are made they are "
	            "probed only now and then.",
	            2);
	for (size_t i = 0; i < report->birth_count; i++)
		fprintf(page->out, "  %-*s %-8s 0x%-10" PRIx64 " ret    stepped\n", NAME_COLUMNS,
		        report->births[i].function, "birth", report->births[i].addr);
}

static void put_unseen(const struct page *page, const struct check_report *report)
{
	char line[TEXT_BYTES];

	if (!report->unseen_count)
		return;
	put_title(page, "What is not counted as a map operation, and why");
	for (size_t i = 0; i < report->unseen_count; i++) {
		snprintf(line, sizeof(line), "%s: %s", report->unseen[i].operation,
		         report->unseen[i].reason);
		fprintf(page->out, "  ");
		put_wrapped(page, line, 4);
	}
}

/* ---- the page -------------------------------------------------------------------------- */

static void put_heading(const struct page *page, const struct check_report *report)
{
	char line[PATH_MAX + 64];

	if (!report->pid)
		snprintf(line, sizeof(line), "%s", report->target);
	else if (report->target[0])
		snprintf(line, sizeof(line), "process %d, %s", (int)report->pid, report->target);
	else
		snprintf(line, sizeof(line), "process %d", (int)report->pid);
	fputs("gomaptop check: ", page->out);
	put_wrapped(page, line, 2);
}

int check_text_write(const struct check_report *report, bool color, FILE *out)
{
	const struct page page = {.out = out, .color = color};

	put_heading(&page, report);
	put_section(&page, report, CHECK_PROGRAM);
	put_probes(&page, report);
	put_births(&page, report);
	put_unseen(&page, report);
	for (int i = CHECK_PROGRAM + 1; i < CHECK_SECTION_COUNT; i++)
		put_section(&page, report, (enum check_section)i);
	fputc('\n', out);
	put_wrapped(&page, report->verdict, 0);
	if (fflush(out) || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
