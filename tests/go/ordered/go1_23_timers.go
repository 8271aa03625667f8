// SPDX-License-Identifier: MIT

//go:build go1.23 && !go1.27

// The module says Go 1.19; this gives timers the channels that programs of today have.
// GODEBUG=asynctimerchan=1 in the environment gives them the old ones.

//go:debug asynctimerchan=0

package main
