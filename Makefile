# SPDX-License-Identifier: MIT
#
# gomaptop: `make help` says what there is.

VERSION := 0.1.0

CC           ?= cc
CLANG        ?= clang
CLANG_FORMAT ?= clang-format
CLANG_TIDY   ?= clang-tidy
PYTHON       ?= /usr/bin/python3
PREFIX       ?= /usr/local

# Not every user has /usr/sbin in PATH, where Debian keeps bpftool.
BPFTOOL ?= $(or $(shell PATH="$$PATH:/usr/sbin:/sbin" command -v bpftool),bpftool)

# SAN=address,undefined or SAN=thread: the same targets, built with sanitizers in a folder of
# their own, so that switching costs no rebuild.
SAN   ?=
comma := ,

# ARCH=arm64: built by Debian's cross compiler into build/arm64, with the libraries of
# tests/kernels/fetch-sysroot. Empty: for this machine.
ARCH  ?=
GEN   := build$(if $(ARCH),/$(ARCH))
BUILD := $(GEN)$(if $(SAN),/san-$(subst $(comma),-,$(SAN)))

ifneq ($(ARCH),)
ifneq ($(ARCH),arm64)
$(error ARCH=$(ARCH) is not known: arm64, or nothing)
endif
CC      := aarch64-linux-gnu-gcc
SYSROOT := $(or $(shell tests/kernels/fetch-sysroot),$(error no libraries for arm64))
TARGET  := --sysroot=$(SYSROOT)
PKG_CONFIG := PKG_CONFIG_SYSROOT_DIR=$(SYSROOT) \
              PKG_CONFIG_LIBDIR=$(SYSROOT)/usr/lib/aarch64-linux-gnu/pkgconfig pkg-config
endif
PKG_CONFIG ?= pkg-config

PKGS     := libbpf zlib libunwind-generic ncursesw jansson libmicrohttpd
WARNINGS := -Wall -Wextra -Werror
CPPFLAGS += -DGOMAPTOP_VERSION='"$(VERSION)"' -I. -I$(GEN)
CFLAGS   ?= -O2 -g
override CFLAGS += $(TARGET) -std=gnu11 $(WARNINGS) -pthread -fno-omit-frame-pointer \
                   $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
