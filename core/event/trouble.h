/* SPDX-License-Identifier: MIT */
/*
 * trouble: why no probe is in place although the budget would allow it.
 *
 * Declared once: the number in events, the name in JSON and metrics, the words for people.
 */
#ifndef GOMAPTOP_CORE_TROUBLE_H
#define GOMAPTOP_CORE_TROUBLE_H

/* Identifier, name, words that go on after "no probe is in place: ", at most 78 columns. */
#define TROUBLES(X)                                                                     \
	X(NONE, "", "")                                                                 \
	X(COST_UNKNOWN, "cost_unknown",                                                 \
	  "the kernel does not say what they cost; if it lasts, start with --verbose")  \
	X(KEEPER_GONE, "keeper_gone",                                                   \
	  "their process was killed and does not start again; free memory and pids")    \
	X(FILE_WRITTEN, "file_written",                                                 \
	  "the executable is open for writing; they go in when that has ended")         \
	X(FILE_STALE, "file_stale", "the executable was written over; watch it again")  \
	X(FILE_IDLE, "file_idle",                                                       \
	  "no process runs the file, which cannot be leased; they go in when one does") \
	X(FILE_CROWDED, "file_crowded",                                                 \
	  "over 16 processes run the file, which cannot be leased; use -p")

enum trouble {
#define X(id, name, words) TROUBLE_##id,
	TROUBLES(X)
#undef X
	        TROUBLE_COUNT
};

const char *trouble_name(enum trouble trouble);  /* "cost_unknown"; "" for none and for nonsense */
const char *trouble_words(enum trouble trouble); /* likewise */

#endif
