/* SPDX-License-Identifier: MIT */
#include "core/order/arm64_match.h"

#define CHECK_WITHIN 16  /* instructions from the choice to either way */
#define FLAG_WITHIN  4   /* from the load of the byte to the choice */
#define SLOW_WITHIN  32  /* from the jump to the call */
#define PAIR_WITHIN  64  /* between the two ways */
#define APART        200 /* between a probe and what it is about */
#define TRACE_WITHIN 48  /* back to where the address comes from */

static uint32_t word_at(const struct arm64_function *f, size_t i)
{
	return i < f->count ? f->instructions[i].word : 0;
}

static uint8_t kind_at(const struct arm64_function *f, size_t i)
{
	return i < f->count ? f->instructions[i].kind : ARM64_END;
}

/* ---- instructions -------------------------------------------------------------------- */

/* cmp r,r of either width, one of them `reg` */
static bool is_compare_of(uint32_t word, unsigned int reg)
{
	return (word & 0x7fe0fc1f) == 0x6b00001f &&
	       (arm64_rn(word) == reg || arm64_rm(word) == reg);
}

/* cset r,eq */
static bool is_set_equal(uint32_t word)
{
	return (word & 0x7fffffe0) == 0x1a9f17e0;
}

/* add r,r,r, one of the two `reg` */
static bool is_sum_of(uint32_t word, unsigned int reg)
{
	return (word & 0x7fe0fc00) == 0x0b000000 &&
	       (arm64_rn(word) == reg || arm64_rm(word) == reg);
}

static bool is_test_bit(uint32_t word)
{
	return (word & 0x7e000000) == 0x36000000;
}

static bool is_test_zero(uint32_t word)
{
	return (word & 0x7e000000) == 0x34000000;
}

static unsigned int tested_bit(uint32_t word)
{
	return (word >> 19 & 31) | (word >> 31) << 5;
}

/* tbnz, cbnz: the jump is taken where the bit is set */
static bool is_taken_if_set(uint32_t word)
{
	return word >> 24 & 1;
}

/* ldrb r,[..] */
static bool is_load_byte_of(uint32_t word, unsigned int reg)
{
	return (word & 0xffc00000) == 0x39400000 && arm64_rd(word) == reg;
}

/* ---- one operation ------------------------------------------------------------------- */

static void exclusive_parse(const struct arm64_function *f, struct arm64_operation *o)
{
	uint32_t store = word_at(f, o->at), back = word_at(f, o->at + 1);
	size_t load;

	if ((back & 0x7f000000) != 0x35000000 || arm64_rd(back) != arm64_rm(store))
		return;
	load = arm64_function_at(f, arm64_function_leads(f, o->at + 1));
	if (load >= o->at || o->at - load > CHECK_WITHIN ||
	    !arm64_is_load_exclusive(word_at(f, load)) ||
	    arm64_rn(word_at(f, load)) != arm64_rn(store))
		return;
	o->loop = true;
	o->first = load;
	o->after = o->at + 2;
	if (o->at - load == 1) {
		o->family = ARM64_SWAP;
	} else if (o->at - load == 2 &&
	           is_sum_of(word_at(f, load + 1), arm64_rd(word_at(f, load)))) {
		o->family = ARM64_ADD;
		if (arm64_rd(word_at(f, load + 1)) == arm64_rd(store) && arm64_rd(store) < 31)
			o->result = (int8_t)arm64_rd(store);
	} else if (o->at - load == 3 &&
	           is_compare_of(word_at(f, load + 1), arm64_rd(word_at(f, load))) &&
	           (word_at(f, load + 2) & 0xff00001f) == 0x54000001 && /* b.ne */
	           arm64_function_leads(f, load + 2) == arm64_function_addr(f, o->after)) {
		o->family = ARM64_CAS;
		if (is_set_equal(word_at(f, o->after)))
			o->result = (int8_t)arm64_rd(word_at(f, o->after++));
	}
}

static void lse_parse(const struct arm64_function *f, struct arm64_operation *o)
{
	uint32_t word = word_at(f, o->at), next = word_at(f, o->at + 1);

	if ((word & 0x3fa00000) == 0x08a00000) {
		o->family = ARM64_CAS;
		if (is_compare_of(next, arm64_rm(word)) && is_set_equal(word_at(f, o->at + 2))) {
			o->result = (int8_t)arm64_rd(word_at(f, o->at + 2));
			o->after = o->at + 3;
		}
	} else if (word & 0x8000) {
		o->family = ARM64_SWAP;
	} else if (!(word & 0x7000)) {
		o->family = ARM64_ADD;
		if (is_sum_of(next, arm64_rd(word)) &&
		    (arm64_rn(next) == arm64_rm(word) || arm64_rm(next) == arm64_rm(word))) {
			o->result = (int8_t)arm64_rd(next);
			o->after = o->at + 2;
		}
	}
}

