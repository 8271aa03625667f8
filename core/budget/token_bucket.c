/* SPDX-License-Identifier: MIT */
#include "core/budget/token_bucket.h"

void token_bucket_open(struct token_bucket *b, double level_ns)
{
	b->level_ns = level_ns;
}

void token_bucket_fill(struct token_bucket *b, double ns, double most_ns)
{
	b->level_ns += ns;
	if (b->level_ns > most_ns)
		b->level_ns = most_ns;
}

void token_bucket_take(struct token_bucket *b, double ns)
{
	b->level_ns -= ns;
}
