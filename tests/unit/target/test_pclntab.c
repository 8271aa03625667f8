/* SPDX-License-Identifier: MIT */
/*
 * All three formats of the table from a small image made here (Go 1.17's, for one, is of a release
 * that Debian has no package of), and what damage does to them.
 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/go/pclntab.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

#define BASE   UINT64_C(0x400000)
#define SIZE   0x8000
#define TAB    0x1000 /* file offsets */
#define NAMES  0x100  /* and offsets from the table's header */
#define UNITS  0x200
#define FILES  0x300
#define VALUES 0x400
#define TABLE  0x600
#define OUTER  0x100 /* from TABLE: the records */
#define LAST   0x200
#define TREE   0x3000
#define TEXT   0x5000
#define ENTRY  (BASE + TEXT + 0x100)

struct form {
	const char *name;
	uint32_t magic;
	unsigned int header, entry_size, file_values, id, record, call, call_name, call_parent;
};

/* Written down from the runtime's sources once more, not taken from the reader. */
static const struct form forms[] = {
        {"1.17", 0xfffffffa, 24, 8, 24, 40, 44, 20, 12, 16},
        {"1.18", 0xfffffff0, 32, 4, 20, 36, 40, 20, 12, 16},
        {"1.20", 0xfffffff1, 32, 4, 20, 40, 44, 16, 4, 8},
};
#define FORMS (sizeof(forms) / sizeof(forms[0]))

struct image {
	unsigned char bytes[SIZE];
	const struct form *form;
	unsigned int quantum;
	unsigned int values_used;
	char path[64];
	struct elf_file *file;
	struct pclntab tab;
};

/* ---- writing ------------------------------------------------------------------------- */

static void put(struct image *image, unsigned int at, uint64_t value, size_t size)
{
	memcpy(image->bytes + at, &value, size);
}

static void put_varint(struct image *image, uint32_t value)
{
	for (; value >= 0x80; value >>= 7)
		image->bytes[TAB + VALUES + image->values_used++] = (unsigned char)(value | 0x80);
	image->bytes[TAB + VALUES + image->values_used++] = (unsigned char)value;
}

/* A value table: pairs of value and the pc offset where it ends, ended by an end of 0. */
static uint32_t put_values(struct image *image, const int32_t (*pairs)[2])
{
	uint32_t start = image->values_used;
	int32_t value = -1;
	uint32_t at = 0;

	for (; (*pairs)[1]; pairs++) {
		int32_t step = (*pairs)[0] - value;
		put_varint(image, (uint32_t)step << 1 ^ (uint32_t)(step >> 31));
		put_varint(image, ((uint32_t)(*pairs)[1] - at) / image->quantum);
		value = (*pairs)[0];
		at = (uint32_t)(*pairs)[1];
	}
	put_varint(image, 0);
	return start;
}

static void put_elf(struct image *image)
{
	Elf64_Ehdr header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
	                     .e_type = ET_EXEC,
	                     .e_machine = image->quantum == 4 ? EM_AARCH64 : EM_X86_64,
	                     .e_phoff = sizeof(header),
	                     .e_phentsize = sizeof(Elf64_Phdr),
	                     .e_phnum = 1};
	Elf64_Phdr segment = {.p_type = PT_LOAD,
	                      .p_flags = PF_R | PF_X,
	                      .p_vaddr = BASE,
	                      .p_filesz = SIZE,
	                      .p_memsz = SIZE};

	memcpy(image->bytes, &header, sizeof(header));
	memcpy(image->bytes + sizeof(header), &segment, sizeof(segment));
}

static void put_header(struct image *image)
{
	static const unsigned int parts[] = {NAMES, UNITS, FILES, VALUES, TABLE};

	put(image, TAB, image->form->magic, 4);
	image->bytes[TAB + 6] = (unsigned char)image->quantum;
	image->bytes[TAB + 7] = 8;
	put(image, TAB + 8, 2, 8);
	if (image->form->header == 32)
		put(image, TAB + 24, BASE + TEXT, 8);
	for (unsigned int i = 0; i < 5; i++)
		put(image, TAB + image->form->header + 8 * i, parts[i], 8);
}

static void put_entry(struct image *image, unsigned int index, unsigned int offset,
                      unsigned int record)
{
	unsigned int size = image->form->entry_size;
	unsigned int at = TAB + TABLE + 2 * size * index;

	put(image, at, size == 8 ? BASE + TEXT + offset : offset, size);
	put(image, at + size, record, size);
}

