/* SPDX-License-Identifier: MIT */
/* Until when all order probes were in place: nothing may be said of what came later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf/attach/calibrate.h"
#include "bpf/govern/order_probes.h"
#include "core/base/clock.h"
#include "tests/bpf/copy_self.h"

#include "gomaptop.skel.h"

#define FILES 2

static struct program program;
static struct link_keeper *keeper;
static char folder[] = "/tmp/order-probes-XXXXXX";
static char paths[FILES][64];
static struct probe_file files[FILES];

static void file_make(size_t i)
{
	snprintf(paths[i], sizeof(paths[i]), "%s/%zu", folder, i);
	copy_self(paths[i]);
	files[i].fd = file_identity_open(paths[i]);
	assert_int_equal(file_identity_read(files[i].fd, &files[i].seen), 0);
	files[i].guard = link_keeper_file_add(keeper, files[i].fd, &files[i].seen);
	assert_true(files[i].guard >= 0);
}

static int set_up(void **state)
{
	struct program_config config = {.stall_min_ns = 20000, .stall_max_ns = 20000};
	struct error err = {0};

	(void)state;
	if (geteuid() || !mkdtemp(folder))
		return 0;
	assert_int_equal(link_keeper_start(&keeper), 0);
	assert_int_equal(program_load(&config, &program, &err), 0);
	return link_keeper_program_set(keeper, program_probe(&program));
}

static int tear_down(void **state)
{
	(void)state;
	link_keeper_destroy(keeper);
	program_unload(&program);
	for (size_t i = 0; i < FILES; i++) {
		close(files[i].fd);
		unlink(paths[i]);
	}
	rmdir(folder);
	return 0;
}

/* One site in a fresh copy of this program for each file. */
static struct order_probes *probes_make(void)
{
	struct order_site site = {.kind = ORDER_KIND_UNLOCK};
	struct order_plan plan = {.sites = &site, .count = 1};
	struct order_probes *probes;

	if (!program.skeleton || program.mode != PROBE_LINK_MULTI)
		skip();
	assert_int_equal(calibrate_point(CALIBRATE_ENTRY, &site.file_offset), 0);
	assert_int_equal(order_probes_create(keeper, &program, &probes), 0);
	for (size_t i = 0; i < FILES; i++) {
		struct order_probes_file file = {.file = &files[i], .plan = &plan, .row = i};

		if (files[i].fd > 0)
			close(files[i].fd);
		unlink(paths[i]);
		file_make(i);
		assert_int_equal(order_probes_add(probes, &file), 0);
	}
	return probes;
}

static uint64_t whole(void)
{
	return program.skeleton->bss->tuning.order_whole;
}

static uint64_t since(void)
{
	return program.skeleton->bss->tuning.order_since;
}

static uint64_t lost(void)
{
	return program.skeleton->bss->order_lost;
}

static void test_each_look_tells(void **state)
{
	struct order_probes *probes = probes_make();
	uint64_t before = lost(), begin = clock_now();

	(void)state;
	assert_int_equal(order_probes_open(probes), 0);
	order_probes_look(probes);
	assert_int_equal(since(), 0);
	order_probes_begin(probes);
	assert_true(since() >= begin && whole() == since());
	for (int i = 0; i < 3; i++) {
		begin = clock_now();
		order_probes_look(probes);
		assert_true(whole() >= begin && whole() <= clock_now());
	}
	order_probes_close(probes);
	assert_true(whole() == UINT64_MAX && !since());
	assert_int_equal(lost(), before);
	order_probes_destroy(probes);
}

/* Whoever writes to one of the files waits until its probes are out; those of the other stay. */
static void write_to_one(void)
{
	int fd = open(paths[1], O_WRONLY | O_APPEND);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void test_one_file_is_written_to(void **state)
{
	struct order_probes *probes = probes_make();
	uint64_t before = lost(), last;

	(void)state;
	assert_int_equal(order_probes_open(probes), 0);
	order_probes_begin(probes);
	order_probes_look(probes);
	last = whole();
	write_to_one();
	assert_int_equal(whole(), last);
	order_probes_look(probes);
	assert_true(!since() && !order_probes_is_open(probes));
	assert_int_equal(lost(), before + 1);
	order_probes_destroy(probes);
}

/* The same, found at the window's end. */
static void test_the_end_looks_too(void **state)
{
	struct order_probes *probes = probes_make();
	uint64_t before = lost();

	(void)state;
	assert_int_equal(order_probes_open(probes), 0);
	order_probes_begin(probes);
	write_to_one();
	order_probes_close(probes);
	assert_int_equal(lost(), before + 1);
	order_probes_destroy(probes);
}

/* Nothing hits these sites: they stay, and the next window only has to begin. */
static void test_cold_sites_stay(void **state)
{
	struct order_probes *probes = probes_make();
	uint64_t before = lost();

	(void)state;
	order_probes_sort(probes, 1000, false);
	assert_int_equal(order_probes_hot(probes), FILES); /* of none of them anything is known */
	assert_int_equal(order_probes_open(probes), 0);
	order_probes_begin(probes);
	usleep(20000);
	order_probes_sort(probes, 1000, false); /* not in a window */
	assert_int_equal(order_probes_hot(probes), FILES);
	order_probes_close(probes);
	order_probes_sort(probes, 1000, false);
	assert_int_equal(order_probes_hot(probes), 0);
	assert_int_equal(order_probes_count(probes), FILES);
	assert_false(order_probes_is_open(probes));
	assert_int_equal(order_probes_open(probes), 0);
	order_probes_begin(probes);
	order_probes_look(probes);
	assert_true(order_probes_is_open(probes));
	write_to_one();
	order_probes_look(probes);
	assert_false(order_probes_is_open(probes));
	assert_int_equal(lost(), before + 1);
	order_probes_destroy(probes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_each_look_tells),
	        cmocka_unit_test(test_one_file_is_written_to),
	        cmocka_unit_test(test_the_end_looks_too),
	        cmocka_unit_test(test_cold_sites_stay),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
