/* SPDX-License-Identifier: MIT */
/*
 * What the program behind a probe costs, path by path: the real program, loaded as for a watch, on
 * code of this very process that is called as Go calls its map functions.
 *
 *     bench_body [ROUNDS [PATH]]    PATH: only that one, by its line
 *
 * Two figures a path, each the best of many short batches (what else the machine does only adds):
 *     program  the kernel's own account of the program (BPF_ENABLE_STATS; it includes reading the
 *              clock twice, which is what the empty program shows)
 *     hit      all of it by the wall clock, trap included, with that account switched off
 * The batches of all paths take turns, so that their ratios are of one time. Held time is not part
 * of a held access's figures. Writes build/bench/body.json. Exit status 1: a path did not do what
 * it is named for, 77: no probes here (not root).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "bpf/attach/calibrate.h"
#include "bpf/attach/detector_tuning.h"
#include "bpf/attach/program.h"

#include "core/base/clock.h"
#include "gomaptop.skel.h"

#define ROUNDS     30
#define MANY_MAPS  4096
#define MANY_GOIDS 64
#define HELD_GOID  1

struct bench {
	struct program program;
	struct ring_buffer *ring;
	int empty_fd; /* of a program that does nothing; < 0: none */
	int empty_link;
	uint64_t (*maps)[16]; /* MANY_MAPS and one */
	int cpus;
	__u64 (*coverage)[COVERAGE_COUNT];
	struct probe_links *links;
	int only; /* path to be measured, from 1 on; 0: all */
};

struct path {
	const char *name;
	enum calibrate_place place;
	bool empty; /* the program that does nothing */
	int calls;  /* of a batch */
	enum coverage_field counter;
	void (*setup)(struct bench *b);                      /* before each batch */
	void (*call)(const struct path *p, struct bench *b); /* a batch */
	/* out */
	double program_ns, hit_ns;
	bool wrong;
};

/* ---- tables of the program ----------------------------------------------------------- */

static uint64_t counter(struct bench *b, enum coverage_field field)
{
	uint32_t zero = 0;
	uint64_t sum = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(b->program.skeleton->maps.coverage), &zero,
	                        b->coverage))
		return 0;
	for (int i = 0; i < b->cpus; i++)
		sum += b->coverage[i][field];
	return sum;
}

static void target_set(struct bench *b, bool is)
{
	uint32_t tgid = (uint32_t)getpid();

	struct target_state target = {.announced = TARGET_ANNOUNCED, .goexit = calibrate_goexit()};

	if (is)
		bpf_map_update_elem(bpf_map__fd(b->program.skeleton->maps.targets), &tgid, &target,
		                    BPF_ANY);
	else
		bpf_map_delete_elem(bpf_map__fd(b->program.skeleton->maps.targets), &tgid);
	memset(b->program.skeleton->bss->tuning.known, 0,
	       sizeof(b->program.skeleton->bss->tuning.known));
}

static void row_set(struct bench *b, const struct map_state *state)
{
	struct map_key key = {.addr = (uintptr_t)b->maps[0], .tgid = (uint32_t)getpid()};

	bpf_map_update_elem(bpf_map__fd(b->program.skeleton->maps.maps), &key, state, BPF_ANY);
}

/* ---- what comes before a batch ------------------------------------------------------- */

static void setup_target(struct bench *b)
{
	target_set(b, true);
}

static void setup_other_process(struct bench *b)
{
	target_set(b, false);
}

static void setup_own_map(struct bench *b)
{
	struct map_state m = {.first_who = 1, .last_who = 1, .counts = {.ops = {1000}, .seed = 1}};

	target_set(b, true);
	row_set(b, &m);
}

static void setup_shared(struct bench *b, uint64_t next_control_ns)
{
	struct map_state m = {
	        .first_who = 1,
	        .last_who = 1,
	        .counts = {.ops = {1000}, .seed = 1, .flags = MAP_SHARED | MAP_CHANGED},
	        .next_hold_ns = UINT64_MAX,
	        .control_next_ns = next_control_ns};

	target_set(b, true);
	row_set(b, &m);
}

static void setup_between_windows(struct bench *b)
{
	setup_shared(b, UINT64_MAX);
}

static void setup_windows(struct bench *b)
{
	setup_shared(b, 0);
}

static void setup_births(struct bench *b, uint64_t allowed)
{
	target_set(b, true);
	b->program.skeleton->bss->tuning.births_allowed = allowed;
}