/* Does it go on to the next one? */
static bool falls_through(const struct arm64_function *f, size_t i)
{
	uint8_t kind = kind_at(f, i);
	bool returns = word_at(f, i) & 0x00200000; /* blr */

	return kind != ARM64_JMP && kind != ARM64_END && (kind != ARM64_INDIRECT || returns);
}

/* The only instruction that can come before this one. */
static bool before_find(const struct arm64_function *f, size_t i, size_t *before)
{
	const struct arm64_instruction *instruction = &f->instructions[i];
	bool falls = i && falls_through(f, i - 1);

	if (i == 0 || instruction->targets + falls != 1)
		return false;
	*before = falls ? i - 1 : instruction->from;
	return true;
}

/* The jump on a byte that was loaded just before: which of the two ways to go. */
static bool is_choice(const struct arm64_function *f, size_t i)
{
	uint32_t word = word_at(f, i);

	if (!(is_test_bit(word) && tested_bit(word) == 0) && !is_test_zero(word))
		return false;
	for (unsigned int steps = 0; steps < FLAG_WITHIN && before_find(f, i, &i); steps++) {
		if (is_load_byte_of(word_at(f, i), arm64_rd(word)))
			return true;
		if (kind_at(f, i) != ARM64_PLAIN || arm64_may_write(word_at(f, i), arm64_rd(word)))
			return false;
	}
	return false;
}

static size_t check_find(const struct arm64_function *f, const struct arm64_operation *o)
{
	size_t i = o->first;

	for (unsigned int steps = 0; steps < CHECK_WITHIN && before_find(f, i, &i); steps++) {
		if (kind_at(f, i) == ARM64_JCC)
			return is_choice(f, i) && i < o->first ? i : 0;
		if (kind_at(f, i) != ARM64_PLAIN && kind_at(f, i) != ARM64_NOP &&
		    kind_at(f, i) != ARM64_JMP)
			return 0;
	}
	return 0;
}

static void way_follow(const struct arm64_function *f, struct arm64_operation *o)
{
	for (size_t i = o->after; i < f->count && o->way_size < ARM64_WAY;) {
		o->way[o->way_size++] = (uint32_t)i;
		switch (f->instructions[i].kind) {
		case ARM64_JCC:
			o->jump = i;
			return;
		case ARM64_JMP:
			i = arm64_function_at(f, arm64_function_leads(f, i));
			break;
		case ARM64_PLAIN:
		case ARM64_NOP:
		case ARM64_REFUSED:
			i++;
			break;
		default:
			return;
		}
	}
}

static void operation_parse(const struct arm64_function *f, size_t at, struct arm64_operation *o)
{
	uint32_t word = word_at(f, at);

	*o = (struct arm64_operation){.at = at,
	                              .first = at,
	                              .after = at + 1,
	                              .base = (uint8_t)arm64_rn(word),
	                              .result = -1};
	if (arm64_is_store_exclusive(word))
		exclusive_parse(f, o);
	else if ((word & 0x3fe00000) == 0x08800000)
		o->family = ARM64_STORE;
	else
		lse_parse(f, o);
	o->check = check_find(f, o);
	way_follow(f, o);
}

/* ---- both ways ----------------------------------------------------------------------- */

static bool is_second_of(const struct arm64_operation *a, const struct arm64_operation *b)
{
	return b->check && b->check == a->check && b->family == a->family && b->loop != a->loop;
}

static void second_find(struct arm64_function *f, struct arm64_match *m)
{
	const struct arm64_operation *first = &m->of[0];

	for (size_t i = first->at + 1; first->check && i < f->count && i - first->at < PAIR_WITHIN;
	     i++) {
		if (f->instructions[i].kind != ARM64_ATOMIC || f->instructions[i].mark)
			continue;
		operation_parse(f, i, &m->of[1]);
		if (!is_second_of(first, &m->of[1]))
			continue;
		f->instructions[i].mark = 1;
		m->count = 2;
		return;
	}
}

