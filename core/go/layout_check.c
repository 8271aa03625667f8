/* SPDX-License-Identifier: MIT */
#include "core/go/layout_check.h"

#include <errno.h>
#include <stdlib.h>

#define SEEN_MAX 512 /* objects remembered of each kind; then the oldest makes room */

/* More goroutines than that nobody has started, and the heap begins above it. */
#define GOID_END (UINT64_C(1) << 39)

#define GSCAN       0x1000u
#define GSTATUS_MAX 15 /* 11 in Go 1.27 */

#define LENGTH_END      (UINT64_C(1) << 40)
#define DIRECTORY_END   (UINT64_C(1) << 32)
#define GROUP_SLOTS     8    /* a map without a directory is one group */
#define TABLE_SLOTS     1024 /* maxTableCapacity of internal/runtime/maps */
#define SEED_RANDOM_BIT 48   /* above: zero in pointers and counts, hardly ever in a seed */

#define MAPS_RIGHT 2
#define MAPS_WRONG 4

/* Evidence on one field. */
struct verdict {
	unsigned int right;
	bool refuted;
};

struct seen {
	uint64_t object, value, last_ns;
	uint32_t tgid;
	bool proven; /* kept its value while it was at work */
};

struct memory {
	struct seen seen[SEEN_MAX];
	unsigned int count, next;
};

struct layout_check {
	struct memory goroutines, maps;
	struct verdict goid, parent, gopc, startpc;
	unsigned int maps_right, maps_wrong;
};

int layout_check_create(struct layout_check **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : -ENOMEM;
}

void layout_check_destroy(struct layout_check *check)
{
	free(check);
}

/* ---- what was seen before ------------------------------------------------------------ */

static struct seen *memory_find(struct memory *memory, uint32_t tgid, uint64_t object)
{
	for (unsigned int i = 0; i < memory->count; i++)
		if (memory->seen[i].object == object && memory->seen[i].tgid == tgid)
			return &memory->seen[i];
	return NULL;
}

static const struct seen *memory_value(const struct memory *memory, uint32_t tgid, uint64_t value)
{
	for (unsigned int i = 0; i < memory->count; i++)
		if (memory->seen[i].value == value && memory->seen[i].tgid == tgid)
			return &memory->seen[i];
	return NULL;
}

static void memory_add(struct memory *memory, const struct seen *seen)
{
	memory->seen[memory->next] = *seen;
	memory->next = (memory->next + 1) % SEEN_MAX;
	if (memory->count < SEEN_MAX)
		memory->count++;
}

/* ---- goroutines ---------------------------------------------------------------------- */

static void judge_startpc(struct verdict *verdict, enum layout_code code)
{
	if (code == CODE_ENTRY || code == CODE_MAIN)
		verdict->right++;
	else if (code != CODE_NONE)
		verdict->refuted = true;
}

/* Code that is not behind a known call proves nothing: the runtime may have new ways to start. */
static void judge_gopc(struct verdict *verdict, enum layout_code code)
{
	if (code == CODE_GO)
		verdict->right++;
	else if (code == CODE_ELSEWHERE)
		verdict->refuted = true;
}

/* src/runtime/runtime2.go: a goroutine that has worked is not idle (0); 5 and 7 are not used. The
 * word before the goid: it shows whether everything lies a field off. */
static bool status_impossible(uint32_t status)
{
	status &= ~GSCAN;
	return status == 0 || status == 5 || status == 7 || status > GSTATUS_MAX;
}

/* No two goroutines of a process ever have one id, and none is zero. */
static bool goid_impossible(const struct layout_check *check, const struct layout_goroutine *g)
{
	const struct seen *other = memory_value(&check->goroutines, g->tgid, g->goid);

	if (status_impossible(g->status) || !g->goid || g->goid >= GOID_END ||
	    (other && other->object != g->g))
		return true;
	/* Where a goroutine began is known for sure: goroutine 1 begins in runtime.main. */
	return check->startpc.right && !check->startpc.refuted &&
	       (g->startpc == CODE_MAIN) != (g->goid == 1) && g->startpc != CODE_NONE;
}

