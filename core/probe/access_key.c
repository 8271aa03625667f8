/* SPDX-License-Identifier: MIT */
#include "core/probe/access_key.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/sanitize.h"

/* ---- where it is --------------------------------------------------------------------- */

/* The first row that fits: names begin and end so. */
static const struct {
	const char *begin, *end;
	enum key_source source;
} sources[] = {
        {"runtime.mapaccess", "_fast32", KEY_WORD},
        {"runtime.mapaccess", "_fast64", KEY_WORD},
        {"runtime.mapaccess", "_faststr", KEY_STRING},
        {"runtime.mapaccess1", "", KEY_POINTER},
        {"runtime.mapaccess2", "", KEY_POINTER},
        {"runtime.mapassign_fast32", "", KEY_WORD},
        {"runtime.mapassign_fast64", "", KEY_WORD},
        {"runtime.mapassign_faststr", "", KEY_STRING},
        {"runtime.mapassign", "", KEY_POINTER},
        {"runtime.mapdelete_fast32", "", KEY_WORD},
        {"runtime.mapdelete_fast64", "", KEY_WORD},
        {"runtime.mapdelete_faststr", "", KEY_STRING},
        {"runtime.mapdelete", "", KEY_POINTER},
        {"reflect.mapdelete", "", KEY_POINTER},
        {"internal/runtime/maps.(*Map).Delete", "", KEY_POINTER},
};

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
	size_t length = strlen(text), end = strlen(with);

	return length >= end && strcmp(text + length - end, with) == 0;
}

enum key_source key_source_find(const char *function)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (begins(function, sources[i].begin) && ends(function, sources[i].end))
			return sources[i].source;
	return KEY_NONE;
}

/* ---- what it is ---------------------------------------------------------------------- */

#define KIND_STRING 24 /* reflect.String */

static const struct {
	const char *name;
	bool is_signed;
} kinds[] = {
        [2] = {"int", true},      [3] = {"int8", true},      [4] = {"int16", true},
        [5] = {"int32", true},    [6] = {"int64", true},     [7] = {"uint", false},
        [8] = {"uint8", false},   [9] = {"uint16", false},   [10] = {"uint32", false},
        [11] = {"uint64", false}, [12] = {"uintptr", false}, [KIND_STRING] = {"string", false},
};

const char *access_key_kind(const struct access *access)
{
	if (access->key_kind >= sizeof(kinds) / sizeof(kinds[0]) ||
	    access->key_size > KEY_BYTES_MAX)
		return NULL;
	return kinds[access->key_kind].name;
}

bool access_key_is_string(const struct access *access)
{
	return access_key_kind(access) && access->key_kind == KIND_STRING;
}

bool access_key_truncated(const struct access *access)
{
	return access_key_is_string(access) && access->key_length > access->key_size;
}

/* Its bits, extended to 64 by its sign. False: no integer. */
static bool integer_read(const struct access *access, uint64_t *out)
{
	uint64_t value = 0;
	unsigned int shift = 64 - 8 * access->key_size;

	if (!access_key_kind(access) || access->key_kind == KIND_STRING || !access->key_size ||
	    access->key_size > sizeof(value))
		return false;
	memcpy(&value, access->key, access->key_size);
	if (kinds[access->key_kind].is_signed)
		value = (uint64_t)((int64_t)(value << shift) >> shift);
	*out = value;
	return true;
}

bool access_key_number(const struct access *access, char out[24])
{
	uint64_t value;

	if (!integer_read(access, &value))
		return false;
	if (kinds[access->key_kind].is_signed)
		snprintf(out, 24, "%" PRId64, (int64_t)value);
	else
		snprintf(out, 24, "%" PRIu64, value);
	return true;
}

bool access_key_integer(const struct access *access, int64_t *out)
{
	uint64_t value;

	if (!integer_read(access, &value) ||
	    (!kinds[access->key_kind].is_signed && value > INT64_MAX))
		return false;
	*out = (int64_t)value;
	return true;
}

const char *access_key_text(const struct access *access, char *out, size_t size)
{
	char raw[KEY_BYTES_MAX + 1], clean[3 * KEY_BYTES_MAX + 1], number[24];

	if (access_key_number(access, number)) {
		snprintf(out, size, "%s", number);
		return out;
	}
	if (!access_key_is_string(access))
		return NULL;
	for (size_t i = 0; i < access->key_size; i++)
		raw[i] = access->key[i] ? (char)access->key[i] : '\x01'; /* shown as '?' both */
	raw[access->key_size] = '\0';
	sanitize(raw, clean, sizeof(clean));
	snprintf(out, size, "\"%s\"%s", clean, access_key_truncated(access) ? "..." : "");
	return out;
}
