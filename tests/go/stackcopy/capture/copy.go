// SPDX-License-Identifier: MIT

// Package capture copies a goroutine's stack as a probe would find it.
package capture

// Stack copies at most max bytes from the stack pointer upwards, and tells the registers that they
// belong to: at the first instruction of this very function.
//
//go:noescape
func Stack(to *byte, max uintptr) (pc, sp, fp, n uintptr)
