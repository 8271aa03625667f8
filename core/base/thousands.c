/* SPDX-License-Identifier: MIT */
#include "core/base/thousands.h"

#include <stddef.h>

const char *thousands(double *value)
{
	static const char *const units[] = {"", "k", "M", "G", "T", "P", "E"};
	size_t unit = 0;

	while (*value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		*value /= 1000;
		unit++;
	}
	return units[unit];
}
