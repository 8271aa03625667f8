/* SPDX-License-Identifier: MIT */
/*
 * thousands: large figures by steps of a thousand: 12345 is 12.345 k.
 *
 * A pure function, any thread.
 */
#ifndef GOMAPTOP_CORE_THOUSANDS_H
#define GOMAPTOP_CORE_THOUSANDS_H

/* Divide *value by 1000 until it is below 999.5, which %.0f prints with three digits. Returns the
 * letter of the unit, "" to "E", beyond which it is not divided. */
const char *thousands(double *value);

#endif