static bool is_part(const struct arm64_operation *o, size_t i)
{
	if (i >= o->first && i < o->after)
		return true;
	for (size_t n = 0; n < o->way_size; n++)
		if (o->way[n] == i)
			return true;
	return false;
}

static bool is_part_of_any(const struct arm64_match *m, size_t i)
{
	return is_part(&m->of[0], i) || (m->count == 2 && is_part(&m->of[1], i));
}

/* Of a compare and swap in a loop: away from it where the values differ. */
static bool leaves_loop_to(const struct arm64_function *f, const struct arm64_operation *o,
                           uint64_t addr)
{
	return o->loop && o->family == ARM64_CAS && arm64_function_leads(f, o->first + 2) == addr;
}

/* How many of the jumps to `to` are parts of the match. */
static unsigned int own_jumps(const struct arm64_function *f, const struct arm64_match *m,
                              size_t to)
{
	uint64_t addr = arm64_function_addr(f, to);
	unsigned int count = 0;

	for (size_t k = 0; k < m->count; k++) {
		const struct arm64_operation *o = &m->of[k];

		count += leaves_loop_to(f, o, addr);
		for (size_t n = 0; n < o->way_size; n++)
			count += kind_at(f, o->way[n]) == ARM64_JMP &&
			         arm64_function_leads(f, o->way[n]) == addr &&
			         (k == 0 || !is_part(&m->of[0], o->way[n]));
	}
	return count;
}

static bool is_joined(const struct arm64_function *f, const struct arm64_match *m, size_t i)
{
	return f->instructions[i].targets != own_jumps(f, m, i) ||
	       (i > 0 && falls_through(f, i - 1) && !is_part_of_any(m, i - 1));
}

/* Does anything lead to the jump that does not come from here? */
static bool others_join(const struct arm64_function *f, const struct arm64_match *m)
{
	for (size_t k = 0; k < m->count; k++) {
		const struct arm64_operation *o = &m->of[k];

		for (size_t i = o->first + 1; i < o->after && i < f->count; i++)
			if (is_joined(f, m, i))
				return true;
		for (size_t n = 0; n < o->way_size; n++)
			if (is_joined(f, m, o->way[n]))
				return true;
	}
	return false;
}

/* The result, if it is still in its register at the jump. */
static int result_find(const struct arm64_function *f, const struct arm64_operation *o)
{
	for (size_t n = 0; o->result >= 0 && n + 1 < o->way_size; n++)
		if (arm64_may_write(word_at(f, o->way[n]), (unsigned int)o->result))
			return -1;
	return o->result;
}

static void condition_find(const struct arm64_function *f, struct arm64_match *m)
{
	uint32_t word = word_at(f, m->jump);
	int result = result_find(f, &m->of[0]);
	bool cas = m->of[0].family == ARM64_CAS;

	if (result < 0 || (unsigned int)result != arm64_rd(word) ||
	    (m->count == 2 && result_find(f, &m->of[1]) != result))
		return;
	m->tested = (uint8_t)result;
	if (cas && (is_test_zero(word) || (is_test_bit(word) && tested_bit(word) == 0))) {
		m->condition = ORDER_IF_BIT;
	} else if (m->of[0].family == ARM64_ADD && is_test_bit(word) && tested_bit(word) == 31) {
		m->condition = ORDER_IF_NOT_BIT;
		m->bit = 31;
	}
}

/* ---- the slow half ------------------------------------------------------------------- */

static void side_look(const struct arm64_function *f, size_t i,
                      const struct order_slow_entries *slow, struct arm64_match *m)
{
	for (unsigned int steps = 0; i < f->count && steps < SLOW_WITHIN; steps++) {
		switch (f->instructions[i].kind) {
		case ARM64_CALL:
			m->slow = order_slow_at(slow, arm64_function_leads(f, i));
			m->slow_call = i;
			return;
		case ARM64_JMP:
			i = arm64_function_at(f, arm64_function_leads(f, i));
			break;
		case ARM64_PLAIN:
		case ARM64_NOP:
		case ARM64_REFUSED:
			i++;
			break;
		default:
			return;
		}
	}
}

/* Success never leads to the slow half. */
static bool side_agrees(const struct arm64_function *f, const struct arm64_match *m, bool taken)
{
	bool set = is_taken_if_set(word_at(f, m->jump)) == taken;

	if (m->condition == ORDER_IF_BIT)
		return !set;
	if (m->condition == ORDER_IF_NOT_BIT)
		return set;
	return true;
}

