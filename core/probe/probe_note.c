/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <string.h>

#include "core/probe/probe_note.h"

#define SWISS_FIRST 24 /* the release with which Swiss maps came */

struct note {
	struct probe_note text;
	int minor_first, minor_last; /* releases; 0: no limit */
	const char *without;         /* does not apply when the version names this experiment */
};

static const struct note notes[] = {
        {{"len(m), m == nil", "compiled to a load, no function of the runtime is called"}, 0, 0, 0},
        {{"reads, deletes and ranges on a nil map",
          "there is no map that they touch; they are counted as filtered"},
         0,
         0,
         0},
        {{"what a write does to make the map grow", "part of that write"}, 0, 0, 0},
        {{"the copy that maps.Clone makes",
          "nobody else has it yet; the clone counts as one read of its source"},
         21,
         0,
         0},
        {{"sync.Map", "made of a hash trie from Go 1.24 on, it uses no map"},
         SWISS_FIRST,
         0,
         "nosynchashtriemap"},
        {{"maps of the runtime used on a scheduler's stack",
          "no goroutine of the program does that; they are counted as filtered"},
         0,
         0,
         0},
        {{"code that walks a map's memory by itself (unsafe)",
          "it calls no function of the runtime"},
         0,
         0,
         0},
};
#define NOTES (sizeof(notes) / sizeof(notes[0]))

_Static_assert(NOTES <= PROBE_NOTES_MAX, "a plan has room for all notes");

void probe_notes_find(const struct go_binary *binary, struct probe_plan *plan)
{
	int minor = go_binary_minor(binary);

	plan->unseen_count = 0;
	for (size_t i = 0; i < NOTES; i++) {
		const struct note *note = &notes[i];
		bool applies = minor >= note->minor_first &&
		               (!note->minor_last || minor <= note->minor_last);

		if (note->without && strstr(go_binary_version(binary), note->without))
			applies = false;
		if (applies)
			plan->unseen[plan->unseen_count++] = &note->text;
	}
}
