/* SPDX-License-Identifier: MIT */
/* What each event means. */
#include "core/judge/order_judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/judge/order_judge_internal.h"

/* Beginnings of acquisitions, and what may be told inside of one. All other events say that those
 * of their goroutine are complete. */
static bool lies_inside(const struct order_event *event)
{
	switch (event->act) {
	case ORDER_ACT_SEND:
	case ORDER_ACT_RECEIVE:
		return event->op == ORDER_FURTHER_CASE;
	case ORDER_ACT_TAKE:
	case ORDER_ACT_TAKE_LATER:
	case ORDER_ACT_TAKE_SHARED:
	case ORDER_ACT_ACQUIRE:
	case ORDER_ACT_BOTH:
	case ORDER_ACT_PUBLISH:
	case ORDER_ACT_WAKE:
	case ORDER_ACT_NOTHING:
		return true;
	default:
		return false;
	}
}

static bool act_drops(unsigned int act)
{
	return act == ORDER_ACT_DROP || act == ORDER_ACT_DROP_SHARED;
}

static bool event_late(const struct order_event *event)
{
	return event->late && event->act != ORDER_ACT_TAKE_SHARED;
}

/* ---- goroutines ---------------------------------------------------------------------- */

static bool is_outside(const struct order_judge *judge, const struct order_goroutine *goroutine)
{
	return goroutine->g && judge->config.is_outside &&
	       judge->config.is_outside(judge->config.ctx, goroutine->tgid, goroutine->g);
}

/* inside: it may be in the midst of an acquisition that began before it was known. */
static struct order_goroutine *goroutine_meet(struct order_judge *judge, uint32_t tgid, uint64_t g,
                                              bool inside)
{
	struct order_goroutine *goroutine = goroutine_new(judge, tgid, g);

	if (!goroutine)
		return NULL;
	goroutine->outside = is_outside(judge, goroutine);
	edge_acquire_all(judge, goroutine);
	if (inside)
		open_add(goroutine, &(struct order_open){.tag = ORDER_EVERYTHING});
	return goroutine;
}

/* The goroutine that tells the event, having come this far. One that is not known (g is 0) may be
 * any: it has seen everything, others may have seen from it all that anybody did, and its releases
 * may have been made long ago. */
static struct order_goroutine *actor_obtain(struct order_judge *judge,
                                            const struct order_event *event)
{
	struct order_goroutine *actor = goroutine_find(judge, event->tgid, event->g);
	bool inside = lies_inside(event);

	if (!actor)
		actor = goroutine_meet(judge, event->tgid, event->g, inside);
	if (!actor)
		return NULL;
	order_list_move(&judge->living, &actor->link);
	if (!event->g)
		edge_acquire_all(judge, actor);
	if (!event_late(event))
		wait_clear(judge, actor, UINT64_MAX);
	else if (actor->previous && !actor->outside)
		wait_drop(judge, actor);
	else /* nobody knows what it had seen when others accused */
		wait_drop_process(judge, event->tgid);
	if (event_late(event) && act_drops(event->act))
		open_has_dropped(actor, event->object);
	open_flush(judge, actor, !inside);
	cloned_event(judge, actor, event);
	if (actor->outside || !actor->g)
		edge_publish_all(judge);
	if (actor->events < ORDER_EVENTS_UNTIL_LOCKS_KNOWN)
		actor->events++;
	else
		actor->locks_known = true;
	return actor;
}

static void actor_end(struct order_judge *judge, struct order_goroutine *actor)
{
	if (actor->g)
		actor->previous = judge->sequence;
}

/* ---- objects ------------------------------------------------------------------------- */

/* An object that is not known may be any. */
static void release(struct order_judge *judge, struct order_goroutine *actor,
                    const struct order_event *event, enum order_tag tag, enum order_half half)
{
	uint64_t address = tag == ORDER_TIMERS ? 0 : event->object;
	struct order_object *object;

	if (!address && tag != ORDER_TIMERS) {
		edge_publish(judge, actor, ORDER_BY_UNSEEN);
		return;
	}
	object = object_obtain(judge, event->tgid, tag, address);
	if (object)
		edge_release(judge, actor, object, half, event_late(event));
}

/* Only a RWMutex has readers. */
static uint8_t lock_kinds(const struct order_event *event)
{
	return event->act == ORDER_ACT_TAKE_SHARED ? ORDER_TAKEN_RWMUTEX : event->op;
}

static void acquire_later(struct order_goroutine *actor, const struct order_event *event,
                          enum order_tag tag, unsigned int halves, enum order_take take)
{
	struct order_open open = {event->object,
	                          event->place,
	                          tag,
	                          halves,
	                          take,
	                          tag == ORDER_OTHER ? event->op : ORDER_BY_OTHER,
	                          tag == ORDER_LOCK ? lock_kinds(event) : 0};

