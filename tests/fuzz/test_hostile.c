/* SPDX-License-Identifier: MIT */
/*
 * Executables made to cost much: each is read in a process of its own, which must be done within
 * a second of CPU time and 200 MB, and must never wait for anything outside the file.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "core/go/go_binary.h"
#include "core/order/order_site.h"
#include "tests/fuzz/scratch.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SECONDS   20 /* sanitizers slow everything down by ten, and keep books of memory */
#define MEGABYTES 2000
#else
#define SECONDS   2 /* one on a machine of usual speed */
#define MEGABYTES 200
#endif

#define BASE     UINT64_C(0x400000)
#define MB       (UINT64_C(1) << 20)
#define GB       (UINT64_C(1) << 30)
#define INFO     0x400  /* where the build information lies, */
#define SECTIONS 0x800  /* the section headers, */
#define NAMES    0x1000 /* their names, */
#define CONTENT  0x2000 /* and what a test puts there */

static unsigned int section_count;
static size_t names_used;

/* ---- making files -------------------------------------------------------------------- */

static void header_put(unsigned int segments, unsigned int sections)
{
	Elf64_Ehdr header = {
	        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
	                    EV_CURRENT},
	        .e_type = ET_DYN,
	        .e_machine = EM_X86_64,
	        .e_version = EV_CURRENT,
	        .e_phoff = sizeof(header),
	        .e_shoff = SECTIONS,
	        .e_ehsize = sizeof(header),
	        .e_phentsize = sizeof(Elf64_Phdr),
	        .e_phnum = (Elf64_Half)segments,
	        .e_shentsize = sizeof(Elf64_Shdr),
	        .e_shnum = (Elf64_Half)sections,
	        .e_shstrndx = 1,
	};

	put(0, &header, sizeof(header));
}

static void segment_put(unsigned int index, uint32_t type, uint64_t offset, uint64_t size)
{
	Elf64_Phdr segment = {
	        .p_type = type,
	        .p_flags = PF_R | PF_W | PF_X,
	        .p_offset = offset,
	        .p_vaddr = BASE + offset,
	        .p_filesz = size,
	        .p_memsz = size,
	};

	put(sizeof(Elf64_Ehdr) + index * sizeof(segment), &segment, sizeof(segment));
}

static void section_put(const char *name, uint64_t flags, uint64_t offset, uint64_t size)
{
	Elf64_Shdr section = {
	        .sh_name = (Elf64_Word)names_used,
	        .sh_flags = flags,
	        .sh_addr = BASE + offset,
	        .sh_offset = offset,
	        .sh_size = size,
	};

	put(NAMES + names_used, name, strlen(name) + 1);
	names_used += strlen(name) + 1;
	put(SECTIONS + section_count++ * sizeof(section), &section, sizeof(section));
	header_put(1, section_count);
}

/* A sparse file of that size, one segment, which says that it was built by this Go. */
static void file_make(uint64_t size, const char *version)
{
	unsigned char block[128] = "\xff Go buildinf:\x08\x02";

	block[32] = (unsigned char)strlen(version);
	memcpy(block + 33, version, strlen(version));
	sparse_make(size);
	section_count = 0;
	names_used = 0;
	section_put("", 0, 0, 0);
	section_put(".shstrtab", 0, NAMES, 0x800);
	section_put(".go.buildinfo", 0, INFO, sizeof(block));
	segment_put(0, PT_LOAD, 0, size);
	put(INFO, block, sizeof(block));
}

/* The header of a function table whose parts all begin 4096 bytes behind it. */
static void pclntab_put(uint64_t at, uint64_t functions)
{
	uint64_t header[9] = {UINT64_C(0x0801000000000000) | 0xfffffff1,
	                      functions,
	                      0,
	                      0,
	                      4096,
	                      4096,
	                      4096,
	                      4096,
	                      4096};

	put(at, header, sizeof(header));
	section_put(".gopclntab", 0, at, 4096);
}

/* ---- reading them -------------------------------------------------------------------- */

static void questions_ask(const char *file)
{
	struct go_binary *binary;
	struct go_function function;
	struct frame frames[64];
	struct order_plan plan;

	if (go_binary_open(file, &binary, NULL))
		_exit(0);
	go_binary_function_find(binary, "runtime.mapassign", &function);
	go_binary_function_find(binary, "main.main", &function);
	for (uint64_t i = 0; i < 64; i++) {
		go_binary_frames(binary, BASE + 4096 * i, 0, true, frames, 64);
		go_binary_type_name(binary, BASE + 4096 * i);
	}
	if (!order_plan_make(binary, &plan, NULL))
		order_plan_free(&plan);
	go_binary_close(binary);
	_exit(0);
}