static void setup_births_counted(struct bench *b)
{
	setup_births(b, 0);
}

static void setup_births_told(struct bench *b)
{
	setup_births(b, UINT64_MAX);
}

/* The site is the trial's, of which the table still has the row. */
static void setup_order_site(struct bench *b)
{
	target_set(b, true);
	detector_tuning_order_set(&b->program.skeleton->bss->tuning, 1, 0);
}

/* A map that is counted the short way otherwise: each access is told, some with their chains. */
static void setup_order_access(struct bench *b)
{
	struct map_state m = {.first_who = 1,
	                      .last_who = 1,
	                      .counts = {.ops = {1000}, .seed = 1},
	                      .next_hold_ns = UINT64_MAX,
	                      .control_next_ns = UINT64_MAX};

	target_set(b, true);
	row_set(b, &m);
	detector_tuning_order_set(&b->program.skeleton->bss->tuning, 1, 1ULL << CALIBRATE_ROW);
}

/* The very next operation is held, for next to no time. Its place is known to touch the map, as it
 * is after the map's first operations. */
static void setup_hold(struct bench *b)
{
	struct map_state m = {.first_who = 2,
	                      .last_who = 2,
	                      .counts = {.ops = {[OP_WRITE] = 1000},
	                                 .seed = 1,
	                                 .last_ns = clock_now(),
	                                 .flags = MAP_SHARED | MAP_CHANGED | MAP_CONTESTED},
	                      .last_cpu = UINT32_MAX,
	                      .drawn_ns = 1,
	                      .places = UINT64_MAX};

	target_set(b, true);
	row_set(b, &m);
}

/* ---- batches ------------------------------------------------------------------------- */

static void call_one(const struct path *p, struct bench *b)
{
	calibrate_calls(p->place, HELD_GOID, b->maps[0], p->calls);
}

static void call_nil(const struct path *p, struct bench *b)
{
	(void)b;
	calibrate_calls(p->place, 1, NULL, p->calls);
}

static void call_by_turns(const struct path *p, struct bench *b)
{
	for (int i = 0; i < p->calls; i++)
		calibrate_calls(p->place, 1 + (i & 1), b->maps[0], 1);
}

/* Each goroutine has a g of its own here as well. */
static void call_many(const struct path *p, struct bench *b)
{
	static unsigned int at;

	for (int i = 0; i < p->calls; i++, at++)
		calibrate_calls(p->place, 1 + at % MANY_GOIDS, b->maps[1 + at * 61 % MANY_MAPS], 1);
}

static struct path paths[] = {
        {"empty program", CALIBRATE_ENTRY, true, 1000, COVERAGE_HITS, setup_target, call_one, 0, 0,
         false},
        {"filtered: other process", CALIBRATE_ENTRY, false, 1000, COVERAGE_OTHER_PROCESS,
         setup_other_process, call_one, 0, 0, false},
        {"filtered: nil map", CALIBRATE_ENTRY, false, 1000, COVERAGE_NIL_MAP, setup_target,
         call_nil, 0, 0, false},
        {"operation: own map", CALIBRATE_ENTRY, false, 1000, COVERAGE_COUNTED, setup_own_map,
         call_one, 0, 0, false},
        {"operation: 4,096 maps, 64 goroutines", CALIBRATE_ENTRY, false, 1000, COVERAGE_COUNTED,
         setup_target, call_many, 0, 0, false},
        {"operation: shared map, by turns", CALIBRATE_ENTRY, false, 1000, COVERAGE_COUNTED,
         setup_between_windows, call_by_turns, 0, 0, false},
        {"operation: the same, windows open", CALIBRATE_ENTRY, false, 1000, COVERAGE_COUNTED,
         setup_windows, call_by_turns, 0, 0, false},
        {"operation, held (less held time)", CALIBRATE_ENTRY, false, 1, COVERAGE_STALLS, setup_hold,
         call_one, 0, 0, false},
        {"birth, counted", CALIBRATE_RETURN, false, 100, COVERAGE_BIRTH_SITE, setup_births_counted,
         call_one, 0, 0, false},
        {"birth, told", CALIBRATE_RETURN, false, 100, COVERAGE_BIRTH_SITE, setup_births_told,
         call_one, 0, 0, false},
        {"order site", CALIBRATE_ORDER, false, 1000, COVERAGE_ORDER_SITE, setup_order_site,
         call_one, 0, 0, false},
        {"operation: own map, order told", CALIBRATE_ENTRY, false, 1000, COVERAGE_COUNTED,
         setup_order_access, call_one, 0, 0, false},
};