static void slow_find(const struct arm64_function *f, const struct order_slow_entries *slow,
                      struct arm64_match *m)
{
	size_t sides[2] = {m->jump + 1, arm64_function_at(f, arm64_function_leads(f, m->jump))};

	for (unsigned int taken = 0; taken < 2; taken++) {
		side_look(f, sides[taken], slow, m);
		if (m->slow != ORDER_SLOW_COUNT && side_agrees(f, m, taken))
			return;
		m->slow = ORDER_SLOW_COUNT;
	}
}

bool arm64_match_find(struct arm64_function *f, size_t at, const struct order_slow_entries *slow,
                      struct arm64_match *out)
{
	if (f->instructions[at].mark)
		return false;
	*out = (struct arm64_match){.count = 1, .slow = ORDER_SLOW_COUNT};
	operation_parse(f, at, &out->of[0]);
	second_find(f, out);
	out->jump = out->of[0].jump;
	if ((out->count == 2 && out->of[1].jump != out->jump) || out->jump < at ||
	    !arm64_can_probe(f, out->jump) || others_join(f, out))
		out->jump = 0;
	if (!out->jump)
		return true;
	condition_find(f, out);
	slow_find(f, slow, out);
	return true;
}

/* ---- what it is ---------------------------------------------------------------------- */

enum order_kind arm64_match_kind(const struct arm64_match *m)
{
	static const struct {
		enum order_kind kind;
		enum arm64_family family;
		bool told; /* success must be known at the jump */
	} kinds[ORDER_SLOW_COUNT] = {
	        [ORDER_SLOW_LOCK] = {ORDER_KIND_LOCK, ARM64_CAS, true},
	        [ORDER_SLOW_UNLOCK] = {ORDER_KIND_UNLOCK, ARM64_ADD, false},
	        [ORDER_SLOW_RLOCK] = {ORDER_KIND_RLOCK, ARM64_ADD, true},
	        [ORDER_SLOW_RUNLOCK] = {ORDER_KIND_RUNLOCK, ARM64_ADD, false},
	};

	if (m->slow != ORDER_SLOW_COUNT && kinds[m->slow].family == m->of[0].family &&
	    (!kinds[m->slow].told || m->condition != ORDER_ALWAYS))
		return kinds[m->slow].kind;
	if (m->of[0].family == ARM64_CAS)
		return ORDER_KIND_ATOMIC_CAS;
	return m->of[0].family == ARM64_ADD || m->of[0].family == ARM64_OTHER
	               ? ORDER_KIND_ATOMIC_ADD
	               : ORDER_KIND_ATOMIC_STORE;
}

/* ---- where the object is ------------------------------------------------------------- */

/* What a register holds, told by what was in another (or the same) some instructions before. */
struct origin {
	enum order_object object;
	uint8_t base;
	int64_t offset, plus;
	bool stored; /* memory has changed between: what is loaded before may be another value */
};

/* One step back over an instruction. */
static void origin_step(struct origin *o, uint32_t word, uint64_t addr)
{
	uint64_t number = word >> 10 & 0xfff;

	if (o->object == ORDER_OBJECT_CONSTANT || o->object == ORDER_OBJECT_NONE)
		return;
	o->stored |= arm64_may_store(word);
	if (!arm64_may_write(word, o->base))
		return;
	if ((word & 0xffe0ffe0) == 0xaa0003e0 && arm64_rm(word) != 31) { /* mov r,r */
		o->base = (uint8_t)arm64_rm(word);
	} else if ((word & 0xff800000) == 0x91000000) { /* add r,r,number */
		number <<= word & 0x00400000 ? 12 : 0;
		*(o->object == ORDER_OBJECT_LOADED ? &o->offset : &o->plus) += (int64_t)number;
		o->base = (uint8_t)arm64_rn(word);
	} else if ((word & 0x9f000000) == 0x90000000 && o->object == ORDER_OBJECT_REGISTER) {
		int64_t page = (int32_t)((word >> 5 & 0x7ffff) << 13) >> 11 | (word >> 29 & 3);

		o->plus += (int64_t)(addr & ~UINT64_C(0xfff)) + page * 4096; /* adrp */
		o->object = ORDER_OBJECT_CONSTANT;
	} else if ((word & 0xffc00000) == 0xf9400000 && o->object == ORDER_OBJECT_REGISTER &&
	           !o->stored) { /* ldr r,[r,number] */
		o->object = ORDER_OBJECT_LOADED;
		o->offset = (int64_t)number * 8;
		o->base = (uint8_t)arm64_rn(word);
	} else {
		o->object = ORDER_OBJECT_NONE;
	}
}