# Asked once, and only when something is compiled: `make deps` must work before pkg-config is there.
PKG_CFLAGS = $(eval PKG_CFLAGS := $$(shell $(PKG_CONFIG) --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $$(shell $(PKG_CONFIG) --libs $(PKGS)))$(PKG_LIBS)

# One short line for each file that is made, so that warnings stand out; V=1 shows the commands.
V  ?=
say = $(if $(V),,@printf '  %-8s %s\n' $(1) $@;)

# ---- sources, by wildcard: a new file needs no line here ---------------------------------------

# Files with a main() of their own: every other file of a floor, in whatever room, belongs to its
# library.
PROGRAMS := tui/app/main.c tui/app/gen_docs.c
CORE_SRC := $(wildcard core/*/*.c)
BPF_SRC  := $(filter-out %.bpf.c,$(wildcard bpf/*/*.c))
TUI_SRC  := $(filter-out $(PROGRAMS),$(wildcard tui/*/*.c))
UNIT_SRC := $(wildcard tests/unit/*/test_*.c tests/unit/*/stress_*.c tests/bpf/test_*.c \
                       tests/fuzz/test_*.c)
SYNTHETIC_SRC := $(wildcard tests/synthetic/*.c)
FUZZ_SRC := $(filter-out tests/fuzz/fuzz_main.c,$(wildcard tests/fuzz/fuzz_*.c))
AID_SRC  := $(wildcard tests/screen/*.c)
BENCH_SRC := $(wildcard tests/bench/bench_*.c)

objects = $(patsubst %.c,$(BUILD)/%.o,$(1))
LIBS      := $(BUILD)/libtui.a $(BUILD)/libbpfside.a $(BUILD)/libcore.a
TEST_LIBS := $(BUILD)/libsynthetic.a $(LIBS)
GOMAPTOP  := $(if $(SAN)$(ARCH),$(BUILD)/gomaptop,gomaptop)
UNIT      := $(patsubst %.c,$(BUILD)/%,$(UNIT_SRC))
AIDS      := $(patsubst %.c,$(BUILD)/%,$(AID_SRC))
BENCHES   := $(patsubst %.c,$(BUILD)/%,$(BENCH_SRC))
FAULT     := $(BUILD)/tests/live/fault.so
DOCS      := $(if $(SAN)$(ARCH),,build/gomaptop.1 build/gomaptop.bash build/gomaptop.fish \
             build/gomaptop.zsh)
SKELETON  := $(GEN)/gomaptop.skel.h

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests help deps demo screenshots test check check-unit check-screen live test-matrix fuzz bench \
        lint install uninstall clean

all: $(GOMAPTOP) $(DOCS) ## build ./gomaptop, its man page and its completions (the default)

tests: $(UNIT) $(if $(SAN),,$(AIDS) $(FAULT))

# Preloaded by a test: makes one call of a program fail.
$(FAULT): tests/live/fault.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CFLAGS) -shared -fPIC -o $@ $< -ldl

# ---- the BPF side: compiled once, embedded in the binary ---------------------------------------

MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_ARCH  := $(or $(ARCH),$(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m))))

$(GEN)/gomaptop.bpf.o: bpf/kern/gomaptop.bpf.c Makefile
	@mkdir -p $(@D)
	$(call say,BPF)$(CLANG) -O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_$(BPF_ARCH) $(WARNINGS) -I. \
	        $(if $(MULTIARCH),-I$(SYSROOT)/usr/include/$(MULTIARCH)) -MMD -MP -c $< -o $@

$(SKELETON): $(GEN)/gomaptop.bpf.o
	$(call say,SKELETON){ echo '/* NOLINTBEGIN: generated */' && $(BPFTOOL) gen skeleton $< name gomaptop && \
	  echo '/* NOLINTEND */'; } > $@

# ---- user space ----------------------------------------------------------------------------------

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS) $(CFLAGS) $(PKG_CFLAGS) -MMD -MP -c $< -o $@

# The skeleton must be there before any file that may include it is compiled.
$(call objects,$(BPF_SRC) tui/app/main.c $(wildcard tests/bpf/*.c) $(BENCH_SRC)): | $(SKELETON)

$(BUILD)/libcore.a: $(call objects,$(CORE_SRC))
$(BUILD)/libbpfside.a: $(call objects,$(BPF_SRC))
$(BUILD)/libtui.a: $(call objects,$(TUI_SRC))
$(BUILD)/libsynthetic.a: $(call objects,$(SYNTHETIC_SRC))
$(BUILD)/%.a:
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

LINK = $(CC) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) $(filter %.a,$^) \
       $(PKG_LIBS) -lm

$(GOMAPTOP): $(BUILD)/tui/app/main.o $(LIBS)
	$(call say,LINK)$(LINK)

$(UNIT) $(AIDS): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIBS)
	$(call say,LINK)$(LINK) -lcmocka

$(BUILD)/tests/fuzz/test_regressions $(BUILD)/tests/fuzz/test_mutated: $(call objects,$(FUZZ_SRC) tests/fuzz/fuzz.c)

$(BENCHES): $(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIBS)
	$(call say,LINK)$(LINK) -lck

-include $(patsubst %.c,$(BUILD)/%.d,$(CORE_SRC) $(BPF_SRC) $(TUI_SRC) $(PROGRAMS) $(UNIT_SRC) \
                                     $(AID_SRC) $(BENCH_SRC) $(SYNTHETIC_SRC)) \
         $(GEN)/gomaptop.bpf.d

.PHONY: arm64 test-arm64 test-kernels
test-kernels: ## boot Debian's amd64 kernels under emulation and find conflicts there (two minutes)
test-kernels: $(GOMAPTOP)
	@tests/install_packages test-kernels
	@$(PYTHON) tests/kernels/run.py amd64-bookworm amd64-trixie

arm64: ## build build/arm64/gomaptop with Debian's cross compiler
	@tests/install_packages build arm64
	@$(MAKE) --no-print-directory ARCH=arm64 all

test-arm64: ## the same on arm64 kernels (ten minutes; not in test)
	@tests/install_packages build arm64 test-kernels test-arm64
	@$(MAKE) --no-print-directory ARCH=arm64 all
	@$(PYTHON) tests/kernels/run.py arm64-bookworm arm64-trixie

# ---- documents from the same tables that the program is made from -------------------------------

$(BUILD)/gen_docs: $(BUILD)/tui/app/gen_docs.o $(LIBS)
	$(call say,LINK)$(LINK)

$(BUILD)/gomaptop.1: $(BUILD)/gen_docs tui/app/gomaptop.1.in
	$(call say,DOC)$(BUILD)/gen_docs tui/app/gomaptop.1.in > $@

$(BUILD)/gomaptop.%: $(BUILD)/gen_docs tui/app/completion.%.in
	$(call say,DOC)$(BUILD)/gen_docs tui/app/completion.$*.in > $@

# ---- checks ----------------------------------------------------------------------------------------

RUN = BUILD=$(BUILD) GOMAPTOP=$(GOMAPTOP) $(PYTHON) tests/run.py $(if $(SAN),--san $(SAN))

check: ## unit, screen and BPF-logic tests; SAN=address,undefined or SAN=thread: unit tests sanitized
check: $(if $(SAN),,$(GOMAPTOP) $(DOCS)) tests
	@$(RUN) $(UNIT) $(if $(SAN),,$(wildcard tests/unit/*/check_*.py) $(wildcard tests/screen/test_*.py))

live: ## tests on live Go processes with real probes (needs root)
live: $(GOMAPTOP) $(FAULT)
	@GOMAPTOP=./$(GOMAPTOP) $(PYTHON) tests/live/run.py $(LIVE_ARGS) || [ $$? -eq 77 ]

test-matrix: ## every Go release, stripped and not, and published programs; MATRIX_ARGS=--quick
test-matrix: $(GOMAPTOP) tests
	@BUILD=$(BUILD) GOMAPTOP=./$(GOMAPTOP) $(PYTHON) tests/live/matrix.py $(MATRIX_ARGS) || \
	 [ $$? -eq 77 ]

test: ## everything: deps, build, lint, check (also under both sanitizers), fuzz, live, matrix, kernels
	@tests/run_all "$(MAKE)"

lint: $(SKELETON) ## style and rooms: includes, formatting, clang-tidy, shellcheck, headers
	@CC="$(CC)" CLANG="$(CLANG)" CLANG_FORMAT="$(CLANG_FORMAT)" CLANG_TIDY="$(CLANG_TIDY)" \
	 PYTHON="$(PYTHON)" MULTIARCH="$(MULTIARCH)" BPF_ARCH="$(BPF_ARCH)" tests/lint/run

# ---- fuzzing: the readers of executables, built by clang with libFuzzer ---------------------------

FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZERS    := $(patsubst %,build/fuzz/fuzz_%,$(FUZZ_NAMES))
FUZZ_FLAGS := -O1 -g -std=gnu11 $(WARNINGS) -pthread -fno-omit-frame-pointer \
              -fno-sanitize-recover=all -fsanitize=address,undefined

build/fuzz/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CLANG) $(CPPFLAGS) $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link $(PKG_CFLAGS) -MMD -MP -c $< -o $@

