/* SPDX-License-Identifier: MIT */
#include "core/order/order_match.h"

#include "core/order/amd64_effect.h"

#define JUMP_WITHIN 32 /* instructions from the atomic one to the jump; 3 to 6 are usual */
#define SLOW_WITHIN 32 /* from the jump to the call; up to 12 are usual */
#define NEAR        16 /* in which a nop, or where the base comes from, is looked for */

#define COMPARE_EXCHANGE 0xb1
#define EXCHANGE_ADD     0xc1

enum order_slow order_slow_at(const struct order_slow_entries *slow, uint64_t entry)
{
	for (unsigned int i = 0; entry && i < ORDER_SLOW_COUNT; i++)
		for (unsigned int k = 0; k < ORDER_SLOW_ENTRIES; k++)
			if (slow->entry[i][k] == entry)
				return i;
	return ORDER_SLOW_COUNT;
}

static bool is_compare_exchange(const struct amd64_parts *p)
{
	return p->map == 1 && p->lock && p->opcode == COMPARE_EXCHANGE;
}

static bool is_exchange_add(const struct amd64_parts *p)
{
	return p->map == 1 && p->lock && p->opcode == EXCHANGE_ADD;
}

/* ---- the jump on the result ---------------------------------------------------------- */

/* Of what the flags tell on the way from the atomic instruction to the jump. */
struct flags {
	enum { OF_ATOMIC, OF_SUCCESS, OF_SUM, OF_OTHERS } of;
	int success; /* register that sete has set; -1: none */
	int sum;     /* register with the sum of an exchange and add; -1: none */
};

/* test r,r: Z is set where r is 0. */
static bool is_test_of(const struct amd64_parts *p, int reg)
{
	return p->map == 0 && (p->opcode == 0x84 || p->opcode == 0x85) && p->mod == 3 &&
	       p->reg == reg && p->rm == reg;
}

/* inc, dec; add, sub of a number */
static bool is_step_of(const struct amd64_parts *p, int reg)
{
	unsigned int operation = p->reg & 7;

	return p->map == 0 && p->mod == 3 && p->rm == reg &&
	       ((p->opcode == 0xff && operation < 2) ||
	        ((p->opcode == 0x81 || p->opcode == 0x83) && (operation == 0 || operation == 5)));
}

/* lea r,[reg+displacement] */
static bool is_lea_of(const struct amd64_parts *p, int reg)
{
	return p->map == 0 && !p->vector && p->opcode == 0x8d && reg >= 0 && p->base == reg &&
	       p->index == AMD64_NO_REGISTER;
}

static bool is_sete(const struct amd64_parts *p)
{
	return p->map == 1 && !p->vector && p->opcode == 0x94 && p->mod == 3;
}

static void flags_follow(struct flags *flags, const struct amd64_parts *p)
{
	bool step = is_step_of(p, flags->sum);

	if (is_sete(p) && flags->of == OF_ATOMIC) {
		flags->success = p->rex || p->rm < 4 ? p->rm : -1; /* else ah and the like */
		return;
	}
	if (amd64_may_set_flags(p))
		flags->of = is_test_of(p, flags->success)       ? OF_SUCCESS
		            : step || is_test_of(p, flags->sum) ? OF_SUM
		                                                : OF_OTHERS;
	if (is_lea_of(p, flags->sum))
		flags->sum = p->reg;
	else if (flags->sum >= 0 && !step && amd64_may_write(p, (unsigned int)flags->sum))
		flags->sum = -1;
	if (flags->success >= 0 && amd64_may_write(p, (unsigned int)flags->success))
		flags->success = -1;
}

static enum order_condition condition_of(const struct flags *flags, const struct amd64_parts *p)
{
	if (is_compare_exchange(p) && flags->of == OF_ATOMIC)
		return ORDER_IF_ZF;
	if (is_compare_exchange(p) && flags->of == OF_SUCCESS)
		return ORDER_IF_NOT_ZF;
	if (is_exchange_add(p) && flags->of == OF_SUM)
		return ORDER_IF_NOT_SF;
	return ORDER_ALWAYS;
}

