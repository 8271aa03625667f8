/* SPDX-License-Identifier: MIT */
/*
 * model_events: a model with a small world of names, and the events that the tests feed it. Each
 * test file includes it once; what one file does not need is not used there.
 */
#ifndef GOMAPTOP_TESTS_UNIT_MODEL_EVENTS_H
#define GOMAPTOP_TESTS_UNIT_MODEL_EVENTS_H

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/model/model.h"

#define PID    77u
#define SECOND 1000000000ull
#define START  (500 * SECOND)

/* ---- a small world of names: pc 0x1000 * function + line --------------------------------------
 */

static const char *const functions[] = {NULL,        "main.reader", "main.writer",
                                        "main.loop", "runtime.f",   "main.goer",
                                        "reflect.g", "main.worker", "sync.(*Mutex).Lock"};

static inline int names_frame(uint64_t pc, struct frame *out)
{
	uint64_t function = pc >> 12;

	*out = (struct frame){.pc = pc};
	if (function == 0 || function >= sizeof(functions) / sizeof(functions[0]))
		return 1;
	out->function = functions[function];
	out->file = "/src/main.go";
	out->line = (int)(pc & 0xfff);
	return 1;
}

static inline const struct frame *names_frames(void *ctx, uint32_t tgid, uint64_t pc,
                                               bool is_return, int *count)
{
	static struct frame frame;

	(void)ctx;
	(void)tgid;
	(void)is_return;
	*count = names_frame(pc, &frame);
	return &frame;
}

static inline int names_chain(void *ctx, const struct access *access, struct frame *out, int max)
{
	int length = 0;

	(void)ctx;
	for (int i = 1; i < access->depth && length < max; i++)
		length += names_frame(access->stack[i], &out[length]);
	return length;
}

static inline const char *names_site(void *ctx, unsigned int site)
{
	(void)ctx;
	return site == 3 ? "runtime.mapassign_fast64" : NULL;
}

static inline const char *names_type(void *ctx, uint32_t tgid, uint64_t type_addr)
{
	(void)ctx;
	(void)tgid;
	return type_addr == 0x99   ? "map[string]int"
	       : type_addr == 0x98 ? "map[go.shape.string_0]go.shape.int_1"
	                           : NULL;
}

static inline const char *names_first(void *ctx, uint32_t tgid, uint64_t startpc)
{
	(void)ctx;
	(void)tgid;
	return startpc == 0x7000 ? "main.worker" : NULL;
}

/* ---- events -------------------------------------------------------------------------- */

/* The clock of the test. */
static uint64_t now = START;

static inline struct model *model_small(size_t maps_max, size_t goroutines_max,
                                        size_t conflicts_max)
{
	struct model_config config = {
	        .symbols = {.call_chain = names_chain,
	                    .frames = names_frames,
	                    .site_function = names_site,
	                    .type_name = names_type,
	                    .first_function = names_first},
	        .maps_max = maps_max,
	        .goroutines_max = goroutines_max,
	        .conflicts_max = conflicts_max,
	};
	struct model *model;

	now = START;
	assert_int_equal(model_create(&config, &model), 0);
	return model;
}

static inline struct model *model_new(void)
{
	return model_small(0, 0, 0);
}

static inline void header_set(struct event_header *header, enum event_kind kind, size_t size)
{
	*header = (struct event_header){
	        .kind = kind, .size = (uint32_t)size, .time_ns = now, .tgid = PID};
}

static inline void apply(struct model *model, struct event_header *header)
{
	assert_int_equal(model_apply(model, header), 0);
}

static inline void tick(struct model *model, double seconds)
{
	struct event_header event;

	now += (uint64_t)(seconds * 1e9);
	header_set(&event, EVENT_TICK, sizeof(event));
	apply(model, &event);
}

static inline void map_send(struct model *model, uint64_t addr, const struct map_counts *counts,
                            enum row_end end)
{
	struct event_map event;