static double seconds_of(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static void harmless_at(const char *file, const char *what)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(10 * SECONDS);
		questions_ask(file);
	}
	assert_int_equal(wait4(pid, &status, 0, &usage), pid);
	print_message("%-28s %.3f s, %ld MB\n", what, seconds_of(&usage), usage.ru_maxrss / 1024);
	assert_int_equal(status, 0);
	assert_true(seconds_of(&usage) < SECONDS);
	assert_true(usage.ru_maxrss / 1024 < MEGABYTES);
}

static void harmless(const char *what)
{
	harmless_at(path, what);
}

/* The same without what the test needed to make the file, which the child would be charged for. */
static void harmless_without(const char *what, void *buffer, size_t size)
{
	assert_int_equal(madvise((void *)(((uintptr_t)buffer + 4095) & ~(uintptr_t)4095),
	                         (size - 4096) & ~(size_t)4095, MADV_DONTNEED),
	                 0);
	harmless(what);
}

/* ---- what expands -------------------------------------------------------------------- */

/* Put size zeros at CONTENT, compressed, behind a header. Returns the bytes that they take. */
static uint64_t bomb_put(const void *header, size_t header_size, uint64_t size)
{
	static unsigned char zeros[1 << 20], out[1 << 16];
	z_stream stream = {0};
	uint64_t at = CONTENT + header_size;

	put(CONTENT, header, header_size);
	assert_int_equal(deflateInit(&stream, 9), Z_OK);
	for (uint64_t left = size; left > 0 || stream.avail_out == 0;) {
		if (stream.avail_in == 0 && left > 0) {
			stream.next_in = zeros;
			stream.avail_in = (uInt)(left < sizeof(zeros) ? left : sizeof(zeros));
			left -= stream.avail_in;
		}
		stream.next_out = out;
		stream.avail_out = sizeof(out);
		deflate(&stream, left ? Z_NO_FLUSH : Z_FINISH);
		put(at, out, sizeof(out) - stream.avail_out);
		at += sizeof(out) - stream.avail_out;
	}
	deflateEnd(&stream);
	return at - CONTENT;
}

static void test_compressed_bombs(void **state)
{
	static const unsigned char gnu[12] = "ZLIB\0\0\0\0\xc0\0\0\0";
	static const unsigned char small[12] = "ZLIB\0\0\0\0\x04\0\0\0";
	Elf64_Chdr elf = {.ch_type = ELFCOMPRESS_ZLIB, .ch_size = 3 * GB};

	(void)state;
	file_make(4 * MB, "go1.99");
	section_put(".zdebug_info", 0, CONTENT, bomb_put(gnu, sizeof(gnu), 200 * MB));
	section_put(".debug_abbrev", 0, CONTENT, 64);
	harmless(".zdebug_info of 3 GB");
	section_put(".zdebug_abbrev", 0, CONTENT, bomb_put(small, sizeof(small), 64 * MB));
	harmless(".zdebug_abbrev of 64 MB");
	file_make(4 * MB, "go1.99");
	section_put(".debug_info", SHF_COMPRESSED, CONTENT, bomb_put(&elf, sizeof(elf), 200 * MB));
	section_put(".debug_abbrev", 0, CONTENT, 64);
	harmless(".debug_info of 3 GB");
	elf.ch_size = 90 * MB;
	section_put(".debug_abbrev", SHF_COMPRESSED, CONTENT, bomb_put(&elf, sizeof(elf), 90 * MB));
	file_make(4 * MB, "go1.99");
	section_put(".debug_abbrev", SHF_COMPRESSED, CONTENT, bomb_put(&elf, sizeof(elf), 90 * MB));
	section_put(".debug_info", SHF_COMPRESSED, CONTENT, 90 * MB / 500);
	section_put(".debug_str", SHF_COMPRESSED, CONTENT, 90 * MB / 500);
	harmless("three sections of 90 MB");
}

/* Plain sections that are holes. */
static void test_sparse_debug(void **state)
{
	(void)state;
	file_make(GB, "go1.99");
	section_put(".debug_info", 0, CONTENT, 90 * MB);
	section_put(".debug_abbrev", 0, CONTENT, 4 * MB);
	harmless("sparse .debug_info");
	section_put(".debug_str", 0, CONTENT, GB - CONTENT);
	harmless("sparse .debug_str");
}

