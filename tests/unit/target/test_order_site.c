/* SPDX-License-Identifier: MIT */
/*
 * Sites of what orders goroutines, on programs of every release: those of known functions one by
 * one, all of them against objdump, and none where the code is not what it should be.
 */
#define _GNU_SOURCE /* memmem */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/order/amd64_effect.h"
#include "core/order/arm64_match.h"
#include "core/order/order_names.h"
#include "core/order/order_site.h"
#include "tests/open_path.h"
#include "tests/unit/target/go_fixture.h"

static struct go_release releases[GO_RELEASES_MAX];
static size_t release_count;

/* ---- instructions -------------------------------------------------------------------- */

static size_t code_make(const char *hex, unsigned char *code)
{
	size_t length = 0;
	unsigned int byte;

	while (sscanf(hex, "%2x", &byte) == 1) {
		code[length++] = (unsigned char)byte;
		hex += hex[2] ? 3 : 2;
	}
	return length;
}

static struct amd64_parts parts_of(const char *hex)
{
	struct amd64_parts parts;
	unsigned char code[AMD64_LENGTH_MAX];
	size_t length = code_make(hex, code);

	if (amd64_parts(code, length, &parts) != length)
		fail_msg("%s: not one instruction", hex);
	return parts;
}

static void test_parts(void **state)
{
	struct amd64_parts p;

	(void)state;
	p = parts_of("f0 45 0f b1 4c 24 30"); /* lock cmpxchg %r9d,0x30(%r12) */
	assert_true(p.lock && p.rex && !p.wide && p.map == 1 && p.opcode == 0xb1);
	assert_true(p.reg == 9 && p.base == 12 && p.index == AMD64_NO_REGISTER);
	assert_int_equal(p.displacement, 0x30);
	p = parts_of("f0 0f c1 0d 10 00 00 00"); /* lock xadd %ecx,0x10(%rip) */
	assert_true(p.lock && p.reg == 1 && p.base == AMD64_RIP && p.displacement == 0x10);
	p = parts_of("48 87 14 ca"); /* xchg %rdx,(%rdx,%rcx,8) */
	assert_true(p.wide && p.base == 2 && p.index == 1 && p.displacement == 0);
	p = parts_of("f0 0f b1 8a f0 ff ff ff"); /* lock cmpxchg %ecx,-0x10(%rdx) */
	assert_true(p.base == 2 && p.displacement == -16);
	p = parts_of("8b 04 25 00 10 00 00"); /* mov 0x1000,%eax */
	assert_true(p.base == AMD64_NO_REGISTER && p.displacement == 0x1000);
	p = parts_of("62 f1 7c 48 10 44 24 01"); /* vmovups 0x40(%rsp),%zmm0 */
	assert_true(p.vector && p.map == 1);
}

static const struct {
	const char *code;
	unsigned int writes; /* a bit a register; those that it may write */
	bool flags;
} effects[] = {
        {"ff cb", 1 << 3, true},                       /* dec %ebx */
        {"85 db", 0, true},                            /* test %ebx,%ebx */
        {"40 0f 94 c6", 1 << 6, false},                /* sete %sil */
        {"0f 94 c6", 1 << 2, false},                   /* sete %dh */
        {"48 8d 52 10", 1 << 2, false},                /* lea 0x10(%rdx),%rdx */
        {"48 89 c1", 1 << 1, false},                   /* mov %rax,%rcx */
        {"48 89 44 24 08", 0, false},                  /* mov %rax,0x8(%rsp) */
        {"41 b9 01 00 00 00", 1 << 1 | 1 << 9, false}, /* mov $1,%r9d: or %ecx */
        {"b9 01 00 00 00", 1 << 1, false},             /* mov $1,%ecx */
        {"48 83 f8 01", 0, true},                      /* cmp $1,%rax */
        {"48 83 c0 01", 1 << 0, true},                 /* add $1,%rax */
        {"f0 0f b1 0a", 1 << 0, true},                 /* lock cmpxchg %ecx,(%rdx) */
        {"f0 0f c1 5a 10", 1 << 3, true},              /* lock xadd %ebx,0x10(%rdx) */
        {"55", 1 << 4, false},                         /* push %rbp */
        {"0f 1f 44 00 00", 0, false},                  /* nopl */
        {"48 f7 eb", 1 << 0 | 1 << 2, true},           /* imul %rbx */
        {"f2 48 0f 2a c1", 0, false},                  /* cvtsi2sd %rcx,%xmm0 */
        {"e8 00 00 00 00", 0xffff, true},              /* call */
        {"c5 f8 77", 0xffff, true},                    /* vzeroupper: not known */
};

