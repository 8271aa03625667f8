/* SPDX-License-Identifier: MIT */
/*
 * layout_field: parts of a layout that are believed or not, each by itself.
 *
 * An enum alone: compiled for the BPF programs too.
 */
#ifndef GOMAPTOP_CORE_LAYOUT_FIELD_H
#define GOMAPTOP_CORE_LAYOUT_FIELD_H

/* One bit each. */
enum layout_field {
	LAYOUT_GOID = 1,
	LAYOUT_PARENT_GOID = 2,
	LAYOUT_GOPC = 4,
	LAYOUT_STARTPC = 8,
	LAYOUT_MAP = 16, /* the map header: length and hash seed */
};

#endif
