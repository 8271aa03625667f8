/* SPDX-License-Identifier: MIT */
/* "did you mean": options and command words that are like a misspelt one. */
#include <stdio.h>
#include <string.h>

#include "tui/options/options_internal.h"

#define WORD_MAX 32 /* longer ones are like none */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be changed, left out, added or swapped with the next one. */
static size_t distance(const char *a, size_t a_length, const char *b)
{
	size_t b_length = strlen(b), rows[3][WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;

	if (a_length > WORD_MAX || b_length > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= b_length; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1,
			               above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		spare = before;
		before = above;
		above = row;
		row = spare;
	}
	return above[b_length];
}

/* Near enough that a slip of the fingers explains it: one letter in three. */
static bool nearer(const char *word, size_t length, const char *known, size_t *best)
{
	size_t far = distance(word, length, known);

	if (far >= *best || far * 3 > length)
		return false;
	*best = far;
	return true;
}

const char *options_word_like(const char *word)
{
	const char *like = NULL;
	size_t best = WORD_MAX;

	for (size_t i = 0; i < command_count; i++)
		if (nearer(word, strlen(word), command_rows[i].name, &best))
			like = command_rows[i].name;
	return like;
}

/* getopt(3) takes the beginning of a name for all of it. */
static bool known(const char *word, size_t length)
{
	for (size_t i = 0; i < option_count; i++)
		if (strncmp(option_rows[i].name, word, length) == 0)
			return true;
	return false;
}

void options_like_tell(int argc, char *const *argv)
{
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i] + 2, *like = NULL;
		size_t length, best = WORD_MAX;

		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		length = strcspn(word, "=");
		if (known(word, length))
			continue;
		for (size_t row = 0; row < option_count; row++)
			if (nearer(word, length, option_rows[row].name, &best))
				like = option_rows[row].name;
		if (like)
			fprintf(stderr, "gomaptop: did you mean --%s?\n", like);
	}
}