/* Back from an operation to instruction `probe` (of which nothing has been done), and on in search
 * of a constant. */
static struct origin trace_back(const struct arm64_function *f, const struct arm64_operation *op,
                                size_t probe)
{
	struct origin o = {.object = ORDER_OBJECT_REGISTER, .base = op->base}, at_probe = {0};
	size_t i = op->first;

	for (unsigned int steps = 0; steps < TRACE_WITHIN && before_find(f, i, &i); steps++) {
		if (kind_at(f, i) == ARM64_CALL || kind_at(f, i) == ARM64_INDIRECT)
			break;
		origin_step(&o, word_at(f, i), arm64_function_addr(f, i));
		if (i == probe)
			at_probe = o;
		if (o.object == ORDER_OBJECT_CONSTANT)
			return o;
	}
	return at_probe;
}

/* From the operation on to the jump. */
static bool survives(const struct arm64_function *f, const struct arm64_operation *o,
                     unsigned int reg)
{
	for (size_t i = o->first; i < o->after; i++)
		if (arm64_may_write(word_at(f, i), reg))
			return false;
	for (size_t n = 0; n + 1 < o->way_size; n++)
		if (arm64_may_write(word_at(f, o->way[n]), reg))
			return false;
	return true;
}

/* A register that still holds the address (plus a number) at the jump: the base, or what it was
 * made of. */
static struct origin origin_behind(const struct arm64_function *f, const struct arm64_operation *op)
{
	struct origin o = {.object = ORDER_OBJECT_REGISTER, .base = op->base};
	size_t i = op->first;
	uint32_t written = 0; /* a bit a register, by what lies between */

	for (unsigned int steps = 0; o.object == ORDER_OBJECT_REGISTER; steps++) {
		if (!(written >> o.base & 1) && survives(f, op, o.base))
			return o;
		if (steps == CHECK_WITHIN || !before_find(f, i, &i) ||
		    kind_at(f, i) == ARM64_CALL || kind_at(f, i) == ARM64_INDIRECT)
			break;
		origin_step(&o, word_at(f, i), arm64_function_addr(f, i));
		for (unsigned int reg = 0; reg < 32; reg++)
			written |= (uint32_t)arm64_may_write(word_at(f, i), reg) << reg;
	}
	return (struct origin){.object = ORDER_OBJECT_NONE};
}

static struct origin origin_of(const struct arm64_function *f, const struct arm64_operation *op,
                               size_t probe)
{
	struct origin o = trace_back(f, op, probe);

	if (probe < op->first || o.object == ORDER_OBJECT_CONSTANT)
		return o;
	if (op->jump && probe == op->jump)
		return origin_behind(f, op);
	return (struct origin){.object = ORDER_OBJECT_NONE};
}

static bool origins_agree(const struct origin *a, const struct origin *b)
{
	return a->object == b->object && a->plus == b->plus &&
	       (a->object == ORDER_OBJECT_CONSTANT ||
	        (a->base == b->base && a->offset == b->offset));
}

static void object_find(const struct arm64_function *f, const struct arm64_match *m, size_t probe,
                        int64_t shift, struct order_site *out)
{
	struct origin o = origin_of(f, &m->of[0], probe), other;

	out->object = ORDER_OBJECT_NONE;
	if (m->count == 2) {
		other = origin_of(f, &m->of[1], probe);
		if (!origins_agree(&o, &other))
			return;
	}
	out->object = o.object;
	if (o.object != ORDER_OBJECT_NONE)
		out->displacement = o.plus + shift;
	if (o.object == ORDER_OBJECT_REGISTER || o.object == ORDER_OBJECT_LOADED) {
		out->base = o.base;
		out->offset = o.offset;
	}
}

/* ---- where to probe ------------------------------------------------------------------ */

bool arm64_can_probe(const struct arm64_function *f, size_t i)
{
	uint8_t kind = kind_at(f, i);

	if (kind == ARM64_END)
		return i < f->count && (word_at(f, i) & 0xfffffc1f) == 0xd65f0000; /* ret */
	return kind != ARM64_REFUSED && kind != ARM64_ATOMIC && !f->instructions[i].exclusive;
}

