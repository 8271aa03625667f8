/* SPDX-License-Identifier: MIT */
#include "core/probe/amd64_length.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What follows an opcode. Z: four bytes, two with an operand size prefix. V: as Z, eight with
 * REX.W. A: an absolute address of eight bytes, four with an address size prefix. T: ModRM, and the
 * immediate only for the first two operations of the group (test). */
enum { M = 1, I1 = 2, I2 = 4, Z = 8, V = 16, A = 32, I4 = 64, T = 128, BAD = 256, NONE = 512 };

/* Nothing behind those that are not named; of 00 to 3f most are computed (opcode_follows). */
static const uint16_t one_byte[256] = {[0x06 ... 0x07] = BAD,
                                       [0x0e] = BAD,
                                       [0x16 ... 0x17] = BAD,
                                       [0x1e ... 0x1f] = BAD,
                                       [0x27] = BAD,
                                       [0x2f] = BAD,
                                       [0x37] = BAD,
                                       [0x3f] = BAD,
                                       [0x60 ... 0x62] = BAD,
                                       [0x63] = M,
                                       [0x68] = Z,
                                       [0x69] = M | Z,
                                       [0x6a] = I1,
                                       [0x6b] = M | I1,
                                       [0x70 ... 0x7f] = I1,
                                       [0x80] = M | I1,
                                       [0x81] = M | Z,
                                       [0x82] = BAD,
                                       [0x83] = M | I1,
                                       [0x84 ... 0x8f] = M,
                                       [0x9a] = BAD,
                                       [0xa0 ... 0xa3] = A,
                                       [0xa8] = I1,
                                       [0xa9] = Z,
                                       [0xb0 ... 0xb7] = I1,
                                       [0xb8 ... 0xbf] = V,
                                       [0xc0 ... 0xc1] = M | I1,
                                       [0xc2] = I2,
                                       [0xc6] = M | I1,
                                       [0xc7] = M | Z,
                                       [0xc8] = I2 | I1,
                                       [0xca] = I2,
                                       [0xcd] = I1,
                                       [0xce] = BAD,
                                       [0xd0 ... 0xd3] = M,
                                       [0xd4 ... 0xd6] = BAD,
                                       [0xd8 ... 0xdf] = M,
                                       [0xe0 ... 0xe7] = I1,
                                       [0xe8 ... 0xe9] = I4,
                                       [0xea] = BAD,
                                       [0xeb] = I1,
                                       [0xf6] = M | T | I1,
                                       [0xf7] = M | T | Z,
                                       [0xfe ... 0xff] = M};

/* Behind 0f, and in the first map of VEX and EVEX: ModRM behind those that are not named. */
static const uint16_t two_byte[256] = {[0x04] = BAD,
                                       [0x05 ... 0x09] = NONE,
                                       [0x0a] = BAD,
                                       [0x0b] = NONE,
                                       [0x0c] = BAD,
                                       [0x0e] = NONE,
                                       [0x0f] = M | I1,
                                       [0x24 ... 0x27] = BAD,
                                       [0x30 ... 0x37] = NONE,
                                       [0x38 ... 0x3f] = BAD,
                                       [0x70 ... 0x73] = M | I1,
                                       [0x77] = NONE,
                                       [0x80 ... 0x8f] = I4,
                                       [0xa0 ... 0xa2] = NONE,
                                       [0xa4] = M | I1,
                                       [0xa8 ... 0xaa] = NONE,
                                       [0xac] = M | I1,
                                       [0xba] = M | I1,
                                       [0xc2] = M | I1,
                                       [0xc4 ... 0xc6] = M | I1,
                                       [0xc8 ... 0xcf] = NONE};

/* One instruction while it is read; reading behind its end sets `failed`. */
struct reader {
	const unsigned char *code;
	size_t size, at;
	bool failed, address32;
	unsigned int rex; /* its four bits */
	struct amd64_parts parts;
};

static unsigned int next(struct reader *r)
{
	if (r->at >= r->size) {
		r->failed = true;
		return 0;
	}
	return r->code[r->at++];
}

static bool prefix_take(struct reader *r, unsigned int byte)
{
	switch (byte) {
	case 0x66:
		r->parts.operand16 = true;
		return true;
	case 0x67:
		r->address32 = true;
		return true;
	case 0xf0:
		r->parts.lock = true;
		return true;
	case 0xf2:
	case 0xf3:
		r->parts.repeat = true;
		return true;
	default: /* segments */
		return byte == 0x26 || byte == 0x2e || byte == 0x36 || byte == 0x3e ||
		       byte == 0x64 || byte == 0x65;
	}
}

/* The first byte behind the prefixes and REX. */
static unsigned int opcode_first(struct reader *r)
{
	unsigned int byte = next(r);

	while (!r->failed && prefix_take(r, byte))
		byte = next(r);
	if ((byte & 0xf0) == 0x40) {
		r->rex = byte & 15;
		r->parts.rex = true;
		r->parts.wide = byte & 8;
		byte = next(r);
	}
	return byte;
}

