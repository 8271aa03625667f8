/* SPDX-License-Identifier: MIT */
/* What the collector is told of the programs whose tables it reads. */
#include "bpf/collect/collector.h"

#include <bpf/libbpf.h>

#include "bpf/attach/program.h"
#include "gomaptop.skel.h"

void collector_config_program(struct collector_config *config, const struct program *program)
{
	struct gomaptop *s = program->skeleton;

	config->events_fd = bpf_map__fd(s->maps.events);
	config->maps_fd = bpf_map__fd(s->maps.maps);
	config->goroutines_fd = bpf_map__fd(s->maps.goroutines);
	config->targets_fd = bpf_map__fd(s->maps.targets);
	config->chains_fd = bpf_map__fd(s->maps.chains);
	config->order_fd = bpf_map__fd(s->maps.order_events);
	config->order_begun = (const uint64_t *)&s->bss->order_begun;
	config->order_lost = (const uint64_t *)&s->bss->order_lost;
	config->maps_max = program->maps_max;
	config->goroutines_max = program->goroutines_max;
	config->costs = program->costs;
	config->budget_divisor = program->budget_divisor;
	config->tuning = &s->bss->tuning;
}
