// SPDX-License-Identifier: MIT

//go:build cgo

package main

import "C"

import "sync"

// What goroutines that are inside of C go on with; C must not keep Go pointers.
var (
	keptLock sync.Mutex
	kept     = map[int]func(){}
	keptLast int
)

func keep(f func()) int {
	keptLock.Lock()
	defer keptLock.Unlock()
	keptLast++
	kept[keptLast] = f
	return keptLast
}

//export steadyBack
func steadyBack(slot C.long) {
	keptLock.Lock()
	f := kept[int(slot)]
	delete(kept, int(slot))
	keptLock.Unlock()
	f()
}