#define PATHS (sizeof(paths) / sizeof(*paths))

/* ---- measuring ----------------------------------------------------------------------- */

struct account {
	uint64_t ns, runs;
};

static struct account account_read(int program_fd)
{
	struct bpf_prog_info info = {0};
	__u32 size = sizeof(info);

	if (bpf_obj_get_info_by_fd(program_fd, &info, &size))
		return (struct account){0, 0};
	return (struct account){info.run_time_ns, info.run_cnt};
}

static void best(double *at, double ns)
{
	if (!*at || ns < *at)
		*at = ns;
}

/* A batch: program time and wall time a call, without what was held. */
static void batch(struct path *p, struct bench *b, bool account)
{
	int program = p->empty ? b->empty_fd : program_probe(&b->program);
	uint64_t begin, took, held, hits;
	struct account before, after;

	p->setup(b);
	held = counter(b, COVERAGE_STALL_NS);
	hits = counter(b, p->counter);
	before = account_read(program);
	begin = clock_now();
	p->call(p, b);
	took = clock_now() - begin;
	after = account_read(program);
	held = counter(b, COVERAGE_STALL_NS) - held;
	hits = counter(b, p->counter) - hits;
	ring_buffer__consume(b->ring);
	/* The next path has nothing to tell of order. */
	detector_tuning_order_set(&b->program.skeleton->bss->tuning, 0, 0);
	if (!p->empty && hits != (uint64_t)p->calls)
		p->wrong = true;
	if (!account)
		best(&p->hit_ns, ((double)took - (double)held) / p->calls);
	else if (after.runs > before.runs)
		best(&p->program_ns, ((double)(after.ns - before.ns) - (double)held) /
		                             (double)(after.runs - before.runs));
}

static int empty_open(struct bench *b)
{
	struct bpf_insn nothing[] = {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
	                             {.code = BPF_JMP | BPF_EXIT}};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
	            .expected_attach_type = (enum bpf_attach_type)ATTACH_TYPE_UPROBE_MULTI);

	if (b->program.mode != PROBE_LINK_MULTI)
		return -EOPNOTSUPP;
	return bpf_prog_load(BPF_PROG_TYPE_KPROBE, "empty", "MIT", nothing, 2, &opts);
}

/* See bpf/attach/probe_link.c. */
static int empty_attach(const struct bench *b, uint64_t file_offset)
{
	struct {
		__u32 program_fd, target_fd, attach_type, flags;
		__aligned_u64 path, offsets, references, cookies;
		__u32 count, multi_flags, pid, pad;
	} attr = {
	        .program_fd = (__u32)b->empty_fd,
	        .attach_type = ATTACH_TYPE_UPROBE_MULTI,
	        .path = (uintptr_t) "/proc/self/exe",
	        .offsets = (uintptr_t)&file_offset,
	        .count = 1,
	        .pid = (__u32)getpid(),
	};
	int fd = (int)syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr) - sizeof(attr.pad));

	return fd < 0 ? -errno : fd;
}

static int links_open(struct bench *b, bool empty)
{
	struct probe_point points[CALIBRATE_PLACES] = {
	        [CALIBRATE_ENTRY] = {.cookie = COOKIE(0xffff, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP,
	                                              CALIBRATE_INSTRUCTION, CALIBRATE_ROW)},
	        [CALIBRATE_RETURN] = {.cookie = COOKIE(0xffff, PROBE_BIRTH, 0, ARGS_RESULT,
	                                               PROBE_AT_RET, CALIBRATE_ROW)},
	        [CALIBRATE_ORDER] = {.cookie = COOKIE(0xffff, PROBE_ORDER, 0, 0, 0, CALIBRATE_ROW) |
	                                       COOKIE_ORDER(ORDER_SITES_MAX - 1)},
	};
	int rc = 0;

	for (int i = 0; !rc && i < CALIBRATE_PLACES; i++)
		rc = calibrate_point(i, &points[i].file_offset);
	if (rc)
		return rc;
	if (empty) {
		b->empty_link = empty_attach(b, points[CALIBRATE_ENTRY].file_offset);
		return b->empty_link < 0 ? b->empty_link : 0;
	}
	rc = probe_links_open(program_probe(&b->program), b->program.mode, "/proc/self/exe",
	                      getpid(), points, CALIBRATE_PLACES, &b->links);
	return rc < 0 ? rc : 0;
}