/* ---- debug information that does not end --------------------------------------------- */

/* One unit of size bytes, whose entries follow. */
static void unit_put(uint64_t at, uint32_t size)
{
	unsigned char unit[11] = {0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 8};
	uint32_t length = size - 4;

	memcpy(unit, &length, sizeof(length));
	put(at, unit, sizeof(unit));
}

/* Entry 1 is a Go unit, 2 has a child, 3 a type, 4 a name. */
static const unsigned char abbrevs[] = {
        1, 0x11, 1, 0x13, 0x0b, 0,    0,                /* DW_AT_language */
        2, 0x13, 1, 0,    0,                            /* struct */
        3, 0x16, 0, 0x49, 0x10, 0,    0,                /* typedef of DW_FORM_ref_addr */
        4, 0x13, 1, 0x03, 0x08, 0,    0,                /* struct with a name */
        5, 0x0d, 0, 0x03, 0x08, 0x49, 0xa0, 0x3e, 0, 0, /* DW_FORM_GNU_ref_alt */
        6, 0x11, 0, 0x13, 0x0b, 0xb0, 0x42, 0x08, 0, 0, /* DW_AT_GNU_dwo_name */
        0};

static void test_entries_without_end(void **state)
{
	const uint32_t size = 64 * MB;
	unsigned char *bytes = malloc(size);

	(void)state;
	assert_non_null(bytes);
	file_make(96 * MB, "go1.99");
	section_put(".debug_abbrev", 0, CONTENT, sizeof(abbrevs));
	section_put(".debug_info", 0, MB, size);
	put(CONTENT, abbrevs, sizeof(abbrevs));
	memset(bytes, 2, size); /* each entry inside the one before */
	memcpy(bytes + 11, "\x01\x16", 2);
	put(MB, bytes, size);
	unit_put(MB, size);
	harmless_without("entries within entries", bytes, size);
	memset(bytes, 'a', size); /* a name without end */
	memcpy(bytes + 11, "\x01\x16\x04", 3);
	put(MB, bytes, size);
	unit_put(MB, size);
	harmless_without("a name of 64 MB", bytes, size);
	for (uint32_t i = 0; i + 11 <= size; i += 11) /* units without an entry */
		memcpy(bytes + i, "\x07\0\0\0\x04\0\0\0\0\0\x08", 11);
	put(MB, bytes, size);
	harmless_without("six million units", bytes, size);
	free(bytes);
}

/* Tables of abbreviations, another for each unit. */
static void test_abbreviations_without_end(void **state)
{
	const uint32_t size = 16 * MB;
	unsigned char *bytes = malloc(size);

	(void)state;
	assert_non_null(bytes);
	file_make(64 * MB, "go1.99");
	section_put(".debug_abbrev", 0, 32 * MB, size);
	section_put(".debug_info", 0, MB, size);
	for (uint32_t i = 0; i + 12 <= size; i += 12) {
		uint32_t table = i / 12;
		memcpy(bytes + i, "\x08\0\0\0\x04\0\0\0\0\0\x08\x01", 12);
		memcpy(bytes + i + 6, &table, sizeof(table));
	}
	put(MB, bytes, size);
	memset(bytes, 1, size);
	put(32 * MB, bytes, size);
	harmless_without("abbreviations without end", bytes, size);
	free(bytes);
}

/* Sections and attributes that name another file, which is a FIFO: opening it would wait. */
static void test_other_debug_files(void **state)
{
	static const unsigned char entries[] = {
	        1, 0x16,                                            /* the unit: Go */
	        4, 'r',  'u', 'n', 't', 'i', 'm', 'e', '.', 'g', 0, /* struct runtime.g */
	        5, 'm',  0,   0,   0,   0,   0, /* a member whose type is elsewhere */
	        0, 0};
	char fifo[sizeof(path) + 8], link[sizeof(fifo) + 20] = {0};
	unsigned char skeleton[128] = {6, 0x16};

	(void)state;
	snprintf(fifo, sizeof(fifo), "%s.fifo", path);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	memcpy(link, fifo, strlen(fifo) + 1);
	file_make(MB, "go1.99");
	section_put(".gnu_debugaltlink", 0, CONTENT, sizeof(link));
	section_put(".gnu_debuglink", 0, CONTENT, sizeof(link));
	section_put(".debug_sup", 0, CONTENT, sizeof(link));
	section_put(".debug_abbrev", 0, CONTENT + 0x400, sizeof(abbrevs));
	section_put(".debug_info", 0, CONTENT + 0x800,
	            11 + sizeof(entries) + 11 + sizeof(skeleton));
	put(CONTENT, link, sizeof(link));
	put(CONTENT + 0x400, abbrevs, sizeof(abbrevs));
	put(CONTENT + 0x800 + 11, entries, sizeof(entries));
	unit_put(CONTENT + 0x800, 11 + sizeof(entries));
	memcpy(skeleton + 2, fifo, strlen(fifo) + 1);
	put(CONTENT + 0x800 + 11 + sizeof(entries) + 11, skeleton, sizeof(skeleton));
	unit_put(CONTENT + 0x800 + 11 + sizeof(entries), 11 + sizeof(skeleton));
	harmless("debug files elsewhere");
	harmless_at(fifo, "the program is a FIFO");
	harmless_at("/dev/zero", "the program is a device");
	unlink(fifo);
}

