/* SPDX-License-Identifier: MIT */
/*
 * One libFuzzer program: FUZZ_TARGET is the function of fuzz.h that it feeds.
 *
 * Half of the mutations are libFuzzer's own; the other half change one number of the file to one
 * that bounds checks are written for: executables are made of offsets, sizes and counts, which
 * random bytes seldom hit.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FUZZ_TARGET(data, size);
	return 0;
}

static uint64_t random_next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *state >> 33;
}

/* A number for a place in a file of that size, where another number was. */
static uint64_t number_choose(uint64_t *state, uint64_t old, const uint8_t *data, size_t size)
{
	static const uint64_t edges[] = {
	        0, 1, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX - 7, UINT64_MAX};
	uint64_t other;

	switch (random_next(state) % 5) {
	case 0:
		return edges[random_next(state) % (sizeof(edges) / sizeof(edges[0]))];
	case 1:
		return size - 16 + random_next(state) % 32;
	case 2:
		return old + random_next(state) % 33 - 16;
	case 3:
		return old + (random_next(state) % 64 - 32) * 4096;
	default: /* what another place says */
		memcpy(&other, data + random_next(state) % (size - 7) / 4 * 4, sizeof(other));
		return other + random_next(state) % 3 - 1;
	}
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	static const size_t widths[] = {1, 2, 4, 8};
	uint64_t state = seed;
	uint64_t number = 0;
	size_t width = widths[random_next(&state) % 4];

	if (size < 64 || random_next(&state) % 2)
		return LLVMFuzzerMutate(data, size, max_size);
	/* A third of them in the headers, with which everything begins. */
	size_t room = random_next(&state) % 3 == 0 && size > 512 ? 512 : size;
	size_t at = random_next(&state) % (room - 7) / width * width;
	memcpy(&number, data + at, width);
	number = number_choose(&state, number, data, size);
	memcpy(data + at, &number, width);
	return size;
}
