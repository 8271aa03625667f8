/* SPDX-License-Identifier: MIT */
#include <stddef.h>

#include "core/go_layout.h"

#define NO GO_NO_FIELD

/* goid and atomicstatus moved by 8 in 1.23 (g.syscallbp came) and back in 1.25 (gobuf.ret went);
 * parentGoid exists from 1.21. moduledata.gofunc exists from 1.18: before, funcdata are absolute
 * pointers. */
static const struct go_layout layouts[] = {
        /*    m   stat goid  parent gopc start wait | procid curg | text types etypes gofunc */
        {17, 48, 144, 152, NO, 296, 312, 176, 72, 192, 176, 280, 288, NO},
        {18, 48, 144, 152, NO, 296, 312, 176, 72, 192, 176, 280, 288, 304},
        {19, 48, 144, 152, NO, 296, 312, 176, 72, 192, 176, 280, 288, 304},
        {20, 48, 144, 152, NO, 296, 312, 176, 72, 192, 176, 296, 304, 320},
        {21, 48, 144, 152, 272, 280, 296, 176, 72, 192, 176, 296, 304, 320},
        {22, 48, 144, 152, 272, 280, 296, 176, 72, 192, 176, 296, 304, 320},
        {23, 48, 152, 160, 280, 288, 304, 184, 72, 192, 176, 296, 304, 320},
        {24, 48, 152, 160, 280, 288, 304, 184, 72, 192, 176, 296, 304, 320},
        {25, 48, 144, 152, 272, 280, 296, 176, 64, 184, 176, 296, 304, 320},
        {26, 48, 144, 152, 280, 288, 304, 176, 64, 184, 176, 296, 304, 320},
        {27, 48, 144, 152, 280, 288, 304, 176, 64, 184, 176, 296, 312, 344},
};

_Static_assert(sizeof(layouts) / sizeof(layouts[0]) == GO_MINOR_MAX - GO_MINOR_MIN + 1,
               "one row a release");

const struct go_layout *go_layout_find(int minor)
{
	if (minor < GO_MINOR_MIN || minor > GO_MINOR_MAX)
		return NULL;
	return &layouts[minor - GO_MINOR_MIN];
}
