/* SPDX-License-Identifier: MIT */
#include "core/event/coverage_names.h"

const struct coverage_name coverage_names[COVERAGE_COUNT] = {
#define X(id, name, group) [COVERAGE_##id] = {name, COVERAGE_GROUP_##group},
        COVERAGE_FIELDS(X)
#undef X
};
