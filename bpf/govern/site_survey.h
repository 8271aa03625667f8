/* SPDX-License-Identifier: MIT */
/*
 * site_survey: what the programs learned of the places that touch maps, read from their tables.
 */
#ifndef GOMAPTOP_BPF_SITE_SURVEY_H
#define GOMAPTOP_BPF_SITE_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/attach/program.h"
#include "bpf/wire/wire.h"
#include "core/event/event.h"

/* How an object of the detector fared. */
struct survey_trial {
	uint64_t holds, met;
	double expected;
	double waited;              /* await_worth() of those who waited at a lock for one held */
	double arrivals, watched_s; /* in control windows, and how long these were */
	bool contested;             /* changed while it was shared */
	bool unordered;             /* of a place: nothing orders accesses from there and others */
};

/* A place that touches maps which several goroutines use and something changes. */
struct survey_touch {
	struct touch_key key;
	struct touch touch;
	struct call_site site; /* all zero: not known (any more) */
	struct survey_trial place, map;
	uint64_t ops; /* such operations on that map so far; 0: not known (any more) */
};

struct site_survey;

/* The program is borrowed. 0 or -ENOMEM. */
int site_survey_create(const struct program *program, struct site_survey **out);
void site_survey_destroy(struct site_survey *survey); /* accepts NULL */

/* All touches since `since_ns`, in any order. They belong to the survey and last until the next
 * call. Returns how many. One thread. */
size_t site_survey_read(struct site_survey *survey, uint64_t since_ns,
                        const struct survey_touch **out);

#endif