/* ---- what is walked ------------------------------------------------------------------ */

static void test_sparse_segments(void **state)
{
	(void)state;
	file_make(2040 * MB, "go1.24");
	harmless("sparse segment");
	pclntab_put(CONTENT, UINT64_C(1) << 23);
	harmless("sparse function table");
	file_make(2040 * MB, "go1.24");
	put(INFO, "nothing", 7); /* the version is looked for as well */
	pclntab_put(CONTENT, UINT64_C(1) << 23);
	harmless("sparse, no version");
	assert_int_equal(ftruncate(fd, (off_t)(1024 * GB)), 0);
	harmless("sparse file of 1 TB");
}

/* Words that look like what is looked for, wherever it is looked. */
static void test_lures(void **state)
{
	const uint64_t size = 48 * MB;
	uint64_t *words = malloc(size);

	(void)state;
	assert_non_null(words);
	file_make(64 * MB, "go1.24");
	pclntab_put(CONTENT, 4);
	for (uint64_t i = 0; i < size / 8; i++)
		words[i] = BASE + CONTENT;
	put(8 * MB, words, size);
	harmless_without("lures for moduledata", words, size);
	put(INFO, "nothing", 7);
	for (uint64_t i = 0; i < size / 8; i++)
		words[i] = i % 2 ? 6 : BASE + 8 * MB + i * 4096 % size;
	put(8 * MB, words, size);
	harmless_without("lures for the version", words, size);
	file_make(64 * MB, "go1.24");
	for (uint64_t i = 0; i < size / 8; i++)
		words[i] = UINT64_C(0x0801000000000000) | 0xfffffff1;
	put(8 * MB, words, size);
	harmless_without("lures for pclntab", words, size);
	free(words);
}

/* Moduledata that fits, so that functions are asked for; their names begin at an offset. */
static void moduledata_put(uint64_t names)
{
	uint64_t module[48] = {BASE + CONTENT, BASE + names};
	struct go_binary *binary;

	module[13] = BASE + CONTENT + 4096;
	module[20] = module[22] = BASE;
	module[21] = module[23] = BASE + 64 * MB;
	module[37] = BASE;
	module[38] = BASE + 64 * MB;
	module[40] = BASE;
	put(0x1800, module, sizeof(module));
	assert_int_equal(go_binary_open(path, &binary, NULL), 0);
	go_binary_close(binary);
}

/* Functions in good order, all of one name that does not end. */
static void test_dense_functions(void **state)
{
	const uint32_t count = 7 * MB;
	uint32_t *table = malloc(UINT64_C(8) * count);
	uint64_t zero = 0;
	char name[4096];

	(void)state;
	assert_non_null(table);
	file_make(64 * MB, "go1.24");
	pclntab_put(CONTENT, count - 1);
	for (uint32_t i = 0; i < count; i++) {
		table[2 * i] = i;
		table[2 * i + 1] = 8 * count;
	}
	put(CONTENT + 4096, table, UINT64_C(8) * count);
	put(CONTENT + 4096 + UINT64_C(8) * count, &zero, sizeof(zero));
	memset(name, 'a', sizeof(name));
	memcpy(name, "runtime.", 8);
	zero = 60 * MB - CONTENT; /* the names' part */
	put(CONTENT + 32, &zero, sizeof(zero));
	for (uint64_t at = 60 * MB; at < 64 * MB; at += sizeof(name))
		put(at, name, sizeof(name));
	moduledata_put(60 * MB);
	harmless_without("seven million functions", table, UINT64_C(8) * count);
	free(table);
}

