/* SPDX-License-Identifier: MIT */
/*
 * shim: the BPF helpers as ordinary functions, so that the programs' logic runs in a test.
 *
 * Included before bpf/kern/gomaptop.bpf.c in place of libbpf's helper definitions. Time stands
 * still unless the test or a busy wait moves it; "user memory" is this program's memory; a hook
 * runs in every step of a busy wait, where the test lets other goroutines come.
 */
#ifndef GOMAPTOP_TESTS_BPF_SHIM_H
#define GOMAPTOP_TESTS_BPF_SHIM_H

#define __BPF_HELPERS__ /* libbpf's headers are not wanted */
#define __BPF_CORE_READ_H__

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/bpf.h>
#include <linux/types.h>

#define SEC(name)
#undef __always_inline
#define __always_inline   inline
#define __noinline        __attribute__((noinline))
#define __uint(name, val) int(*name)[val]
#define __type(name, val) __typeof__(val) *name
#define preserve_access_index

#include "bpf/kern/kernel_types.h"

/* ---- the machine -------------------------------------------------------------------------------
 */

struct shim {
	__u64 now_ns;
	__u64 cookie;
	__u64 runs;                     /* of a program, each of which asks for its cookie once */
	__u64 user_reads, user_read_ns; /* so many, and how far one moves the clock */
	__u64 pid_tgid;
	__u32 cpu;
	__u32 random;
	__u64 step_ns; /* how far one step of a busy wait moves the clock */
	__u64 stack[64];
	int stack_depth;                /* frames that bpf_get_stack finds; 0: it fails */
	__u32 stack_walks, stack_asked; /* how often it was called, bytes asked for at first */
	size_t map_limit;               /* rows that a hash map takes; 0: no limit */
	size_t ring_limit;              /* events that the ring takes; 0: no limit */
	size_t order_ring_limit;        /* the same of the ring of order events */
	size_t reserved;                /* events that found room in either ring */
	void (*on_read_kernel)(const void *to); /* sees the state behind each copy */
	size_t ring_used;                       /* so much of a ring of 100 is waiting to be read */
	void (*on_wait)(void *ctx);
	void *ctx;
	void *task; /* struct task_struct of the running one */
};

static struct shim shim;
static struct task_struct shim_task; /* the running one, where a test has no other */

/* ---- maps ---------------------------------------------------------------------------- */

struct shim_row {
	void *key, *value;
	struct shim_row *next;
};

struct shim_map {
	const void *map;
	struct shim_row *rows;
	size_t count;
};

static struct shim_map shim_maps[16];

static struct shim_map *shim_map_of(const void *map)
{
	for (size_t i = 0; i < 16; i++) {
		if (!shim_maps[i].map)
			shim_maps[i].map = map;
		if (shim_maps[i].map == map)
			return &shim_maps[i];
	}
	abort();
}

static void *shim_find(struct shim_map *m, const void *key, size_t key_size)
{
	for (struct shim_row *r = m->rows; r; r = r->next)
		if (!memcmp(r->key, key, key_size))
			return r->value;
	return NULL;
}

static void *shim_insert(struct shim_map *m, const void *key, size_t key_size, const void *value,
                         size_t value_size)
{
	struct shim_row *r = calloc(1, sizeof(*r));

	r->key = malloc(key_size);
	memcpy(r->key, key, key_size);
	r->value = calloc(1, value_size);
	if (value)
		memcpy(r->value, value, value_size);
	r->next = m->rows;
	m->rows = r;
	m->count++;
	return r->value;
}

/* Arrays (key type __u32, max_entries known) have all their rows; a hash has what was put in. */
static void *shim_lookup(const void *map, int type, const void *key, size_t key_size,
                         size_t value_size)
{
	struct shim_map *m = shim_map_of(map);
	void *value = shim_find(m, key, key_size);

	if (!value && type != BPF_MAP_TYPE_HASH && type != BPF_MAP_TYPE_LRU_HASH)
		value = shim_insert(m, key, key_size, NULL, value_size);
	return value;
}

static long shim_update(const void *map, const void *key, size_t key_size, const void *value,
                        size_t value_size, __u64 flags)
{
	struct shim_map *m = shim_map_of(map);
	void *old = shim_find(m, key, key_size);

	if (old && flags == BPF_NOEXIST)
		return -EEXIST;
	if (old) {
		memcpy(old, value, value_size);
		return 0;
	}
	if (shim.map_limit && m->count >= shim.map_limit)
		return -E2BIG;
	shim_insert(m, key, key_size, value, value_size);
	return 0;
}

static inline long shim_delete(const void *map, const void *key, size_t key_size)
{
	struct shim_map *m = shim_map_of(map);

	for (struct shim_row **at = &m->rows; *at; at = &(*at)->next) {
		struct shim_row *r = *at;

		if (memcmp(r->key, key, key_size))
			continue;
		*at = r->next;
		m->count--;
		free(r->key);
		free(r->value);
		free(r);
		return 0;
	}
	return -ENOENT;
}

#define bpf_map_delete_elem(m, k) shim_delete((m), (k), sizeof(*(m)->key))
#define SHIM_TYPE(m)              ((int)(sizeof(*(m)->type) / sizeof(int)))
#define bpf_map_lookup_elem(m, k) \
	shim_lookup((m), SHIM_TYPE(m), (k), sizeof(*(m)->key), sizeof(*(m)->value))