static void jump_find(const struct amd64_function *f, struct order_match *m)
{
	struct flags flags = {.of = OF_ATOMIC,
	                      .success = -1,
	                      .sum = is_exchange_add(&m->parts) ? m->parts.reg : -1};

	for (size_t i = m->at + 1; i < f->count && i <= m->at + JUMP_WITHIN; i++) {
		struct amd64_parts parts;

		/* Somebody else joins: from here on it is not only about this atomic. */
		if (f->instructions[i].target)
			return;
		if (f->instructions[i].kind == AMD64_JCC) {
			m->jump = i;
			m->condition = condition_of(&flags, &m->parts);
			return;
		}
		if (f->instructions[i].kind != AMD64_PLAIN && f->instructions[i].kind != AMD64_NOP)
			return;
		amd64_function_parts(f, i, &parts);
		flags_follow(&flags, &parts);
	}
}

/* ---- the slow half ------------------------------------------------------------------- */

/* Follow one side of the jump to its first call. */
static void side_look(const struct amd64_function *f, size_t i,
                      const struct order_slow_entries *slow, struct order_match *m)
{
	for (unsigned int steps = 0; i < f->count && steps < SLOW_WITHIN; steps++) {
		switch (f->instructions[i].kind) {
		case AMD64_CALL:
			m->slow = order_slow_at(slow, amd64_function_leads(f, i));
			m->slow_call = amd64_function_addr(f, i);
			return;
		case AMD64_JMP:
			i = amd64_function_at(f, amd64_function_leads(f, i));
			break;
		case AMD64_PLAIN:
		case AMD64_NOP:
		case AMD64_PUSH:
			i++;
			break;
		default:
			return;
		}
	}
}

/* Which side has it must agree with what the jump asks: success never leads to the slow half. */
static bool side_agrees(const struct amd64_function *f, const struct order_match *m, bool taken)
{
	unsigned int condition = f->code[f->instructions[m->jump].offset];

	/* The condition is in the lower bits of either form: 70 + cc, 0f 80 + cc. */
	if (condition == 0x0f)
		condition = f->code[f->instructions[m->jump].offset + 1];
	condition &= 15;
	if (m->condition == ORDER_IF_ZF)
		return condition == (taken ? 0x5 : 0x4);
	if (m->condition == ORDER_IF_NOT_ZF)
		return condition == (taken ? 0x4 : 0x5);
	return true;
}

static void slow_find(const struct amd64_function *f, const struct order_slow_entries *slow,
                      struct order_match *m)
{
	size_t sides[2] = {m->jump + 1, amd64_function_at(f, amd64_function_leads(f, m->jump))};

	for (unsigned int taken = 0; taken < 2; taken++) {
		side_look(f, sides[taken], slow, m);
		if (m->slow != ORDER_SLOW_COUNT && side_agrees(f, m, taken))
			return;
		m->slow = ORDER_SLOW_COUNT;
	}
}

void order_match_find(const struct amd64_function *f, size_t at,
                      const struct order_slow_entries *slow, struct order_match *out)
{
	*out = (struct order_match){.at = at, .slow = ORDER_SLOW_COUNT};
	amd64_function_parts(f, at, &out->parts);
	jump_find(f, out);
	if (out->jump)
		slow_find(f, slow, out);
}

/* ---- what it is ---------------------------------------------------------------------- */

static enum order_kind atomic_kind(const struct amd64_parts *p)
{
	if (p->map == 0 && (p->opcode == 0x86 || p->opcode == 0x87))
		return ORDER_KIND_ATOMIC_STORE;
	/* b0: of one byte; c7: of eight or sixteen */
	if (p->map == 1 &&
	    (p->opcode == COMPARE_EXCHANGE || p->opcode == 0xb0 || p->opcode == 0xc7))
		return ORDER_KIND_ATOMIC_CAS;
	return ORDER_KIND_ATOMIC_ADD;
}