/* Functions of 2 KiB, 40 MB of them, that are made of `size` bytes of code again and again, with an
 * atomic instruction at the beginning of each. */
static void atomics_put(const char *code, size_t size)
{
	static const unsigned char atomic[] = {0xf0, 0x0f, 0xc1, 0x00};
	const uint32_t count = 20000, length = 2048;
	uint32_t *table = calloc(2 * count + 1, sizeof(*table));
	unsigned char body[2048];

	assert_non_null(table);
	file_make(64 * MB, "go1.24");
	pclntab_put(CONTENT, count);
	for (uint32_t i = 0; i <= count; i++) {
		table[2 * i] = 16 * MB + i * length;
		if (i < count)
			table[2 * i + 1] = 8 * count + 64; /* a record of zeros */
	}
	put(CONTENT + 4096, table, (2 * count + 1) * sizeof(*table));
	free(table);
	for (size_t at = 0; at < sizeof(body); at++)
		body[at] = (unsigned char)code[at % size];
	memcpy(body, atomic, sizeof(atomic));
	for (uint32_t i = 0; i < count; i++)
		put(16 * MB + i * length, body, sizeof(body));
	moduledata_put(CONTENT + 4096);
}

static void test_dense_atomics(void **state)
{
	(void)state;
	atomics_put("\x90", 1);
	harmless("atomics among nops");
	atomics_put("\xf0\x0f\xc1\x00", 4);
	harmless("nothing but atomics");
	atomics_put("\xf0\x0f\xb1\x08\x75\x00", 6); /* each with a jump to the next one */
	harmless("atomics and jumps");
	atomics_put("\x87\x00\x06", 3); /* exchanges, then what is no instruction */
	harmless("functions without an end");
}

static void test_relocations(void **state)
{
	const uint64_t count = 2 * MB;
	Elf64_Rela *table = malloc(count * sizeof(*table));
	Elf64_Dyn dynamic[] = {{DT_RELA, {BASE + MB}}, {DT_RELASZ, {count * sizeof(*table)}}};
	uint32_t dice = 1;

	(void)state;
	assert_non_null(table);
	for (uint64_t i = 0; i < count; i++) {
		dice = dice * 1664525 + 1013904223;
		table[i] = (Elf64_Rela){BASE + dice % (64 * MB), R_X86_64_RELATIVE,
		                        (Elf64_Sxword)(BASE + CONTENT)};
	}
	file_make(64 * MB, "go1.24");
	pclntab_put(CONTENT, 4);
	segment_put(1, PT_DYNAMIC, 0x1c00, sizeof(dynamic));
	header_put(2, section_count);
	put(0x1c00, dynamic, sizeof(dynamic));
	put(MB, table, count * sizeof(*table));
	harmless_without("relocations in disorder", table, count * sizeof(*table));
	dynamic[1].d_un.d_val = 63 * MB;
	put(0x1c00, dynamic, sizeof(dynamic));
	harmless_without("relocations to the end", table, count * sizeof(*table));
	free(table);
}

/* As many section headers as there can be, each name in another part of the file. */
static void test_sections(void **state)
{
	(void)state;
	file_make(GB, "go1.99");
	for (uint64_t i = 3; i < 65535; i++) {
		Elf64_Shdr section = {.sh_name = (Elf64_Word)(i * 16384 - NAMES)};
		put(SECTIONS + i * sizeof(section), &section, sizeof(section));
	}
	header_put(1, 65535);
	harmless("65535 sections");
	for (unsigned int i = 1; i < 1100; i++)
		segment_put(i, PT_NOTE, i * 65536, 65536);
	header_put(1100, 0);
	harmless("notes");
}

static void test_build_information(void **state)
{
	static const unsigned char endless[] = {0xff, 0xff, 0xff, 0x7f};

	(void)state;
	file_make(GB, "go1.24");
	put(INFO + 32, endless, sizeof(endless));
	harmless("a version of 256 MB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_compressed_bombs),
	        cmocka_unit_test(test_sparse_debug),
	        cmocka_unit_test(test_entries_without_end),
	        cmocka_unit_test(test_abbreviations_without_end),
	        cmocka_unit_test(test_other_debug_files),
	        cmocka_unit_test(test_sparse_segments),
	        cmocka_unit_test(test_lures),
	        cmocka_unit_test(test_dense_functions),
	        cmocka_unit_test(test_dense_atomics),
	        cmocka_unit_test(test_relocations),
	        cmocka_unit_test(test_sections),
	        cmocka_unit_test(test_build_information),
	};

	return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
