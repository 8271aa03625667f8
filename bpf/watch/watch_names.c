/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch/watch_internal.h"
#include "core/process/go_process.h"

struct watch_target *watch_target_find(struct watch *w, pid_t pid)
{
	for (size_t i = 0; i < w->target_count; i++)
		if (w->targets[i].pid == pid)
			return &w->targets[i];
	return NULL;
}

int watch_target_register(struct watch *w, pid_t pid, size_t binary)
{
	void *more;

	if (watch_target_find(w, pid))
		return 0;
	more = reallocarray(w->targets, w->target_count + 1, sizeof(*w->targets));
	if (!more)
		return -ENOMEM;
	w->targets = more;
	w->targets[w->target_count++] = (struct watch_target){.pid = pid, .binary = binary};
	return 0;
}

/* Tell the symbolizer where the process has its binary; possible once it has executed it. */
int watch_target_place(struct watch *w, struct watch_target *t)
{
	struct go_binary *binary = w->binaries[t->binary]->binary;
	uint64_t bias;
	int rc = go_process_load_bias(t->pid, binary, &bias);

	if (rc)
		return rc;
	if (t->placed && bias != t->bias)
		go_type_live_renew(&t->types);
	t->bias = bias;
	t->placed = true;
	return symbolizer_process_add(w->symbolizer, t->pid, binary, t->bias);
}

static int binary_index(const struct watch *w, const struct watch_binary *b)
{
	for (size_t i = w->binary_count; b && i > 0; i--)
		if (w->binaries[i - 1] == b)
			return (int)i - 1;
	return -1;
}

static const struct probe_site *site_of(const struct watch *w, uint32_t site)
{
	const struct watch_binary *b =
	        site < FIELD_ROWS * ROW_SITES ? w->rows[site / ROW_SITES] : NULL;

	return b && site % ROW_SITES < b->plan.site_count ? &b->plan.sites[site % ROW_SITES] : NULL;
}

#define PAGE_MASK UINT64_C(4095)

/* The bias that an access shows; false: it shows none. (That of a crash may have the site of the
 * goroutine's last operation with the address of the fatal function: no whole number of pages.) */
static bool access_bias(const struct watch *w, const struct access *access, uint64_t *bias)
{
	const struct probe_site *site = site_of(w, access->site);

	if (!site || !access->depth)
		return false;
	*bias = access->stack[0] - site->addr;
	return !(*bias & PAGE_MASK);
}

/* Does this access lie where the process is thought to have its binary? A process that has executed
 * its own file again keeps number and start time, but a position-independent one lies elsewhere. */
static bool target_fits(const struct watch *w, const struct watch_target *t,
                        const struct access *access)
{
	uint64_t bias;

	return t && t->placed && (!access_bias(w, access, &bias) || bias == t->bias);
}

static struct watch_target *target_of_access(struct watch *w, const struct access *access)
{
	struct watch_target *t = watch_target_find(w, access->tgid);
	int binary;

	if (t || access->site >= FIELD_ROWS * ROW_SITES)
		return t;
	binary = binary_index(w, w->rows[access->site / ROW_SITES]);
	if (binary < 0 || watch_target_register(w, (pid_t)access->tgid, (size_t)binary))
		return NULL;
	return watch_target_find(w, access->tgid);
}

/* Is there a function where the access was, if the process has its binary where the kernel says? */
static bool target_has_function(const struct watch *w, const struct watch_target *t,
                                const struct access *access)
{
	struct go_function function;

	return access->depth && !go_binary_function_at(w->binaries[t->binary]->binary,
	                                               access->stack[0] - t->bias, &function);
}

/* The kernel says where a process has its binary; the access does where the process has ended, or
 * has executed its file again since. */
static void target_place_by_access(struct watch *w, const struct access *access)
{
	struct watch_target *t = target_of_access(w, access);
	uint64_t bias;

	if (!t)
		return;
	if ((watch_target_place(w, t) || !target_has_function(w, t, access)) &&
	    access_bias(w, access, &bias)) {
		t->bias = bias;
		t->placed = true;
		symbolizer_process_add(w->symbolizer, t->pid, w->binaries[t->binary]->binary,
		                       t->bias);
	}
}

static void target_forget(struct watch_target *t)
{
	t->placed = false;
	go_type_live_renew(&t->types);
}

/* A pid may come again, as another process of the same executable. */
static void target_identify(struct watch_target *t)
{
	uint64_t started_ns;

	if (go_process_started(t->pid, &started_ns))
		return;
	if (t->started_ns && t->started_ns != started_ns)
		target_forget(t);
	t->started_ns = started_ns;
}

/* -e: one more process; the program says by which binary's probe it met it. NULL: not one of
 * ours. */
static struct watch_target *target_meet(struct watch *w, const struct event_process *event)
{
	struct watch_target *t = watch_target_find(w, event->h.tgid);
	int binary;

	if (!watch_meets_processes(w))
		return t;
	binary = event->binary < FIELD_ROWS ? binary_index(w, w->rows[event->binary]) : -1;
	if (binary < 0)
		return t;
	if (!t) {
		if (watch_target_register(w, (pid_t)event->h.tgid, (size_t)binary))
			return NULL;
		return watch_target_find(w, (pid_t)event->h.tgid);
	}
	if (t->binary != (size_t)binary) {
		t->binary = (size_t)binary;
		target_forget(t);
	}
	return t;
}

