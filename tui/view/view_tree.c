/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>

#include "tui/term/draw.h"
#include "tui/view/copy_text.h"
#include "tui/view/pane.h"
#include "tui/words/call_tree.h"
#include "tui/words/format.h"
#include "tui/words/match.h"

/* The sampled call chains of a map, or of all maps that are shown, merged from the goroutines'
 * first functions downwards. Bars are the flame graph: as wide as their share, each below its
 * caller. */

#define BAR_MAX       40
#define FIGURES_WIDTH 12 /* percent and count */
#define NAME_BYTES    1024
#define PREFETCH      8 /* maps */

/* Rows lie all over the memory; ten thousand maps wait for it less when they wait at once. */
static void map_prefetch(const struct table *maps, size_t at)
{
	const struct map_row *map = at < maps->count ? maps->rows[at] : NULL;

	if (!map)
		return;
	__builtin_prefetch(map);
	__builtin_prefetch(&map->chains_version);
	__builtin_prefetch(&map->chain_count);
}

static void maps_add(struct ui *ui)
{
	struct map_row *only =
	        ui->tree_view.map_number ? rows_map(&ui->rows, ui->tree_view.map_number) : NULL;

	for (size_t i = 0; i < ui->maps.count; i++) {
		map_prefetch(&ui->maps, i + PREFETCH);
		if (!ui->tree_view.map_number || ui->maps.rows[i] == only)
			call_tree_add_map(&ui->tree_view.tree, ui->maps.rows[i]);
	}
}

static void tree_make(struct ui *ui)
{
	struct call_tree *tree = &ui->tree_view.tree;

	do {
		call_tree_begin(tree, &ui->range);
		maps_add(ui);
	} while (!call_tree_finish(tree));
}

static uint64_t key_of(const void *ctx, size_t index)
{
	const struct call_tree *tree = ctx;

	return tree->nodes[tree->lines[index]].path;
}

static void sync(struct ui *ui)
{
	const struct call_tree *tree = &ui->tree_view.tree;

	tree_make(ui);
	list_sync(&ui->tree_view.list, (size_t)tree->line_count, key_of, tree);
}

/* ---- drawing ------------------------------------------------------------------------- */

static void draw_bar(const struct call_tree *tree, const struct call_node *node, int y, int x,
                     int width, enum ground ground)
{
	int from = (int)((double)node->offset / (double)tree->total * width);
	int to = (int)((double)(node->offset + node->count) / (double)tree->total * width + 0.5);
	enum style style = node->conflicts           ? STYLE_BAD
	                   : call_node_is_leaf(node) ? STYLE_CHANGE
	                                             : STYLE_LOOK;

	if (to <= from)
		to = from + 1;
	draw_glyphs(y, x + from, (to < width ? to : width) - from, style, ground, GLYPH_SHADE_4);
}

static void draw_node(const struct call_tree *tree, int index, int y, const struct rect *area,
                      enum ground ground)
{
	const struct call_node *node = &tree->nodes[index];
	int bar = area->width / 4 > BAR_MAX ? BAR_MAX : area->width / 4;
	int x = area->x + 2, end = area->x + area->width;
	char text[NAME_BYTES], count[FORMAT_MAX], percent[FORMAT_MAX];
	bool folded = call_tree_is_folded(tree, index);

	draw_right(y, x, 5, STYLE_TEXT, ground,
	           format_percent((double)node->count / (double)tree->total, percent));
	draw_right(y, x + 6, 5, STYLE_DIM, ground, format_count(node->count, count));
	draw_bar(tree, node, y, x + FIGURES_WIDTH, bar, ground);
	x += FIGURES_WIDTH + bar + 1 + node->depth;
	if (x >= end)
		return;
	x += draw_word(y, x, end - x, STYLE_KEY, ground,
	               node->first_child == CALL_TREE_NOWHERE ? " "
	               : folded                               ? "+"
	                                                      : "-");
	if (call_node_is_leaf(node))
		x += 1 + draw_word(y, x, end - x, op_changes(node->op) ? STYLE_CHANGE : STYLE_LOOK,
		                   ground, map_op_name(node->op));
	x += draw_as(y, x, end - x,
	             node->conflicts       ? STYLE_BAD
	             : node->frame.inlined ? STYLE_DIM
	                                   : STYLE_FUNCTION,
	             ground, TEXT_FUNCTION, format_function(&node->frame, text, sizeof(text)));
	draw_as(y, x + 1, end - x - 1, STYLE_LINE, ground, TEXT_PLACE,
	        format_line(&node->frame, text, sizeof(text)));
}

static void draw_empty(struct ui *ui, const struct rect *area)
{
	const struct map_row *map =
	        ui->tree_view.map_number ? rows_map(&ui->rows, ui->tree_view.map_number) : NULL;
	char why[EXPLAIN_MAX];

	draw_wrapped(area->y, area->x + 1, area->width - 2, area->height, STYLE_DIM,
	             map ? explain_no_chains(&ui->rows, map, why)
	                 : "No call chain yet: chains come with accesses that are held; or the "
	                   "filter hides the maps that have some.");
}

