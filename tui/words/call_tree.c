/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/call_tree.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/id_table.h"

#define KNOWN_TRIES 8
#define DEAD_MAX    (CALL_TREE_NODES / 4) /* nodes that are of no use any more */
#define PARENT_STEP UINT64_C(0x100000000)

/* ---- making it ----------------------------------------------------------------------- */

void call_tree_forget(struct call_tree *tree)
{
	for (int i = 0; i < CALL_TREE_MAPS; i++) {
		struct call_part *part;

		while ((part = tree->parts[i])) {
			tree->parts[i] = part->next;
			free(part->ends);
			free(part);
		}
	}
	tree->node_count = 0;
	tree->first_root = CALL_TREE_NOWHERE;
	tree->total = tree->left_out = 0;
	tree->line_count = 0;
	for (int i = 0; i < CALL_TREE_NODES; i++)
		tree->buckets[i] = CALL_TREE_NOWHERE;
}

static bool same_chains(const struct range *a, const struct range *b)
{
	return a->set == b->set && (!a->set || (a->in.depth_low == b->in.depth_low &&
	                                        a->in.depth_high == b->in.depth_high));
}

void call_tree_begin(struct call_tree *tree, const struct range *range)
{
	if (!tree->node_count || !same_chains(range, &tree->range))
		call_tree_forget(tree);
	tree->range = *range;
	tree->remembers = tree->node_count > 0;
	tree->round++;
	memset(tree->known, 0, sizeof(tree->known));
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static uint64_t path_of(uint64_t parent, const struct frame *frame)
{
	uint64_t hash = hash_bytes(parent, &frame->line, sizeof(frame->line));

	if (!frame->function)
		return hash_bytes(hash, &frame->pc, sizeof(frame->pc));
	hash = hash_bytes(hash, frame->function, strlen(frame->function) + 1);
	return frame->file ? hash_bytes(hash, frame->file, strlen(frame->file)) : hash;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* The same line of the same function; of unknown ones, the same address. Nearly always both come
 * from the same strings, which makes this far cheaper than to hash them. */
static bool same_place(const struct frame *a, const struct frame *b)
{
	if (a->line != b->line || !a->function != !b->function)
		return false;
	if (!a->function)
		return a->pc == b->pc;
	return same_text(a->function, b->function) && same_text(a->file, b->file);
}

static int *bucket_of(struct call_tree *tree, int parent, const struct frame *frame)
{
	uint64_t key = (uint64_t)(uint32_t)parent * PARENT_STEP + (uint32_t)frame->line;

	return &tree->buckets[id_mix(key) % CALL_TREE_NODES];
}

static int child_new(struct call_tree *tree, int parent, const struct frame *frame)
{
	const struct call_node *above = parent == CALL_TREE_NOWHERE ? NULL : &tree->nodes[parent];
	int *bucket = bucket_of(tree, parent, frame);
	int node = tree->node_count++;

	tree->nodes[node] = (struct call_node){
	        .frame = *frame,
	        .path = path_of(above ? above->path : UINT64_C(0xcbf29ce484222325), frame),
	        .parent = parent,
	        .same_bucket = *bucket,
	        .depth = above ? above->depth + 1 : 0,
	};
	*bucket = node;
	return node;
}

static int child_obtain(struct call_tree *tree, int parent, const struct frame *frame)
{
	int node = *bucket_of(tree, parent, frame);

	while (node != CALL_TREE_NOWHERE &&
	       (tree->nodes[node].parent != parent || !same_place(&tree->nodes[node].frame, frame)))
		node = tree->nodes[node].same_bucket;
	return node == CALL_TREE_NOWHERE ? child_new(tree, parent, frame) : node;
}

static bool has_room(const struct call_tree *tree, int frames)
{
	return tree->node_count + frames <= CALL_TREE_NODES;
}

/* What is known of a chain, or where to note it; NULL: too many. */
static struct call_known *known_find(struct call_tree *tree, const struct chain_row *chain)
{
	size_t home = (size_t)id_mix((uintptr_t)chain->chain);

	for (size_t i = 0; i < KNOWN_TRIES; i++) {
		struct call_known *known = &tree->known[(home + i) % CALL_TREE_KNOWN];

		if (!known->chain ||
		    (known->chain == chain->chain && known->length == chain->chain_length))
			return known;
	}
	return NULL;
}

/* The node of the innermost frame, made if it is new. */
static int leaf_obtain(struct call_tree *tree, const struct chain_row *chain)
{
	struct call_known *known = known_find(tree, chain);
	int node = CALL_TREE_NOWHERE;

	if (known && known->chain)
		return known->node;
	if (!has_room(tree, chain->chain_length))
		return CALL_TREE_NOWHERE;
	for (int i = chain->chain_length - 1; i >= 0; i--)
		node = child_obtain(tree, node, &chain->chain[i]);
	if (known)
		*known = (struct call_known){chain->chain, chain->chain_length, node};
	return node;
}

/* ---- what maps add to it ---------------------------------------------------------------- */

static void end_add(struct call_tree *tree, const struct call_end *end)
{
	struct call_node *leaf;

	if (end->node == CALL_TREE_NOWHERE) {
		tree->left_out += end->count;
		return;
	}
	leaf = &tree->nodes[end->node];
	tree->total += end->count;
	leaf->own_count += end->count;
	leaf->own_conflicts += end->conflicts;
	leaf->op = end->op;
}

static void end_take_back(struct call_tree *tree, const struct call_end *end)
{
	if (end->node == CALL_TREE_NOWHERE) {
		tree->left_out -= end->count;
		return;
	}
	tree->total -= end->count;
	tree->nodes[end->node].own_count -= end->count;
	tree->nodes[end->node].own_conflicts -= end->conflicts;
}

static void part_clear(struct call_tree *tree, struct call_part *part)
{
	for (uint32_t i = 0; i < part->length; i++)
		end_take_back(tree, &part->ends[i]);
	part->length = 0;
}

static struct call_part *part_obtain(struct call_tree *tree, unsigned int number)
{
	struct call_part **place = &tree->parts[number % CALL_TREE_MAPS], *part = *place;

	while (part && part->number != number)
		part = part->next;
	if (part)
		return part;
	part = calloc(1, sizeof(*part));
	if (!part)
		return NULL;
	part->number = number;
	part->next = *place;
	*place = part;
	return part;
}

/* Room for as many ends; false: no memory. */
static bool part_grow(struct call_part *part, size_t length)
{
	struct call_end *ends;

	if (length <= part->room)
		return true;
	ends = reallocarray(part->ends, length, sizeof(*ends));
	if (!ends)
		return false;
	part->ends = ends;
	part->room = (uint32_t)length;
	return true;
}

static void part_fill(struct call_tree *tree, struct call_part *part, const struct map_row *map)
{
	for (size_t i = 0; i < map->chain_count; i++) {
		const struct chain_row *chain = &map->chains[i];
		struct call_end end = {
		        .op = chain->op, .count = chain->count, .conflicts = chain->conflicts};

		if (!chain->chain_length || !range_has_chain(&tree->range, chain))
			continue;
		end.node = leaf_obtain(tree, chain);
		end_add(tree, &end);
		part->ends[part->length++] = end;
	}
	part->version = map->chains_version;
}

void call_tree_add_map(struct call_tree *tree, const struct map_row *map)
{
	struct call_part *part = map->chain_count ? part_obtain(tree, map->number) : NULL;

	if (!part)
		return;
	part->round = tree->round;
	if (part->length && part->version == map->chains_version)
		return;
	part_clear(tree, part);
	if (part_grow(part, map->chain_count))
		part_fill(tree, part, map);
}

/* Maps that were added before and are not any more. */
static void parts_sweep(struct call_tree *tree)
{
	for (int i = 0; i < CALL_TREE_MAPS; i++) {
		struct call_part **place = &tree->parts[i], *part;

		while ((part = *place)) {
			if (part->round == tree->round) {
				place = &part->next;
				continue;
			}
			*place = part->next;
			part_clear(tree, part);
			free(part->ends);
			free(part);
		}
	}
}

/* Of chains that end in a node or below it. Children were made after their parents. */
static void counts_sum(struct call_tree *tree)
{
	for (int i = 0; i < tree->node_count; i++) {
		tree->nodes[i].count = tree->nodes[i].own_count;
		tree->nodes[i].conflicts = tree->nodes[i].own_conflicts;
	}
	for (int i = tree->node_count - 1; i > 0; i--) {
		const struct call_node *node = &tree->nodes[i];

		if (node->parent == CALL_TREE_NOWHERE)
			continue;
		tree->nodes[node->parent].count += node->count;
		tree->nodes[node->parent].conflicts += node->conflicts;
	}
}

static int *children_of(struct call_tree *tree, int parent)
{
	return parent == CALL_TREE_NOWHERE ? &tree->first_root : &tree->nodes[parent].first_child;
}

/* What no chain goes through any more stays in nodes[] and is the child of no node. Returns how
 * many nodes do. */
static int children_link(struct call_tree *tree)
{
	int dead = 0;

	tree->first_root = CALL_TREE_NOWHERE;
	for (int i = 0; i < tree->node_count; i++) {
		struct call_node *node = &tree->nodes[i];
		int *children = children_of(tree, node->parent);

		node->first_child = CALL_TREE_NOWHERE;
		if (!node->count) {
			dead++;
			continue;
		}
		node->next = *children;
		*children = i;
	}
	return dead;
}

/* ---- order --------------------------------------------------------------------------- */

static int compare_nodes(const void *left, const void *right, void *ctx)
{
	const struct call_tree *tree = ctx;
	const struct call_node *a = &tree->nodes[*(const int *)left];
	const struct call_node *b = &tree->nodes[*(const int *)right];

	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return (a->path > b->path) - (a->path < b->path);
}

/* There are no lines yet: their place holds the siblings meanwhile. */
static void siblings_sort(struct call_tree *tree, int *head)
{
	int *siblings = tree->lines, count = 0;

	for (int node = *head; node != CALL_TREE_NOWHERE; node = tree->nodes[node].next)
		siblings[count++] = node;
	if (count < 2)
		return;
	qsort_r(siblings, (size_t)count, sizeof(*siblings), compare_nodes, tree);
	*head = siblings[0];
	for (int i = 0; i < count; i++)
		tree->nodes[siblings[i]].next = i + 1 < count ? siblings[i + 1] : CALL_TREE_NOWHERE;
}

static void offsets_set(struct call_tree *tree, int first, uint64_t offset)
{
	for (int node = first; node != CALL_TREE_NOWHERE; node = tree->nodes[node].next) {
		tree->nodes[node].offset = offset;
		offset += tree->nodes[node].count;
	}
}

/* ---- lines --------------------------------------------------------------------------- */

bool call_tree_is_folded(const struct call_tree *tree, int node)
{
	for (int i = 0; i < tree->folded_count; i++)
		if (tree->folded[i] == tree->nodes[node].path)
			return true;
	return false;
}

/* The node below in the order of lines, or the next one beside it or beside what it is below of. */
static int line_after(const struct call_tree *tree, int node)
{
	if (tree->nodes[node].first_child != CALL_TREE_NOWHERE && !call_tree_is_folded(tree, node))
		return tree->nodes[node].first_child;
	while (node != CALL_TREE_NOWHERE && tree->nodes[node].next == CALL_TREE_NOWHERE)
		node = tree->nodes[node].parent;
	return node == CALL_TREE_NOWHERE ? node : tree->nodes[node].next;
}

static void lines_make(struct call_tree *tree)
{
	tree->line_count = 0;
	for (int node = tree->first_root; node != CALL_TREE_NOWHERE; node = line_after(tree, node))
		tree->lines[tree->line_count++] = node;
}

bool call_tree_finish(struct call_tree *tree)
{
	int dead;

	parts_sweep(tree);
	counts_sum(tree);
	dead = children_link(tree);
	if (tree->remembers && dead > DEAD_MAX) {
		call_tree_forget(tree);
		return false;
	}
	siblings_sort(tree, &tree->first_root);
	offsets_set(tree, tree->first_root, 0);
	for (int i = 0; i < tree->node_count; i++) {
		siblings_sort(tree, &tree->nodes[i].first_child);
		offsets_set(tree, tree->nodes[i].first_child, tree->nodes[i].offset);
	}
	lines_make(tree);
	return true;
}

void call_tree_fold(struct call_tree *tree, int node, bool folded)
{
	uint64_t path = tree->nodes[node].path;

	for (int i = 0; i < tree->folded_count && !folded; i++)
		if (tree->folded[i] == path)
			tree->folded[i--] = tree->folded[--tree->folded_count];
	if (folded && !call_tree_is_folded(tree, node) && tree->folded_count < CALL_TREE_FOLDED)
		tree->folded[tree->folded_count++] = path;
	lines_make(tree);
}
