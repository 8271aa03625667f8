/* SPDX-License-Identifier: MIT */
/*
 * coverage_names: the totals of COVERAGE_FIELDS by name and group, for reports that write them out.
 */
#ifndef GOMAPTOP_CORE_COVERAGE_NAMES_H
#define GOMAPTOP_CORE_COVERAGE_NAMES_H

#include "core/event/event.h"

enum coverage_group {
	COVERAGE_GROUP_TOTAL,
	COVERAGE_GROUP_FILTERED,
	COVERAGE_GROUP_LOST,
	COVERAGE_GROUP_UNTRACKED,
};

/* By enum coverage_field. */
extern const struct coverage_name {
	const char *name;
	enum coverage_group group;
} coverage_names[COVERAGE_COUNT];

#endif
