/* SPDX-License-Identifier: MIT */
/*
 * What no fuzzer tries: large files. However large, and whatever they say, an answer comes within
 * seconds, and memory is in proportion to what was looked at.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/go/function_index.h"
#include "core/go/go_binary.h"
#include "core/go/pclntab.h"
#include "tests/fuzz/scratch.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define BASE UINT64_C(0x400000)
#define TAB  0x1000
/* What is wrong takes minutes and more; sanitizers slow what is right down by ten. */
#define SECONDS   60
#define MEGABYTES 64
#define MB        (UINT64_C(1) << 20)

/* CPU time: what else the machine does is no matter. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Most memory that this process ever had, in MB. */
static long memory_peak(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

/* A sparse file of that size, which is one segment (described so many times). */
static void file_make(uint64_t size, unsigned int segments, uint64_t vaddr)
{
	Elf64_Ehdr header = {
	        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
	                    EV_CURRENT},
	        .e_type = ET_EXEC,
	        .e_machine = EM_X86_64,
	        .e_version = EV_CURRENT,
	        .e_phoff = sizeof(header),
	        .e_ehsize = sizeof(header),
	        .e_phentsize = sizeof(Elf64_Phdr),
	        .e_phnum = segments,
	};
	Elf64_Phdr segment = {
	        .p_type = PT_LOAD,
	        .p_flags = PF_R | PF_W | PF_X,
	        .p_vaddr = vaddr,
	        .p_filesz = size,
	        .p_memsz = size,
	};

	sparse_make(size);
	put(0, &header, sizeof(header));
	for (unsigned int i = 0; i < segments; i++)
		put(sizeof(header) + i * sizeof(segment), &segment, sizeof(segment));
}

static void test_nothing_in_a_large_file(void **state)
{
	struct go_binary *binary;
	struct error err = {""};
	double begin = now();
	long before = memory_peak();

	(void)state;
	file_make(256 * MB, 1, BASE);
	assert_int_equal(go_binary_open(path, &binary, &err), -EPROTONOSUPPORT);
	assert_true(now() - begin < SECONDS);
	assert_true(memory_peak() - before < MEGABYTES);
}

static void refused(void)
{
	struct go_binary *binary;
	struct error err = {""};
	double begin = now();

	assert_int_equal(go_binary_open(path, &binary, &err), -ENOEXEC);
	assert_true(now() - begin < SECONDS / 6); /* a full read of these takes minutes */
}

static void test_refused(void **state)
{
	(void)state;
	file_make(2049 * MB, 1, BASE); /* more than code reaches */
	refused();
	file_make(64 * MB, 2, BASE); /* two segments at one place */
	refused();
	file_make(MB, 2000, BASE); /* more headers than the kernel takes */
	refused();
	file_make(MB, 1, UINT64_MAX - MB - 4); /* at the end of all addresses */
	refused();
	file_make(MB, 1, (uint64_t)INT64_MAX - 4);
	refused();
}

/* So many functions as the file has room for, all with one name that does not end. */
static void test_endless_names(void **state)
{
	const uint64_t size = 64 * MB;
	const uint64_t names = 56 * MB;
	uint64_t header[9] = {
	        UINT64_C(0x0801000000000000) | 0xfffffff1, 0, 0, 0, names - TAB, 0, 0, 0, 4096};
	uint32_t record[11] = {0, 0};
	struct function_index index = {0};
	struct pclntab_function function;
	struct elf_file *file;
	struct pclntab tab;
	struct error err;
	double begin = now();

	(void)state;
	file_make(size, 1, BASE);
	header[1] = 6 * MB;
	put(TAB, header, sizeof(header));
	char *text = malloc(8 * MB);
	assert_non_null(text);
	memset(text, 'a', 8 * MB);
	memcpy(text, "runtime.", 8);
	put(names, text, 8 * MB);
	free(text);
	put(TAB + 4096, record, sizeof(record));
	assert_int_equal(elf_file_open(path, &file, &err), 0);
	assert_int_equal(pclntab_open(&tab, file, BASE + TAB), 0);
	assert_int_equal(function_index_find(&index, &tab, "runtime.throw", 22, &function),
	                 -ENOENT);
	assert_int_equal(function_index_find(&index, &tab, "main.main", 22, &function), -ENOENT);
	function_index_free(&index);
	elf_file_close(file);
	assert_true(now() - begin < SECONDS);
}

/* The function table begins in the last bytes of its segment, and says that it is long. */
static void test_table_without_room(void **state)
{
	uint64_t header[9] = {UINT64_C(0x0801000000000000) | 0xfffffff1,
	                      UINT64_C(1) << 40,
	                      0,
	                      0,
	                      0,
	                      0,
	                      0,
	                      0,
	                      MB - TAB - 2};
	struct elf_file *file;
	struct pclntab tab;
	struct error err;

	(void)state;
	file_make(MB, 1, BASE);
	put(TAB, header, sizeof(header));
	assert_int_equal(elf_file_open(path, &file, &err), 0);
	assert_int_equal(pclntab_open(&tab, file, BASE + TAB), -ENODATA);
	elf_file_close(file);
}

/* A function of a gigabyte, each of whose bytes has a line of its own. */
static void test_endless_values(void **state)
{
	const uint64_t size = 64 * MB;
	struct pclntab_function function = {
	        .entry = BASE,
	        .end = BASE + (UINT64_C(1) << 30),
	        .line_values = 1,
	        .file_values = 1,
	};
	struct elf_file *file;
	struct error err;
	const char *name;
	int line;
	double begin = now();

	(void)state;
	file_make(size, 1, BASE);
	unsigned char *bytes = malloc(size - TAB);
	assert_non_null(bytes);
	memset(bytes, 2, size - TAB);
	put(TAB, bytes, size - TAB);
	free(bytes);
	assert_int_equal(elf_file_open(path, &file, &err), 0);
	struct pclntab tab = {.file = file, .values = BASE + TAB, .quantum = 1};
	for (int i = 0; i < 10; i++) {
		pclntab_position(&tab, &function, function.end - 1, &name, &line);
		assert_int_equal(line, 0);
	}
	elf_file_close(file);
	assert_true(now() - begin < SECONDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_nothing_in_a_large_file),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_endless_names),
	        cmocka_unit_test(test_endless_values),
	        cmocka_unit_test(test_table_without_room),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