	if (!event->object && tag != ORDER_TIMERS)
		open = (struct order_open){.tag = ORDER_EVERYTHING};
	if (tag == ORDER_TIMERS)
		open.address = 0;
	open_add(actor, &open);
}

#define HALF(half) (1U << (half))
#define BOTH       (HALF(0) | HALF(1))

static void take(struct order_judge *judge, struct order_goroutine *actor,
                 const struct order_event *event)
{
	bool shared = event->act == ORDER_ACT_TAKE_SHARED;
	bool later = event->act == ORDER_ACT_TAKE_LATER || (shared && event->late);
	enum order_take how = shared ? ORDER_TAKE_SHARED : ORDER_TAKE_EXCLUSIVE;

	if (!event->object)
		edge_acquire_all(judge, actor);
	else if (!later)
		lock_take(judge, actor, event->object, event->place, shared, lock_kinds(event));
	acquire_later(actor, event, ORDER_LOCK, shared ? HALF(ORDER_DROPPED) : BOTH,
	              later ? how : ORDER_TAKE_NOT);
}

static void drop(struct order_judge *judge, struct order_goroutine *actor,
                 const struct order_event *event)
{
	if (event->object)
		lock_drop(judge, actor, event->object, event->act == ORDER_ACT_DROP_SHARED,
		          event_late(event));
	else
		edge_publish(judge, actor, ORDER_BY_UNSEEN);
}

static void channel(struct order_judge *judge, struct order_goroutine *actor,
                    const struct order_event *event)
{
	bool receive = event->act == ORDER_ACT_RECEIVE;

	release(judge, actor, event, ORDER_CHANNEL, receive ? ORDER_RECEIVED : ORDER_SENT);
	if (event->act == ORDER_ACT_CLOSE)
		return;
	acquire_later(actor, event, ORDER_CHANNEL, HALF(receive ? ORDER_SENT : ORDER_RECEIVED),
	              ORDER_TAKE_NOT);
	if (receive) /* it may be a timer's */
		acquire_later(actor, event, ORDER_TIMERS, HALF(ORDER_ONLY), ORDER_TAKE_NOT);
}

static void write_to(struct order_judge *judge, struct order_goroutine *actor,
                     const struct order_event *event)
{
	if (!judge->config.goes_out(judge->config.ctx, event->tgid, event->object))
		edge_publish(judge, actor, ORDER_BY_DESCRIPTOR);
}

/* ---- beginnings and ends of goroutines ----------------------------------------------- */

static void child(struct order_judge *judge, struct order_goroutine *parent,
                  const struct order_event *event)
{
	struct order_goroutine *former = goroutine_find(judge, event->tgid, event->object);
	struct order_goroutine *made;

	if (former)
		goroutine_end(judge, former);
	made = goroutine_new(judge, event->tgid, event->object);
	if (!made)
		return;
	if (parent && parent != former)
		edge_direct(judge, parent, made, ORDER_BY_CREATION);
	else
		edge_acquire_all(judge, made);
	made->outside = is_outside(judge, made);
	made->locks_known = true;
	made->previous = judge->sequence;
}

static void wake(struct order_judge *judge, struct order_goroutine *waker,
                 const struct order_event *event)
{
	struct order_goroutine *woken = goroutine_find(judge, event->tgid, event->object);
	struct order_object *timers;

	if (!woken)
		woken = goroutine_meet(judge, event->tgid, event->object, true);
	if (!woken)
		return;
	order_list_move(&judge->living, &woken->link);
	wait_clear(judge, woken, UINT64_MAX);
	open_flush(judge, woken, false);
	if (waker && waker != woken) {
		edge_direct(judge, waker, woken, open_way(woken));
	} else {
		timers = object_obtain(judge, event->tgid, ORDER_TIMERS, 0);
		if (timers)
			edge_acquire(judge, woken, timers, ORDER_ONLY, ORDER_BY_TIMER);
	}
	woken->previous = judge->sequence;
}

static void end(struct order_judge *judge, const struct order_event *event)
{
	struct order_goroutine *goroutine = goroutine_find(judge, event->tgid, event->object);

	if (goroutine)
		goroutine_end(judge, goroutine);
}

/* ---- events -------------------------------------------------------------------------- */

