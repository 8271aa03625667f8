/* SPDX-License-Identifier: MIT */
/*
 * call_tree: sampled call chains merged into one tree, from the goroutines' first functions down to
 * the lines that operate on maps, with counts: what a flame graph shows, as lines of text.
 *
 * Pure data; frames are borrowed from the rows it was made of and valid as long as those.
 */
#ifndef GOMAPTOP_TUI_CALL_TREE_H
#define GOMAPTOP_TUI_CALL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model.h"

#define CALL_TREE_NODES   4096
#define CALL_TREE_KNOWN   8192 /* a power of two */
#define CALL_TREE_FOLDED  256
#define CALL_TREE_NOWHERE (-1)

struct call_node {
	const struct frame *frame;
	uint64_t path; /* hash of the frames from the root: identity when the tree is made anew */
	uint64_t count, conflicts; /* chains that go through it */
	uint64_t offset; /* counts of what stands before it in its row: where its bar begins */
	int parent, first_child, next;
	int same_bucket; /* the next node in its bucket */
	int depth;       /* 0: first functions */
	bool is_leaf;    /* some chain ends here: it operates on the map */
	unsigned int op; /* of a leaf */
};

/* Where a chain ends that was added: maps share their chains, and most come again and again. */
struct call_end {
	const struct frame *chain; /* NULL: unused */
	int length, node;
};

struct call_tree {
	struct call_node nodes[CALL_TREE_NODES];
	int node_count;
	int first_root;
	int buckets[CALL_TREE_NODES]; /* by parent and line */
	struct call_end known[CALL_TREE_KNOWN];
	uint64_t total;
	uint64_t left_out; /* chains for which there was no room */
	/* Lines that are shown: nodes in order, those below a folded one left out. */
	int lines[CALL_TREE_NODES];
	int line_count;
	uint64_t folded[CALL_TREE_FOLDED]; /* paths */
	int folded_count;
};

/* Begin anew; what is folded stays folded. Then add chains, then finish. */
void call_tree_begin(struct call_tree *tree);
void call_tree_add(struct call_tree *tree, const struct chain_row *chain);
/* Put siblings in order, most counts first, and work out the lines. */
void call_tree_finish(struct call_tree *tree);

bool call_tree_is_folded(const struct call_tree *tree, int node);
/* Fold or unfold a node and work out the lines again. */
void call_tree_fold(struct call_tree *tree, int node, bool folded);

#endif
