/* SPDX-License-Identifier: MIT */
/*
 * order_list: a ring of links inside of structs, from the least recently used one on.
 */
#ifndef GOMAPTOP_CORE_ORDER_LIST_H
#define GOMAPTOP_CORE_ORDER_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct order_link {
	struct order_link *before, *after;
};

/* The struct of the given type whose member the link is. */
#define order_list_entry(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void order_list_empty(struct order_link *list)
{
	list->before = list->after = list;
}

static inline bool order_list_is_empty(const struct order_link *list)
{
	return list->after == list;
}

static inline void order_list_add(struct order_link *list, struct order_link *link)
{
	link->before = list->before;
	link->after = list;
	list->before->after = link;
	list->before = link;
}

static inline void order_list_remove(struct order_link *link)
{
	link->before->after = link->after;
	link->after->before = link->before;
}

/* It was used just now. Also from one list to another. */
static inline void order_list_move(struct order_link *list, struct order_link *link)
{
	order_list_remove(link);
	order_list_add(list, link);
}

#endif
