// SPDX-License-Identifier: MIT

//go:build cgo

package main

import "C"

//export goCallback
func goCallback(rest C.long) { next(int(rest)) }

func init() {
	ways = append(ways, throughC, throughC, throughThread)
}