static void test_effects(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(effects) / sizeof(effects[0]); i++) {
		struct amd64_parts parts = parts_of(effects[i].code);
		unsigned int writes = 0;

		for (unsigned int reg = 0; reg < 16; reg++)
			writes |= (unsigned int)amd64_may_write(&parts, reg) << reg;
		if (writes != effects[i].writes)
			fail_msg("%s writes %#x", effects[i].code, writes);
		assert_int_equal(amd64_may_set_flags(&parts), effects[i].flags);
	}
}

static const struct {
	uint32_t word;
	enum arm64_kind kind;
	uint32_t writes; /* a bit a register that it may write; ANY: not asked */
	bool stores;
} arm64_words[] = {
#define ANY UINT32_MAX
        {0x88fbfc44, ARM64_ATOMIC, ANY, true},                 /* casal w27,w4,[x2] */
        {0xb8e40045, ARM64_ATOMIC, 1u << 5, true},             /* ldaddal w4,w5,[x2] */
        {0xf8e08041, ARM64_ATOMIC, 1u << 1, true},             /* swpal x0,x1,[x2] */
        {0x885ffc5b, ARM64_REFUSED, ANY, true},                /* ldaxr w27,[x2] */
        {0x881bfc44, ARM64_ATOMIC, ANY, true},                 /* stlxr w27,w4,[x2] */
        {0xc87f0c62, ARM64_REFUSED, ANY, true},                /* ldxp x2,x3,[x3] */
        {0x889ffc20, ARM64_ATOMIC, ANY, true},                 /* stlr w0,[x1] */
        {0x88dffc85, ARM64_REFUSED, ANY, true},                /* ldar w5,[x4] */
        {0xd503201f, ARM64_NOP, 0, false},                     /* nop */
        {0x36000103, ARM64_JCC, 0, false},                     /* tbz w3,#0 */
        {0xb5ffff9b, ARM64_JCC, 0, false},                     /* cbnz x27 */
        {0x54000749, ARM64_JCC, 0, false},                     /* b.ls */
        {0x14000009, ARM64_JMP, 0, false},                     /* b */
        {0x97ff6db0, ARM64_CALL, ANY, true},                   /* bl */
        {0xd61f0360, ARM64_INDIRECT, ANY, true},               /* br x27 */
        {0xd63f0000, ARM64_INDIRECT, ANY, true},               /* blr x0 */
        {0xd65f03c0, ARM64_END, ANY, false},                   /* ret */
        {0xd4200000, ARM64_END, ANY, false},                   /* brk */
        {0x00000000, ARM64_END, ANY, true},                    /* udf */
        {0xd53bd040, ARM64_REFUSED, ANY, true},                /* mrs x0,tpidr_el0 */
        {0x9100c002, ARM64_PLAIN, 1u << 2, false},             /* add x2,x0,#48 */
        {0xf000081b, ARM64_PLAIN, 1u << 27, false},            /* adrp x27 */
        {0x3965af63, ARM64_PLAIN, 1u << 3, false},             /* ldrb w3,[x27,#2411] */
        {0xf9000fe0, ARM64_PLAIN, 0, true},                    /* str x0,[sp,#24] */
        {0xf81d0ffe, ARM64_PLAIN, 1u << 31, true},             /* str x30,[sp,#-48]! */
        {0xf84307fe, ARM64_PLAIN, 1u << 31 | 1u << 30, false}, /* ldr x30,[sp],#48 */
        {0xa94087e0, ARM64_PLAIN, ANY, false},                 /* ldp x0,x1,[sp,#8] */
        {0xf8206841, ARM64_PLAIN, ANY, true},                  /* str x1,[x2,x0] */
        {0x6b03037f, ARM64_PLAIN, 1u << 31, false},            /* cmp w27,w3 */
        {0x9a9f17e5, ARM64_PLAIN, 1u << 5, false},             /* cset x5,eq */
};

