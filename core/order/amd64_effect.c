/* SPDX-License-Identifier: MIT */
#include "core/order/amd64_effect.h"

#include <stddef.h>
#include <stdint.h>

/* What an opcode writes. RM: the register or memory that ModRM names; REG: its other register; LOW:
 * the register in the opcode; BYTE: those are of one byte; COMPARES: nothing where the operation of
 * the group is /7; FLAGS. What is in no row writes everything. */
enum { RM = 1, REG = 2, LOW = 4, AX = 8, DX = 16, SP = 32, BYTE = 64, COMPARES = 128, FLAGS = 256 };

struct effect {
	uint8_t first, last;
	uint16_t writes;
};

/* The first row that fits counts. */
static const struct effect one_byte[] = {
        {0x38, 0x3d, FLAGS},
        {0x50, 0x57, SP},
        {0x58, 0x5f, LOW | SP},
        {0x63, 0x63, REG},
        {0x68, 0x68, SP},
        {0x69, 0x69, REG | FLAGS},
        {0x6a, 0x6a, SP},
        {0x6b, 0x6b, REG | FLAGS},
        {0x70, 0x7f, 0},
        {0x80, 0x80, RM | BYTE | COMPARES | FLAGS},
        {0x81, 0x81, RM | COMPARES | FLAGS},
        {0x83, 0x83, RM | COMPARES | FLAGS},
        {0x84, 0x85, FLAGS},
        {0x86, 0x86, RM | REG | BYTE},
        {0x87, 0x87, RM | REG},
        {0x88, 0x88, RM | BYTE},
        {0x89, 0x89, RM},
        {0x8a, 0x8a, REG | BYTE},
        {0x8b, 0x8b, REG},
        {0x8d, 0x8d, REG},
        {0x90, 0x90, 0},
        {0x91, 0x97, LOW | AX},
        {0x98, 0x98, AX},
        {0x99, 0x99, DX},
        {0xa8, 0xa9, FLAGS},
        {0xb0, 0xb7, LOW | BYTE},
        {0xb8, 0xbf, LOW},
        {0xc0, 0xc0, RM | BYTE | FLAGS},
        {0xc1, 0xc1, RM | FLAGS},
        {0xc6, 0xc6, RM | BYTE},
        {0xc7, 0xc7, RM},
        {0xd0, 0xd0, RM | BYTE | FLAGS},
        {0xd1, 0xd1, RM | FLAGS},
        {0xd2, 0xd2, RM | BYTE | FLAGS},
        {0xd3, 0xd3, RM | FLAGS},
        {0xe9, 0xe9, 0},
        {0xeb, 0xeb, 0},
};

static const struct effect two_byte[] = {
        {0x0d, 0x0d, 0},
        {0x10, 0x11, 0},
        {0x18, 0x1f, 0},
        {0x28, 0x2a, 0},
        {0x2c, 0x2d, REG},
        {0x2e, 0x2f, FLAGS},
        {0x40, 0x4f, REG},
        {0x51, 0x5f, 0},
        {0x6f, 0x6f, 0},
        {0x7f, 0x7f, 0},
        {0x80, 0x8f, 0},
        {0x90, 0x9f, RM | BYTE},
        {0xa3, 0xa3, FLAGS},
        {0xaf, 0xaf, REG | FLAGS},
        {0xb0, 0xb0, RM | AX | BYTE | FLAGS},
        {0xb1, 0xb1, RM | AX | FLAGS},
        {0xb6, 0xb7, REG},
        {0xbc, 0xbd, REG | FLAGS},
        {0xbe, 0xbf, REG},
        {0xc0, 0xc0, RM | REG | BYTE | FLAGS},
        {0xc1, 0xc1, RM | REG | FLAGS},
        {0xc8, 0xcf, LOW},
        {0xef, 0xef, 0},
};

#define EVERYTHING (RM | REG | LOW | AX | DX | SP | FLAGS)

static unsigned int row_find(const struct effect *rows, size_t count, unsigned int opcode,
                             bool *known)
{
	for (size_t i = 0; i < count; i++)
		if (opcode >= rows[i].first && opcode <= rows[i].last) {
			*known = true;
			return rows[i].writes;
		}
	return EVERYTHING;
}

/* add, or, adc, sbb, and, sub, xor: rows of eight opcodes, six of them operations. */
static unsigned int arithmetic(unsigned int opcode)
{
	unsigned int byte = opcode & 1 ? 0 : BYTE;

	switch (opcode & 7) {
	case 0:
	case 1:
		return RM | FLAGS | byte;
	case 2:
	case 3:
		return REG | FLAGS | byte;
	default:
		return AX | FLAGS;
	}
}

static unsigned int group(const struct amd64_parts *p, bool *known)
{
	unsigned int operation = p->reg & 7, byte = p->opcode & 1 ? 0 : BYTE;

	*known = true;
	if (p->opcode >= 0xfe && operation < 2) /* inc, dec */
		return RM | FLAGS | byte;
	if (p->opcode < 0xf8 && operation < 2) /* test */
		return FLAGS;
	if (p->opcode < 0xf8 && operation < 4) /* not, neg */
		return RM | FLAGS | byte;
	if (p->opcode < 0xf8) /* mul, div */
		return AX | DX | FLAGS;
	*known = false;
	return EVERYTHING;
}

static unsigned int effects(const struct amd64_parts *p, bool *known)
{
	*known = false;
	if (p->vector || p->map > 1)
		return EVERYTHING;
	if (p->map == 1)
		return row_find(two_byte, sizeof(two_byte) / sizeof(two_byte[0]), p->opcode, known);
	if (p->opcode < 0x38 && (p->opcode & 7) < 6) {
		*known = true;
		return arithmetic(p->opcode);
	}
	if (p->opcode == 0xf6 || p->opcode == 0xf7 || p->opcode >= 0xfe)
		return group(p, known);
	return row_find(one_byte, sizeof(one_byte) / sizeof(one_byte[0]), p->opcode, known);
}

/* Without REX, numbers 4 to 7 of byte registers are the second bytes of the first four. */
static bool names(const struct amd64_parts *p, unsigned int writes, unsigned int number,
                  unsigned int reg)
{
	if (writes & BYTE && !p->rex && number >= 4)
		number -= 4;
	return number == reg;
}

/* In the opcode's lower bits REX.B is the fourth bit, which is not kept: either may be meant. */
static bool low_names(const struct amd64_parts *p, unsigned int writes, unsigned int reg)
{
	unsigned int number = p->opcode & 7;

	return (p->rex && (reg & 7) == number) || names(p, writes, number, reg);
}

bool amd64_may_write(const struct amd64_parts *parts, unsigned int reg)
{
	bool known;
	unsigned int writes = effects(parts, &known);

	if (!known)
		return true;
	if (writes & COMPARES && (parts->reg & 7) == 7)
		return false;
	return (writes & RM && parts->mod == 3 && names(parts, writes, parts->rm, reg)) ||
	       (writes & REG && names(parts, writes, parts->reg, reg)) ||
	       (writes & LOW && low_names(parts, writes, reg)) || (writes & AX && reg == 0) ||
	       (writes & DX && reg == 2) || (writes & SP && reg == 4);
}

bool amd64_may_set_flags(const struct amd64_parts *parts)
{
	bool known;

	return (effects(parts, &known) & FLAGS) != 0;
}