/* From what it was built: the main module, the revision, and whether that was changed. */
static void target_build(const struct go_binary *binary, struct target_row *row)
{
	char text[128], *sum;

	if (!go_binary_build_field(binary, "mod\t", row->module, sizeof(row->module)) ||
	    !go_binary_build_field(binary, "path\t", row->module, sizeof(row->module))) {
		for (char *p = row->module; *p; p++)
			*p = *p == '?' ? ' ' : *p; /* tabs */
		sum = strstr(row->module, " h1:");
		if (sum)
			*sum = '\0';
	}
	for (size_t end = strlen(row->module); end && row->module[end - 1] == ' ';)
		row->module[--end] = '\0';
	if (go_binary_build_field(binary, "build\tvcs.revision=", text, sizeof(text)))
		return;
	snprintf(row->revision, sizeof(row->revision), "%.64s", text);
	if (!go_binary_build_field(binary, "build\tvcs.modified=", text, sizeof(text)) &&
	    strcmp(text, "true") == 0)
		snprintf(row->revision + strlen(row->revision),
		         sizeof(row->revision) - strlen(row->revision), " (modified)");
}

int watch_target(struct watch *w, const struct event_process *event, struct target_row *row)
{
	struct watch_target *t = target_meet(w, event);
	const struct go_binary *binary;
	uint32_t tgid = event->h.tgid;
	bool swiss;

	if (!t)
		return -ESRCH;
	target_identify(t);
	watch_target_place(w, t); /* again too: it may have executed its file anew */
	binary = w->binaries[t->binary]->binary;
	swiss = go_binary_map_runtime(binary) == GO_MAP_SWISS;
	memset(row, 0, sizeof(*row));
	row->tgid = tgid;
	row->state = PROCESS_RUNNING;
	row->stripped = go_binary_stripped(binary);
	row->layout = go_binary_layout_trust(binary);
	row->map_runtime = swiss ? "swiss" : "hmap";
	if (go_process_executable(tgid, row->exe, sizeof(row->exe)) ||
	    (w->config.executable && w->config.pid_count && !t->placed))
		snprintf(row->exe, sizeof(row->exe), "%.*s", (int)sizeof(row->exe) - 1,
		         w->binaries[t->binary]->path);
	row->started_ns = t->started_ns;
	snprintf(row->go_version, sizeof(row->go_version), "%s", go_binary_version(binary));
	if (go_binary_build_id(binary))
		snprintf(row->build_id, sizeof(row->build_id), "%s", go_binary_build_id(binary));
	target_build(binary, row);
	return 0;
}

/* ---- for the model ------------------------------------------------------------------- */

static int on_call_chain(void *ctx, const struct access *access, struct frame *out, int max)
{
	struct watch *w = ctx;
	struct watch_target *t = watch_target_find(w, access->tgid);

	if (!target_fits(w, t, access))
		target_place_by_access(w, access);
	return symbolizer_call_chain(w->symbolizer, access, out, max);
}

static const struct frame *on_frames(void *ctx, uint32_t tgid, uint64_t pc, bool is_return_address,
                                     int *count)
{
	struct watch *w = ctx;

	return symbolizer_frames(w->symbolizer, tgid, pc, is_return_address, count);
}

static const char *on_site_function(void *ctx, unsigned int site)
{
	struct watch *w = ctx;

	return site < FIELD_ROWS * ROW_SITES ? w->site_functions[site] : NULL;
}

static const char *on_type_name(void *ctx, uint32_t tgid, uint64_t type_addr)
{
	struct watch *w = ctx;
	struct watch_target *t = watch_target_find(w, tgid);
	struct go_binary *binary;
	const char *name;

	if (!t || !t->placed || !type_addr)
		return NULL;
	binary = w->binaries[t->binary]->binary;
	name = go_binary_type_name(binary, type_addr - t->bias);
	return name ? name : go_type_live_name(&t->types, binary, t->bias, t->pid, type_addr);
}

static const char *on_variable_name(void *ctx, uint32_t tgid, uint64_t addr, uint64_t size)
{
	struct watch *w = ctx;
	const struct watch_target *t = watch_target_find(w, tgid);

	if (!t || !t->placed)
		return NULL;
	return go_binary_variable_name(w->binaries[t->binary]->binary, addr - t->bias, size);
}

static void on_lengths(void *ctx, struct map_length *maps, size_t count)
{
	watch_lengths(ctx, maps, count);
}

static const char *on_first_function(void *ctx, uint32_t tgid, uint64_t startpc)
{
	struct watch *w = ctx;

	return symbolizer_first_function(w->symbolizer, tgid, startpc);
}

struct model_symbols watch_symbols(struct watch *w)
{
	return (struct model_symbols){
	        .call_chain = on_call_chain,
	        .frames = on_frames,
	        .site_function = on_site_function,
	        .type_name = on_type_name,
	        .first_function = on_first_function,
	        .variable_name = on_variable_name,
	        .lengths = on_lengths,
	        .ctx = w,
	};
}
