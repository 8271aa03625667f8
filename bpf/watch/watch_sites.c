/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/govern/site_zoom.h"
#include "bpf/watch/watch_internal.h"

/* With the targets that run it, where links can be confined to them; *pids has room for those. */
static void binary_describe(const struct watch *w, size_t index, pid_t **pids,
                            struct site_probes_binary *out)
{
	const struct watch_binary *b = w->binaries[index];

	*out = (struct site_probes_binary){
	        .file = b->file, .first_site = b->first_site, .row = b->row, .pids = *pids};
	for (size_t i = 0; w->config.pid_count && w->program.pid_filter && i < w->target_count; i++)
		if (w->targets[i].binary == index) {
			*(*pids)++ = w->targets[i].pid;
			out->pid_count++;
		}
}

/* Without them everything else goes on: no error ends the watch. */
void watch_sites_create(struct watch *w)
{
	struct site_probes_binary *binaries = calloc(w->binary_count + 1, sizeof(*binaries));
	pid_t *pids = w->site_pids = calloc(w->target_count + 1, sizeof(*pids));
	struct site_probes_config config = {.program = &w->program,
	                                    .keeper = w->keeper,
	                                    .binaries = binaries,
	                                    .binary_count = w->binary_count,
	                                    .verbose = w->config.verbose};
	int rc = -1;

	if (w->program.mode != PROBE_LINK_MULTI)
		goto cleanup;
	for (size_t i = 0; binaries && pids && i < w->binary_count; i++)
		binary_describe(w, i, &pids, &binaries[i]);
	if (binaries && w->site_pids)
		rc = site_zoom_create(&config, &w->sites);
	if (rc && w->config.verbose)
		fprintf(stderr, "gomaptop: call sites will not be probed: %s\n", strerror(-rc));
cleanup:
	free(binaries);
}
