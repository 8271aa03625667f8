/* SPDX-License-Identifier: MIT */
/*
 * source_text: the program's source around a map operation, where its file is at hand.
 *
 * Source paths are those of the machine that built the program, so most often there is nothing;
 * they are looked for in the folders of --source-dir, under the root of the process (a container's)
 * and here. What is found is remembered. Only regular files of bounded size are read; those outside
 * of the folders that the user named only where the process's own user may read them.
 *
 * A file that was changed after the program was built is not shown, nor is a line on which no map
 * operation can stand: better no text than another one. The screen's thread.
 */
#ifndef GOMAPTOP_TUI_SOURCE_TEXT_H
#define GOMAPTOP_TUI_SOURCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/source_lines.h"
#include "core/go/frame.h"

/* Remember whose rights this process has and how old its program is, for the time after its end.
 * Cheap when it is known. */
void source_text_know(uint32_t tgid);

/* Files whose path begins with `from` lie in the folder `to` (--source-dir). Both are borrowed for
 * good. False: there are too many. */
bool source_text_folder(const char *from, const char *to);

/* The line of a frame that holds a map operation, without its indentation, not sanitized; NULL: not
 * to be had. Valid until another line is asked for. */
const char *source_text_line(uint32_t tgid, const struct frame *frame);

/* The same with the lines around it, or why there is nothing. */
void source_text_around(uint32_t tgid, const struct frame *frame, struct source_lines *out);

/* Copy a line without the comment behind it; returns the length. */
size_t source_text_code(const char *line, char *out, size_t size);

#endif
