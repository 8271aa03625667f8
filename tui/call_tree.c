/* SPDX-License-Identifier: MIT */
#include "tui/call_tree.h"

#include <string.h>

/* ---- making it ----------------------------------------------------------------------- */

void call_tree_begin(struct call_tree *tree)
{
	tree->node_count = 0;
	tree->first_root = CALL_TREE_NOWHERE;
	tree->total = tree->left_out = 0;
	tree->line_count = 0;
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

static int *children_of(struct call_tree *tree, int parent)
{
	return parent == CALL_TREE_NOWHERE ? &tree->first_root : &tree->nodes[parent].first_child;
}

static int child_obtain(struct call_tree *tree, int parent, const struct frame *frame)
{
	uint64_t seed = parent == CALL_TREE_NOWHERE ? UINT64_C(0xcbf29ce484222325)
	                                            : tree->nodes[parent].path;
	uint64_t path = path_of(seed, frame);
	int *children = children_of(tree, parent);

	for (int i = *children; i != CALL_TREE_NOWHERE; i = tree->nodes[i].next)
		if (tree->nodes[i].path == path)
			return i;
	if (tree->node_count == CALL_TREE_NODES)
		return CALL_TREE_NOWHERE;
	tree->nodes[tree->node_count] = (struct call_node){
	        .frame = frame,
	        .path = path,
	        .parent = parent,
	        .first_child = CALL_TREE_NOWHERE,
	        .next = *children,
	        .depth = parent == CALL_TREE_NOWHERE ? 0 : tree->nodes[parent].depth + 1,
	};
	*children = tree->node_count;
	return tree->node_count++;
}

static bool has_room(const struct call_tree *tree, int frames)
{
	return tree->node_count + frames <= CALL_TREE_NODES;
}

void call_tree_add(struct call_tree *tree, const struct chain_row *chain)
{
	int node = CALL_TREE_NOWHERE;

	if (!chain->chain_length)
		return;
	if (!has_room(tree, chain->chain_length)) {
		tree->left_out += chain->count;
		return;
	}
	tree->total += chain->count;
	for (int i = chain->chain_length - 1; i >= 0; i--) {
		node = child_obtain(tree, node, &chain->chain[i]);
		tree->nodes[node].count += chain->count;
		tree->nodes[node].conflicts += chain->conflicts;
	}
	tree->nodes[node].is_leaf = true;
	tree->nodes[node].op = chain->op;
}

/* ---- order --------------------------------------------------------------------------- */

static bool goes_before(const struct call_tree *tree, int a, int b)
{
	const struct call_node *x = &tree->nodes[a], *y = &tree->nodes[b];

	return x->count != y->count ? x->count > y->count : x->path < y->path;
}

/* Insertion into a list: siblings are few. */
static void siblings_sort(struct call_tree *tree, int *head)
{
	int sorted = CALL_TREE_NOWHERE, next;

	for (int node = *head; node != CALL_TREE_NOWHERE; node = next) {
		int *at = &sorted;

		next = tree->nodes[node].next;
		while (*at != CALL_TREE_NOWHERE && goes_before(tree, *at, node))
			at = &tree->nodes[*at].next;
		tree->nodes[node].next = *at;
		*at = node;
	}
	*head = sorted;
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

void call_tree_finish(struct call_tree *tree)
{
	siblings_sort(tree, &tree->first_root);
	offsets_set(tree, tree->first_root, 0);
	/* Children were made after their parents. */
	for (int i = 0; i < tree->node_count; i++) {
		siblings_sort(tree, &tree->nodes[i].first_child);
		offsets_set(tree, tree->nodes[i].first_child, tree->nodes[i].offset);
	}
	lines_make(tree);
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
