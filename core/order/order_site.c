/* SPDX-License-Identifier: MIT */
#include "core/order/order_site.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/elf/elf_file.h"
#include "core/go/pclntab.h"
#include "core/order/amd64_function.h"
#include "core/order/arm64_match.h"
#include "core/order/arm64_place.h"
#include "core/order/order_match.h"
#include "core/order/order_names.h"
#include "core/order/order_place.h"
#include "core/order/order_text.h"

#define SITES_MAX   (1u << 16)                 /* the largest programs have 6,000 */
#define DECODED_MAX (24 * (UINT64_C(1) << 20)) /* instructions: about 96 MB of code */
#define ATOMICS_MAX (1u << 17)                 /* looked at; not all are sites */
#define NAME_ROOM   256 /* longer ones, of generics, are none of those that matter */
#define STEPS_MAX   (UINT64_C(1) << 25) /* through value tables, for the names of inlined calls */
#define NAMES_MAX   16

#define ARM64_MINOR_MIN 18 /* before it arguments are on the stack */

/* sync.RWMutex: w Mutex, writerSem, readerSem uint32, readerCount. */
#define READER_COUNT 16

struct planner {
	struct go_binary *binary;
	const struct pclntab *tab;
	struct order_plan *plan;
	bool arm64;
	struct order_slow_entries slow;
	struct amd64_function code;
	struct arm64_function code_arm64; /* one of the two is used */
	struct pclntab_function function; /* the one that is looked at */
	const char *name;
	uint64_t decoded; /* instructions */
	unsigned int atomics;
	uint64_t steps; /* of the pclntab, when the plan began */
};

/* ---- the plan ------------------------------------------------------------------------ */

static void missed_add(struct order_plan *plan, uint64_t addr, const char *what, const char *why)
{
	if (plan->missed_count < ORDER_MISSED_MAX)
		plan->missed[plan->missed_count] =
		        (struct order_missed){.addr = addr, .what = what, .why = why};
	plan->missed_count++;
}

/* The site's file offset is found here. */
static int site_add(struct planner *p, const struct order_site *site)
{
	struct order_plan *plan = p->plan;
	int64_t offset = go_binary_file_offset(p->binary, site->addr);

	if (offset < 0) {
		missed_add(plan, site->addr, order_kind_words(site->kind),
		           "outside the executable segments");
		return 0;
	}
	if (plan->count == SITES_MAX)
		return -E2BIG;
	if (plan->count == plan->capacity) {
		size_t capacity = plan->capacity ? 2 * plan->capacity : 256;
		void *more = reallocarray(plan->sites, capacity, sizeof(*plan->sites));

		if (!more)
			return -ENOMEM;
		plan->sites = more;
		plan->capacity = capacity;
	}
	plan->sites[plan->count] = *site;
	plan->sites[plan->count++].file_offset = (uint64_t)offset;
	return 0;
}

/* ---- atomics ------------------------------------------------------------------------- */

static const char *name_at(const struct planner *p, uint32_t name)
{
	const char *text = elf_file_string_within(p->tab->file, p->tab->names + name, NAME_ROOM);

	return text ? text : "";
}

/* Names of the inlined calls at an address, then the function's. Where too many steps were made
 * already only that one. */
static size_t names_find(const struct planner *p, uint64_t addr, const char **names)
{
	size_t count = 0;
	struct pclntab_call call;

	while (count < NAMES_MAX - 1 && *p->tab->steps - p->steps < STEPS_MAX &&
	       pclntab_inlined(p->tab, &p->function, addr, &call)) {
		names[count++] = name_at(p, call.name);
		addr = p->function.entry + call.parent;
	}
	names[count++] = p->name;
	return count;
}

/* What an atomic is that has no slow half. False: it is no site. */
static bool atomic_name(const struct planner *p, struct order_site *site, int64_t *shift)
{
	const char *names[NAMES_MAX];
	size_t count = names_find(p, site->atomic, names);

	switch (order_names_meaning(names, count)) {
	case ORDER_MEANS_TRYLOCK:
		site->kind = ORDER_KIND_TRYLOCK;
		return true;
	case ORDER_MEANS_TRYRLOCK:
		site->kind = ORDER_KIND_TRYRLOCK;
		*shift = -READER_COUNT;
		return true;
	case ORDER_MEANS_RW_TRYLOCK:
		*shift = -READER_COUNT;
		if (site->kind != ORDER_KIND_ATOMIC_CAS)
			return false;
		site->kind = ORDER_KIND_TRYLOCK;
		return true;
	case ORDER_MEANS_ATOMIC:
		return true;
	default:
		return false;
	}
}

