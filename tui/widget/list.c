/* SPDX-License-Identifier: MIT */
#include "tui/widget/list.h"

void list_sync(struct list *list, size_t count, uint64_t (*key_of)(const void *ctx, size_t index),
               const void *ctx)
{
	list->count = count;
	if (!count || !list->moved) {
		list->selected = 0;
		list->key = count ? key_of(ctx, 0) : 0;
		return;
	}
	for (size_t i = 0; i < count; i++)
		if (key_of(ctx, i) == list->key) {
			list->selected = i;
			return;
		}
	if (list->selected >= count)
		list->selected = count - 1;
	list->key = key_of(ctx, list->selected);
}

static size_t up(const struct list *list, size_t by)
{
	return list->selected > by ? list->selected - by : 0;
}

static size_t down(const struct list *list, size_t by)
{
	return list->count - 1 - list->selected > by ? list->selected + by : list->count - 1;
}

bool list_act(struct list *list, enum action action)
{
	size_t page = list->page > 1 ? list->page - 1 : 1;
	size_t to[ACTION_COUNT];

	if (action != ACTION_UP && action != ACTION_DOWN && action != ACTION_PAGE_UP &&
	    action != ACTION_PAGE_DOWN && action != ACTION_HOME && action != ACTION_END)
		return false;
	if (!list->count)
		return true;
	to[ACTION_UP] = up(list, 1);
	to[ACTION_DOWN] = down(list, 1);
	to[ACTION_PAGE_UP] = up(list, page);
	to[ACTION_PAGE_DOWN] = down(list, page);
	to[ACTION_HOME] = 0;
	to[ACTION_END] = list->count - 1;
	list->selected = to[action];
	list->moved = action != ACTION_HOME; /* Home: stay with the first row again */
	return true;
}

void list_show(struct list *list, size_t visible)
{
	list->page = visible;
	if (!visible)
		return;
	if (list->selected < list->top)
		list->top = list->selected;
	if (list->selected >= list->top + visible)
		list->top = list->selected - visible + 1;
	if (list->top && list->top + visible > list->count)
		list->top = list->count > visible ? list->count - visible : 0;
}

bool list_search(struct list *list, int by, bool (*has)(const void *ctx, size_t index),
                 const void *ctx)
{
	size_t at = list->selected;

	for (size_t i = 0; i < list->count; i++) {
		at = (at + list->count + (size_t)(ptrdiff_t)by) % list->count;
		if (has(ctx, at)) {
			list->selected = at;
			list->moved = true;
			return true;
		}
	}
	return false;
}
