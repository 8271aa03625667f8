/* SPDX-License-Identifier: MIT */
#include "bpf/attach/features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "bpf/attach/permission.h"
#include "bpf/attach/program.h"
#include "core/base/test_knob.h"

/* ---- the table ------------------------------------------------------------------------- */

static const struct feature rows[FEATURE_COUNT] = {
        [FEATURE_BTF] = {"btf", "5.4", "341dfcf8d78e", "finds the registers of a hit",
                         "the programs cannot be fitted to this kernel", true},
        [FEATURE_RING_BUFFER] = {"ring_buffer", "5.8", "457f44363a88",
                                 "brings conflicts out of the kernel",
                                 "what is found cannot be told", true},
        [FEATURE_ATOMICS] = {"atomics", "5.12", "5ffa25502b5a", "lets two hits agree who is held",
                             "two goroutines could be held against each other", true},
        [FEATURE_ATTACH_COOKIE] = {"attach_cookie", "5.15", "7adfc6c9b315",
                                   "tells a hit which function it is in",
                                   "a read cannot be told from a write", true},
        [FEATURE_LOOP] = {"bpf_loop", "5.17", "e6f2dd0f8067", "holds an access for a moment",
                          "no access can be held, so no overlap is ever seen", true},
        [FEATURE_UPROBE_MULTI] = {"uprobe_multi", "6.6", "89ae89f53d20",
                                  "all probes come and go in milliseconds",
                                  "probes go one by one, about 100 ms each, and holds are at most "
                                  "200 us",
                                  false},
        [FEATURE_PID_FILTER] = {"pid_filter", "6.10", "46ba0e49b642",
                                "only the process that is watched meets the probes",
                                "other processes of the same file meet the probes too", false},
        [FEATURE_PERF_UPROBE] = {"perf_uprobe", "4.17", "33ea4b24277b",
                                 "the way to attach where uprobe_multi is missing",
                                 "nothing to fall back to; needed only without uprobe_multi",
                                 false},
};

struct features {
	enum feature_answer answers[FEATURE_COUNT];
	int bpf_rc, programs_rc;
	struct error programs_error;
	bool verbose;
	struct program program; /* loaded when programs_rc is 0 */
};

const struct feature *feature_row(enum feature_id id)
{
	return &rows[id];
}

/* ---- small tries: 1 yes, 0 no, -errno not known ---------------------------------------------- */

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int try_btf(void)
{
	struct btf *btf = btf__load_vmlinux_btf();

	btf__free(btf);
	return btf != NULL;
}

static int try_ring_buffer(void)
{
	return libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL);
}

static int try_attach_cookie(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_get_attach_cookie, NULL);
}

static int try_loop(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_KPROBE, BPF_FUNC_loop, NULL);
}

static int try_atomics(void)
{
	static const struct bpf_insn code[] = {
	        {.code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8},
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = 1},
	        {.code = BPF_STX | BPF_ATOMIC | BPF_DW,
	         .dst_reg = BPF_REG_10,
	         .src_reg = BPF_REG_1,
	         .off = -8,
	         .imm = BPF_CMPXCHG},
	        {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	        {.code = BPF_JMP | BPF_EXIT},
	};
	int rc = permission_try_code(code, sizeof(code) / sizeof(code[0]));

	return rc == 0 ? 1 : rc == -EINVAL ? 0 : rc;
}

static const struct {
	enum feature_id id;
	bool anybody; /* needs no privilege to be tried */
	int (*try)(void);
} tries[] = {
        {FEATURE_BTF, true, try_btf},          {FEATURE_RING_BUFFER, false, try_ring_buffer},
        {FEATURE_ATOMICS, false, try_atomics}, {FEATURE_ATTACH_COOKIE, false, try_attach_cookie},
        {FEATURE_LOOP, false, try_loop},
};

static enum feature_answer answer_of(int rc)
{
	return rc > 0 ? FEATURE_YES : rc == 0 ? FEATURE_NO : FEATURE_UNKNOWN;
}