/* What a goroutine does with itself and with objects. */
static void act(struct order_judge *judge, struct order_goroutine *actor,
                const struct order_event *event, uint64_t detail)
{
	switch (event->act) {
	case ORDER_ACT_ACCESS:
		map_access(judge, actor, event, detail);
		actor->news = true;
		break;
	case ORDER_ACT_TAKE:
	case ORDER_ACT_TAKE_LATER:
	case ORDER_ACT_TAKE_SHARED:
		take(judge, actor, event);
		break;
	case ORDER_ACT_DROP:
	case ORDER_ACT_DROP_SHARED:
		drop(judge, actor, event);
		break;
	case ORDER_ACT_SEND:
	case ORDER_ACT_RECEIVE:
	case ORDER_ACT_CLOSE:
		channel(judge, actor, event);
		break;
	case ORDER_ACT_RELEASE:
	case ORDER_ACT_BOTH:
		release(judge, actor, event, ORDER_OTHER, ORDER_ONLY);
		if (event->act == ORDER_ACT_RELEASE)
			break;
		__attribute__((fallthrough));
	case ORDER_ACT_ACQUIRE:
		acquire_later(actor, event, ORDER_OTHER, HALF(ORDER_ONLY), ORDER_TAKE_NOT);
		break;
	case ORDER_ACT_SELECT_MANY:
		edge_publish(judge, actor, ORDER_BY_UNSEEN);
		open_add(actor, &(struct order_open){.tag = ORDER_EVERYTHING});
		break;
	case ORDER_ACT_PUBLISH:
		edge_publish(judge, actor,
		             event->op >= ORDER_BY_ATOMICS && event->op < ORDER_WAY_COUNT
		                     ? event->op
		                     : ORDER_BY_UNSEEN);
		break;
	case ORDER_ACT_WRITE:
		write_to(judge, actor, event);
		break;
	case ORDER_ACT_TIMER:
		release(judge, actor, event, ORDER_TIMERS, ORDER_ONLY);
		break;
	case ORDER_ACT_SPAWN:
		edge_release_all(judge, actor, event_late(event));
		break;
	case ORDER_ACT_CLONE:
		cloned_begin(judge, actor, event);
		break;
	default:
		break;
	}
}

/* What is told of another goroutine (object), by one, by itself, or by none. */
static void act_on(struct order_judge *judge, const struct order_event *event)
{
	struct order_goroutine *actor = NULL;

	if (event->g && event->g != event->object)
		actor = actor_obtain(judge, event);
	if (event->act == ORDER_ACT_CHILD)
		child(judge, actor, event);
	else if (event->act == ORDER_ACT_WAKE)
		wake(judge, actor, event);
	else
		end(judge, event);
	if (actor)
		actor_end(judge, actor);
}

void order_judge_feed(struct order_judge *judge, const struct order_event *event, uint64_t detail)
{
	struct order_goroutine *actor;

	if (judge->spent)
		order_judge_reset(judge);
	judge->sequence++;
	if (event->act == ORDER_ACT_CHILD || event->act == ORDER_ACT_WAKE ||
	    event->act == ORDER_ACT_EXIT) {
		act_on(judge, event);
		return;
	}
	if (event->act == ORDER_ACT_ACCESS && (!event->g || event->op >= OP_COUNT))
		return;
	actor = actor_obtain(judge, event);
	if (!actor)
		return;
	act(judge, actor, event, detail);
	actor_end(judge, actor);
}

/* ---- the whole ----------------------------------------------------------------------- */

int order_judge_create(const struct order_judge_config *config, struct order_judge **out)
{
	struct order_judge *judge = calloc(1, sizeof(*judge));

	if (!judge)
		return -ENOMEM;
	judge->config = *config;
	order_list_empty(&judge->living);
	order_list_empty(&judge->ended);
	order_list_empty(&judge->objects_used);
	order_list_empty(&judge->objects_free);
	order_list_empty(&judge->maps_used);
	order_list_empty(&judge->maps_free);
	*out = judge;
	return 0;
}

void order_judge_destroy(struct order_judge *judge)
{
	if (!judge)
		return;
	id_table_clear(&judge->by_g);
	id_table_clear(&judge->by_address);
	id_table_clear(&judge->by_map);
	free(judge);
}

/* Sequence numbers and serials go on: so what is left of the time before counts no more. */
void order_judge_reset(struct order_judge *judge)
{
	wait_drop_all(judge);
	order_goroutines_reset(judge);
	objects_reset(judge);
	judge->released = judge->published = (struct order_clock){0};
	judge->published_ways = (struct order_ways){0};
	judge->acquired_all = judge->acquired_all_lost = judge->got_lost = 0;
	memset(judge->cloned, 0, sizeof(judge->cloned));
	judge->spent = false;
}

void order_judge_forget(struct order_judge *judge, uint32_t tgid)
{
	wait_drop_process(judge, tgid);
	goroutines_forget(judge, tgid);
	objects_forget(judge, tgid);
	maps_forget(judge, tgid);
}

size_t order_judge_changed(struct order_judge *judge,
                           void (*each)(void *ctx, const struct order_map_id *map,
                                        const struct order_counts *counts,
                                        const struct order_guard *guard),
                           void *ctx)
{
	struct order_link *link = judge->maps_used.after;
	size_t count = 0;

	for (; link != &judge->maps_used; link = link->after) {
		struct order_map *map = order_list_entry(link, struct order_map, link);
		struct order_guard guard;

		if (!map->changed)
			continue;
		map->changed = false;
		guard = guard_of(map);
		each(ctx, &map->id, &map->counts, &guard);
		count++;
	}
	return count;
}

struct order_counts order_judge_counts(const struct order_judge *judge)
{
	return judge->counts;
}
