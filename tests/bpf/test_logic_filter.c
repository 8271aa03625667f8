/* SPDX-License-Identifier: MIT */
/*
 * What the BPF programs leave out: hits that are no operation of the program's own, or not of a
 * process that is watched.
 */
#include "logic.h"

static void test_nil_map_is_filtered(void **state)
{
	(void)state;
	hit(&g1, NULL, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_NIL_MAP), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	assert_sums();
}

static void test_growing_stack_is_filtered_at_jbe_only(void **state)
{
	__u64 stack[1] = {0x10}, type = 0;
	struct pt_regs regs = {.r14 = (unsigned long)&g1,
	                       .ax = (unsigned long)&type,
	                       .bx = (unsigned long)&map_a,
	                       .sp = (unsigned long)stack,
	                       .flags = 0x40};

	(void)state;
	shim.pid_tgid = (__u64)TGID << 32;
	shim.cookie = COOKIE(0, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_JBE, 0);
	on_probe(&regs);
	assert_int_equal(total(COVERAGE_STACK_GROWTH), 1);
	shim.cookie = COOKIE(0, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_PUSH, 0);
	on_probe(&regs); /* at a push the flags are stale */
	assert_int_equal(total(COVERAGE_COUNTED), 1);
	regs.flags = 0x2; /* neither CF nor ZF */
	shim.cookie = COOKIE(0, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_JBE, 0);
	on_probe(&regs);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_sums();
}

/* One hit at pc 0x1000 whose callers are set: from a function at 0x2000 that is probed itself, from
 * functions at 0x3000 and 0x4000 that are in between, or from the program. */
static void hit_from(const __u64 *returns, int count)
{
	static const struct site_callers around = {.probed = {{0x1000, 0x100}},
	                                           .behind = {{0x2000, 0x100}, {0x3000, 0x10}}};
	__u32 site = 7;
	__u64 type = 21;
	__u64 frames[8][2] = {{0}};
	__u64 stack[1] = {returns[0]};
	struct pt_regs regs = {
	        .r14 = (unsigned long)&g1,
	        .ax = (unsigned long)&type,
	        .bx = (unsigned long)&map_a,
	        .sp = (unsigned long)stack,
	        .bp = (unsigned long)frames[0],
	        .ip = 0x1000,
	};

	for (int i = 1; i < count; i++) {
		frames[i - 1][0] = (unsigned long)frames[i];
		frames[i - 1][1] = returns[i];
	}
	bpf_map_update_elem(&callers, &site, &around, BPF_ANY);
	shim.pid_tgid = (__u64)TGID << 32 | 101;
	shim.cookie = COOKIE(site, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_PUSH, 0) |
	              COOKIE_CALLERS;
	on_probe(&regs);
}

static void test_place_is_the_programs_own(void **state)
{
	static const struct {
		__u64 returns[4];
		int count;
		__u64 place;
	} cases[] = {
	        {{0x9000}, 1, 0x9000},                         /* called directly */
	        {{0x3005, 0x9001}, 2, 0x9001},                 /* through one function */
	        {{0x3005, 0x4005, 0x9002}, 3, 0x9002},         /* through two */
	        {{0x3005, 0x4010, 0x9003}, 3, 0x4010},         /* the end is not part of it */
	        {{0x2fff, 0x9004}, 2, 0x2fff},                 /* nor what lies before */
	        {{0x4005, 0x3005, 0x3006, 0x9005}, 4, 0x9005}, /* through three */
	        {{0x3005}, 1, 0x3005},                         /* the chain is broken */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		hit_from(cases[i].returns, cases[i].count);
		assert_int_equal(state_of(&map_a)->last_caller, cases[i].place);
	}
	assert_int_equal(total(COVERAGE_COUNTED), 7);
	assert_sums();
}

static void test_part_of_an_operation_is_filtered(void **state)
{
	(void)state;
	hit_from((const __u64[]){0x2080, 0x9000}, 2);
	assert_int_equal(total(COVERAGE_PART), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	hit_from((const __u64[]){0x2100, 0x9000}, 2);
	hit_from((const __u64[]){0x3000, 0x2080}, 2); /* only the caller itself tells */
	assert_int_equal(total(COVERAGE_PART), 1);
	assert_int_equal(total(COVERAGE_COUNTED), 2);
	assert_sums();
}

static void test_other_process_is_filtered(void **state)
{
	(void)state;
	config.any_process = 0;
	hit(&g1, &map_a, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_OTHER_PROCESS), 1);
	assert_sums();
}