build/fuzz/tests/fuzz/main_%.o: tests/fuzz/fuzz_main.c tests/fuzz/fuzz.h Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CLANG) $(CPPFLAGS) -DFUZZ_TARGET=fuzz_$* $(FUZZ_FLAGS) -c $< -o $@

build/fuzz/fuzz_%: build/fuzz/tests/fuzz/main_%.o build/fuzz/tests/fuzz/fuzz_%.o \
                   build/fuzz/tests/fuzz/fuzz.o $(patsubst %.c,build/fuzz/%.o,$(CORE_SRC))
	$(call say,LINK)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -Wl,--gc-sections -o $@ $^ $(PKG_LIBS) -lm

-include $(patsubst %.c,build/fuzz/%.d,$(CORE_SRC) $(FUZZ_SRC) tests/fuzz/fuzz.c)

fuzz: $(FUZZERS) ## fuzz the readers of executables, FUZZ_SECONDS=30 each
	@FUZZ_SECONDS=$(FUZZ_SECONDS) $(PYTHON) tests/fuzz/run.py $(FUZZERS)

bench: ## benchmarks in one table, beside what they compete with; BENCH_ARGS=--quick (needs root)
	@tests/install_packages build demo test bench
	@$(MAKE) --no-print-directory all $(BENCHES)
	@BUILD=$(BUILD) GOMAPTOP=./$(GOMAPTOP) $(PYTHON) tests/bench/run.py $(BENCH_ARGS)