enum order_instruction arm64_probed_as(const struct arm64_function *f, size_t i)
{
	static const int8_t instructions[] = {
	        [ARM64_PLAIN] = ORDER_AT_STEPPED,   [ARM64_NOP] = ORDER_AT_NOP,
	        [ARM64_REFUSED] = ORDER_AT_STEPPED, [ARM64_ATOMIC] = ORDER_AT_STEPPED,
	        [ARM64_JCC] = ORDER_AT_JCC,         [ARM64_JMP] = ORDER_AT_JMP,
	        [ARM64_CALL] = ORDER_AT_CALL,       [ARM64_INDIRECT] = ORDER_AT_STEPPED,
	        [ARM64_END] = ORDER_AT_STEPPED,
	};

	return (enum order_instruction)instructions[kind_at(f, i)];
}

static bool place_set(const struct arm64_function *f, const struct arm64_match *m, size_t probe,
                      int64_t shift, struct order_site *out)
{
	const struct arm64_operation *o = &m->of[0];

	if (!arm64_can_probe(f, probe) || probe + APART < o->at || probe > o->at + APART)
		return false;
	out->addr = arm64_function_addr(f, probe);
	out->instruction = arm64_probed_as(f, probe);
	out->place = probe < o->at ? ORDER_BEFORE : ORDER_AFTER;
	out->condition = ORDER_ALWAYS;
	object_find(f, m, probe, shift, out);
	return true;
}

static bool place_jump(const struct arm64_function *f, const struct arm64_match *m, int64_t shift,
                       bool acquires, struct order_site *out)
{
	if (!m->jump || !place_set(f, m, m->jump, shift, out))
		return false;
	if (acquires) {
		out->condition = m->condition;
		out->tested = m->tested;
		out->bit = m->bit;
	}
	return true;
}

/* In front of it, on the only way there: a nop, else anything that can be stepped. */
static bool before_place(const struct arm64_function *f, const struct arm64_match *m, bool nop,
                         int64_t shift, struct order_site *out)
{
	size_t i = m->of[0].first;

	if (f->jumps_indirect || m->count == 2)
		return false;
	for (unsigned int steps = 0; steps < CHECK_WITHIN && before_find(f, i, &i); steps++) {
		uint8_t kind = kind_at(f, i);

		if (i >= m->of[0].first)
			return false;
		if (kind == ARM64_NOP || (kind == ARM64_PLAIN && !nop))
			return place_set(f, m, i, shift, out);
		if (kind != ARM64_PLAIN && kind != ARM64_JMP)
			return false;
	}
	return false;
}

/* The next one that can be probed, though others may lead to it, too: of a release that did not
 * happen nobody comes to harm. Both ways must come there. */
static bool after_place(const struct arm64_function *f, const struct arm64_match *m, int64_t shift,
                        struct order_site *out)
{
	const struct arm64_operation *a = &m->of[0], *b = &m->of[m->count - 1];

	for (size_t n = 0; n < a->way_size; n++) {
		bool both = false;

		for (size_t k = 0; k < b->way_size; k++)
			both |= b->way[k] == a->way[n];
		if (both && a->way[n] > a->at && a->way[n] > b->at &&
		    place_set(f, m, a->way[n], shift, out))
			return true;
	}
	return false;
}

static bool release_place(const struct arm64_function *f, const struct arm64_match *m, bool told,
                          int64_t shift, struct order_site *out)
{
	bool choice = m->count == 2 && place_set(f, m, m->of[0].check, shift, out);

	return (choice && (!told || out->object != ORDER_OBJECT_NONE)) ||
	       (before_place(f, m, true, shift, out) &&
	        (!told || out->object != ORDER_OBJECT_NONE)) ||
	       place_jump(f, m, shift, false, out);
}

bool arm64_match_place(const struct arm64_function *f, const struct arm64_match *m, int64_t shift,
                       struct order_site *out)
{
	switch (out->kind) {
	case ORDER_KIND_LOCK:
	case ORDER_KIND_RLOCK:
		return place_jump(f, m, shift, true, out);
	case ORDER_KIND_TRYLOCK:
	case ORDER_KIND_TRYRLOCK:
		return m->condition != ORDER_ALWAYS && place_jump(f, m, shift, true, out);
	case ORDER_KIND_UNLOCK:
	case ORDER_KIND_RUNLOCK:
		return release_place(f, m, true, shift, out);
	default:
		return release_place(f, m, false, shift, out) ||
		       before_place(f, m, false, shift, out) || after_place(f, m, shift, out);
	}
}