static void test_arm64_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(arm64_words) / sizeof(arm64_words[0]); i++) {
		uint32_t word = arm64_words[i].word, writes = 0;

		for (unsigned int reg = 0; reg < 32; reg++)
			writes |= (uint32_t)arm64_may_write(word, reg) << reg;
		if (arm64_kind(word) != arm64_words[i].kind)
			fail_msg("%#x is of kind %d", word, arm64_kind(word));
		if (arm64_words[i].writes != ANY && writes != arm64_words[i].writes)
			fail_msg("%#x writes %#x", word, writes);
		if (arm64_may_store(word) != arm64_words[i].stores)
			fail_msg("%#x: stores", word);
	}
}

/* Code at 0x10000, and what is found at instruction `at` of it; the slow half of Lock is at
 * 0x20000. */
static bool arm64_find(struct arm64_function *f, const uint32_t *words, size_t count, size_t at,
                       struct order_site *site)
{
	struct order_slow_entries slow = {.entry = {[ORDER_SLOW_LOCK] = {0x20000}}};
	struct arm64_match match;

	*site = (struct order_site){0};
	assert_int_equal(arm64_function_decode(f, 0x10000, (const unsigned char *)words, 4 * count),
	                 0);
	if (!arm64_match_find(f, at, &slow, &match))
		return false;
	site->kind = arm64_match_kind(&match);
	return arm64_match_place(f, &match, 0, site);
}

/* A processor without LSE only, and one with it only. */
static void test_arm64_alone(void **state)
{
	static const uint32_t loop[] = {
	        0xd503201f, /* 00 nop */
	        0x885ffc5b, /* 04 ldaxr w27,[x2] */
	        0x6b03037f, /* 08 cmp w27,w3 */
	        0x54000061, /* 0c b.ne 18 */
	        0x881bfc44, /* 10 stlxr w27,w4,[x2] */
	        0xb5ffff9b, /* 14 cbnz x27,04 */
	        0x9a9f17e5, /* 18 cset x5,eq */
	        0x37000045, /* 1c tbnz w5,#0,24 */
	        0x94003ff8, /* 20 bl 20000 */
	        0xd65f03c0, /* 24 ret */
	};
	static const uint32_t lse[] = {
	        0x88fbfc44, /* 00 casal w27,w4,[x2] */
	        0x6b03037f, /* 04 cmp w27,w3 */
	        0x9a9f17e5, /* 08 cset x5,eq */
	        0x36000045, /* 0c tbz w5,#0,14: away from the slow half */
	        0x94003ffc, /* 10 bl 20000 */
	        0xd65f03c0, /* 14 ret */
	};
	struct arm64_function f = {0};
	struct order_site site;
	uint32_t other[10];

	(void)state;
	assert_true(arm64_find(&f, loop, 10, 4, &site));
	assert_int_equal(site.kind, ORDER_KIND_LOCK);
	assert_int_equal(site.addr, 0x1001c);
	assert_true(site.condition == ORDER_IF_BIT && site.tested == 5 && site.bit == 0);
	assert_true(site.object == ORDER_OBJECT_REGISTER && site.base == 2);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(f.instructions[i].exclusive, i >= 1 && i <= 5);
	/* What leads to the slow half is no success: an atomic, in front of which is a nop. */
	memcpy(other, loop, sizeof(loop));
	other[7] = 0x36000045;
	assert_true(arm64_find(&f, other, 10, 4, &site));
	assert_int_equal(site.kind, ORDER_KIND_ATOMIC_CAS);
	assert_true(site.addr == 0x10000 && site.place == ORDER_BEFORE);
	/* The result is not what the jump asks for. */
	memcpy(other, loop, sizeof(loop));
	other[7] = 0x37000046;
	assert_true(arm64_find(&f, other, 10, 4, &site));
	assert_int_equal(site.kind, ORDER_KIND_ATOMIC_CAS);
	assert_false(arm64_find(&f, lse, 6, 0, &site) && site.kind == ORDER_KIND_LOCK);
	memcpy(other, lse, sizeof(lse));
	other[3] = 0x37000045;
	assert_true(arm64_find(&f, other, 6, 0, &site));
	assert_int_equal(site.kind, ORDER_KIND_LOCK);
	assert_true(site.addr == 0x1000c && site.condition == ORDER_IF_BIT);
	arm64_function_free(&f);
}

