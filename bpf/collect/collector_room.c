/* SPDX-License-Identifier: MIT */
#include "bpf/collect/collector_internal.h"
#include "core/base/clock.h"
#include "core/process/cpu_room.h"

#define LOOK_NS     500000000ULL
#define FIRST_NS    200000000ULL /* the first comparison is wanted soon; accounts go by 10 ms */
#define TARGETS_MAX 64           /* looked at; of more one knows enough */

/* What the target leaves of the CPUs that it may run on; 0 as soon as a limit of CPU time that it
 * has was used up, or cannot be seen. */
static double target_room(struct collector_target *t, double elapsed_ns)
{
	uint64_t used_ns = t->cpu_ns - t->room_cpu_ns, throttled = 0;
	int allowed = cpu_room_allowed(t->pid);
	bool limited = cpu_room_throttled(t->pid, &throttled) != 0;

	t->room_cpu_ns = t->cpu_ns;
	if (!limited && throttled > t->throttled)
		limited = true;
	t->throttled = throttled;
	return limited || allowed <= 0 ? 0 : 1 - (double)used_ns / elapsed_ns / allowed;
}

static double machine_room(struct collector *c, double elapsed_ns)
{
	uint64_t idle_ns = c->idle_ns, before = c->idle_ns;

	if (cpu_room_idle(&idle_ns) || idle_ns < before)
		return 0;
	c->idle_ns = idle_ns;
	return (double)(idle_ns - before) / elapsed_ns / cpu_room_cpus();
}

static double least_room(struct collector *c, double elapsed_ns)
{
	double room = machine_room(c, elapsed_ns);
	size_t looked = 0;

	pthread_mutex_lock(&c->targets_lock);
	for (size_t i = 0; i < c->target_count && looked < TARGETS_MAX; i++) {
		double left;

		if (c->targets[i].pidfd < 0)
			continue;
		looked++;
		left = target_room(&c->targets[i], elapsed_ns);
		room = left < room ? left : room;
	}
	pthread_mutex_unlock(&c->targets_lock);
	return room > 0 ? room : 0;
}

/* Less room counts at once, more of it by and by. The first look is what others are compared
 * with. */
void collector_room_look(struct collector *c)
{
	uint64_t now = clock_now(), elapsed_ns = now - c->room_looked_ns;
	double before = (double)atomic_load(&c->room) / 1000, room;

	if (elapsed_ns < (c->room_known ? LOOK_NS : FIRST_NS))
		return;
	room = least_room(c, (double)elapsed_ns);
	if (!c->room_looked_ns)
		room = 0;
	else if (c->room_known && room > before)
		room = (before + room) / 2;
	c->room_known = c->room_looked_ns != 0;
	c->room_looked_ns = now;
	atomic_store(&c->room, (unsigned int)(room * 1000));
}

double collector_room(const struct collector *c)
{
	return (double)atomic_load(&c->room) / 1000;
}
