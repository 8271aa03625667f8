/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tui/pattern.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

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
	memset(pattern, 0, sizeof(*pattern));
}

bool pattern_in(const struct pattern *pattern, enum pattern_field field, const char *word)
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

bool pattern_in_number(const struct pattern *pattern, enum pattern_field field,
                       unsigned long long number)
{
	char word[24];

	snprintf(word, sizeof(word), "%llu", number);
	return pattern_in(pattern, field, word);
}
