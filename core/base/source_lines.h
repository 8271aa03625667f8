/* SPDX-License-Identifier: MIT */
/*
 * source_lines: a few lines of a program's source around one of them, or why there are none.
 */
#ifndef GOMAPTOP_CORE_SOURCE_LINES_H
#define GOMAPTOP_CORE_SOURCE_LINES_H

#define SOURCE_LINES_MAX  7
#define SOURCE_LINE_BYTES 512

struct source_lines {
	int count;  /* 0: none; then `missing` says why */
	int first;  /* number of the first one */
	int marked; /* index of the line that was asked for */
	/* Tabs are blanks, indentation common to all is left out; not sanitized. */
	char text[SOURCE_LINES_MAX][SOURCE_LINE_BYTES];
	char missing[SOURCE_LINE_BYTES]; /* not sanitized */
};

#endif