/* Function `outer` with code at +0x100 to +0x180, `last` from there to +0x200. */
static void put_functions(struct image *image)
{
	static const int32_t file_values[][2] = {{0, 0x40}, {1, 0x80}, {0, 0}};
	static const int32_t line_values[][2] = {{10, 0x20}, {20, 0x40}, {3000, 0x80}, {0, 0}};
	static const int32_t call_values[][2] = {
	        {-1, 0x20}, {0, 0x40}, {1, 0x60}, {-1, 0x80}, {0, 0}};
	const struct form *form = image->form;
	unsigned int record = TAB + TABLE + OUTER;

	image->values_used = 1; /* 0 means: no table */
	put_entry(image, 0, 0x100, OUTER);
	put_entry(image, 1, 0x180, LAST);
	put_entry(image, 2, 0x200, 0);
	put(image, record + form->entry_size, 1, 4);
	put(image, record + form->file_values, put_values(image, file_values), 4);
	put(image, record + form->file_values + 4, put_values(image, line_values), 4);
	put(image, record + form->file_values + 8, 3, 4); /* pcdata tables */
	put(image, record + form->file_values + 12, 1, 4);
	image->bytes[record + form->id] = 21;
	image->bytes[record + form->id + 3] = 4; /* funcdata */
	put(image, record + form->record + 8, put_values(image, call_values), 4);
	unsigned int data = record + form->record + 12;
	if (form->entry_size == 8)
		put(image, ((data + 7) & ~7U) + 24, BASE + TREE, 8);
	else
		put(image, data + 12, 0x40, 4); /* TREE, from gofunc */
	put(image, TAB + TABLE + LAST + form->entry_size, 12, 4);
}

static void put_tree(struct image *image)
{
	const struct form *form = image->form;

	for (unsigned int i = 0; i < 2; i++) {
		unsigned int call = TREE + form->call * i;
		image->bytes[call + (form->call == 20 ? 2 : 0)] = (unsigned char)(7 + i);
		put(image, call + form->call_name, i ? 34 : 22, 4);
		put(image, call + form->call_parent, i ? 0x30 : 0x08, 4);
	}
}

static void image_make(struct image *image, const struct form *form, unsigned int quantum)
{
	*image = (struct image){.form = form, .quantum = quantum};
	put_elf(image);
	put_header(image);
	memcpy(image->bytes + TAB + NAMES, "\0main.outer\0main.last\0main.middle\0main.leaf\0", 44);
	put(image, TAB + UNITS + 4, 0, 4);
	put(image, TAB + UNITS + 8, 5, 4);
	memcpy(image->bytes + TAB + FILES, "a.go\0b.go\0", 10);
	put_functions(image);
	put_tree(image);
}

static int image_open(struct image *image)
{
	struct error err = {""};
	uint64_t addr = 0;

	snprintf(image->path, sizeof(image->path), "/tmp/gomaptop-test-XXXXXX");
	int fd = mkstemp(image->path);
	assert_true(fd >= 0);
	close(fd);
	assert_true(file_write(image->path, image->bytes, SIZE));
	assert_int_equal(elf_file_open(image->path, &image->file, &err), 0);
	unlink(image->path);
	if (pclntab_locate(image->file, &addr))
		return -ENODATA;
	assert_true(addr == BASE + TAB);
	int rc = pclntab_open(&image->tab, image->file, addr);
	image->tab.gofunc = BASE + TREE - 0x40;
	image->tab.text = BASE + TEXT;
	return rc;
}

static void image_close(struct image *image)
{
	elf_file_close(image->file);
}

/* ---- reading ------------------------------------------------------------------------- */

static void position_is(struct image *image, const struct pclntab_function *function,
                        unsigned int at, const char *file, int line)
{
	const char *found;
	int number;

	pclntab_position(&image->tab, function, function->entry + at, &found, &number);
	assert_non_null(found);
	assert_string_equal(found, file);
	assert_int_equal(number, line);
}

static void form_check(const struct form *form, unsigned int quantum)
{
	struct image image;
	struct pclntab_function function;
	struct pclntab_call call;
	const char *file;
	int line;

	image_make(&image, form, quantum);
	assert_int_equal(image_open(&image), 0);
	assert_int_equal(image.tab.functions, 2);
	assert_int_equal(pclntab_find(&image.tab, ENTRY - 1, &function), -ENOENT);
	assert_int_equal(pclntab_find(&image.tab, ENTRY + 0x100, &function), -ENOENT);
	assert_int_equal(pclntab_find(&image.tab, ENTRY + 0x80, &function), 0);
	assert_string_equal(pclntab_name(&image.tab, function.name), "main.last");
	pclntab_position(&image.tab, &function, ENTRY + 0x80, &file, &line);
	assert_null(file);
	assert_int_equal(line, 0);

	assert_int_equal(pclntab_find(&image.tab, ENTRY + 0x7f, &function), 0);
	assert_string_equal(pclntab_name(&image.tab, function.name), "main.outer");
	assert_true(function.entry == ENTRY && function.end == ENTRY + 0x80);
	assert_int_equal(function.id, 21);
	position_is(&image, &function, 0, "a.go", 10);
	position_is(&image, &function, 0x1f, "a.go", 10);
	position_is(&image, &function, 0x20, "a.go", 20);
	position_is(&image, &function, 0x7f, "b.go", 3000);

	assert_false(pclntab_inlined(&image.tab, &function, ENTRY + 0x1f, &call));
	assert_false(pclntab_inlined(&image.tab, &function, ENTRY + 0x60, &call));
	assert_true(pclntab_inlined(&image.tab, &function, ENTRY + 0x5f, &call));
	assert_string_equal(pclntab_name(&image.tab, call.name), "main.leaf");
	assert_int_equal(call.parent, 0x30);
	assert_int_equal(call.id, 8);
	assert_true(pclntab_inlined(&image.tab, &function, ENTRY + call.parent, &call));
	assert_string_equal(pclntab_name(&image.tab, call.name), "main.middle");
	assert_int_equal(call.parent, 0x08);
	assert_false(pclntab_inlined(&image.tab, &function, ENTRY + call.parent, &call));
	image_close(&image);
}