/* Proof is a goroutine that kept its id while it was at work: two of them, or the first one. What
 * looks like an address where goroutines begin proves nothing. */
static void judge_goid(struct layout_check *check, const struct layout_goroutine *g)
{
	struct seen *seen = memory_find(&check->goroutines, g->tgid, g->g);

	if (goid_impossible(check, g))
		check->goid.refuted = true;
	if (!seen) {
		memory_add(&check->goroutines, &(struct seen){.object = g->g,
		                                              .value = g->goid,
		                                              .last_ns = g->last_ns,
		                                              .tgid = g->tgid});
		return;
	}
	if (seen->value != g->goid) { /* the g serves another goroutine */
		seen->value = g->goid;
	} else if (seen->last_ns != g->last_ns && !seen->proven && g->goid_code != CODE_ENTRY &&
	           g->goid_code != CODE_MAIN && g->goid_code != CODE_GO) {
		seen->proven = true;
		check->goid.right += g->startpc == CODE_MAIN && g->goid == 1 ? 2 : 1;
	}
	seen->last_ns = g->last_ns;
}

static void judge_parent(struct layout_check *check, const struct layout_goroutine *g)
{
	uint64_t parent = g->parent_goid;

	if (parent >= GOID_END || (parent && parent == g->goid) ||
	    (g->startpc == CODE_MAIN && parent))
		check->parent.refuted = true;
	else if (parent && (parent == 1 || memory_value(&check->goroutines, g->tgid, parent)))
		check->parent.right++;
}

void layout_check_goroutine(struct layout_check *check, const struct layout_goroutine *g)
{
	judge_startpc(&check->startpc, g->startpc);
	judge_gopc(&check->gopc, g->gopc);
	judge_goid(check, g);
	judge_parent(check, g);
}

/* ---- maps ---------------------------------------------------------------------------- */

/* internal/runtime/maps/map.go: without a directory one group of slots, with it tables by the power
 * of two. */
static bool header_impossible(const struct layout_map *map)
{
	uint64_t tables = map->directory_length;

	if (map->length >= LENGTH_END || tables >= DIRECTORY_END ||
	    (map->length && !map->directory))
		return true;
	if (!tables)
		return map->length > GROUP_SLOTS;
	return (tables & (tables - 1)) != 0 || map->length > tables * TABLE_SLOTS;
}

/* Proof is a seed that stayed while the map was used; it changes when the map is emptied. A map
 * that was not used since the last look may be gone. */
void layout_check_map(struct layout_check *check, const struct layout_map *map)
{
	struct seen *seen = memory_find(&check->maps, map->tgid, map->map);

	if (!seen) {
		memory_add(&check->maps, &(struct seen){.object = map->map,
		                                        .value = map->seed,
		                                        .last_ns = map->last_ns,
		                                        .tgid = map->tgid});
		return;
	}
	if (seen->last_ns != map->last_ns) {
		if (header_impossible(map) || seen->value != map->seed)
			check->maps_wrong++;
		else if (map->seed >> SEED_RANDOM_BIT && map->length)
			check->maps_right++;
	}
	seen->value = map->seed;
	seen->last_ns = map->last_ns;
}

/* ---- the answer ---------------------------------------------------------------------- */

static bool passed(const struct verdict *verdict, unsigned int enough)
{
	return verdict->right >= enough && !verdict->refuted;
}

unsigned int layout_check_passed(const struct layout_check *check)
{
	unsigned int fields = 0;

	if (passed(&check->goid, 2))
		fields |= LAYOUT_GOID;
	if (passed(&check->gopc, 1))
		fields |= LAYOUT_GOPC;
	if (passed(&check->startpc, 1))
		fields |= LAYOUT_STARTPC;
	/* A small number like another proves little by itself; its neighbours must be right,
	 * too. */
	if (passed(&check->parent, 1) && fields == (LAYOUT_GOID | LAYOUT_GOPC | LAYOUT_STARTPC))
		fields |= LAYOUT_PARENT_GOID;
	if (check->maps_right >= MAPS_RIGHT && check->maps_right / 4 >= check->maps_wrong)
		fields |= LAYOUT_MAP;
	return fields;
}
