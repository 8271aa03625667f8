/* SPDX-License-Identifier: MIT */
/*
 * go_layout: where the fields lie that gomaptop reads from a Go process, by Go release.
 *
 * Offsets are bytes from the start of the runtime's struct; GO_NO_FIELD: this release has no such
 * field. One row a release (Go 1.17 to 1.27). Source of each figure: DWARF of a binary built by
 * that release; src/runtime/runtime2.go (type g, type m), src/runtime/map.go (type hmap),
 * src/internal/runtime/maps/map.go (type Map).
 */
#ifndef GOMAPTOP_CORE_GO_LAYOUT_H
#define GOMAPTOP_CORE_GO_LAYOUT_H

#include <stdint.h>

#define GO_MINOR_MIN 17
#define GO_MINOR_MAX 27
#define GO_NO_FIELD  (-1)

enum go_map_runtime { GO_MAP_HMAP, GO_MAP_SWISS };

struct go_layout {
	int minor; /* 24 for Go 1.24.x */
	int16_t g_m, g_atomicstatus, g_goid, g_parent_goid, g_gopc, g_startpc, g_waitreason;
	int16_t m_procid, m_curg;
	int16_t moduledata_text, moduledata_types, moduledata_etypes, moduledata_gofunc;
};

/* The row of a release; NULL outside GO_MINOR_MIN..GO_MINOR_MAX. Static data, any thread. */
const struct go_layout *go_layout_find(int minor);

#endif
