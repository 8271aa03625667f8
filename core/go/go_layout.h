/* SPDX-License-Identifier: MIT */
/*
 * go_layout: where the fields lie that gomaptop reads from a Go process, by Go release.
 *
 * Offsets are bytes from the start of the runtime's struct; GO_NO_FIELD: this release has no such
 * field. A row of the table is a field, with its name as DWARF has it (package.type:member; two
 * names: the type was renamed, or it depends on the map runtime; without a member it is a constant,
 * and no offset but its value), a column a release. Source of each figure: DWARF of a binary built
 * by that release, which tests/unit/target/check_go_layout.py holds the table against. To be found
 * in Go's sources in
 *
 *   src/runtime/runtime2.go             type g, type m
 *   src/runtime/symtab.go               type moduledata
 *   src/runtime/map.go                  type hmap, type hiter (from 1.24 map_noswiss.go)
 *   src/internal/runtime/maps/map.go    type Map; table.go in the same folder: type Iter
 *   src/runtime/type.go                 type _type, type maptype; from 1.21
 *   src/internal/abi/type.go, map_*.go  type Type, type MapType
 *
 * g.goid moved by 8 in 1.23 (g.syscallbp came) and back in 1.25 (gobuf.ret went).
 */
#ifndef GOMAPTOP_CORE_GO_LAYOUT_H
#define GOMAPTOP_CORE_GO_LAYOUT_H

#include <stdint.h>

#define GO_MINOR_MIN 17
#define GO_MINOR_MAX 27
#define GO_NO_FIELD  (-1)

enum go_map_runtime { GO_MAP_HMAP, GO_MAP_SWISS };

/* Where the offsets of a binary come from. */
enum go_layout_trust {
	GO_LAYOUT_VERIFIED,   /* the table's row of its release */
	GO_LAYOUT_FROM_DWARF, /* newer than the table: the binary's own debug information */
	GO_LAYOUT_UNVERIFIED, /* newer than the table, and no debug information: the newest row;
	                       * only what live objects confirm may be believed */
};

