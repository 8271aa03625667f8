/* SPDX-License-Identifier: MIT */
#include "core/probe/amd64_length.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What follows an opcode. Z: four bytes, two with an operand size prefix. V: as Z, eight with
 * REX.W. A: an absolute address of eight bytes, four with an address size prefix. T: ModRM, and the
 * immediate only for the first two operations of the group (test). */
enum { M = 1, I1 = 2, I2 = 4, Z = 8, V = 16, A = 32, I4 = 64, T = 128, BAD = 256 };

struct opcodes {
	uint8_t first, last;
	uint16_t follows;
};

/* Opcodes that are in no row have nothing behind them. The first row that fits counts. */
static const struct opcodes one_byte[] = {
        {0x06, 0x07, BAD},       {0x0e, 0x0e, BAD},    {0x16, 0x17, BAD},
        {0x1e, 0x1f, BAD},       {0x27, 0x27, BAD},    {0x2f, 0x2f, BAD},
        {0x37, 0x37, BAD},       {0x3f, 0x3f, BAD},    {0x60, 0x62, BAD},
        {0x63, 0x63, M},         {0x68, 0x68, Z},      {0x69, 0x69, M | Z},
        {0x6a, 0x6a, I1},        {0x6b, 0x6b, M | I1}, {0x70, 0x7f, I1},
        {0x80, 0x80, M | I1},    {0x81, 0x81, M | Z},  {0x82, 0x82, BAD},
        {0x83, 0x83, M | I1},    {0x84, 0x8f, M},      {0x9a, 0x9a, BAD},
        {0xa0, 0xa3, A},         {0xa8, 0xa8, I1},     {0xa9, 0xa9, Z},
        {0xb0, 0xb7, I1},        {0xb8, 0xbf, V},      {0xc0, 0xc1, M | I1},
        {0xc2, 0xc2, I2},        {0xc6, 0xc6, M | I1}, {0xc7, 0xc7, M | Z},
        {0xc8, 0xc8, I2 | I1},   {0xca, 0xca, I2},     {0xcd, 0xcd, I1},
        {0xce, 0xce, BAD},       {0xd0, 0xd3, M},      {0xd4, 0xd6, BAD},
        {0xd8, 0xdf, M},         {0xe0, 0xe7, I1},     {0xe8, 0xe9, I4},
        {0xea, 0xea, BAD},       {0xeb, 0xeb, I1},     {0xf6, 0xf6, M | T | I1},
        {0xf7, 0xf7, M | T | Z}, {0xfe, 0xff, M},
};

/* Behind 0f, and in the first map of VEX and EVEX. */
static const struct opcodes two_byte[] = {
        {0x04, 0x04, BAD},    {0x05, 0x09, 0},      {0x0a, 0x0a, BAD},    {0x0b, 0x0b, 0},
        {0x0c, 0x0c, BAD},    {0x0e, 0x0e, 0},      {0x0f, 0x0f, M | I1}, {0x24, 0x27, BAD},
        {0x30, 0x37, 0},      {0x38, 0x3f, BAD},    {0x70, 0x73, M | I1}, {0x77, 0x77, 0},
        {0x80, 0x8f, I4},     {0xa0, 0xa2, 0},      {0xa4, 0xa4, M | I1}, {0xa8, 0xaa, 0},
        {0xac, 0xac, M | I1}, {0xba, 0xba, M | I1}, {0xc2, 0xc2, M | I1}, {0xc4, 0xc6, M | I1},
        {0xc8, 0xcf, 0},      {0x00, 0xff, M},
};

static unsigned int follows_find(const struct opcodes *rows, size_t count, unsigned int opcode)
{
	for (size_t i = 0; i < count; i++)
		if (opcode >= rows[i].first && opcode <= rows[i].last)
			return rows[i].follows;
	return 0;
}

#define FOLLOWS(rows, opcode) follows_find(rows, sizeof(rows) / sizeof((rows)[0]), opcode)

/* One instruction while it is read; reading behind its end sets `failed`. */
struct reader {
	const unsigned char *code;
	size_t size, at;
	bool failed;
	bool operand16, address32, wide;
};

static unsigned int next(struct reader *r)
{
	if (r->at >= r->size) {
		r->failed = true;
		return 0;
	}
	return r->code[r->at++];
}

static bool is_prefix(unsigned int byte)
{
	static const unsigned char prefixes[] = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
	                                         0x66, 0x67, 0xf0, 0xf2, 0xf3};

	return memchr(prefixes, (int)byte, sizeof(prefixes)) != NULL;
}

/* The first byte behind the prefixes and REX. */
static unsigned int opcode_first(struct reader *r)
{
	unsigned int byte = next(r);

	while (!r->failed && is_prefix(byte)) {
		r->operand16 |= byte == 0x66;
		r->address32 |= byte == 0x67;
		byte = next(r);
	}
	if ((byte & 0xf0) == 0x40) {
		r->wide = byte & 8;
		byte = next(r);
	}
	return byte;
}

/* In opcode map 1 (0f), 2 (0f 38), 3 (0f 3a); 5 and 6 exist in EVEX. */
static unsigned int map_follows(unsigned int map, unsigned int opcode)
{
	if (map == 1)
		return FOLLOWS(two_byte, opcode);
	if (map == 3)
		return M | I1;
	return map == 2 || map == 5 || map == 6 ? M : BAD;
}

/* VEX and EVEX: so many bytes with the map in the first of them, then the opcode. */
static unsigned int vector_follows(struct reader *r, int payload, unsigned int map_mask)
{
	unsigned int map = next(r) & map_mask;

	while (--payload > 0)
		next(r);
	return map_follows(map_mask ? map : 1, next(r));
}

static unsigned int escape_follows(struct reader *r)
{
	unsigned int opcode = next(r);

	if (opcode == 0x38 || opcode == 0x3a) {
		next(r);
		return map_follows(opcode == 0x38 ? 2 : 3, 0);
	}
	return map_follows(1, opcode);
}

static unsigned int opcode_follows(struct reader *r)
{
	unsigned int byte = opcode_first(r);

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
	return FOLLOWS(one_byte, byte);
}

/* ModRM with what it brings along; returns its register field. */
static unsigned int operand_skip(struct reader *r)
{
	unsigned int modrm = next(r), mod = modrm >> 6, base = modrm & 7;

	if (mod == 3)
		return modrm >> 3 & 7;
	if (base == 4)
		base = next(r) & 7;
	if (mod == 1)
		r->at += 1;
	else if (mod == 2 || base == 5)
		r->at += 4;
	return modrm >> 3 & 7;
}

static size_t immediate_size(const struct reader *r, unsigned int follows)
{
	size_t z = r->operand16 ? 2 : 4, size = 0;

	size += follows & I1 ? 1 : 0;
	size += follows & I2 ? 2 : 0;
	size += follows & I4 ? 4 : 0;
	size += follows & Z ? z : 0;
	size += follows & A ? (r->address32 ? 4 : 8) : 0;
	if (follows & V)
		size += r->wide ? 8 : z;
	return size;
}

size_t amd64_length(const unsigned char *code, size_t size)
{
	struct reader r = {.code = code, .size = size < AMD64_LENGTH_MAX ? size : AMD64_LENGTH_MAX};
	unsigned int follows = opcode_follows(&r);
	unsigned int operation = 0;

	if (follows & BAD)
		return 0;
	if (follows & M)
		operation = operand_skip(&r);
	if (!(follows & T) || operation < 2)
		r.at += immediate_size(&r, follows);
	return r.failed || r.at > r.size ? 0 : r.at;
}
