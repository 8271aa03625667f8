/* SPDX-License-Identifier: MIT */
/* A key's way from the registers of a map function to what people read. */
#include "programs.h"

#include "core/probe/access_key.h"

/* What a descriptor has at the offsets that are read. */
struct fake_type {
	__u64 size;
	__u8 more[15], kind;
	__u64 rest[3];
	const struct fake_type *key; /* of a map */
};

_Static_assert(offsetof(struct fake_type, kind) == 23 && offsetof(struct fake_type, key) == 48,
               "as abi.Type and abi.MapType");

static struct access capture(__u8 kind, __u64 size, enum key_source source, __u64 a2, __u64 a3)
{
	struct fake_type key = {.size = size, .kind = kind};
	struct fake_type map = {.size = 8, .kind = 21, .key = &key};
	struct pt_regs regs = {.cx = a2, .di = a3};
	struct access access;

	memset(&access, 0xee, sizeof(access)); /* what memory happens to hold */
	key_read(&regs, source, (unsigned long)&map, &access);
	return access;
}

static void expect(const struct access *access, const char *kind, const char *text)
{
	char out[4 * KEY_BYTES_MAX];
	const char *told = access_key_text(access, out, sizeof(out));

	if (!kind) {
		assert_null(told);
		assert_null(access_key_kind(access));
		return;
	}
	assert_non_null(told);
	assert_string_equal(told, text);
	assert_string_equal(access_key_kind(access), kind);
}

static void test_integers(void **state)
{
	static const struct {
		__u8 kind, size;
		__u64 value;
		const char *name, *text;
	} rows[] = {
	        {2, 8, (__u64)-7, "int", "-7"},
	        {3, 1, 0xff, "int8", "-1"},
	        {3, 1, 0x7f, "int8", "127"},
	        {4, 2, 0x8000, "int16", "-32768"},
	        {5, 4, 0xfffffffe, "int32", "-2"},
	        {6, 8, 1ULL << 63, "int64", "-9223372036854775808"},
	        {7, 8, ~0ULL, "uint", "18446744073709551615"},
	        {8, 1, 0xff, "uint8", "255"},
	        {9, 2, 0xffff, "uint16", "65535"},
	        {10, 4, 0xffffffff, "uint32", "4294967295"},
	        {11, 8, 4711, "uint64", "4711"},
	        {12, 8, 0, "uintptr", "0"},
	};

	(void)state;
	config.show_keys = 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		__u64 garbage = 0xabcdef0123456789 << (8 * rows[i].size % 64);
		__u64 word = rows[i].value | (rows[i].size < 8 ? garbage : 0);
		__u64 memory = word; /* behind the key lies something else */
		struct access a = capture(rows[i].kind | 32, rows[i].size, KEY_WORD, word, ~0ULL);

		expect(&a, rows[i].name, rows[i].text);
		a = capture(rows[i].kind, rows[i].size, KEY_POINTER, (unsigned long)&memory, ~0ULL);
		expect(&a, rows[i].name, rows[i].text);
		for (size_t k = rows[i].size; k < KEY_BYTES_MAX; k++)
			assert_int_equal(a.key[k], 0);
	}
}

static void test_integers_for_json(void **state)
{
	struct access a;
	int64_t value;

	(void)state;
	config.show_keys = 1;
	a = capture(3, 1, KEY_WORD, 0x80, 0);
	assert_true(access_key_integer(&a, &value));
	assert_int_equal(value, -128);
	a = capture(11, 8, KEY_WORD, INT64_MAX, 0);
	assert_true(access_key_integer(&a, &value));
	assert_true(value == INT64_MAX);
	a = capture(11, 8, KEY_WORD, 1ULL << 63, 0);
	assert_false(access_key_integer(&a, &value));
}