/* clang-format off */
#define NO GO_NO_FIELD
#define GO_LAYOUT_FIELDS(X) \
	/*                                                       1.17 1.18 1.19 1.20 1.21 1.22 1.23 1.24 1.25 1.26 1.27 */ \
	X(g_stack_hi, "runtime.g:stack.hi",                         8,   8,   8,   8,   8,   8,   8,   8,   8,   8,   8) \
	X(g_m, "runtime.g:m",                                      48,  48,  48,  48,  48,  48,  48,  48,  48,  48,  48) \
	X(g_atomicstatus, "runtime.g:atomicstatus",               144, 144, 144, 144, 144, 144, 152, 152, 144, 144, 144) \
	X(g_goid, "runtime.g:goid",                               152, 152, 152, 152, 152, 152, 160, 160, 152, 152, 152) \
	X(g_parent_goid, "runtime.g:parentGoid",                   NO,  NO,  NO,  NO, 272, 272, 280, 280, 272, 280, 280) \
	X(g_gopc, "runtime.g:gopc",                               296, 296, 296, 296, 280, 280, 288, 288, 280, 288, 288) \
	X(g_startpc, "runtime.g:startpc",                         312, 312, 312, 312, 296, 296, 304, 304, 296, 304, 304) \
	X(g_waitreason, "runtime.g:waitreason",                   176, 176, 176, 176, 176, 176, 184, 184, 176, 176, 176) \
	/* Not offsets but values of g.waitreason; those of sync came in 1.20. */ \
	X(reason_semacquire, "runtime.waitReasonSemacquire",       18,  18,  18,  18,  18,  18,  18,  18,  19,  13,  13) \
	X(reason_mutex, "runtime.waitReasonSyncMutexLock",         NO,  NO,  NO,  21,  21,  21,  21,  21,  22,  22,  22) \
	X(reason_rlock, "runtime.waitReasonSyncRWMutexRLock",      NO,  NO,  NO,  22,  22,  22,  22,  22,  23,  23,  23) \
	X(reason_rwmutex, "runtime.waitReasonSyncRWMutexLock",     NO,  NO,  NO,  23,  23,  23,  23,  23,  24,  24,  24) \
	X(m_g0, "runtime.m:g0",                                     0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0) \
	X(m_procid, "runtime.m:procid",                            72,  72,  72,  72,  72,  72,  72,  72,  64,  64,  64) \
	X(m_curg, "runtime.m:curg",                               192, 192, 192, 192, 192, 192, 192, 192, 184, 184, 184) \
	X(moduledata_funcnametab, "runtime.moduledata:funcnametab", 8,   8,   8,   8,   8,   8,   8,   8,   8,   8,   8) \
	X(moduledata_pclntable, "runtime.moduledata:pclntable",   104, 104, 104, 104, 104, 104, 104, 104, 104, 104, 104) \
	X(moduledata_minpc, "runtime.moduledata:minpc",           160, 160, 160, 160, 160, 160, 160, 160, 160, 160, 160) \
	X(moduledata_maxpc, "runtime.moduledata:maxpc",           168, 168, 168, 168, 168, 168, 168, 168, 168, 168, 168) \
	X(moduledata_text, "runtime.moduledata:text",             176, 176, 176, 176, 176, 176, 176, 176, 176, 176, 176) \
	X(moduledata_etext, "runtime.moduledata:etext",           184, 184, 184, 184, 184, 184, 184, 184, 184, 184, 184) \
	X(moduledata_types, "runtime.moduledata:types",           280, 280, 280, 296, 296, 296, 296, 296, 296, 296, 296) \
	X(moduledata_etypes, "runtime.moduledata:etypes",         288, 288, 288, 304, 304, 304, 304, 304, 304, 304, 312) \
	/* Before 1.18 funcdata are absolute pointers. */ \
	X(moduledata_gofunc, "runtime.moduledata:gofunc",          NO, 304, 304, 320, 320, 320, 320, 320, 320, 320, 344) \
	/* 1.24 and 1.25 have either kind of map, see go_binary_map_runtime(). */ \
	X(hmap_count, "runtime.hmap:count",                         0,   0,   0,   0,   0,   0,   0,   0,   0,  NO,  NO) \
	X(hmap_flags, "runtime.hmap:flags",                         8,   8,   8,   8,   8,   8,   8,   8,   8,  NO,  NO) \
	X(hmap_b, "runtime.hmap:B",                                 9,   9,   9,   9,   9,   9,   9,   9,   9,  NO,  NO) \
	X(hmap_hash0, "runtime.hmap:hash0",                        12,  12,  12,  12,  12,  12,  12,  12,  12,  NO,  NO) \
	X(hiter_t, "runtime.hiter:t",                              16,  16,  16,  16,  16,  16,  16,  16,  16,  NO,  NO) \
	X(hiter_h, "runtime.hiter:h",                              24,  24,  24,  24,  24,  24,  24,  24,  24,  NO,  NO) \
	X(swiss_used, "internal/runtime/maps.Map:used",            NO,  NO,  NO,  NO,  NO,  NO,  NO,   0,   0,   0,   0) \
	X(swiss_seed, "internal/runtime/maps.Map:seed",            NO,  NO,  NO,  NO,  NO,  NO,  NO,   8,   8,   8,   8) \
	X(swiss_dirptr, "internal/runtime/maps.Map:dirPtr",        NO,  NO,  NO,  NO,  NO,  NO,  NO,  16,  16,  16,  16) \
	X(swiss_dirlen, "internal/runtime/maps.Map:dirLen",        NO,  NO,  NO,  NO,  NO,  NO,  NO,  24,  24,  24,  24) \
	X(swiss_writing, "internal/runtime/maps.Map:writing",      NO,  NO,  NO,  NO,  NO,  NO,  NO,  34,  34,  34,  34) \
	X(iter_typ, "internal/runtime/maps.Iter:typ",              NO,  NO,  NO,  NO,  NO,  NO,  NO,  16,  16,  16,  16) \
	X(iter_m, "internal/runtime/maps.Iter:m",                  NO,  NO,  NO,  NO,  NO,  NO,  NO,  24,  24,  24,  24) \
	X(maptype_key, "runtime.maptype:key|internal/abi.MapType:Key|internal/abi.OldMapType:Key|internal/abi.SwissMapType:Key", \
	                                                           48,  48,  48,  48,  48,  48,  48,  48,  48,  48,  48) \
	X(maptype_elem, "runtime.maptype:elem|internal/abi.MapType:Elem|internal/abi.OldMapType:Elem|internal/abi.SwissMapType:Elem", \
	                                                           56,  56,  56,  56,  56,  56,  56,  56,  56,  56,  56) \
	X(type_size, "runtime._type:size|internal/abi.Type:Size_",  0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0) \
	X(type_tflag, "runtime._type:tflag|internal/abi.Type:TFlag",  \
	                                                           20,  20,  20,  20,  20,  20,  20,  20,  20,  20,  20) \
	X(type_kind, "runtime._type:kind|internal/abi.Type:Kind_", 23,  23,  23,  23,  23,  23,  23,  23,  23,  23,  23) \
	X(type_str, "runtime._type:str|internal/abi.Type:Str",     40,  40,  40,  40,  40,  40,  40,  40,  40,  40,  40)
#undef NO
/* clang-format on */

struct go_layout {
	int minor; /* 24 for Go 1.24.x */
#define X(name, where, ...) int16_t name;
	GO_LAYOUT_FIELDS(X)
#undef X
};

/* The same fields as a table, for who fills a layout or looks through it. */
struct go_layout_field {
	const char *name;  /* "g_goid" */
	const char *where; /* "runtime.g:goid", alternatives separated by '|' */
	uint16_t at;       /* offset of the int16_t in struct go_layout */
};

/* The table's row of a release; NULL outside GO_MINOR_MIN..GO_MINOR_MAX. Static, any thread. */
const struct go_layout *go_layout_find(int minor);

/* Every field of struct go_layout, in its order. Static, any thread. */
const struct go_layout_field *go_layout_fields(int *count);

const char *go_layout_trust_name(enum go_layout_trust trust); /* "verified", "dwarf", ... */

/* Map header and iterator of a binary, whichever kind of map it has. */
struct go_map_layout {
	int16_t length;        /* number of entries */
	int16_t seed;          /* hash seed */
	int16_t seed_size;     /* bytes */
	int16_t iterator_type; /* *maptype in the iterator of a range loop */
	int16_t iterator_map;  /* its map */
};

/* The values of g.waitreason with which a goroutine waits at a lock of package sync: 1 << value
 * each. 0: none of them is known. */
uint64_t go_layout_lock_reasons(const struct go_layout *layout);

struct go_map_layout go_layout_map(const struct go_layout *layout, enum go_map_runtime runtime);

#endif