static void test_all_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		form_check(&forms[i], 1);
		form_check(&forms[i], 4);
	}
}

/* ---- damage -------------------------------------------------------------------------- */

static void test_headers_that_are_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct image image;
		const struct {
			unsigned int at;
			uint64_t value;
			size_t size;
		} damages[] = {
		        {TAB, 0xfffffffb, 4},              /* Go 1.2 to 1.15 */
		        {TAB + 4, 1, 1},                   /* padding */
		        {TAB + 6, 3, 1},                   /* quantum */
		        {TAB + 7, 4, 1},                   /* 32-bit pointers */
		        {TAB + 8, 0, 8},                   /* no functions */
		        {TAB + 8, UINT64_MAX, 8},          /* more than there is room for */
		        {TAB + 8, UINT64_MAX / 16 + 2, 8}, /* so many that the size wraps */
		        {TAB + forms[i].header, SIZE, 8},  /* names outside */
		        {TAB + forms[i].header + 32, UINT64_MAX - 64, 8},
		};
		for (size_t k = 0; k < sizeof(damages) / sizeof(damages[0]); k++) {
			image_make(&image, &forms[i], 1);
			put(&image, damages[k].at, damages[k].value, damages[k].size);
			assert_int_equal(image_open(&image), -ENODATA);
			image_close(&image);
		}
	}
}

/* Ask for everything about every address: what comes back must be well-formed. */
static void image_ask(struct image *image)
{
	for (unsigned int at = 0; at < 0x120; at += 3) {
		struct pclntab_function function;
		struct pclntab_call call;
		const char *file;
		int line;
		if (pclntab_find(&image->tab, ENTRY + at, &function))
			continue;
		assert_true(function.entry <= ENTRY + at && ENTRY + at < function.end);
		pclntab_position(&image->tab, &function, ENTRY + at, &file, &line);
		assert_true(line >= 0);
		assert_true(!file || strlen(file) < SIZE);
		if (pclntab_inlined(&image->tab, &function, ENTRY + at, &call))
			pclntab_name(&image->tab, call.name);
		pclntab_name(&image->tab, function.name);
	}
}

static void test_value_tables_without_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct image image;
		struct pclntab_function function;
		struct pclntab_call call;
		const char *file;
		int line;
		/* Steps of no length, varints that never end, zeroes. */
		for (int fill = 0; fill < 256; fill++) {
			image_make(&image, &forms[i], 1);
			memset(image.bytes + TAB + VALUES, fill, TABLE - VALUES);
			assert_int_equal(image_open(&image), 0);
			image_ask(&image);
			image_close(&image);
		}
		/* A table whose offset lies far outside. */
		image_make(&image, &forms[i], 1);
		put(&image, TAB + TABLE + OUTER + forms[i].file_values, UINT32_MAX, 4);
		put(&image, TAB + TABLE + OUTER + forms[i].record + 8, UINT32_MAX - 1, 4);
		assert_int_equal(image_open(&image), 0);
		assert_int_equal(pclntab_find(&image.tab, ENTRY + 0x30, &function), 0);
		pclntab_position(&image.tab, &function, ENTRY + 0x30, &file, &line);
		assert_null(file);
		assert_int_equal(line, 20);
		assert_false(pclntab_inlined(&image.tab, &function, ENTRY + 0x30, &call));
		image_close(&image);
	}
}

static void test_random_damage(void **state)
{
	unsigned int seed = 3;

	(void)state;
	for (int round = 0; round < 6000; round++) {
		struct image image;
		image_make(&image, &forms[(size_t)round % FORMS], round & 1 ? 1 : 4);
		for (int i = 0; i < 1 + round % 24; i++) {
			unsigned int at = (unsigned int)rand_r(&seed) % 0x900;
			image.bytes[TAB + at] = (unsigned char)rand_r(&seed);
		}
		if (image_open(&image) == 0)
			image_ask(&image);
		image_close(&image);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_all_formats),
	        cmocka_unit_test(test_headers_that_are_none),
	        cmocka_unit_test(test_value_tables_without_end),
	        cmocka_unit_test(test_random_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