static void test_strings(void **state)
{
	char long_text[300];
	__u64 header[2] = {(unsigned long)"alice", 5};
	struct access a;

	(void)state;
	config.show_keys = 1;
	a = capture(24, 16, KEY_STRING, (unsigned long)"alice and bob", 5);
	expect(&a, "string", "\"alice\"");
	assert_false(access_key_truncated(&a));
	a = capture(24, 16, KEY_POINTER, (unsigned long)header, 77);
	expect(&a, "string", "\"alice\"");
	a = capture(24, 16, KEY_STRING, 0, 0);
	expect(&a, "string", "\"\"");
	a = capture(24, 16, KEY_STRING, (unsigned long)"a\x1b[2J\0\xff", 7);
	expect(&a, "string", "\"a?[2J??\"");
	memset(long_text, 'x', sizeof(long_text));
	a = capture(24, 16, KEY_STRING, (unsigned long)long_text, sizeof(long_text));
	assert_int_equal(a.key_size, KEY_BYTES_MAX);
	assert_int_equal(a.key_length, sizeof(long_text));
	assert_true(access_key_truncated(&a));
	a = capture(24, 16, KEY_STRING, (unsigned long)long_text, 1ULL << 40);
	assert_int_equal(a.key_length, UINT32_MAX);
}

static void test_what_is_no_such_key(void **state)
{
	struct access a;

	(void)state;
	config.show_keys = 1;
	a = capture(22, 8, KEY_WORD, 0x1234, 0); /* a pointer */
	expect(&a, NULL, NULL);
	a = capture(14, 8, KEY_POINTER, 0x1234, 0); /* float64 */
	expect(&a, NULL, NULL);
	a = capture(25, 8, KEY_WORD, 0x1234, 0); /* a struct of eight bytes */
	expect(&a, NULL, NULL);
	a = capture(11, 8, KEY_NONE, 0x1234, 0);
	expect(&a, NULL, NULL);
	a = capture(11, 3, KEY_WORD, 0x1234, 0); /* no integer has three bytes */
	expect(&a, NULL, NULL);
	a = capture(24, 16, KEY_STRING, 0, 5); /* not readable */
	expect(&a, NULL, NULL);
	a = capture(11, 8, KEY_POINTER, 0, 0);
	expect(&a, NULL, NULL);
	a = capture(24, 16, KEY_WORD, (unsigned long)"alice", 5); /* not by this function */
	expect(&a, NULL, NULL);
}

/* No byte of a key may get anywhere, and no byte of what was in the memory before. */
static void test_off(void **state)
{
	struct access a;

	(void)state;
	config.show_keys = 0;
	for (int source = KEY_NONE; source <= KEY_STRING; source++) {
		a = capture(24, 16, source, (unsigned long)"alice", 5);
		assert_int_equal(a.key_kind | a.key_size, 0);
		assert_int_equal(a.key_length, 0);
		for (size_t i = 0; i < KEY_BYTES_MAX; i++)
			assert_int_equal(a.key[i], 0);
	}
}

static void test_sources(void **state)
{
	static const struct {
		const char *function;
		enum key_source source;
	} rows[] = {
	        {"runtime.mapaccess1", KEY_POINTER},
	        {"runtime.mapaccess1_fast32", KEY_WORD},
	        {"runtime.mapaccess2_fast64", KEY_WORD},
	        {"runtime.mapaccess2_faststr", KEY_STRING},
	        {"runtime.mapassign", KEY_POINTER},
	        {"runtime.mapassign_fast64ptr", KEY_WORD},
	        {"runtime.mapassign_faststr", KEY_STRING},
	        {"runtime.mapdelete", KEY_POINTER},
	        {"runtime.mapdelete_fast32", KEY_WORD},
	        {"reflect.mapdelete", KEY_POINTER},
	        {"internal/runtime/maps.(*Map).Delete", KEY_POINTER},
	        {"runtime.mapclear", KEY_NONE},
	        {"runtime.mapclone2", KEY_NONE},
	        {"runtime.mapiternext", KEY_NONE},
	        {"internal/runtime/maps.(*Iter).Next", KEY_NONE},
	        {"internal/runtime/maps.(*Map).Clear", KEY_NONE},
	        {"runtime.throw", KEY_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(key_source_find(rows[i].function), rows[i].source);
}

/* Recorded or damaged events may hold anything. */
static void test_nonsense(void **state)
{
	struct access a = {.key_kind = 250, .key_size = 8};

	(void)state;
	expect(&a, NULL, NULL);
	a = (struct access){.key_kind = 24, .key_size = 255};
	expect(&a, NULL, NULL);
	a = (struct access){.key_kind = 11, .key_size = 9};
	assert_null(access_key_text(&a, (char[64]){0}, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_integers), cmocka_unit_test(test_integers_for_json),
	        cmocka_unit_test(test_strings),  cmocka_unit_test(test_what_is_no_such_key),
	        cmocka_unit_test(test_off),      cmocka_unit_test(test_sources),
	        cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
