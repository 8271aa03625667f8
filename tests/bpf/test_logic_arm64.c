/* SPDX-License-Identifier: MIT */
/*
 * What the BPF programs read of arm64's registers: the same logic as in test_logic_*.c, compiled
 * for that machine's registers, and only where these matter.
 */
#undef __TARGET_ARCH_x86
#define __TARGET_ARCH_arm64
#include "programs.h"

#define PSTATE_N (1ULL << 31)
#define PSTATE_Z (1ULL << 30)
#define PSTATE_C (1ULL << 29)
#define PSTATE_V (1ULL << 28)

/* runtime.g, and a map, as far as the programs look at them. */
static struct {
	__u64 goid, parent, gopc, startpc;
} g = {.goid = 7, .parent = 3, .gopc = 0x77, .startpc = 0x88};
static __u64 map[6] = {0, 0x1234}, type;

/* The frame of the caller, where R29 points at a probe: its own caller's frame, return address. */
static __u64 frame[2] = {0, 0xcafe};

static struct pt_regs registers_of_call(void)
{
	struct pt_regs regs = {.pc = 0xb000, .pstate = PSTATE_C};

	regs.regs[0] = (unsigned long)&type;
	regs.regs[1] = (unsigned long)map;
	regs.regs[28] = (unsigned long)&g;
	regs.regs[29] = (unsigned long)frame;
	regs.regs[30] = 0xbeef;
	return regs;
}

static int set_up(void **state)
{
	static const struct field_row row = {.g_goid = 0,
	                                     .g_parent_goid = 8,
	                                     .g_gopc = 16,
	                                     .g_startpc = 24,
	                                     .seed_offset = 12,
	                                     .seed_size = 4};

	(void)state;
	programs_reset(&row);
	return 0;
}

static void test_registers(void **state)
{
	struct pt_regs regs = registers_of_call();
	/* From one function of the runtime, around where R30 points: see frame. */
	static const struct site_callers around = {.behind = {{0xbe00 - 0xb000, 0x200}}};
	struct operation o = {};
	struct access a;
	__u32 site = 3;
	__u64 cookie = COOKIE(3, PROBE_MAP_OP, OP_WRITE, ARGS_TYPE_MAP, PROBE_AT_JBE, 0);

	(void)state;
	assert_int_equal(operation_read(&regs, cookie, &o), 0);
	assert_int_equal(o.type, (unsigned long)&type);
	assert_int_equal(o.map, (unsigned long)map);
	assert_int_equal(o.g, (unsigned long)&g);
	assert_int_equal(o.goid, 7);
	assert_int_equal(o.caller, 0xbeef);
	assert_int_equal(o.place, 0xbeef);
	bpf_map_update_elem(&callers, &site, &around, BPF_ANY);
	assert_int_equal(operation_read(&regs, cookie | COOKIE_CALLERS, &o), 0);
	assert_int_equal(o.place, 0xcafe);
	assert_true(access_capture(&regs, &o, &a)); /* without a chain the caller is enough */
	assert_int_equal(a.parent_goid, 3);
	assert_int_equal(a.gopc, 0x77);
	assert_int_equal(a.caller, 0xbeef);
}

/* b.ls: unsigned lower or same, C clear or Z set. N and V have no part in it. */
static void test_stack_growth(void **state)
{
	static const struct {
		__u64 pstate;
		int taken;
	} cases[] = {
	        {0, 1},
	        {PSTATE_C, 0},
	        {PSTATE_Z, 1},
	        {PSTATE_C | PSTATE_Z, 1},
	        {PSTATE_N | PSTATE_V, 1},
	        {PSTATE_C | PSTATE_N | PSTATE_V, 0},
	};

	(void)state;
	shim.cookie = COOKIE(3, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_JBE, 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pt_regs regs = registers_of_call();
		__u64 before = total(COVERAGE_STACK_GROWTH);

		regs.pstate = cases[i].pstate;
		on_probe(&regs);
		assert_int_equal(total(COVERAGE_STACK_GROWTH) - before, cases[i].taken);
		assert_int_equal(shim.runs, total(COVERAGE_COUNTED) + total(COVERAGE_STACK_GROWTH));
	}
	/* At an entry nothing was compared yet. */
	shim.cookie = COOKIE(3, PROBE_MAP_OP, OP_READ, ARGS_TYPE_MAP, PROBE_AT_ENTRY, 0);
	{
		struct pt_regs regs = registers_of_call();
		__u64 before = total(COVERAGE_COUNTED);

		regs.pstate = 0;
		on_probe(&regs);
		assert_int_equal(total(COVERAGE_COUNTED), before + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        T(test_registers),
	        T(test_stack_growth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
