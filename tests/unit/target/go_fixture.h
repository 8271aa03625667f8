/* SPDX-License-Identifier: MIT */
/*
 * go_fixture: real Go executables for tests, built by the releases that are at hand.
 *
 * Programs are built from tests/go into build/fixtures and kept; a fixture is built again when its
 * sources are newer. Tests run from the top folder.
 */
#ifndef GOMAPTOP_TESTS_UNIT_GO_FIXTURE_H
#define GOMAPTOP_TESTS_UNIT_GO_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GO_RELEASES_MAX 16
#define FIXTURE_PATH    256

struct go_release {
	char name[16]; /* "1.24" */
	int minor;
	char go[512]; /* the go command */
};

struct go_variant {
	const char *name, *environment, *flags;
	bool stripped, pie, arm64;
};

static const struct go_variant go_variants[] = {
        {"exe", "CGO_ENABLED=0", "", false, false, false},
        {"stripped", "CGO_ENABLED=0", "-ldflags='-s -w'", true, false, false},
        {"pie", "CGO_ENABLED=0", "-buildmode=pie", false, true, false},
        {"pie-stripped", "CGO_ENABLED=0", "-buildmode=pie -ldflags='-s -w'", true, true, false},
        {"external", "CGO_ENABLED=1", "-ldflags=-linkmode=external", false, false, false},
        {"external-pie-stripped", "CGO_ENABLED=1",
         "-buildmode=pie -ldflags='-linkmode=external -s -w'", true, true, false},
        {"arm64", "CGO_ENABLED=0 GOARCH=arm64", "", false, false, true},
        {"arm64-pie-stripped", "CGO_ENABLED=0 GOARCH=arm64", "-buildmode=pie -ldflags='-s -w'",
         true, true, true},
};
#define GO_VARIANTS (sizeof(go_variants) / sizeof(go_variants[0]))

static inline const struct go_variant *go_variant_find(const char *name)
{
	for (size_t i = 0; i < GO_VARIANTS; i++)
		if (strcmp(go_variants[i].name, name) == 0)
			return &go_variants[i];
	abort();
}

static inline size_t go_releases_read(const char *command, struct go_release *out)
{
	FILE *pipe = popen(command, "r");
	size_t count = 0;

	while (pipe && count < GO_RELEASES_MAX &&
	       fscanf(pipe, "%15s %511s", out[count].name, out[count].go) == 2) {
		out[count].minor = atoi(out[count].name + 2);
		count++;
	}
	if (pipe)
		pclose(pipe);
	return count;
}

/* 1.19 and 1.24, fetched when they are missing; with GOMAPTOP_RELEASES=all every release at hand
 * (make test-matrix sees to it that those are many). */
static inline size_t go_releases(struct go_release *out)
{
	const char *which = getenv("GOMAPTOP_RELEASES");
	bool all = which && strcmp(which, "all") == 0;

	return go_releases_read(
	        all ? "tests/go/fetch-toolchains --list" : "tests/go/fetch-toolchains", out);
}

static inline bool fixture_fresh(const char *path, const char *program)
{
	char command[1024];

	snprintf(command, sizeof(command),
	         "test -x %s && test -z \"$(find tests/go/%s -newer %s -print -quit)\"", path,
	         program, path);
	return system(command) == 0; /* NOLINT: test code, fixed words */
}

/* Build (or find) a fixture; its path in out. False: this release cannot build it here. */
static inline bool fixture_build(const struct go_release *release, const struct go_variant *variant,
                                 const char *program, char out[FIXTURE_PATH])
{
	char command[2048];

	snprintf(out, FIXTURE_PATH, "build/fixtures/%.60s-%.16s-%.60s", program, release->name,
	         variant->name);
	if (fixture_fresh(out, program))
		return true;
	/* Built beside and renamed: another test may run the old one right now. */
	snprintf(command, sizeof(command),
	         "mkdir -p build/fixtures && cd tests/go && env %s GOTOOLCHAIN=local "
	         "GOFLAGS=-mod=mod "
	         "'%s' build %s -o ../../%s.%d ./%s && mv ../../%s.%d ../../%s",
	         variant->environment, release->go, variant->flags, out, getpid(), program, out,
	         getpid(), out);
	return system(command) == 0; /* NOLINT */
}

/* The whole file; the caller frees it. A test that cannot have it ends there. */
static inline unsigned char *file_read(const char *path, size_t *size)
{
	struct stat st;
	FILE *file = fopen(path, "rb");

	if (!file || fstat(fileno(file), &st))
		abort();
	unsigned char *bytes = malloc((size_t)st.st_size);
	if (!bytes || fread(bytes, 1, (size_t)st.st_size, file) != (size_t)st.st_size)
		abort();
	fclose(file);
	*size = (size_t)st.st_size;
	return bytes;
}

static inline bool file_write(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool ok = file && fwrite(bytes, 1, size, file) == size;

	return file && fclose(file) == 0 && ok;
}

#endif