enum order_kind order_match_kind(const struct order_match *match)
{
	static const enum order_kind kinds[ORDER_SLOW_COUNT] = {
	        [ORDER_SLOW_LOCK] = ORDER_KIND_LOCK,
	        [ORDER_SLOW_UNLOCK] = ORDER_KIND_UNLOCK,
	        [ORDER_SLOW_RLOCK] = ORDER_KIND_RLOCK,
	        [ORDER_SLOW_RUNLOCK] = ORDER_KIND_RUNLOCK,
	};
	bool lock = match->slow == ORDER_SLOW_LOCK, reader = match->slow == ORDER_SLOW_RLOCK;

	if (match->slow == ORDER_SLOW_COUNT ||
	    (lock ? !is_compare_exchange(&match->parts) : !is_exchange_add(&match->parts)) ||
	    ((lock || reader) && match->condition == ORDER_ALWAYS))
		return atomic_kind(&match->parts);
	return kinds[match->slow];
}

/* ---- where the object is ------------------------------------------------------------- */

#define REGISTERS 16

/* What a register holds after some instructions: the value that another (or the same) had before
 * them, or the word in memory at that value plus offset; plus a number. */
struct value {
	int origin; /* AMD64_NO_REGISTER: something else */
	bool loaded;
	int64_t offset, plus;
};

struct values {
	struct value of[REGISTERS];
	bool stored; /* memory may have changed */
};

static bool is_base(int base, int index)
{
	return base >= 0 && base < REGISTERS && index == AMD64_NO_REGISTER;
}

/* mov r,r; lea r,[r+displacement]; mov r,[r+displacement], of 64 bits. */
static bool value_move(struct values *v, const struct amd64_parts *p)
{
	struct value from;

	if (p->map || p->vector || !p->wide || p->operand16)
		return false;
	if (p->opcode == 0x89 && p->mod == 3) {
		v->of[p->rm] = v->of[p->reg];
		return true;
	}
	if (p->opcode == 0x8b && p->mod == 3) {
		v->of[p->reg] = v->of[p->rm];
		return true;
	}
	if ((p->opcode != 0x8b && p->opcode != 0x8d) || !is_base(p->base, p->index))
		return false;
	from = v->of[p->base];
	from.plus += p->displacement;
	if (p->opcode == 0x8b) {
		if (from.loaded || v->stored)
			from.origin = AMD64_NO_REGISTER;
		from = (struct value){.origin = from.origin, .loaded = true, .offset = from.plus};
	}
	v->of[p->reg] = from;
	return true;
}

/* Loads, comparisons, nops with an operand: with any other operand in memory it may be changed. */
static bool may_store(const struct amd64_parts *p)
{
	if (!p->modrm || p->mod == 3)
		return false;
	if (p->map == 1 && !p->vector)
		return !((p->opcode & 0xf6) == 0xb6 || p->opcode == 0x1f || p->opcode == 0x10 ||
		         p->opcode == 0x28 || p->opcode == 0x6f);
	return p->map || p->vector ||
	       !(p->opcode == 0x8a || p->opcode == 0x8b || p->opcode == 0x8d || p->opcode == 0x63 ||
	         p->opcode == 0x84 || p->opcode == 0x85 || (p->opcode & 0xfc) == 0x38 ||
	         (p->opcode < 0x38 && p->opcode & 2));
}

static void values_follow(const struct amd64_function *f, size_t from, size_t to, struct values *v)
{
	*v = (struct values){0};
	for (int i = 0; i < REGISTERS; i++)
		v->of[i].origin = i;
	for (size_t i = from; i < to; i++) {
		struct amd64_parts parts;

		amd64_function_parts(f, i, &parts);
		if (value_move(v, &parts))
			continue;
		v->stored |= may_store(&parts);
		for (unsigned int k = 0; k < REGISTERS; k++)
			if (amd64_may_write(&parts, k))
				v->of[k].origin = AMD64_NO_REGISTER;
	}
}

