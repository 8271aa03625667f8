/* SPDX-License-Identifier: MIT */
/*
 * token_bucket: an account of CPU time that may be spent. It is filled as time passes, up to a
 * limit, and emptied by what was spent; below zero is debt, which is paid first.
 *
 * Nanoseconds. Not thread-safe: one thread owns it.
 */
#ifndef GOMAPTOP_CORE_TOKEN_BUCKET_H
#define GOMAPTOP_CORE_TOKEN_BUCKET_H

struct token_bucket {
	double level_ns; /* what may be spent; negative: debt */
};

void token_bucket_open(struct token_bucket *bucket, double level_ns);

/* Put so much in. What goes above most_ns is lost, also of what was in it when most_ns was more:
 * that it was not used before is no leave to spend all of it at once. */
void token_bucket_fill(struct token_bucket *bucket, double ns, double most_ns);

/* So much was spent, whether it was there or not. */
void token_bucket_take(struct token_bucket *bucket, double ns);

#endif
