/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/messages.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/event/trouble.h"
#include "tui/words/explain.h"
#include "tui/words/format.h"

void messages_add(struct messages *messages, uint64_t time_ns, enum message_level level,
                  const char *fmt, ...)
{
	struct message *message = &messages->ring[messages->made++ % MESSAGES_MAX];
	va_list ap;

	message->time_ns = time_ns;
	message->level = level;
	va_start(ap, fmt);
	vsnprintf(message->text, sizeof(message->text), fmt, ap);
	va_end(ap);
}

size_t messages_count(const struct messages *messages)
{
	return messages->made < MESSAGES_MAX ? (size_t)messages->made : MESSAGES_MAX;
}

const struct message *messages_at(const struct messages *messages, size_t index)
{
	return &messages->ring[(messages->made - 1 - index) % MESSAGES_MAX];
}

/* ---- what is new --------------------------------------------------------------------- */

static const char *line_of(const struct side *side, char *out, size_t size)
{
	return side->chain_length ? format_line(&side->chain[0], out, size) : "an unknown line";
}

static void say_conflict(struct messages *messages, const struct conflict_row *conflict)
{
	bool unordered = conflict->evidence == EVIDENCE_UNORDERED;
	char a[64], b[64], name[EXPLAIN_MAX];

	if (!explain_side_is_known(conflict, &conflict->b)) {
		messages_add(
		        messages, conflict->first_ns, MESSAGE_ALARM,
		        "the runtime itself found a conflict on m%u %.80s: %s at %s",
		        conflict->map ? conflict->map->number : 0,
		        conflict->map ? explain_map_name(conflict->map, name, sizeof(name)) : "",
		        map_op_name(conflict->a.access.op), line_of(&conflict->a, a, sizeof(a)));
		return;
	}
	messages_add(messages, conflict->first_ns, unordered ? MESSAGE_UNORDERED : MESSAGE_ALARM,
	             "first %s %s on m%u %.80s: %s at %s %s %s at %s",
	             conflict_kind_name(conflict->kind),
	             unordered ? "pair that nothing orders" : "conflict",
	             conflict->map ? conflict->map->number : 0,
	             conflict->map ? explain_map_name(conflict->map, name, sizeof(name)) : "",
	             map_op_name(conflict->a.access.op), line_of(&conflict->a, a, sizeof(a)),
	             unordered ? "and" : "against", map_op_name(conflict->b.access.op),
	             line_of(&conflict->b, b, sizeof(b)));
}

/* Numbers are given in the order of first sightings; the rows come in another one. */
static const struct conflict_row *conflict_after(const struct rows *rows, unsigned int number)
{
	const struct conflict_row *next = NULL;

	for (size_t i = 0; i < rows->conflict_count; i++)
		if (rows->conflicts[i]->number > number &&
		    (!next || rows->conflicts[i]->number < next->number))
			next = rows->conflicts[i];
	return next;
}

/* More than fit are not worth looking for. */
static void watch_conflicts(struct messages *messages, const struct rows *rows)
{
	const struct conflict_row *next = conflict_after(rows, messages->conflict_number);

	for (int i = 0; next && i < MESSAGES_MAX; i++) {
		say_conflict(messages, next);
		messages->conflict_number = next->number;
		next = conflict_after(rows, next->number);
	}
}

static void watch_crashes(struct messages *messages, const struct rows *rows)
{
	for (size_t i = messages->crash_count; i < rows->crash_count; i++)
		messages_add(messages, rows->crashes[i]->time_ns, MESSAGE_ALARM,
		             "process %u died: fatal error: %s", rows->crashes[i]->tgid,
		             rows->crashes[i]->message);
	messages->crash_count = rows->crash_count;
}

static void watch_targets(struct messages *messages, const struct rows *rows)
{
	for (size_t i = 0; i < rows->target_count; i++) {
		const struct target_row *target = rows->targets[i];

		if (i >= messages->target_count)
			messages_add(messages, rows->now_ns, MESSAGE_NOTE,
			             "watching process %u, %.100s, %s", target->tgid, target->exe,
			             target->go_version);
		else if (target->state != messages->target_state[i])
			messages_add(messages, rows->now_ns, MESSAGE_WARNING, "process %u has %s",
			             target->tgid, process_state_name(target->state));
		messages->target_state[i] = target->state;
	}
	messages->target_count = rows->target_count;
}

static void say_lost(struct messages *messages, const struct rows *rows, const char *cause,
                     uint64_t now, uint64_t *before)
{
	char count[FORMAT_MAX];

	if (now > *before)
		messages_add(messages, rows->now_ns, MESSAGE_WARNING, "%s event%s lost: %s",
		             format_count(now - *before, count), now - *before == 1 ? "" : "s",
		             cause);
	*before = now;
}

static void watch_losses(struct messages *messages, const struct rows *rows)
{
	static const struct {
		enum coverage_field field;
		const char *cause;
	} causes[] = {
	        {COVERAGE_RING_FULL, "the kernel's ring buffer was full"},
	        {COVERAGE_QUEUE_FULL, "the queue within gomaptop was full"},
	        {COVERAGE_TABLE_FULL, "a table in the kernel was full"},
	        {COVERAGE_STACK_FAILED, "a call chain could not be walked"},
	        {COVERAGE_TABLE_UNREAD, "a table in the kernel could not be read"},
	};

	for (size_t i = 0; i < sizeof(causes) / sizeof(causes[0]); i++)
		say_lost(messages, rows, causes[i].cause, rows->coverage.value[causes[i].field],
		         &messages->lost[causes[i].field]);
	say_lost(messages, rows, "more rows than are kept", rows->dropped, &messages->dropped);
}

/* Windows change what every figure means. Said once: they may come and go with the load. */
static void watch_windows(struct messages *m, const struct rows *rows)
{
	if (m->windows || !rows->coverage.rates_estimated)
		return;
	m->windows = true;
	messages_add(
	        m, rows->now_ns, MESSAGE_NOTE,
	        "map operations are too frequent to probe each: they are seen in short windows, "
	        "rates (~) are scaled up, too low where probes slow the program%s",
	        rows->coverage.planned > 0 ? "; --max-overhead allows more" : "");
}

static void watch_sampling(struct messages *m, const struct rows *rows)
{
	if (m->sampled || !rows->coverage.value[COVERAGE_MAPS_UNTRACKED])
		return;
	m->sampled = true;
	messages_add(
	        m, rows->now_ns, MESSAGE_NOTE,
	        "maps come and go faster than each can be told of: some that one goroutine alone "
	        "used are in the totals, but in no row");
}

static void watch_trouble(struct messages *m, const struct rows *rows)
{
	const struct coverage_row *c = &rows->coverage;

	if (c->let_go > m->let_go)
		messages_add(
		        m, rows->now_ns, MESSAGE_WARNING,
		        "gomaptop or its keeper did not run: probes were let go, and are put back");
	if (c->trouble && c->trouble != m->trouble)
		messages_add(m, rows->now_ns, MESSAGE_WARNING, "no probe is in place: %s",
		             trouble_words(c->trouble));
	if (!c->trouble && m->trouble)
		messages_add(m, rows->now_ns, MESSAGE_NOTE, "probes are in place again");
	m->let_go = c->let_go;
	m->trouble = c->trouble;
}

void messages_watch(struct messages *messages, const struct rows *rows)
{
	if (rows->frozen)
		return;
	watch_targets(messages, rows);
	watch_conflicts(messages, rows);
	watch_crashes(messages, rows);
	watch_losses(messages, rows);
	watch_trouble(messages, rows);
	watch_windows(messages, rows);
	watch_sampling(messages, rows);
}
