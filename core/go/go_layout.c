/* SPDX-License-Identifier: MIT */
#include "core/go/go_layout.h"

#include <stddef.h>

#define NO GO_NO_FIELD

/* One initializer of a row for each column of the table in the header. */
#define COLUMN_17(name, where, a, ...)                               .name = (a),
#define COLUMN_18(name, where, a, b, ...)                            .name = (b),
#define COLUMN_19(name, where, a, b, c, ...)                         .name = (c),
#define COLUMN_20(name, where, a, b, c, d, ...)                      .name = (d),
#define COLUMN_21(name, where, a, b, c, d, e, ...)                   .name = (e),
#define COLUMN_22(name, where, a, b, c, d, e, f, ...)                .name = (f),
#define COLUMN_23(name, where, a, b, c, d, e, f, g, ...)             .name = (g),
#define COLUMN_24(name, where, a, b, c, d, e, f, g, h, ...)          .name = (h),
#define COLUMN_25(name, where, a, b, c, d, e, f, g, h, i, ...)       .name = (i),
#define COLUMN_26(name, where, a, b, c, d, e, f, g, h, i, j, ...)    .name = (j),
#define COLUMN_27(name, where, a, b, c, d, e, f, g, h, i, j, k, ...) .name = (k),
#define ROW(release)                                                   \
	{                                                              \
		.minor = (release), GO_LAYOUT_FIELDS(COLUMN_##release) \
	}

static const struct go_layout layouts[] = {
        ROW(17), ROW(18), ROW(19), ROW(20), ROW(21), ROW(22),
        ROW(23), ROW(24), ROW(25), ROW(26), ROW(27),
};

_Static_assert(sizeof(layouts) / sizeof(layouts[0]) == GO_MINOR_MAX - GO_MINOR_MIN + 1,
               "one row a release");

static const struct go_layout_field fields[] = {
#define X(name, where, ...) {#name, where, offsetof(struct go_layout, name)},
        GO_LAYOUT_FIELDS(X)
#undef X
};

const struct go_layout *go_layout_find(int minor)
{
	if (minor < GO_MINOR_MIN || minor > GO_MINOR_MAX)
		return NULL;
	return &layouts[minor - GO_MINOR_MIN];
}

const struct go_layout_field *go_layout_fields(int *count)
{
	*count = (int)(sizeof(fields) / sizeof(fields[0]));
	return fields;
}

const char *go_layout_trust_name(enum go_layout_trust trust)
{
	static const char *const names[] = {
	        [GO_LAYOUT_VERIFIED] = "verified",
	        [GO_LAYOUT_FROM_DWARF] = "dwarf",
	        [GO_LAYOUT_UNVERIFIED] = "unverified",
	};

	return names[trust];
}

struct go_map_layout go_layout_map(const struct go_layout *l, enum go_map_runtime runtime)
{
	if (runtime == GO_MAP_HMAP)
		return (struct go_map_layout){
		        .length = l->hmap_count,
		        .seed = l->hmap_hash0,
		        .seed_size = sizeof(uint32_t),
		        .iterator_type = l->hiter_t,
		        .iterator_map = l->hiter_h,
		};
	return (struct go_map_layout){
	        .length = l->swiss_used,
	        .seed = l->swiss_seed,
	        .seed_size = sizeof(uint64_t),
	        .iterator_type = l->iter_typ,
	        .iterator_map = l->iter_m,
	};
}

uint64_t go_layout_lock_reasons(const struct go_layout *l)
{
	const int16_t reasons[] = {l->reason_semacquire, l->reason_mutex, l->reason_rlock,
	                           l->reason_rwmutex};
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i] >= 0 && reasons[i] < 64)
			mask |= UINT64_C(1) << reasons[i];
	return mask;
}