/* Does the base hold the address of a variable: lea base,[rip+x] before, on the only way there? */
static bool base_is_constant(const struct amd64_function *f, const struct order_match *m,
                             int64_t *addr)
{
	struct amd64_parts parts;

	for (size_t i = m->at; i > 0 && m->at - i < NEAR && !f->instructions[i].target;) {
		i--;
		if (f->instructions[i].kind >= AMD64_JMP)
			return false;
		amd64_function_parts(f, i, &parts);
		if (is_lea_of(&parts, AMD64_RIP) && parts.reg == m->parts.base && parts.wide) {
			*addr = (int64_t)amd64_function_addr(f, i + 1) + parts.displacement;
			return true;
		}
		if (amd64_may_write(&parts, (unsigned int)m->parts.base))
			return false;
	}
	return false;
}

/* The value of the atomic's base as it is to be had at instruction `probe`. */
static struct value base_find(const struct amd64_function *f, const struct order_match *m,
                              size_t probe)
{
	struct value none = {.origin = AMD64_NO_REGISTER};
	struct values v;
	int base = m->parts.base;

	if (probe <= m->at) {
		values_follow(f, probe, m->at, &v);
		return v.of[base];
	}
	values_follow(f, m->at, probe, &v);
	for (int i = 0; i < REGISTERS; i++) {
		/* the base itself before copies of it */
		int k = (i + base) % REGISTERS;

		if (v.of[k].origin == base && !v.of[k].loaded)
			return (struct value){.origin = k, .plus = -v.of[k].plus};
	}
	return none;
}

/* The atomic's operand, told at instruction number `probe`. */
static void object_find(const struct amd64_function *f, const struct order_match *m, size_t probe,
                        int64_t shift, struct order_site *out)
{
	const struct amd64_parts *p = &m->parts;
	struct value value;
	int64_t constant;

	out->object = ORDER_OBJECT_NONE;
	out->displacement = p->displacement + shift;
	if (p->base == AMD64_RIP) {
		out->object = ORDER_OBJECT_CONSTANT;
		out->displacement += (int64_t)amd64_function_addr(f, m->at) + p->length;
		return;
	}
	if (!is_base(p->base, p->index))
		return;
	if (base_is_constant(f, m, &constant)) {
		out->object = ORDER_OBJECT_CONSTANT;
		out->displacement += constant;
		return;
	}
	value = base_find(f, m, probe);
	if (value.origin == AMD64_NO_REGISTER)
		return;
	out->object = value.loaded ? ORDER_OBJECT_LOADED : ORDER_OBJECT_REGISTER;
	out->base = (uint8_t)value.origin;
	out->offset = value.offset;
	out->displacement += value.plus;
}

/* ---- where to probe ------------------------------------------------------------------ */

static void place_set(const struct amd64_function *f, const struct order_match *m, size_t probe,
                      enum order_instruction instruction, int64_t shift, struct order_site *out)
{
	out->addr = amd64_function_addr(f, probe);
	out->instruction = instruction;
	out->place = probe <= m->at ? ORDER_BEFORE : ORDER_AFTER;
	out->condition = ORDER_ALWAYS;
	object_find(f, m, probe, shift, out);
}

/* The nop in front of it through which everything must pass that gets there. Jump tables may lead
 * anywhere in between. */
static bool nop_find(const struct amd64_function *f, size_t at, size_t *nop)
{
	for (size_t i = at; i > 0 && at - i < NEAR && !f->jumps_indirect; i--) {
		if (f->instructions[i].target)
			return false;
		if (f->instructions[i - 1].kind == AMD64_NOP) {
			*nop = i - 1;
			return true;
		}
		if (f->instructions[i - 1].kind != AMD64_PLAIN)
			return false;
	}
	return false;
}

static bool place_nop(const struct amd64_function *f, const struct order_match *m, int64_t shift,
                      bool with_object, struct order_site *out)
{
	size_t nop;

	if (!nop_find(f, m->at, &nop))
		return false;
	place_set(f, m, nop, ORDER_AT_NOP, shift, out);
	return !with_object || out->object != ORDER_OBJECT_NONE;
}

