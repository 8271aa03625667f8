/* SPDX-License-Identifier: MIT */
/*
 * spare_folder: where a file goes for which no place was named.
 *
 * What was found must not be lost because the folder that gomaptop was started in takes no files.
 * Any thread; reads the environment.
 */
#ifndef GOMAPTOP_CORE_SPARE_FOLDER_H
#define GOMAPTOP_CORE_SPARE_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/* Folders to try, in this order. */
enum spare_folder { SPARE_CURRENT, SPARE_TMPDIR, SPARE_HOME, SPARE_TMP, SPARE_COUNT };

/* Its absolute path. False: there is none of this kind (a variable that is not set or not absolute,
 * a current folder that was removed), or it does not fit. */
bool spare_folder_path(enum spare_folder folder, char *out, size_t size);

#endif