/* The table of targets is full: what a further process does is not counted, and told as a loss. */
static void test_process_without_room_is_told(void **state)
{
	__u32 other = TGID + 1;
	struct target_state row = {.announced = TARGET_ANNOUNCED};

	(void)state;
	config.any_process = 1;
	bpf_map_update_elem(&targets, &other, &row, BPF_ANY);
	shim.map_limit = 1;
	hit(&g1, &map_a, OP_READ, 0x10);
	hit(&g2, &map_a, OP_WRITE, 0x20);
	assert_int_equal(total(COVERAGE_COUNTED), 0);
	assert_int_equal(total(COVERAGE_OTHER_PROCESS), 2);
	assert_int_equal(total(COVERAGE_TABLE_FULL), 2);
	assert_int_equal(events_of(EVENT_PROCESS, NULL), 0);
	assert_sums();
	shim.map_limit = 0;
	hit(&g1, &map_a, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_COUNTED), 1);
	assert_int_equal(events_of(EVENT_PROCESS, NULL), 1);
	assert_sums();
}

/* The ids stay after execve(2). */
static void test_process_is_announced_after_exec(void **state)
{
	(void)state;
	for (int execs = 1; execs <= 2; execs++) {
		shim_task.self_exec_id = (unsigned int)execs;
		hit(&g1, &map_a, OP_READ, 0x10);
		hit(&g2, &map_a, OP_READ, 0x10);
		assert_int_equal(events_of(EVENT_PROCESS, NULL), execs);
		/* A new goroutine may have the address of one of before: nothing is said of an
		 * order window in which that happened. */
		assert_int_equal(order_lost, execs - 1);
		assert_int_equal(order_begun, order_lost);
	}
	assert_int_equal(total(COVERAGE_COUNTED), 4);
	assert_sums();
	shim_task.self_exec_id = 0;
}

/* A task with ids in three pid namespaces, as the kernel has it. */
struct nested {
	struct pid_namespace spaces[3];
	struct {
		struct pid pid;
		struct upid numbers[3];
	} own, leader;
	struct task_struct task, leader_task;
};

static void nested_make(struct nested *n, __u32 tgid, __u32 tid)
{
	*n = (struct nested){.task = {.group_leader = &n->leader_task, .thread_pid = &n->own.pid}};
	n->leader_task =
	        (struct task_struct){.group_leader = &n->leader_task, .thread_pid = &n->leader.pid};
	n->own.pid.level = n->leader.pid.level = 2;
	for (unsigned int i = 0; i < 3; i++) {
		n->spaces[i].ns.inum = 4000 + i;
		n->own.pid.numbers[i] = (struct upid){tid + 1000 * (2 - i), &n->spaces[i]};
		n->leader.pid.numbers[i] = (struct upid){tgid + 1000 * (2 - i), &n->spaces[i]};
	}
	shim.task = &n->task;
}

/* Ids are those in the user side's namespace, for processes in namespaces below it, too. */
static void test_ids_of_the_own_pid_namespace(void **state)
{
	struct nested n;
	struct pid_namespace other = {.ns.inum = 4711};
	__u32 tgid, tid;

	(void)state;
	pidns_level = 0;
	config.pidns_ino = 4001;
	nested_make(&n, 7, 8);
	assert_int_equal(current_ids(&tgid, &tid), 0);
	assert_int_equal(tgid, 1007);
	assert_int_equal(tid, 1008);
	assert_int_equal(pidns_level, 1);
	/* The same level of another branch, and a process above. */
	n.own.pid.numbers[1].ns = &other;
	assert_int_equal(current_ids(&tgid, &tid), -1);
	n.own.pid.numbers[1].ns = &n.spaces[1];
	n.own.pid.level = 0;
	assert_int_equal(current_ids(&tgid, &tid), -1);
	n.own.pid.level = 2;
	/* A namespace that the task does not live in is not taken for another. */
	pidns_level = 0;
	config.pidns_ino = 4009;
	assert_int_equal(current_ids(&tgid, &tid), -1);
	assert_int_equal(pidns_level, 0);
	config.pidns_ino = 0;
}

static void test_system_stack_is_filtered(void **state)
{
	struct fake_g g0 = {.goid = 0};

	(void)state;
	hit(&g0, &map_a, OP_READ, 0x10);
	assert_int_equal(total(COVERAGE_RUNTIME_INTERNAL), 1);
	assert_sums();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_nil_map_is_filtered),
	        T(test_growing_stack_is_filtered_at_jbe_only),
	        T(test_place_is_the_programs_own),
	        T(test_part_of_an_operation_is_filtered),
	        T(test_other_process_is_filtered),
	        T(test_ids_of_the_own_pid_namespace),
	        T(test_system_stack_is_filtered),
	        T(test_process_without_room_is_told),
	        T(test_process_is_announced_after_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
