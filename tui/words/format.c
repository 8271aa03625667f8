/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/format.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/thousands.h"

#define NS_US UINT64_C(1000)
#define NS_MS UINT64_C(1000000)
#define NS_S  UINT64_C(1000000000)

/* Value with one decimal below 10, none from there on: three digits at most below 1000. */
static const char *scaled(double value, const char *unit, char out[FORMAT_MAX])
{
	snprintf(out, FORMAT_MAX, value < 9.95 ? "%.1f%s" : "%.0f%s", value, unit);
	return out;
}

static const char *large(double value, char out[FORMAT_MAX])
{
	const char *unit = thousands(&value);

	return scaled(value, unit, out);
}

const char *format_count(uint64_t count, char out[FORMAT_MAX])
{
	if (count >= 1000)
		return large((double)count, out);
	snprintf(out, FORMAT_MAX, "%" PRIu64, count);
	return out;
}

const char *format_rate(double rate, char out[FORMAT_MAX])
{
	if (!(rate > 0))
		snprintf(out, FORMAT_MAX, "0");
	else if (rate < 0.01)
		snprintf(out, FORMAT_MAX, "<.01");
	else if (rate < 0.995)
		snprintf(out, FORMAT_MAX, "%.2f", rate);
	else
		return large(rate, out);
	return out;
}

const char *format_duration(uint64_t ns, char out[FORMAT_MAX])
{
	static const struct {
		uint64_t below, unit;
		const char *name;
	} steps[] = {
	        {NS_US, 1, "ns"},
	        {NS_MS, NS_US, "us"},
	        {NS_S, NS_MS, "ms"},
	        {100 * NS_S, NS_S, "s"},
	        {6000 * NS_S, 60 * NS_S, "m"},
	        {48 * 3600 * NS_S, 3600 * NS_S, "h"},
	        {UINT64_MAX, 86400 * NS_S, "d"},
	};
	size_t i = 0;

	/* Half a percent below the limit, because it would be rounded up to "1000ms". */
	while (ns >= steps[i].below - steps[i].below / 2000 &&
	       i + 1 < sizeof(steps) / sizeof(steps[0]))
		i++;
	if (steps[i].unit == 1 || ns % steps[i].unit == 0) {
		snprintf(out, FORMAT_MAX, "%" PRIu64 "%s", ns / steps[i].unit, steps[i].name);
		return out;
	}
	return scaled((double)ns / (double)steps[i].unit, steps[i].name, out);
}

const char *format_age(uint64_t now, uint64_t then, char out[FORMAT_MAX])
{
	static const struct {
		uint64_t unit;
		char name;
	} steps[] = {{86400 * NS_S, 'd'}, {3600 * NS_S, 'h'}, {60 * NS_S, 'm'}, {NS_S, 's'}};
	uint64_t age = now > then ? now - then + NS_S / 2 : 0;
	size_t i = 0;

	while (steps[i].name != 's' && age < 2 * steps[i].unit)
		i++;
	snprintf(out, FORMAT_MAX, "%" PRIu64 "%c", age / steps[i].unit, steps[i].name);
	return out;
}

const char *format_percent(double part, char out[FORMAT_MAX])
{
	if (!(part > 0))
		snprintf(out, FORMAT_MAX, "0%%");
	else if (part < 0.001)
		snprintf(out, FORMAT_MAX, "<0.1%%");
	else
		snprintf(out, FORMAT_MAX, part < 0.0995 ? "%.1f%%" : "%.0f%%", part * 100);
	return out;
}

const char *format_clock(uint64_t realtime_ns, char out[FORMAT_MAX])
{
	time_t seconds = (time_t)(realtime_ns / NS_S);
	struct tm when;
	size_t used;

	localtime_r(&seconds, &when);
	used = strftime(out, FORMAT_MAX, "%H:%M:%S", &when);
	snprintf(out + used, FORMAT_MAX - used, ".%06u",
	         (unsigned int)(realtime_ns % NS_S / NS_US));
	return out;
}

const char *format_path(const struct frame *frame, char *out, size_t size)
{
	if (frame->file)
		snprintf(out, size, "%s:%d", frame->file, frame->line);
	else
		snprintf(out, size, "0x%" PRIx64, frame->pc);
	return out;
}

const char *format_line(const struct frame *frame, char *out, size_t size)
{
	struct frame brief = *frame;
	const char *slash = frame->file ? strrchr(frame->file, '/') : NULL;

	if (slash)
		brief.file = slash + 1;
	return format_path(&brief, out, size);
}

const char *format_function(const struct frame *frame, char *out, size_t size)
{
	const char *name = frame->function, *start, *p;

	if (!name) {
		snprintf(out, size, "0x%" PRIx64, frame->pc);
		return out;
	}
	for (start = p = name; *p && *p != '[' && *p != '('; p++)
		if (*p == '/')
			start = p + 1;
	snprintf(out, size, "%s", start);
	return out;
}

/* How many bytes of an identifier with its package stand at text. */
static size_t word_length(const char *text)
{
	size_t length = 0;

	while (isalnum((unsigned char)text[length]) || (text[length] & 0x80) ||
	       (text[length] && strchr("_/.-~%", text[length])))
		length++;
	return length;
}

static void append(char *out, size_t size, size_t *used, const char *text, size_t length)
{
	if (*used + length >= size)
		length = size - 1 - *used;
	memcpy(out + *used, text, length);
	*used += length;
}

const char *format_type(const char *type, char *out, size_t size)
{
	static const struct {
		const char *from, *to;
	} brief[] = {{"interface {}", "any"}, {"struct {}", "{}"}, {"...", "..."}};
	size_t used = 0;

	while (*type) {
		size_t i = 0, length = word_length(type);

		while (i < sizeof(brief) / sizeof(brief[0]) &&
		       strncmp(type, brief[i].from, strlen(brief[i].from)) != 0)
			i++;
		if (i < sizeof(brief) / sizeof(brief[0])) {
			append(out, size, &used, brief[i].to, strlen(brief[i].to));
			length = strlen(brief[i].from);
		} else if (length) {
			const char *dot = memrchr(type, '.', length);
			const char *start = dot ? dot + 1 : type;

			append(out, size, &used, start, length - (size_t)(start - type));
		} else {
			append(out, size, &used, type, length = 1);
		}
		type += length;
	}
	out[used] = '\0';
	return out;
}

static char unit_above(char unit)
{
	static const char units[] = "kMGTPE?";
	const char *found = strchr(units, unit);

	return found && found[1] ? found[1] : '?';
}

const char *format_rate_estimated(double rate, char out[FORMAT_MAX])
{
	char text[FORMAT_MAX], *unit;
	double figure;

	if (rate < 0.05)
		return format_rate(rate > 0 ? 0.001 : 0, out);
	format_rate(rate, text);
	figure = strtod(text, &unit);
	/* A sample has no third digit to tell, and the column no room for one. */
	if (*unit && figure >= 100)
		snprintf(out, FORMAT_MAX, figure < 950 ? "~.%.0f%c" : "~%.0f%c",
		         figure < 950 ? figure / 100 : 1.0, unit_above(*unit));
	else if (strchr(text, '.'))
		snprintf(out, FORMAT_MAX, "~%.*f%.1s", figure < 0.95 ? 1 : 0, figure, unit);
	else
		snprintf(out, FORMAT_MAX, "~%.*s", FORMAT_MAX - 2, text);
	return out;
}