	header_set(&event.h, EVENT_MAP, sizeof(event));
	event.key = (struct map_key){.addr = addr, .tgid = PID};
	event.counts = *counts;
	if (!event.counts.first_ns)
		event.counts.first_ns = START;
	if (!event.counts.last_ns)
		event.counts.last_ns = now;
	event.end = end;
	event.pad = 0;
	apply(model, &event.h);
}

static inline struct access access_at(uint64_t addr, enum map_op op, uint64_t goid, uint64_t caller,
                                      int depth)
{
	struct access access = {
	        .time_ns = now,
	        .map = addr,
	        .map_type = 0x99,
	        .g = 0xc000 + goid * 0x100,
	        .goid = goid,
	        .gopc = 0x5007,
	        .startpc = 0x7000,
	        .caller = caller,
	        .tgid = PID,
	        .tid = PID + 1,
	        .site = 3,
	        .depth = (uint16_t)(depth + 1),
	        .op = (uint8_t)op,
	};

	access.stack[0] = 0x4001;
	access.stack[1] = caller;
	for (int i = 2; i <= depth; i++)
		access.stack[i] = 0x3000 + (uint64_t)i;
	return access;
}

static inline void overlap_send(struct model *model, uint32_t gen, struct access held,
                                struct access came)
{
	static struct event_overlap event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_OVERLAP, sizeof(event));
	event.hold_ns = 100000;
	event.after_ns = 60000;
	event.map_gen = gen;
	event.held = held;
	event.came = came;
	apply(model, &event.h);
}

static inline void unordered_send(struct model *model, uint32_t gen, struct access first,
                                  struct access second)
{
	static struct event_unordered event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_UNORDERED, sizeof(event));
	event.map_gen = gen;
	event.first = first;
	event.second = second;
	apply(model, &event.h);
}

/* The counts are those of *counts, the map that of addr. */
static inline void order_send(struct model *model, uint64_t addr, const struct event_order *counts)
{
	struct event_order event = *counts;

	header_set(&event.h, EVENT_ORDER, sizeof(event));
	event.key = (struct map_key){.addr = addr, .tgid = PID};
	apply(model, &event.h);
}

static inline void stall_send(struct model *model, uint32_t gen, struct access access)
{
	static struct event_stall event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_STALL, sizeof(event));
	event.map_gen = gen;
	event.access = access;
	apply(model, &event.h);
}

static inline void crash_send(struct model *model, const char *message, uint64_t last_map)
{
	static struct event_crash event;

	memset(&event, 0, sizeof(event));
	header_set(&event.h, EVENT_CRASH, sizeof(event));
	snprintf(event.message, sizeof(event.message), "%s", message);
	event.last_map = last_map;
	event.access = access_at(last_map, OP_WRITE, 9, 0x2020, 3);
	apply(model, &event.h);
}

static inline struct map_row *only_map(struct model *model)
{
	struct map_row *rows[2];

	assert_int_equal(model_maps(model, MAPS_BY_NUMBER, rows, 2), 1);
	return rows[0];
}

static inline struct conflict_row *only_conflict(struct model *model)
{
	struct conflict_row *rows[2];

	assert_int_equal(model_conflicts(model, NULL, rows, 2), 1);
	return rows[0];
}

static inline void assert_near(double value, double expected)
{
	if (fabs(value - expected) > 1e-6 * fabs(expected) + 1e-9)
		fail_msg("%.9g instead of %.9g", value, expected);
}

static inline void goroutine_send(struct model *model, uint64_t g, uint64_t goid, uint64_t reads,
                                  enum row_end end)
{
	struct event_goroutine event = {.key = {.g = g, .tgid = PID}, .end = end};

	header_set(&event.h, EVENT_GOROUTINE, sizeof(event));
	event.counts.goid = goid;
	event.counts.parent_goid = 1;
	event.counts.gopc = 0x5003;
	event.counts.startpc = 0x7000;
	event.counts.last_caller = 0x1004;
	event.counts.ops[OP_READ] = reads;
	event.counts.conflicts = reads / 10;
	event.counts.maps = 7;
	event.counts.last_ns = now;
	apply(model, &event.h);
}

#endif