static void draw(struct ui *ui, const struct rect *area)
{
	struct rect body = {area->y + 1, area->x, area->height - 1, area->width};
	const struct call_tree *tree = &ui->tree_view.tree;
	const struct list *list = &ui->tree_view.list;
	char title[128], count[FORMAT_MAX], words[64];
	int length;

	list_show(&ui->tree_view.list, (size_t)body.height);
	if (ui->tree_view.map_number)
		snprintf(words, sizeof(words), "of map m%u", ui->tree_view.map_number);
	else
		snprintf(words, sizeof(words), "of all maps that are shown");
	length = snprintf(title, sizeof(title), "Call tree %s, %s samples", words,
	                  format_count(tree->total, count));
	if (tree->left_out)
		snprintf(title + length, sizeof(title) - (size_t)length, ", %s more have no room",
		         format_count(tree->left_out, count));
	draw_title(area, true, title, "Enter folds, Esc goes back");
	if (!tree->line_count)
		draw_empty(ui, &body);
	for (int i = 0; i < body.height && list->top + (size_t)i < list->count; i++) {
		size_t line = list->top + (size_t)i;
		bool selected = line == list->selected;
		enum ground ground = selected ? GROUND_SELECTED : GROUND_NONE;

		draw_text(body.y + i, body.x, body.width, STYLE_STRONG, ground,
		          selected ? glyph(GLYPH_POINTER) : "");
		draw_node(tree, tree->lines[line], body.y + i, &body, ground);
	}
}

/* ---- keys ---------------------------------------------------------------------------- */

/* The node in the selected line; CALL_TREE_NOWHERE: the tree is empty. */
static int selected_node(const struct tree_view *view)
{
	return view->list.selected < (size_t)view->tree.line_count
	               ? view->tree.lines[view->list.selected]
	               : CALL_TREE_NOWHERE;
}

static void fold(struct tree_view *view, bool folded)
{
	int node = selected_node(view);

	if (node != CALL_TREE_NOWHERE)
		call_tree_fold(&view->tree, node, folded);
	view->list.count = (size_t)view->tree.line_count;
}

/* Left folds, and on what is folded or a leaf goes to the caller, as in other trees. */
static void left(struct tree_view *view)
{
	const struct call_tree *tree = &view->tree;
	int node = selected_node(view);

	if (node == CALL_TREE_NOWHERE)
		return;
	if (tree->nodes[node].first_child != CALL_TREE_NOWHERE &&
	    !call_tree_is_folded(tree, node)) {
		fold(view, true);
		return;
	}
	for (size_t i = 0; i < (size_t)tree->line_count; i++)
		if (tree->lines[i] == tree->nodes[node].parent)
			view->list.selected = i;
}

static enum handled act(struct ui *ui, enum action action)
{
	struct tree_view *view = &ui->tree_view;
	int node = selected_node(view);

	if (action == ACTION_OPEN && node != CALL_TREE_NOWHERE)
		fold(view, !call_tree_is_folded(&view->tree, node));
	else if (action == ACTION_LEFT)
		left(view);
	else if (action == ACTION_RIGHT)
		fold(view, false);
	else if (!list_act(&view->list, action))
		return NOT_HANDLED;
	view->list.moved = true;
	if (view->list.selected < (size_t)view->tree.line_count)
		view->list.key = key_of(&view->tree, view->list.selected);
	return HANDLED;
}

static bool click(struct ui *ui, int y, int x)
{
	struct tree_view *view = &ui->tree_view;
	size_t line = view->list.top + (size_t)(y - ui->layout.body.y - 1);

	(void)x;
	if (y <= ui->layout.body.y || line >= (size_t)view->tree.line_count)
		return false;
	if (line == view->list.selected)
		act(ui, ACTION_OPEN);
	view->list.selected = line;
	view->list.moved = true;
	view->list.key = key_of(&view->tree, line);
	return true;
}

struct searched {
	const struct call_tree *tree;
	const struct pattern *pattern;
};

static bool line_has(const void *ctx, size_t index)
{
	const struct searched *searched = ctx;
	const struct call_tree *tree = searched->tree;

	return match_chain(&tree->nodes[tree->lines[index]].frame, 1, searched->pattern);
}

/* What is folded away is not shown, and not searched. */
static bool search(struct ui *ui, const struct pattern *pattern, int by)
{
	struct tree_view *view = &ui->tree_view;
	struct searched searched = {&view->tree, pattern};

	if (!list_search(&view->list, by, line_has, &searched))
		return false;
	view->list.key = key_of(&view->tree, view->list.selected);
	return true;
}

static size_t copy(struct ui *ui, char *out, size_t size)
{
	const struct call_tree *tree = &ui->tree_view.tree;
	struct copy_text text = {out, size, 0};
	char path[NAME_BYTES];

	for (int i = 0; i < tree->line_count; i++) {
		const struct call_node *node = &tree->nodes[tree->lines[i]];

		copy_line(&text, "%8" PRIu64 " %*s%s %s", node->count, node->depth, "",
		          node->frame.function ? node->frame.function : "unknown function",
		          format_path(&node->frame, path, sizeof(path)));
	}
	return text.used;
}

void tree_view_open(struct ui *ui, unsigned int map_number)
{
	ui->tree_view.map_number = map_number;
	ui->tree_view.list = (struct list){0};
	ui_view_open(ui, VIEW_TREE);
}

const struct view_ops view_tree = {
        .name = "tree",
        .draw = draw,
        .act = act,
        .click = click,
        .copy = copy,
        .search = search,
        .sync = sync,
};