#define bpf_map_update_elem(m, k, v, flags) \
	shim_update((m), (k), sizeof(*(m)->key), (v), sizeof(*(m)->value), (flags))

/* ---- the rings ----------------------------------------------------------------------- */

struct shim_event {
	struct shim_event *next;
	size_t number; /* in the order in which room was taken, in both rings together; from 1 on */
	size_t size;
	bool submitted;
	__u64 data[]; /* a struct event_header and what follows; of order events: one of them */
};

/* Of the ring `events`, and of the ring `order_events`, of which nothing else knows. */
static struct shim_event *shim_events, **shim_events_end = &shim_events;
static struct shim_event *shim_order_events, **shim_order_events_end = &shim_order_events;
static size_t shim_event_count, shim_order_event_count;

static void *shim_reserve(bool order, size_t size)
{
	struct shim_event *e, ***end = order ? &shim_order_events_end : &shim_events_end;
	size_t *count = order ? &shim_order_event_count : &shim_event_count;
	size_t limit = order ? shim.order_ring_limit : shim.ring_limit;

	if (limit && *count >= limit)
		return NULL;
	e = calloc(1, sizeof(*e) + size);
	e->number = ++shim.reserved;
	e->size = size;
	**end = e;
	*end = &e->next;
	++*count;
	return e->data;
}

static inline struct shim_event *shim_event_of(void *data)
{
	return (struct shim_event *)((char *)data - offsetof(struct shim_event, data));
}

/* Where this is used the programs' two rings are known. */
#define SHIM_IS_ORDER(ring)                    ((const void *)(ring) == (const void *)&order_events)
#define bpf_ringbuf_reserve(ring, size, flags) shim_reserve(SHIM_IS_ORDER(ring), size)
#define bpf_ringbuf_query(ring, what)          ((what) == BPF_RB_RING_SIZE ? 100 : shim.ring_used)
#define bpf_ringbuf_submit(event, flags)       (shim_event_of(event)->submitted = true)
#define bpf_ringbuf_discard(event, flags)      (shim_event_of(event)->submitted = false)

#define SHIM_TICK_NS 4000000 /* of the timer */

/* ---- helpers ------------------------------------------------------------------------- */

static inline long bpf_probe_read_user(void *to, __u32 size, const void *from)
{
	shim.user_reads++;
	shim.now_ns += shim.user_read_ns;
	if (!from) {
		memset(to, 0, size);
		return -EFAULT;
	}
	memcpy(to, from, size);
	return 0;
}

static inline long bpf_probe_read_kernel(void *to, __u32 size, const void *from)
{
	memcpy(to, from, size);
	if (shim.on_read_kernel)
		shim.on_read_kernel(to);
	return 0;
}

static inline long bpf_get_stack(void *regs, void *to, __u32 size, __u64 flags)
{
	size_t bytes = shim.stack_depth * sizeof(__u64);

	(void)regs;
	(void)flags;
	if (!shim.stack_walks++)
		shim.stack_asked = size;
	if (!bytes)
		return -EFAULT;
	if (bytes > size)
		bytes = size;
	memcpy(to, shim.stack, bytes);
	return bytes;
}

static inline long bpf_loop(__u32 steps, long (*step)(__u32, void *), void *ctx, __u64 flags)
{
	(void)flags;
	for (__u32 i = 0; i < steps; i++) {
		if (step(i, ctx))
			return i + 1;
		shim.now_ns += shim.step_ns;
		if (shim.on_wait)
			shim.on_wait(shim.ctx);
	}
	return steps;
}

#define bpf_core_field_offset(type, field) offsetof(type, field)

static inline __u32 bpf_get_prandom_u32(void)
{
	shim.random = shim.random * 1664525 + 1013904223;
	return shim.random >> 7 ^ shim.random;
}

#define bpf_tail_call(ctx, map, i) ((void)(ctx), abort())
#define bpf_ktime_get_ns()         (shim.now_ns)
#define bpf_jiffies64()            (shim.now_ns / SHIM_TICK_NS)
#define bpf_get_attach_cookie(ctx) (shim.runs++, shim.cookie)
#define bpf_get_current_pid_tgid() (shim.pid_tgid)
#define bpf_get_smp_processor_id() (shim.cpu)
#define bpf_get_current_task_btf() ((struct task_struct *)shim.task)

static inline void shim_events_free(struct shim_event *e)
{
	for (struct shim_event *next; e; e = next) {
		next = e->next;
		free(e);
	}
}

static inline void shim_reset(void)
{
	for (size_t i = 0; i < 16; i++) {
		for (struct shim_row *r = shim_maps[i].rows, *next; r; r = next) {
			next = r->next;
			free(r->key);
			free(r->value);
			free(r);
		}
		shim_maps[i].rows = NULL;
		shim_maps[i].count = 0;
	}
	shim_events_free(shim_events);
	shim_events_free(shim_order_events);
	shim_events = shim_order_events = NULL;
	shim_events_end = &shim_events;
	shim_order_events_end = &shim_order_events;
	shim_event_count = shim_order_event_count = 0;
	memset(&shim, 0, sizeof(shim));
	shim.task = &shim_task;
}

#endif
