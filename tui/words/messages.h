/* SPDX-License-Identifier: MIT */
/*
 * messages: what gomaptop noticed, in order of time: first sightings of conflicts, crashes, targets
 * that came and went, losses, trouble with probes. The latest MESSAGES_MAX are kept.
 *
 * Found by comparing the rows of now with those of the look before, so no other
 * module has to report anything; nothing is said twice. The screen's thread.
 */
#ifndef GOMAPTOP_TUI_MESSAGES_H
#define GOMAPTOP_TUI_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/words/rows.h"

#define MESSAGES_MAX 500
#define MESSAGE_TEXT 256

enum message_level { MESSAGE_NOTE, MESSAGE_WARNING, MESSAGE_UNORDERED, MESSAGE_ALARM };

struct message {
	uint64_t time_ns; /* of the rows, CLOCK_MONOTONIC; 0: before the first */
	enum message_level level;
	char text[MESSAGE_TEXT]; /* not sanitized */
};

struct messages {
	struct message ring[MESSAGES_MAX];
	uint64_t made; /* since the beginning; the newest is ring[(made - 1) % MESSAGES_MAX] */
	/* What was seen at the look before. */
	unsigned int conflict_number;
	size_t crash_count, target_count;
	uint32_t target_state[ROWS_TARGETS_MAX];
	uint64_t lost[COVERAGE_COUNT], dropped;
	uint32_t let_go, trouble; /* as in struct coverage_row, when last looked at */
	bool windows;             /* it was said that not all operations are probed, */
	bool sampled;             /* that not all short-lived maps are told of */
};

void messages_add(struct messages *messages, uint64_t time_ns, enum message_level level,
                  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Look at the rows of now. */
void messages_watch(struct messages *messages, const struct rows *rows);

size_t messages_count(const struct messages *messages);
/* By age: 0 is the newest. */
const struct message *messages_at(const struct messages *messages, size_t index);

#endif