# ---- doors -----------------------------------------------------------------------------------------

demo: ## watch a Go service with a planted fault: everything from install to screen
	@tests/install_packages build demo
	@$(MAKE) --no-print-directory all
	@tests/live/demo

screenshots: ## pictures and texts of the screen on the demo's service, for the README
	@tests/install_packages build demo test
	@$(MAKE) --no-print-directory all
	@$(PYTHON) tests/live/screenshots.py

deps: ## install the Debian packages that are missing (tests/packages lists them)
	@tests/install_packages build demo test

BINDIR  := $(PREFIX)/bin
SHARE   := $(PREFIX)/share
INSTALL ?= install

install: all ## binary, man page, completions, JSON schemas; honours PREFIX and DESTDIR
	$(INSTALL) -D -m 755 gomaptop '$(DESTDIR)$(BINDIR)/gomaptop'
	$(INSTALL) -D -m 644 build/gomaptop.1 '$(DESTDIR)$(SHARE)/man/man1/gomaptop.1'
	$(INSTALL) -D -m 644 build/gomaptop.bash \
	        '$(DESTDIR)$(SHARE)/bash-completion/completions/gomaptop'
	$(INSTALL) -D -m 644 build/gomaptop.fish \
	        '$(DESTDIR)$(SHARE)/fish/vendor_completions.d/gomaptop.fish'
	$(INSTALL) -D -m 644 build/gomaptop.zsh \
	        '$(DESTDIR)$(SHARE)/zsh/vendor-completions/_gomaptop'
	$(INSTALL) -D -m 644 core/report/snapshot.schema.json \
	        '$(DESTDIR)$(SHARE)/gomaptop/snapshot.schema.json'
	$(INSTALL) -D -m 644 core/report/event.schema.json \
	        '$(DESTDIR)$(SHARE)/gomaptop/event.schema.json'
	$(INSTALL) -D -m 644 tui/check/check.schema.json \
	        '$(DESTDIR)$(SHARE)/gomaptop/check.schema.json'

uninstall: ## take away what install put there
	rm -f '$(DESTDIR)$(BINDIR)/gomaptop' '$(DESTDIR)$(SHARE)/man/man1/gomaptop.1' \
	      '$(DESTDIR)$(SHARE)/bash-completion/completions/gomaptop' \
	      '$(DESTDIR)$(SHARE)/fish/vendor_completions.d/gomaptop.fish' \
	      '$(DESTDIR)$(SHARE)/zsh/vendor-completions/_gomaptop' \
	      '$(DESTDIR)$(SHARE)/gomaptop/snapshot.schema.json' \
	      '$(DESTDIR)$(SHARE)/gomaptop/event.schema.json' \
	      '$(DESTDIR)$(SHARE)/gomaptop/check.schema.json'

clean: ## remove what was built
	rm -rf build gomaptop

help: ## this list
	@echo 'gomaptop $(VERSION): concurrent map conflicts in running Go processes'
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