static void small_tries(struct features *f)
{
	libbpf_set_print(quiet);
	f->bpf_rc = permission_try();
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (tries[i].anybody || !f->bpf_rc)
			f->answers[tries[i].id] = answer_of(tries[i].try());
}

/* ---- the programs themselves ----------------------------------------------------------------- */

#define STALL_NS 20000

static struct program_config trial_config(const struct features *f, bool perf_only)
{
	return (struct program_config){
	        .stall_min_ns = STALL_NS,
	        .stall_max_ns = STALL_NS,
	        .stack_depth = 1,
	        .perf_only = perf_only,
	        .verbose = f->verbose,
	};
}

/* The other way to attach: only whether it works. */
static void perf_try(struct features *f)
{
	const struct program_config config = trial_config(f, true);
	struct program program = {0};
	int rc = program_load(&config, &program, NULL);

	f->answers[FEATURE_PERF_UPROBE] = rc ? FEATURE_NO : FEATURE_YES;
	program_unload(&program);
}

/* As a watch begins; the knob for tests counts here as it does there. */
static void programs_try(struct features *f)
{
	bool perf_only = test_knob_is_on(TEST_KNOB_PERF_ONLY);
	const struct program_config config = trial_config(f, perf_only);

	f->programs_rc = program_load(&config, &f->program, &f->programs_error);
	if (f->programs_rc) {
		program_unload(&f->program);
		return;
	}
	f->answers[FEATURE_PID_FILTER] = f->program.pid_filter ? FEATURE_YES : FEATURE_NO;
	if (f->program.mode == PROBE_LINK_MULTI) {
		f->answers[FEATURE_UPROBE_MULTI] = FEATURE_YES;
		perf_try(f);
		return;
	}
	f->answers[FEATURE_PERF_UPROBE] = FEATURE_YES;
	if (!perf_only)
		f->answers[FEATURE_UPROBE_MULTI] = FEATURE_NO;
}

int features_find(bool verbose, struct features **out)
{
	struct features *f = calloc(1, sizeof(*f));

	if (!f)
		return -ENOMEM;
	f->verbose = verbose;
	small_tries(f);
	programs_try(f);
	*out = f;
	return 0;
}

void features_destroy(struct features *f)
{
	if (!f)
		return;
	program_unload(&f->program);
	free(f);
}

/* ---- what was found -------------------------------------------------------------------------- */

enum feature_answer features_answer(const struct features *f, enum feature_id id)
{
	return f->answers[id];
}

int features_bpf_error(const struct features *f)
{
	return f->bpf_rc;
}

int features_programs_error(const struct features *f, const char **words)
{
	*words = f->programs_error.text;
	return f->programs_rc;
}

const char *features_attach_name(const struct features *f)
{
	if (f->programs_rc)
		return NULL;
	return f->program.mode == PROBE_LINK_MULTI ? "uprobe_multi" : "perf_event";
}

uint64_t features_ns_per_hit(const struct features *f)
{
	return f->programs_rc ? 0 : f->program.costs.ns[BODY_OPERATION];
}

int features_try_sites(const struct features *f, const char *path, const struct probe_site *sites,
                       size_t count, int *errors)
{
	bool all = f->program.mode == PROBE_LINK_MULTI;
	struct probe_point *points;
	struct probe_links *links = NULL;
	int rc;

	if (f->programs_rc)
		return f->programs_rc;
	points = calloc(count + 1, sizeof(*points));
	if (!points)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		points[i].file_offset = sites[i].file_offset;
	rc = count ? probe_links_open(program_probe(&f->program), f->program.mode, path, getpid(),
	                              points, all ? count : 1, &links)
	           : 0;
	for (size_t i = 0; i < count; i++)
		errors[i] = points[all ? i : 0].error;
	probe_links_close(links);
	free(points);
	return rc == -ENOMEM ? rc : 0;
}