static bool place_jump(const struct amd64_function *f, const struct order_match *m, int64_t shift,
                       struct order_site *out)
{
	bool release = out->kind == ORDER_KIND_UNLOCK || out->kind == ORDER_KIND_RUNLOCK ||
	               out->kind == ORDER_KIND_ATOMIC_ADD;

	if (!m->jump)
		return false;
	place_set(f, m, m->jump, ORDER_AT_JCC, shift, out);
	out->condition = release ? ORDER_ALWAYS : m->condition;
	return true;
}

static bool place_at(const struct amd64_function *f, const struct order_match *m, size_t i,
                     int64_t shift, struct order_site *out)
{
	static const int8_t instructions[] = {
	        [AMD64_PLAIN] = ORDER_AT_STEPPED, [AMD64_NOP] = ORDER_AT_NOP,
	        [AMD64_PUSH] = ORDER_AT_PUSH,     [AMD64_ATOMIC] = ORDER_AT_STEPPED,
	        [AMD64_JCC] = ORDER_AT_JCC,       [AMD64_JMP] = ORDER_AT_JMP,
	        [AMD64_CALL] = ORDER_AT_CALL,     [AMD64_INDIRECT] = ORDER_AT_STEPPED,
	        [AMD64_END] = ORDER_AT_STEPPED,
	};

	place_set(f, m, i, (enum order_instruction)instructions[f->instructions[i].kind], shift,
	          out);
	return true;
}

/* Anything behind it that the kernel emulates, on the only way there. */
static bool place_behind(const struct amd64_function *f, const struct order_match *m, int64_t shift,
                         struct order_site *out)
{
	for (size_t i = m->at + 1; i < f->count && i <= m->at + NEAR; i++) {
		uint8_t kind = f->instructions[i].kind;

		if (f->instructions[i].target || kind == AMD64_ATOMIC || kind >= AMD64_INDIRECT)
			return false;
		if (kind != AMD64_PLAIN)
			return place_at(f, m, i, shift, out);
	}
	return false;
}

/* The exchange itself or the instruction before, stepped by the kernel. Else the next one that can
 * be probed, though others may lead to it, too: of a release that did not happen nobody comes to
 * harm. */
static bool place_stepped(const struct amd64_function *f, const struct order_match *m,
                          int64_t shift, struct order_site *out)
{
	size_t at = m->at;

	if (!m->parts.lock)
		return place_at(f, m, at, shift, out);
	if (at > 0 && !f->instructions[at].target && !f->jumps_indirect &&
	    f->instructions[at - 1].kind == AMD64_PLAIN)
		return place_at(f, m, at - 1, shift, out);
	while (++at < f->count && at <= m->at + NEAR)
		if (f->instructions[at].kind != AMD64_ATOMIC)
			return place_at(f, m, at, shift, out);
	return false;
}

bool order_match_place(const struct amd64_function *f, const struct order_match *match,
                       int64_t shift, struct order_site *out)
{
	switch (out->kind) {
	case ORDER_KIND_LOCK:
	case ORDER_KIND_RLOCK:
		return place_jump(f, match, shift, out);
	case ORDER_KIND_TRYLOCK:
	case ORDER_KIND_TRYRLOCK:
		return match->condition != ORDER_ALWAYS && place_jump(f, match, shift, out);
	case ORDER_KIND_UNLOCK:
	case ORDER_KIND_RUNLOCK:
		return place_nop(f, match, shift, true, out) || place_jump(f, match, shift, out);
	default:
		if (place_nop(f, match, shift, true, out) ||
		    (place_jump(f, match, shift, out) && out->object != ORDER_OBJECT_NONE))
			return true;
		return place_nop(f, match, shift, false, out) ||
		       place_behind(f, match, shift, out) || place_stepped(f, match, shift, out);
	}
}