static int atomic_plan(struct planner *p, size_t at)
{
	struct order_site site = {.atomic = amd64_function_addr(&p->code, at)};
	struct order_match match;
	int64_t shift = 0;

	if (++p->atomics > ATOMICS_MAX)
		return -E2BIG;
	order_match_find(&p->code, at, &p->slow, &match);
	site.kind = order_match_kind(&match);
	if (site.kind >= ORDER_KIND_ATOMIC_ADD) {
		if (!atomic_name(p, &site, &shift))
			return 0;
	} else {
		if (site.kind == ORDER_KIND_RLOCK || site.kind == ORDER_KIND_RUNLOCK)
			shift = -READER_COUNT;
		p->code.instructions[amd64_function_at(&p->code, match.slow_call)].mark = 1;
	}
	if (!order_match_place(&p->code, &match, shift, &site)) {
		missed_add(p->plan, site.atomic, order_kind_words(site.kind),
		           "no instruction near it can be probed");
		return 0;
	}
	return site_add(p, &site);
}

/* A call of an address, and whether a site has marked it as its own. */
static void call_count(struct planner *p, uint64_t addr, uint64_t leads, uint8_t mark)
{
	static const char *const words[ORDER_SLOW_COUNT] = {
#define X(id, text) [ORDER_SLOW_##id] = text,
	        ORDER_SLOW(X)
#undef X
	};

	enum order_slow slow = order_slow_at(&p->slow, leads);

	if (slow == ORDER_SLOW_COUNT)
		return;
	p->plan->calls[slow]++;
	p->plan->explained[slow] += mark;
	if (!mark)
		missed_add(p->plan, addr, words[slow],
		           "a slow half without an atomic instruction that fits");
}

/* Calls of slow halves, of which the sites have marked theirs. */
static void calls_count(struct planner *p)
{
	for (size_t i = 0; i < p->code.count; i++)
		if (p->code.instructions[i].kind == AMD64_CALL)
			call_count(p, amd64_function_addr(&p->code, i),
			           amd64_function_leads(&p->code, i), p->code.instructions[i].mark);
}

/* ---- functions of the program -------------------------------------------------------- */

/* At first sight: a byte that may be a lock prefix in front of what may carry one, an exchange
 * with memory, a call of a slow half. */
static bool lock_at(const unsigned char *code, size_t left)
{
	/* add, or, adc, sbb, and, sub, xor; their groups; not, neg, inc, dec; 0f: all others */
	size_t at = 1;

	if (left > at + 1 && code[at] == 0x66)
		at++;
	if (left > at + 1 && (code[at] & 0xf0) == 0x40)
		at++;
	if (left <= at + 1)
		return false;
	switch (code[at]) {
	case 0x0f:
		return code[at + 1] >= 0xa0;
	case 0x80:
	case 0x81:
	case 0x83:
	case 0x86:
	case 0x87:
	case 0xf6:
	case 0xf7:
	case 0xfe:
	case 0xff:
		return code[at + 1] < 0xc0;
	default:
		return code[at] < 0x32 && (code[at] & 7) < 2 && code[at + 1] < 0xc0;
	}
}

static bool body_has_lock(const struct order_body *body)
{
	const unsigned char *end = body->code + body->size, *at = body->code;

	while ((at = memchr(at, 0xf0, (size_t)(end - at)))) {
		if (lock_at(at, (size_t)(end - at)))
			return true;
		at++;
	}
	return false;
}

static bool body_has_exchange(const struct order_body *body)
{
	const unsigned char *end = body->code + body->size, *at = body->code;

	while ((at = memchr(at, 0x87, (size_t)(end - at)))) {
		/* 0f 87: a jump, the most frequent of those that are none */
		if (end - at > 1 && at[1] < 0xc0 && (at == body->code || at[-1] != 0x0f))
			return true;
		at++;
	}
	return false;
}

static bool body_calls_slow(const struct planner *p, const struct order_body *body)
{
	const unsigned char *end = body->code + body->size, *at = body->code;

	while ((at = memchr(at, 0xe8, (size_t)(end - at))) && end - at >= 5) {
		int32_t distance;

		memcpy(&distance, at + 1, sizeof(distance));
		at++;
		if (order_slow_at(&p->slow, body->addr + (uint64_t)(at - body->code) + 4 +
		                                    (uint64_t)(int64_t)distance) !=
		    ORDER_SLOW_COUNT)
			return true;
	}
	return false;
}

/* Each stretch of the pclntab begins between two instructions: decoding is in step with it. */
static int on_span(void *ctx, const struct pclntab_span *span)
{
	const struct amd64_function *code = ctx;

	return amd64_function_at(code, span->begin) == code->count ? -EILSEQ : 0;
}