/* Words that are loaded as data are no instructions, whatever they look like. */
static void test_arm64_data(void **state)
{
	static const uint32_t words[] = {
	        0x58000040, /* 00 ldr x0,08 */
	        0xd65f03c0, /* 04 ret */
	        0xb8e40045, /* 08 data: ldaddal w4,w5,[x2] */
	        0xd503201f, /* 0c data: nop */
	        0xb8e40045, /* 10 ldaddal w4,w5,[x2] */
	};
	struct arm64_function f = {0};
	struct order_site site;

	(void)state;
	assert_false(arm64_find(&f, words, 5, 4, &site));
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(f.instructions[i].kind, ARM64_END);
	assert_false(arm64_can_probe(&f, 2) || arm64_can_probe(&f, 3));
	assert_int_equal(f.instructions[4].kind, ARM64_ATOMIC);
	assert_int_equal(arm64_function_decode(&f, 0x10000, (const unsigned char *)words, 18),
	                 -EILSEQ);
	arm64_function_free(&f);
}

static void test_names(void **state)
{
	static const char *const atomic[] = {"sync/atomic.(*Int32).Add", "main.f"};
	static const char *const try_lock[] = {"internal/sync.(*Mutex).TryLock",
	                                       "sync.(*Mutex).TryLock", "main.f"};
	static const char *const readers[] = {"sync/atomic.(*Int32).CompareAndSwap",
	                                      "sync.(*RWMutex).TryRLock", "main.f"};
	static const char *const way[] = {"sync.(*Mutex).TryLock", "sync.(*RWMutex).TryLock"};
	static const char *const part[] = {"sync.(*copyChecker).check", "sync.(*Cond).Signal",
	                                   "main.f"};

	(void)state;
	assert_int_equal(order_names_meaning(atomic, 2), ORDER_MEANS_ATOMIC);
	assert_int_equal(order_names_meaning(try_lock, 3), ORDER_MEANS_TRYLOCK);
	assert_int_equal(order_names_meaning(readers, 3), ORDER_MEANS_TRYRLOCK);
	assert_int_equal(order_names_meaning(way, 2), ORDER_MEANS_NOTHING);
	assert_int_equal(order_names_meaning(way + 1, 1), ORDER_MEANS_RW_TRYLOCK);
	assert_int_equal(order_names_meaning(part, 3), ORDER_MEANS_NOTHING);
	/* A package's own path may begin like the runtime's. */
	assert_true(order_name_left_out("runtime.mallocgc"));
	assert_true(order_name_left_out("internal/runtime/atomic.Xadd"));
	assert_false(order_name_left_out("runtime/pprof.(*profileBuilder).addCPUData"));
	assert_false(order_name_left_out("go.uber.org/zap.(*Logger).check"));
	assert_false(order_name_left_out("go.(*struct { sync.Mutex }).Lock"));
}

/* ---- known functions ----------------------------------------------------------------- */

/* How many sites a function of tests/go/orders has of each kind, that of closures and of deferred
 * calls included. */
