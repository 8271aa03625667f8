/* SPDX-License-Identifier: MIT */
/*
 * call_tree: sampled call chains merged into one tree, from the goroutines' first functions down to
 * the lines that operate on maps, with counts: what a flame graph shows, as lines of text.
 *
 * Pure data; the strings of its frames belong to the symbolizer. A tree that is made anew keeps its
 * shape, and of each map whose chains have not changed since it remembers where they end: ten
 * thousand maps of which a few saw something cost a tenth of making all of it.
 */
#ifndef GOMAPTOP_TUI_CALL_TREE_H
#define GOMAPTOP_TUI_CALL_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/model/model.h"
#include "tui/words/range.h"

#define CALL_TREE_NODES   4096
#define CALL_TREE_KNOWN   8192 /* a power of two */
#define CALL_TREE_FOLDED  256
#define CALL_TREE_MAPS    16384 /* looked up at once; a power of two */
#define CALL_TREE_NOWHERE (-1)

struct call_node {
	struct frame frame;
	uint64_t path; /* hash of the frames from the root: identity when the tree is made anew */
	uint64_t count, conflicts;         /* chains that go through it */
	uint64_t own_count, own_conflicts; /* of these, those that end here */
	uint64_t offset; /* counts of what stands before it in its row: where its bar begins */
	int parent, first_child, next;
	int same_bucket; /* the next node in its bucket */
	int depth;       /* 0: first functions */
	unsigned int op; /* of a leaf: some chain ends here and operates on the map */
};

/* Where a chain ends that was added: maps share their chains, and most come again and again. */
struct call_known {
	const struct frame *chain; /* NULL: unused */
	int length, node;
};

/* What one chain of a map adds to the tree. */
struct call_end {
	int node; /* CALL_TREE_NOWHERE: there was no room */
	unsigned int op;
	uint64_t count, conflicts;
};

/* What a map has added. */
struct call_part {
	struct call_part *next; /* of those in the same place */
	unsigned int number;    /* of the map */
	uint32_t version;       /* its chains_version */
	uint32_t round;         /* in which it was last added */
	uint32_t length, room;
	struct call_end *ends;
};

struct call_tree {
	struct call_node nodes[CALL_TREE_NODES];
	int node_count;
	int first_root;
	int buckets[CALL_TREE_NODES]; /* by parent and line */
	struct call_known known[CALL_TREE_KNOWN];
	struct call_part *parts[CALL_TREE_MAPS];
	uint32_t round;
	bool remembers;     /* something of it was made before */
	struct range range; /* chains outside of it are left out */
	uint64_t total;
	uint64_t left_out; /* chains for which there was no room */
	/* Lines that are shown: nodes in order, those below a folded one left out. */
	int lines[CALL_TREE_NODES];
	int line_count;
	uint64_t folded[CALL_TREE_FOLDED]; /* paths */
	int folded_count;
};

/* Begin anew; what is folded stays folded. Then add maps, then finish. */
void call_tree_begin(struct call_tree *tree, const struct range *range);
void call_tree_add_map(struct call_tree *tree, const struct map_row *map);
/* Put siblings in order, most counts first, and work out the lines. False: too much of what is
 * remembered is over; it is forgotten, begin again (which ends well). */
bool call_tree_finish(struct call_tree *tree);
static inline bool call_node_is_leaf(const struct call_node *node)
{
	return node->own_count > 0;
}

/* Also frees what it holds. Maps with the same numbers may be others from now on, and the frames'
 * strings be gone. */
void call_tree_forget(struct call_tree *tree);

bool call_tree_is_folded(const struct call_tree *tree, int node);
/* Fold or unfold a node and work out the lines again. */
void call_tree_fold(struct call_tree *tree, int node, bool folded);

#endif