static bool body_holds_any(const struct planner *p)
{
	for (size_t i = 0; i < p->code.count; i++) {
		const struct amd64_instruction *instruction = &p->code.instructions[i];

		if (instruction->kind == AMD64_ATOMIC ||
		    (instruction->kind == AMD64_CALL &&
		     order_slow_at(&p->slow, amd64_function_leads(&p->code, i)) !=
		             ORDER_SLOW_COUNT))
			return true;
	}
	return false;
}

static void undecoded_add(struct planner *p, const struct order_body *body, const char *why)
{
	p->plan->undecoded++;
	missed_add(p->plan, body->addr, "function", why);
}

static int body_plan(struct planner *p, const struct order_body *body)
{
	int rc = amd64_function_decode(&p->code, body->addr, body->code, body->size);

	p->decoded += p->code.count;
	if (p->decoded > DECODED_MAX)
		return -E2BIG;
	if (rc == -EILSEQ) {
		undecoded_add(p, body, "its instructions could not be decoded");
		return 0;
	}
	if (rc || !body_holds_any(p))
		return rc;
	/* assembly without a frame has no stretches */
	if (p->function.sp_values && pclntab_sp_spans(p->tab, &p->function, on_span, &p->code)) {
		undecoded_add(p, body, "its instructions are not those of the function table");
		return 0;
	}
	for (size_t i = 0; !rc && i < p->code.count; i++)
		if (p->code.instructions[i].kind == AMD64_ATOMIC)
			rc = atomic_plan(p, i);
	calls_count(p);
	return rc;
}

/* ---- functions of an arm64 program --------------------------------------------------- */

static int arm64_atomic_plan(struct planner *p, size_t at)
{
	struct order_site site = {.atomic = arm64_function_addr(&p->code_arm64, at)};
	struct arm64_match match;
	int64_t shift = 0;

	if (++p->atomics > ATOMICS_MAX)
		return -E2BIG;
	if (!arm64_match_find(&p->code_arm64, at, &p->slow, &match))
		return 0;
	site.kind = arm64_match_kind(&match);
	if (site.kind >= ORDER_KIND_ATOMIC_ADD) {
		if (!atomic_name(p, &site, &shift))
			return 0;
	} else {
		if (site.kind == ORDER_KIND_RLOCK || site.kind == ORDER_KIND_RUNLOCK)
			shift = -READER_COUNT;
		p->code_arm64.instructions[match.slow_call].mark = 1;
	}
	if (!arm64_match_place(&p->code_arm64, &match, shift, &site)) {
		missed_add(p->plan, site.atomic, order_kind_words(site.kind),
		           "no instruction near it can be probed");
		return 0;
	}
	return site_add(p, &site);
}

static bool arm64_body_holds_any(const struct planner *p, const struct order_body *body)
{
	for (size_t at = 0; at + 4 <= body->size; at += 4) {
		enum arm64_kind kind;
		uint32_t word;

		memcpy(&word, body->code + at, sizeof(word));
		kind = arm64_kind(word);
		if (kind == ARM64_ATOMIC ||
		    (kind == ARM64_CALL &&
		     order_slow_at(&p->slow, arm64_leads(word, body->addr + at)) !=
		             ORDER_SLOW_COUNT))
			return true;
	}
	return false;
}

static int arm64_body_plan(struct planner *p, const struct order_body *body)
{
	struct arm64_function *code = &p->code_arm64;
	int rc = arm64_function_decode(code, body->addr, body->code, body->size);

	p->decoded += code->count;
	if (p->decoded > DECODED_MAX)
		return -E2BIG;
	if (rc == -EILSEQ) {
		undecoded_add(p, body, "its instructions could not be decoded");
		return 0;
	}
	for (size_t i = 0; !rc && i < code->count; i++)
		if (code->instructions[i].kind == ARM64_ATOMIC)
			rc = arm64_atomic_plan(p, i);
	for (size_t i = 0; !rc && i < code->count; i++)
		if (code->instructions[i].kind == ARM64_CALL)
			call_count(p, arm64_function_addr(code, i), arm64_function_leads(code, i),
			           code->instructions[i].mark);
	return rc;
}

/* ---- either -------------------------------------------------------------------------- */

static bool body_may_hold_any(const struct planner *p, const struct order_body *body)
{
	if (p->arm64)
		return arm64_body_holds_any(p, body);
	return body_has_lock(body) || body_has_exchange(body) || body_calls_slow(p, body);
}

static int on_body(void *ctx, const struct order_body *body)
{
	struct planner *p = ctx;

	if (body->code && !body_may_hold_any(p, body))
		return 0;
	if (pclntab_function(p->tab, body->index, &p->function))
		return 0;
	p->name = name_at(p, p->function.name);
	if (order_name_left_out(p->name))
		return 0;
	if (!body->code) {
		undecoded_add(p, body, "not in the file, or too long");
		return 0;
	}
	return p->arm64 ? arm64_body_plan(p, body) : body_plan(p, body);
}