static const struct expected {
	const char *function;
	int first, last; /* releases */
	struct {
		enum order_kind kind;
		size_t count;
	} sites[3];
} expected[] = {
        {"main.lockGlobal", 17, 99, {{ORDER_KIND_LOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        {"main.lockField", 17, 99, {{ORDER_KIND_LOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        {"main.lockEmbedded", 17, 99, {{ORDER_KIND_LOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        /* before 1.22 a real call of Unlock */
        {"main.lockDeferred", 17, 21, {{ORDER_KIND_LOCK, 1}}},
        {"main.lockDeferred", 22, 99, {{ORDER_KIND_LOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        {"main.lockTwo", 17, 99, {{ORDER_KIND_LOCK, 2}, {ORDER_KIND_UNLOCK, 2}}},
        {"main.lockOfArray", 17, 99, {{ORDER_KIND_LOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        {"main.unlockEarly", 17, 99, {{ORDER_KIND_LOCK, 1}, {ORDER_KIND_UNLOCK, 2}}},
        {"main.readGlobal", 17, 99, {{ORDER_KIND_RLOCK, 1}, {ORDER_KIND_RUNLOCK, 1}}},
        {"main.readField", 17, 99, {{ORDER_KIND_RLOCK, 1}, {ORDER_KIND_RUNLOCK, 1}}},
        {"main.writeField", 17, 99, {{0}}}, /* calls */
        {"main.tryField", 17, 99, {{ORDER_KIND_TRYLOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        {"main.tryReader", 17, 99, {{ORDER_KIND_TRYRLOCK, 1}, {ORDER_KIND_RUNLOCK, 1}}},
        {"main.tryWriter", 17, 99, {{0}}},
        {"sync.(*RWMutex).TryLock", 17, 99, {{ORDER_KIND_TRYLOCK, 1}, {ORDER_KIND_UNLOCK, 1}}},
        {"main.lockInterface", 17, 99, {{0}}},
        {"sync.(*Mutex).Lock", 17, 99, {{ORDER_KIND_LOCK, 1}}},
        {"sync.(*Mutex).Unlock", 17, 99, {{ORDER_KIND_UNLOCK, 1}}},
        {"main.(*guarded[", 17, 99, {{ORDER_KIND_LOCK, 2}, {ORDER_KIND_UNLOCK, 2}}},
        {"main.addGlobal", 17, 99, {{ORDER_KIND_ATOMIC_ADD, 1}}},
        {"main.swapFlag", 17, 99, {{ORDER_KIND_ATOMIC_CAS, 1}}},
        {"main.storeFlag", 17, 99, {{ORDER_KIND_ATOMIC_STORE, 1}}},
        {"main.loadFlag", 17, 99, {{0}}},
        {"sync/atomic.AddInt64", 17, 99, {{ORDER_KIND_ATOMIC_ADD, 1}}},
        {"main.channels", 17, 99, {{0}}},
        {"main.groups", 17, 99, {{ORDER_KIND_LOCK, 2}, {ORDER_KIND_UNLOCK, 2}}},
        {"sync.(*RWMutex).Lock", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"sync.(*RWMutex).Unlock", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"sync.(*WaitGroup).Add", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"sync.(*WaitGroup).Wait", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"sync.(*Cond).Wait", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"sync.(*Pool).Get", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"sync.(*Pool).Put", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"runtime.chansend", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"runtime.chanrecv", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"runtime.closechan", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"runtime.selectgo", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"runtime.newproc", 17, 99, {{ORDER_KIND_FUNCTION, 2}}}, /* with its closure */
        {"runtime.ready", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"runtime.goexit0", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"time.goFunc", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"time.Sleep", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"internal/poll.(*fdMutex).rwlock", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"internal/poll.(*fdMutex).rwunlock", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
        {"internal/poll.(*FD).decref", 17, 99, {{ORDER_KIND_FUNCTION, 1}}},
};

/* Is it that function, or a closure in it? */
static bool is_of(const char *name, const char *function)
{
	size_t length = strlen(function);

	return strncmp(name, function, length) == 0 &&
	       (function[length - 1] == '[' || !name[length] || name[length] == '.');
}

static void expected_check(struct go_binary *binary, const struct order_plan *plan,
                           const struct expected *row, const char *fixture)
{
	size_t counts[ORDER_KIND_COUNT] = {0};

	for (size_t i = 0; i < plan->count; i++) {
		struct go_function function;

		assert_int_equal(go_binary_function_at(binary, plan->sites[i].addr, &function), 0);
		counts[plan->sites[i].kind] += is_of(function.name, row->function);
	}
	for (size_t i = 0; i < sizeof(row->sites) / sizeof(row->sites[0]); i++) {
		size_t *count = &counts[row->sites[i].kind];

		if (*count < row->sites[i].count)
			fail_msg("%s: %s has %zu of %s, not %zu", fixture, row->function, *count,
			         order_kind_words(row->sites[i].kind), row->sites[i].count);
		*count -= row->sites[i].count;
	}
	for (size_t k = 0; k < ORDER_KIND_COUNT; k++)
		if (counts[k])
			fail_msg("%s: %s has %zu more of %s", fixture, row->function, counts[k],
			         order_kind_words(k));
}

/* ---- all sites of a program ---------------------------------------------------------- */

static void complete_check(const struct order_plan *plan, const char *fixture)
{
	size_t calls = 0;

	for (size_t i = 0; i < ORDER_SLOW_COUNT; i++) {
		assert_int_equal(plan->explained[i], plan->calls[i]);
		calls += plan->calls[i];
	}
	assert_true(calls > 30);
	for (size_t i = 0; i < plan->missed_count && i < ORDER_MISSED_MAX; i++)
		print_message("%s: %s at %#lx: %s\n", fixture, plan->missed[i].what,
		              plan->missed[i].addr, plan->missed[i].why);
	assert_int_equal(plan->missed_count, 0);
	assert_int_equal(plan->undecoded, 0);
}

static bool is_emulated(enum order_instruction instruction)
{
	return instruction != ORDER_AT_STEPPED;
}

static bool is_told(const struct order_site *site, bool arm64)
{
	if (site->kind == ORDER_KIND_RLOCK)
		return arm64 ? site->condition == ORDER_IF_NOT_BIT && site->bit == 31
		             : site->condition == ORDER_IF_NOT_SF;
	return arm64 ? site->condition == ORDER_IF_BIT && site->bit == 0
	             : site->condition == ORDER_IF_ZF || site->condition == ORDER_IF_NOT_ZF;
}

/* What must hold of each, whatever the program. */
static void sites_check(struct go_binary *binary, const struct order_plan *plan)
{
	bool arm64 = go_binary_machine(binary) == EM_AARCH64;

	for (size_t i = 0; i < plan->count; i++) {
		const struct order_site *site = &plan->sites[i];
		bool lock = site->kind < ORDER_KIND_ATOMIC_ADD;

		assert_true(i == 0 || plan->sites[i - 1].addr <= site->addr);
		assert_true((int64_t)site->file_offset ==
		            go_binary_file_offset(binary, site->addr));
		/* Locks are cheap, and their address is known. */
		assert_true(!lock || is_emulated(site->instruction));
		assert_true(!lock || site->object != ORDER_OBJECT_NONE);
		assert_true(site->kind != ORDER_KIND_FUNCTION || is_emulated(site->instruction));
		if (site->kind == ORDER_KIND_LOCK || site->kind == ORDER_KIND_TRYLOCK ||
		    site->kind == ORDER_KIND_RLOCK)
			assert_true(is_told(site, arm64));
		assert_true(site->instruction != ORDER_AT_CALL || site->place == ORDER_AFTER ||
		            site->function == ORDER_CHILD);
	}
}

static const struct order_site *site_at(const struct order_plan *plan, uint64_t addr)
{
	size_t low = 0, high = plan->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (plan->sites[middle].addr < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low < plan->count && plan->sites[low].addr == addr ? &plan->sites[low] : NULL;
}

/* One line of objdump: an instruction of a site is what the site says, and each atomic instruction
 * outside of the runtime is that of some site, or known to be none. */
static bool line_check(const struct order_plan *plan, const char *line)
{
	static const char *const mnemonics[] = {
	        [ORDER_AT_JCC] = "j",   [ORDER_AT_NOP] = "nop",   [ORDER_AT_PUSH] = "push",
	        [ORDER_AT_JMP] = "jmp", [ORDER_AT_CALL] = "call", [ORDER_AT_STEPPED] = "",
	};
	const struct order_site *site;
	char mnemonic[32];
	uint64_t addr;

	if (sscanf(line, " %lx: %31s", &addr, mnemonic) != 2)
		return false;
	site = site_at(plan, addr);
	if (!site)
		return false;
	if (strncmp(mnemonic, mnemonics[site->instruction], strlen(mnemonics[site->instruction])) !=
	            0 ||
	    strcmp(mnemonic, "lock") == 0)
		fail_msg("at %#lx objdump says: %s", addr, line);
	return true;
}

static void disassembly_check(const char *fixture, const struct order_plan *plan)
{
	char command[512];
	char line[512];
	size_t found = 0, distinct = 0;

	snprintf(command, sizeof(command), "objdump -d --no-show-raw-insn -j .text %s", fixture);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe))
		found += line_check(plan, line);
	assert_int_equal(pclose(pipe), 0);
	for (size_t i = 0; i < plan->count; i++)
		distinct += i == 0 || plan->sites[i].addr != plan->sites[i - 1].addr;
	assert_int_equal(found, distinct);
}

/* One line of go tool objdump: what is probed is no exclusive access and lies in none. within: from
 * a load-exclusive on. */
static bool arm64_line_check(const struct order_plan *plan, const char *line, bool *within)
{
	uint64_t addr;
	char mnemonic[32], word[16];
	bool site;

	if (sscanf(line, " %*s 0x%lx %15s %31s", &addr, word, mnemonic) != 3)
		return false;
	site = site_at(plan, addr);
	if (strncmp(mnemonic, "LDAXR", 5) == 0 || strncmp(mnemonic, "LDXR", 4) == 0)
		*within = true;
	if (site && (*within || strncmp(mnemonic, "LDAR", 4) == 0 ||
	             strncmp(mnemonic, "STLR", 4) == 0 || strcmp(mnemonic, "?") == 0))
		fail_msg("at %#lx objdump says: %s", addr, line);
	/* the jump behind it, too */
	if (strncmp(mnemonic, "CBNZ", 4) == 0 || strcmp(mnemonic, "RET") == 0)
		*within = false;
	return site;
}

static void arm64_disassembly_check(const struct go_release *release, const char *fixture,
                                    const struct order_plan *plan)
{
	char command[1024], line[512];
	size_t found = 0, distinct = 0;
	bool within = false;

	snprintf(command, sizeof(command), "'%s' tool objdump %s", release->go, fixture);
	FILE *pipe = popen(command, "r");
	assert_non_null(pipe);
	while (fgets(line, sizeof(line), pipe))
		found += arm64_line_check(plan, line, &within);
	assert_int_equal(pclose(pipe), 0);
	for (size_t i = 0; i < plan->count; i++)
		distinct += i == 0 || plan->sites[i].addr != plan->sites[i - 1].addr;
	assert_int_equal(found, distinct);
}

static void program_check(const struct go_release *release, const struct go_variant *variant)
{
	char fixture[FIXTURE_PATH];
	struct go_binary *binary;
	struct order_plan plan;
	struct error err = {""};

	assert_true(fixture_build(release, variant, "orders", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
	if (order_plan_make(binary, &plan, &err))
		fail_msg("%s: %s", fixture, err.text);
	complete_check(&plan, fixture);
	sites_check(binary, &plan);
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		if (release->minor >= expected[i].first && release->minor <= expected[i].last)
			expected_check(binary, &plan, &expected[i], fixture);
	if (variant == &go_variants[0])
		disassembly_check(fixture, &plan);
	/* later ones build that tool first, which takes a minute */
	if (variant->arm64 && !variant->stripped && release->minor < 25)
		arm64_disassembly_check(release, fixture, &plan);
	order_plan_free(&plan);
	go_binary_close(binary);
}

static void test_programs(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++)
		for (size_t k = 0; k < GO_VARIANTS; k++)
			program_check(&releases[i], &go_variants[k]);
}

static void test_ledgerd(void **state)
{
	(void)state;
	for (size_t i = 0; i < release_count; i++) {
		char fixture[FIXTURE_PATH];
		struct go_binary *binary;
		struct order_plan plan;
		struct error err = {""};

		assert_true(fixture_build(&releases[i], go_variant_find("pie-stripped"), "ledgerd",
		                          fixture));
		assert_int_equal(go_binary_open(fixture, &binary, &err), 0);
		assert_int_equal(order_plan_make(binary, &plan, &err), 0);
		complete_check(&plan, fixture);
		sites_check(binary, &plan);
		assert_true(plan.count > 200 && plan.count < 400);
		order_plan_free(&plan);
		go_binary_close(binary);
	}
}

/* ---- code that is not what it should be ---------------------------------------------- */

struct damage {
	const char *variant, *function;
	const char *from, *to; /* bytes, of the same number */
};

/* Opens the program with those bytes of a function replaced, the first time that they occur. */
static struct go_binary *damaged_open(const struct damage *damage, const char *path)
{
	char fixture[FIXTURE_PATH];
	unsigned char from[16], to[16];
	size_t size, length = code_make(damage->from, from);
	struct go_binary *binary;
	struct go_function function;
	unsigned char *bytes;

	assert_true(
	        fixture_build(&releases[0], go_variant_find(damage->variant), "orders", fixture));
	assert_int_equal(go_binary_open(fixture, &binary, NULL), 0);
	assert_int_equal(go_binary_function_find(binary, damage->function, &function), 0);
	bytes = file_read(fixture, &size);
	code_make(damage->to, to);
	unsigned char *code = bytes + go_binary_file_offset(binary, function.entry);
	unsigned char *at = memmem(code, function.end - function.entry, from, length);
	assert_non_null(at);
	memcpy(at, to, length);
	assert_true(file_write(path, bytes, size));
	free(bytes);
	go_binary_close(binary);
	assert_int_equal(go_binary_open(path, &binary, NULL), 0);
	return binary;
}

static void test_damaged(void **state)
{
	/* an opcode that 64-bit mode does not have; no atomic; no jump on the result; arm64: no
	 * casal; a loop that ends otherwise; a result that says the opposite */
	static const struct damage damages[] = {
	        {"exe", "main.lockField", "f0 0f b1", "06 0f b1"},
	        {"exe", "main.lockField", "f0 0f c1", "90 0f c1"},
	        {"exe", "main.lockField", "0f 94", "0f 95"},
	        {"arm64", "main.lockField", "44 fc fb 88", "1f 20 03 d5"},
	        {"arm64", "main.lockField", "9b ff ff b5", "9b ff ff b4"},
	        {"arm64", "main.lockField", "e5 17 9f 9a", "e5 07 9f 9a"},
	};
	static const char *const words[] = {"could not be decoded", "slow half without",
	                                    "slow half without",    "slow half without",
	                                    "slow half without",    "slow half without"};
	char path[] = "/tmp/gomaptop-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct go_binary *binary = damaged_open(&damages[i], path);
		struct order_plan plan;

		assert_int_equal(order_plan_make(binary, &plan, NULL), 0);
		assert_int_equal(plan.missed_count, 1);
		if (!strstr(plan.missed[0].why, words[i]))
			fail_msg("%s: %s", damages[i].to, plan.missed[0].why);
		assert_int_equal(plan.undecoded, i == 0);
		order_plan_free(&plan);
		go_binary_close(binary);
	}
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_parts),       cmocka_unit_test(test_effects),
	        cmocka_unit_test(test_arm64_words), cmocka_unit_test(test_arm64_alone),
	        cmocka_unit_test(test_arm64_data),  cmocka_unit_test(test_names),
	        cmocka_unit_test(test_programs),    cmocka_unit_test(test_ledgerd),
	        cmocka_unit_test(test_damaged),
	};
	release_count = go_releases(releases);
	if (release_count < 2) {
		fprintf(stderr, "needs two Go releases; run tests/go/fetch-toolchains\n");
		return 1;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
