/* SPDX-License-Identifier: MIT */
#include "bpf/targets/targets_internal.h"
#include "core/base/clock.h"
#include "core/process/cpu_room.h"

#define LOOK_NS     500000000ULL
#define FIRST_NS    200000000ULL /* the first comparison is wanted soon; accounts go by 10 ms */
#define TARGETS_MAX 64           /* looked at; the others are taken to be alike */

/* What the target leaves of the CPUs that it may run on; 0 as soon as a limit of CPU time that it
 * has was used up, or cannot be seen. */
static double target_room(struct target *t, double elapsed_ns)
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

static double machine_room(struct targets *t, double elapsed_ns)
{
	uint64_t idle_ns = t->idle_ns, before = t->idle_ns;

	if (cpu_room_idle(&idle_ns) || idle_ns < before)
		return 0;
	t->idle_ns = idle_ns;
	return (double)(idle_ns - before) / elapsed_ns / cpu_room_cpus();
}

static double least_room(struct targets *t, double elapsed_ns)
{
	double room = machine_room(t, elapsed_ns);
	size_t looked = 0;

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < t->count && looked < TARGETS_MAX; i++) {
		double left;

		if (t->rows[i].over)
			continue;
		looked++;
		left = target_room(&t->rows[i], elapsed_ns);
		room = left < room ? left : room;
	}
	pthread_mutex_unlock(&t->lock);
	return room > 0 ? room : 0;
}

/* Less room counts at once, more of it by and by. The first look is what others are compared
 * with. */
void targets_room_look(struct targets *t)
{
	uint64_t now = clock_now(), elapsed_ns = now - t->room_looked_ns;
	double before = (double)atomic_load(&t->room) / 1000, room;

	if (elapsed_ns < (t->room_known ? LOOK_NS : FIRST_NS))
		return;
	room = least_room(t, (double)elapsed_ns);
	if (!t->room_looked_ns)
		room = 0;
	else if (t->room_known && room > before)
		room = (before + room) / 2;
	t->room_known = t->room_looked_ns != 0;
	t->room_looked_ns = now;
	atomic_store(&t->room, (unsigned int)(room * 1000));
}

double targets_room(const struct targets *t)
{
	return (double)atomic_load(&t->room) / 1000;
}