static void links_close(struct bench *b)
{
	probe_links_close(b->links);
	b->links = NULL;
	if (b->empty_link >= 0)
		close(b->empty_link);
	b->empty_link = -1;
}

static int paths_run(struct bench *b, int rounds, bool account)
{
	int rc = 0;

	for (int empty = b->empty_fd >= 0; !rc && empty >= 0; empty--) {
		rc = links_open(b, empty);
		for (int r = 0; !rc && r < rounds; r++)
			for (size_t i = 0; i < PATHS; i++)
				if (paths[i].empty == empty && (!b->only || b->only == (int)i + 1))
					batch(&paths[i], b, account);
		links_close(b);
	}
	return rc;
}

static int measure(struct bench *b, int rounds)
{
	int account_fd, rc = paths_run(b, rounds, false);

	if (rc)
		return rc;
	account_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (account_fd < 0)
		return account_fd;
	rc = paths_run(b, rounds, true);
	close(account_fd);
	return rc;
}

/* ---- telling ------------------------------------------------------------------------- */

static int tell(void)
{
	const char *path = "build/bench/body.json";
	int wrong = 0;
	FILE *f;

	mkdir("build", 0755);
	mkdir("build/bench", 0755);
	f = fopen(path, "we");
	printf("%-40s %12s %12s\n", "", "program", "hit");
	for (size_t i = 0; i < PATHS; i++) {
		printf("%-40s %9.0f ns %9.0f ns%s\n", paths[i].name, paths[i].program_ns,
		       paths[i].hit_ns, paths[i].wrong ? "  (not all went this way)" : "");
		if (f)
			fprintf(f, "%s{\"path\": \"%s\", \"program_ns\": %.1f, \"hit_ns\": %.1f}",
			        i ? ",\n " : "[", paths[i].name, paths[i].program_ns,
			        paths[i].hit_ns);
		wrong |= paths[i].wrong;
	}
	if (f) {
		fprintf(f, "]\n");
		fclose(f);
		printf("written to %s\n", path);
	}
	return wrong;
}

static int ignore_event(void *ctx, void *data, size_t size)
{
	(void)ctx;
	(void)data;
	(void)size;
	return 0;
}

static int bench_open(struct bench *b, struct error *err)
{
	struct program_config config = {
	        .stall_min_ns = 20000, .stall_max_ns = 1000000, .stack_depth = 64};
	int rc = program_load(&config, &b->program, err);

	if (rc)
		return rc;
	/* The trial's own probes are at the same places. */
	probe_links_close(b->program.trial);
	b->program.trial = NULL;
	b->empty_fd = empty_open(b);
	b->empty_link = -1;
	b->cpus = libbpf_num_possible_cpus();
	b->maps = calloc(MANY_MAPS + 1, sizeof(*b->maps));
	b->coverage = calloc(b->cpus > 0 ? (size_t)b->cpus : 1, sizeof(*b->coverage));
	b->ring = ring_buffer__new(bpf_map__fd(b->program.skeleton->maps.events), ignore_event,
	                           NULL, NULL);
	if (!b->maps || !b->coverage || !b->ring ||
	    ring_buffer__add(b->ring, bpf_map__fd(b->program.skeleton->maps.order_events),
	                     ignore_event, NULL))
		return -ENOMEM;
	/* The seed is where the trial's layout has it: no map is another's successor. */
	for (int i = 0; i <= MANY_MAPS; i++)
		memcpy((char *)b->maps[i] + CALIBRATE_SEED_OFFSET, &(uint32_t){1}, 4);
	return 0;
}

static void bench_close(struct bench *b)
{
	if (b->empty_fd >= 0)
		close(b->empty_fd);
	ring_buffer__free(b->ring);
	program_unload(&b->program);
	free(b->maps);
	free(b->coverage);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS, rc;
	struct bench b = {.empty_fd = -1, .only = argc > 2 ? atoi(argv[2]) : 0};
	struct error err = {""};

	rc = bench_open(&b, &err);
	if (!rc)
		rc = measure(&b, rounds > 0 ? rounds : ROUNDS);
	bench_close(&b);
	if (rc) {
		fprintf(stderr, "bench_body: %s\n", *err.text ? err.text : strerror(-rc));
		return rc == -EPERM || rc == -EACCES ? 77 : 1;
	}
	return tell();
}
