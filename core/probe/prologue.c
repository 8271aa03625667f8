/* SPDX-License-Identifier: MIT */
#include <elf.h>
#include <string.h>

#include "core/probe/prologue.h"

/* ---- amd64 --------------------------------------------------------------------------- */

#define AMD64_PUSH_RBP 0x55
#define AMD64_CALL     0xe8

/* Instructions before the branch: bytes that must match, then bytes that may be anything. */
struct amd64_shape {
	unsigned char lead[4];
	uint8_t lead_len, any_len;
	unsigned char tail[4];
	uint8_t tail_len;
};

static const struct amd64_shape amd64_checks[] = {
        {{0x49, 0x3b, 0x66, 0x10}, 4, 0, {0}, 0},                      /* cmp 0x10(%r14),%rsp */
        {{0x4c, 0x8d, 0x64, 0x24}, 4, 1, {0x4d, 0x3b, 0x66, 0x10}, 4}, /* lea disp8; cmp */
        {{0x4c, 0x8d, 0xa4, 0x24}, 4, 4, {0x4d, 0x3b, 0x66, 0x10}, 4}, /* lea disp32; cmp */
};

static const struct amd64_shape amd64_frames[] = {
        {{AMD64_PUSH_RBP}, 1, 0, {0}, 0},
        {{0x48, 0x83, 0xec}, 3, 1, {0}, 0}, /* sub $imm8,%rsp */
        {{0x48, 0x81, 0xec}, 3, 4, {0}, 0}, /* sub $imm32,%rsp */
};

/* Length of the shape, 0: the code is another. */
static size_t amd64_match(const struct amd64_shape *shape, const unsigned char *code, size_t length)
{
	size_t total = (size_t)shape->lead_len + shape->any_len + shape->tail_len;

	if (length < total || memcmp(code, shape->lead, shape->lead_len) != 0 ||
	    memcmp(code + shape->lead_len + shape->any_len, shape->tail, shape->tail_len) != 0)
		return 0;
	return total;
}

/* Length of a jbe at `at` that stays inside the function, 0: there is none. */
static size_t amd64_jbe(const unsigned char *code, size_t length, size_t at)
{
	int64_t target;
	size_t size;

	if (length >= at + 2 && code[at] == 0x76) {
		size = 2;
		target = code[at + 1] < 0x80 ? code[at + 1] : code[at + 1] - 0x100;
	} else if (length >= at + 6 && code[at] == 0x0f && code[at + 1] == 0x86) {
		int32_t displacement;
		memcpy(&displacement, code + at + 2, sizeof(displacement));
		size = 6;
		target = displacement;
	} else {
		return 0;
	}
	target += (int64_t)(at + size);
	return target >= 0 && target < (int64_t)length ? size : 0;
}

static bool amd64_decode(const unsigned char *code, size_t length, struct prologue *out)
{
	for (size_t i = 0; i < sizeof(amd64_checks) / sizeof(amd64_checks[0]); i++) {
		size_t at = amd64_match(&amd64_checks[i], code, length);
		size_t jbe = at ? amd64_jbe(code, length, at) : 0;
		if (!jbe)
			continue;
		bool push = at + jbe < length && code[at + jbe] == AMD64_PUSH_RBP;
		*out = push ? (struct prologue){PROBE_AT_PUSH, (uint32_t)(at + jbe)}
		            : (struct prologue){PROBE_AT_JBE, (uint32_t)at};
		return true;
	}
	for (size_t i = 0; i < sizeof(amd64_frames) / sizeof(amd64_frames[0]); i++)
		if (amd64_match(&amd64_frames[i], code, length)) {
			*out = (struct prologue){PROBE_AT_ENTRY, 0};
			return true;
		}
	return false;
}

static bool amd64_calls(const unsigned char *code, size_t length, uint64_t addr, uint64_t target)
{
	for (size_t at = 0; at + 5 <= length; at++) {
		int32_t displacement;
		memcpy(&displacement, code + at + 1, sizeof(displacement));
		if (code[at] == AMD64_CALL &&
		    addr + at + 5 + (uint64_t)(int64_t)displacement == target)
			return true;
	}
	return false;
}

/* ---- arm64 --------------------------------------------------------------------------- */

/* An instruction matches when it equals value in the bits of mask. */
struct arm64_pattern {
	uint32_t mask, value;
};

static const struct arm64_pattern arm64_load_guard = {0xffffffff,
                                                      0xf9400b90}; /* ldr x16,[x28,16] */
static const struct arm64_pattern arm64_compare_sp = {0xffffffff, 0xeb3063ff}; /* cmp sp,x16 */
static const struct arm64_pattern arm64_move_sp = {0xffffffff, 0x910003f1};    /* mov x17,sp */
static const struct arm64_pattern arm64_sub_sp = {0xff8003ff, 0xd10003f1};     /* sub x17,sp,#N */
static const struct arm64_pattern arm64_compare = {0xffffffff, 0xeb10023f};    /* cmp x17,x16 */
static const struct arm64_pattern arm64_branch = {0xff00001f, 0x54000009};     /* b.ls */
static const struct arm64_pattern arm64_save_link = {0xffe00fff, 0xf8000ffe}; /* str x30,[sp,-N]! */

static bool arm64_match(const unsigned char *code, size_t length, size_t at,
                        struct arm64_pattern pattern)
{
	uint32_t instruction;

	if (length < at + sizeof(instruction))
		return false;
	memcpy(&instruction, code + at, sizeof(instruction));
	return (instruction & pattern.mask) == pattern.value;
}

static bool arm64_decode(const unsigned char *code, size_t length, struct prologue *out)
{
	size_t branch = 0;

	if (arm64_match(code, length, 0, arm64_save_link)) {
		*out = (struct prologue){PROBE_AT_ENTRY, 0};
		return true;
	}
	if (!arm64_match(code, length, 0, arm64_load_guard))
		return false;
	if (arm64_match(code, length, 4, arm64_compare_sp))
		branch = 8;
	else if ((arm64_match(code, length, 4, arm64_move_sp) ||
	          arm64_match(code, length, 4, arm64_sub_sp)) &&
	         arm64_match(code, length, 8, arm64_compare))
		branch = 12;
	*out = (struct prologue){PROBE_AT_JBE, (uint32_t)branch};
	return branch && arm64_match(code, length, branch, arm64_branch);
}

static bool arm64_calls(const unsigned char *code, size_t length, uint64_t addr, uint64_t target)
{
	const struct arm64_pattern branch_link = {0xfc000000, 0x94000000};

	for (size_t at = 0; at + 4 <= length; at += 4) {
		uint32_t instruction;
		memcpy(&instruction, code + at, sizeof(instruction));
		int64_t words = (int32_t)(instruction << 6) >> 6;
		if (arm64_match(code, length, at, branch_link) &&
		    addr + at + (uint64_t)(words * 4) == target)
			return true;
	}
	return false;
}

/* ---- either -------------------------------------------------------------------------- */

bool prologue_decode(int machine, const unsigned char *code, size_t length, struct prologue *out)
{
	if (machine == EM_X86_64)
		return amd64_decode(code, length, out);
	return machine == EM_AARCH64 && arm64_decode(code, length, out);
}

bool code_calls(int machine, const unsigned char *code, size_t length, uint64_t addr,
                uint64_t target)
{
	if (machine == EM_X86_64)
		return amd64_calls(code, length, addr, target);
	return machine == EM_AARCH64 && arm64_calls(code, length, addr, target);
}