/* ---- functions of the table ---------------------------------------------------------- */

static void slow_entries_find(struct planner *p)
{
	static const struct {
		enum order_slow slow;
		const char *names[ORDER_SLOW_ENTRIES];
	} rows[] = {
	        {ORDER_SLOW_LOCK, {"sync.(*Mutex).lockSlow", "internal/sync.(*Mutex).lockSlow"}},
	        {ORDER_SLOW_UNLOCK,
	         {"sync.(*Mutex).unlockSlow", "internal/sync.(*Mutex).unlockSlow"}},
	        /* to 1.19 the second, of which all others that call it are left out */
	        {ORDER_SLOW_RLOCK,
	         {"sync.runtime_SemacquireRWMutexR", "sync.runtime_SemacquireMutex"}},
	        {ORDER_SLOW_RUNLOCK, {"sync.(*RWMutex).rUnlockSlow", NULL}},
	};
	struct go_function function;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < ORDER_SLOW_ENTRIES; k++)
			if (rows[i].names[k] &&
			    !go_binary_function_find(p->binary, rows[i].names[k], &function))
				p->slow.entry[rows[i].slow][k] = function.entry;
}

static int row_plan(struct planner *p, const struct order_function_row *row)
{
	struct order_site site = {.kind = ORDER_KIND_FUNCTION, .function = row->function};
	struct go_function function;
	const char *why = NULL;

	if (go_binary_function_find(p->binary, row->name, &function))
		return 0;
	if (p->arm64 ? arm64_place_function(p->binary, row, &function, &p->code_arm64, &site, &why)
	             : order_place_function(p->binary, row, &function, &p->code, &site, &why))
		return site_add(p, &site);
	missed_add(p->plan, function.entry, row->name, why);
	return 0;
}

/* ---- all ----------------------------------------------------------------------------- */

static int site_compare(const void *a, const void *b)
{
	const struct order_site *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return (x->atomic > y->atomic) - (x->atomic < y->atomic);
}

static int words_set(int rc, struct error *err)
{
	switch (rc) {
	case 0:
		return 0;
	case -ENOMEM:
		return error_no_memory(err);
	case -E2BIG:
		return error_set(err, E2BIG,
		                 "the program has more code, or more atomic instructions in it, "
		                 "than any that is known; what orders its goroutines is not seen");
	default:
		return error_set(err, -rc,
		                 "the program's code cannot be read: %s; start gomaptop again if "
		                 "the file has changed",
		                 strerror(-rc));
	}
}

int order_plan_make(struct go_binary *binary, struct order_plan *plan, struct error *err)
{
	struct planner p = {.binary = binary, .tab = go_binary_pclntab(binary), .plan = plan};
	int rc = 0;

	*plan = (struct order_plan){0};
	p.arm64 = go_binary_machine(binary) == EM_AARCH64;
	if (p.arm64 && go_binary_minor(binary) < ARM64_MINOR_MIN)
		return error_set(err, ENOTSUP,
		                 "what orders goroutines is seen in arm64 programs from go1.18 on; "
		                 "conflicts are found as ever");
	p.steps = *p.tab->steps;
	slow_entries_find(&p);
	for (size_t i = 0; !rc && i < order_function_row_count; i++)
		rc = row_plan(&p, &order_function_rows[i]);
	if (!rc)
		rc = order_text_walk(p.tab, on_body, &p);
	if (plan->count)
		qsort(plan->sites, plan->count, sizeof(*plan->sites), site_compare);
	amd64_function_free(&p.code);
	arm64_function_free(&p.code_arm64);
	if (rc)
		order_plan_free(plan);
	return words_set(rc, err);
}

void order_plan_free(struct order_plan *plan)
{
	free(plan->sites);
	*plan = (struct order_plan){0};
}

const char *order_kind_words(enum order_kind kind)
{
	static const char *const words[ORDER_KIND_COUNT] = {
#define X(id, text, edge) [ORDER_KIND_##id] = (text),
	        ORDER_KINDS(X)
#undef X
	};

	return kind < ORDER_KIND_COUNT ? words[kind] : "unknown";
}

enum order_edge order_site_edge(const struct order_site *site)
{
	static const enum order_edge edges[ORDER_KIND_COUNT] = {
#define X(id, text, edge) [ORDER_KIND_##id] = ORDER_##edge,
	        ORDER_KINDS(X)
#undef X
	};

	if (site->kind == ORDER_KIND_FUNCTION)
		return order_function_edge(site->function);
	return site->kind < ORDER_KIND_COUNT ? edges[site->kind] : ORDER_NOTHING;
}
