/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/words/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/id_table.h"

#define MEMO_PLACES 65536 /* a power of two */

/* What has been looked through: its hash, whether something was found in the lowest bit. What comes
 * later to the same place takes it. Rows of a list, which are asked for one after the other, have
 * places one after the other. */
struct pattern_memo {
	uint64_t places[MEMO_COUNT][MEMO_PLACES];
};

static const char *const prefixes[PATTERN_FIELD_COUNT] = {
#define X(id, prefix, help) [PATTERN_##id] = prefix,
        PATTERN_FIELDS(X)
#undef X
};

/* "func:" at the beginning names the field; what is left behind it is looked for. */
static const char *prefix_cut(const char *text, enum pattern_field *field)
{
	*field = PATTERN_FIELD_COUNT;
	for (int i = 0; i < PATTERN_FIELD_COUNT; i++) {
		size_t length = strlen(prefixes[i]);

		if (strncmp(text, prefixes[i], length) == 0 && text[length] == ':') {
			*field = (enum pattern_field)i;
			return text + length + 1;
		}
	}
	return text;
}

static bool has_capital(const char *text)
{
	for (; *text; text++)
		if (isupper((unsigned char)*text))
			return true;
	return false;
}

/* Where needle points to lies within its own text, so a copy must be aimed anew. */
static void pattern_aim(struct pattern *pattern)
{
	pattern->needle = prefix_cut(pattern->text, &pattern->field);
	if (*pattern->needle == '~')
		pattern->needle++;
}

int pattern_set(struct pattern *pattern, const char *text, char *why, size_t why_size)
{
	struct pattern fresh = {.text = ""};
	int rc;

	snprintf(fresh.text, sizeof(fresh.text), "%s", text);
	pattern_aim(&fresh);
	fresh.any_case = !has_capital(fresh.needle);
	if (fresh.needle > fresh.text && fresh.needle[-1] == '~' && *fresh.needle) {
		rc = regcomp(&fresh.regex, fresh.needle,
		             REG_EXTENDED | REG_NOSUB | (fresh.any_case ? REG_ICASE : 0));
		if (rc) {
			regerror(rc, &fresh.regex, why, why_size);
			return -EINVAL;
		}
		fresh.is_regex = true;
	}
	fresh.memo = calloc(1, sizeof(*fresh.memo));
	pattern_clear(pattern);
	*pattern =
	        fresh; /* the compiled expression moves along: it holds pointers, none to itself */
	pattern_aim(pattern);
	return 0;
}

void pattern_clear(struct pattern *pattern)
{
	if (pattern->is_regex)
		regfree(&pattern->regex);
	free(pattern->memo);
	memset(pattern, 0, sizeof(*pattern));
}

static bool found_in(const struct pattern *pattern, enum pattern_field field, const char *word)
{
	if (pattern_is_empty(pattern))
		return true;
	if (!word || (pattern->field != PATTERN_FIELD_COUNT && pattern->field != field))
		return false;
	if (pattern->is_regex)
		return regexec(&pattern->regex, word, 0, NULL, 0) == 0;
	return (pattern->any_case ? strcasestr(word, pattern->needle)
	                          : strstr(word, pattern->needle)) != NULL;
}

/* Digits alone are found in numbers, unless the pattern is an expression. */
static bool may_be_number(const struct pattern *pattern)
{
	return pattern->is_regex || !pattern->needle[strspn(pattern->needle, "0123456789")];
}

bool pattern_in_number(const struct pattern *pattern, enum pattern_field field,
                       unsigned long long number)
{
	char word[24];

	if (!pattern_is_empty(pattern) && !may_be_number(pattern))
		return false;
	snprintf(word, sizeof(word), "%llu", number);
	return found_in(pattern, field, word);
}

bool pattern_in_text(const struct pattern *pattern, const char *text)
{
	return found_in(pattern, pattern->field, text);
}

/* ---- remembering --------------------------------------------------------------------- */

static uint64_t *place_of(const struct pattern *pattern, const struct pattern_thing *thing)
{
	return &pattern->memo->places[thing->memo][thing->place % MEMO_PLACES];
}

bool pattern_knows(const struct pattern *pattern, const struct pattern_thing *thing, bool *found)
{
	uint64_t known;

	if (!pattern->memo)
		return false;
	known = *place_of(pattern, thing);
	*found = known & 1;
	return known / 2 == thing->hash / 2 && known;
}

void pattern_note(const struct pattern *pattern, const struct pattern_thing *thing, bool found)
{
	if (pattern->memo)
		*place_of(pattern, thing) = (thing->hash & ~UINT64_C(1)) | (uint64_t)found;
}

bool pattern_in_name(const struct pattern *pattern, enum pattern_field field, const char *name)
{
	uint64_t hash = id_mix((uintptr_t)name);
	struct pattern_thing thing = {MEMO_WORDS, hash / 2, hash};
	bool found;

	if (!name || (pattern->field != PATTERN_FIELD_COUNT && pattern->field != field))
		return pattern_is_empty(pattern);
	if (pattern_knows(pattern, &thing, &found))
		return found;
	found = found_in(pattern, field, name);
	pattern_note(pattern, &thing, found);
	return found;
}