/* In opcode map 1 (0f), 2 (0f 38), 3 (0f 3a); 5 and 6 exist in EVEX. */
static unsigned int map_follows(struct reader *r, unsigned int map, unsigned int opcode)
{
	r->parts.map = (uint8_t)map;
	r->parts.opcode = (uint8_t)opcode;
	if (map == 1)
		return two_byte[opcode] ? two_byte[opcode] : M;
	if (map == 3)
		return M | I1;
	return map == 2 || map == 5 || map == 6 ? M : BAD;
}

/* VEX and EVEX: so many bytes with the map in the first of them, then the opcode. */
static unsigned int vector_follows(struct reader *r, int payload, unsigned int map_mask)
{
	unsigned int map = next(r) & map_mask;

	r->parts.vector = true;
	while (--payload > 0)
		next(r);
	return map_follows(r, map_mask ? map : 1, next(r));
}

static unsigned int escape_follows(struct reader *r)
{
	unsigned int opcode = next(r);

	if (opcode == 0x38 || opcode == 0x3a)
		return map_follows(r, opcode == 0x38 ? 2 : 3, next(r));
	return map_follows(r, 1, opcode);
}

static unsigned int opcode_follows(struct reader *r)
{
	unsigned int byte = opcode_first(r);

	r->parts.opcode = (uint8_t)byte;
	if (byte == 0x0f)
		return escape_follows(r);
	if (byte == 0xc5)
		return vector_follows(r, 1, 0);
	if (byte == 0xc4)
		return vector_follows(r, 2, 0x1f);
	if (byte == 0x62)
		return vector_follows(r, 3, 7);
	if (byte < 0x40 && (byte & 7) < 6) /* add, or, adc, sbb, and, sub, xor, cmp */
		return (byte & 7) < 4 ? M : (byte & 7) == 4 ? I1 : Z;
	return one_byte[byte];
}

static void displacement_take(struct reader *r, size_t size)
{
	if (r->at + size > r->size) {
		r->failed = true;
		return;
	}
	if (size == 1)
		r->parts.displacement = r->code[r->at] - (r->code[r->at] < 0x80 ? 0 : 0x100);
	else
		memcpy(&r->parts.displacement, r->code + r->at, sizeof(int32_t));
	r->at += size;
}

/* SIB; returns the lower bits of the base. */
static unsigned int scaled_take(struct reader *r)
{
	unsigned int sib = next(r), index = (sib >> 3 & 7) | (r->rex & 2) << 2;

	if (index != 4)
		r->parts.index = (int)index;
	return sib & 7;
}

/* ModRM with what it brings along. */
static void operand_take(struct reader *r)
{
	unsigned int modrm = next(r), mod = modrm >> 6, base = modrm & 7;
	bool scaled = mod != 3 && base == 4;

	r->parts.modrm = true;
	r->parts.mod = (uint8_t)mod;
	r->parts.reg = (uint8_t)((modrm >> 3 & 7) | (r->rex & 4) << 1);
	r->parts.rm = (uint8_t)(base | (r->rex & 1) << 3);
	if (mod == 3)
		return;
	if (scaled)
		base = scaled_take(r);
	if (mod > 0 || base != 5)
		r->parts.base = (int)(base | (r->rex & 1) << 3);
	else if (!scaled)
		r->parts.base = AMD64_RIP;
	if (mod == 1)
		displacement_take(r, 1);
	else if (mod == 2 || base == 5)
		displacement_take(r, 4);
}

static size_t immediate_size(const struct reader *r, unsigned int follows)
{
	size_t z = r->parts.operand16 ? 2 : 4, size = 0;

	size += follows & I1 ? 1 : 0;
	size += follows & I2 ? 2 : 0;
	size += follows & I4 ? 4 : 0;
	size += follows & Z ? z : 0;
	size += follows & A ? (r->address32 ? 4 : 8) : 0;
	if (follows & V)
		size += r->parts.wide ? 8 : z;
	return size;
}

size_t amd64_parts(const unsigned char *code, size_t size, struct amd64_parts *out)
{
	struct reader r = {
	        .code = code,
	        .size = size < AMD64_LENGTH_MAX ? size : AMD64_LENGTH_MAX,
	        .parts = {.base = AMD64_NO_REGISTER, .index = AMD64_NO_REGISTER},
	};
	unsigned int follows = opcode_follows(&r);

	if (follows & BAD)
		return 0;
	if (follows & M)
		operand_take(&r);
	if (!(follows & T) || (r.parts.reg & 7) < 2)
		r.at += immediate_size(&r, follows);
	if (r.failed || r.at > r.size)
		return 0;
	*out = r.parts;
	out->length = (uint8_t)r.at;
	return r.at;
}

size_t amd64_length(const unsigned char *code, size_t size)
{
	struct amd64_parts parts;

	return amd64_parts(code, size, &parts);
}
