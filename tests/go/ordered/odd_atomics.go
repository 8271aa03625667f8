// SPDX-License-Identifier: MIT

// Atomics as they are seldom written: called through variables, of all widths, and locks made of
// them.
package main

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"gomaptop/tests/service"
)

func init() {
	service.Add("seqlock", "a sequence number says whether the map was being changed; else it is left alone", seqlock)
	service.Add("func_add", "a lock made of AddInt64, called through a variable", funcAdd)
	service.Add("mcs_lock", "a queue of waiters, each with a flag of its own to look at", mcsLock)
	service.Add("value_swap", "an atomic.Value whose content is swapped, compared and swapped", valueSwap)
	service.Add("try_else", "TryLock of a lock made of one bool, else nothing", tryElse)
}

var add = atomic.AddInt64

// Whoever finds the number even owns the map as soon as it has made it odd.
func seqlock(t *service.Task) {
	var number atomic.Uint64
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			n := number.Load()
			if n%2 == 1 || !number.CompareAndSwap(n, n+1) {
				return
			}
			m[d.Key()]++
			d.Between(0, 400)
			_ = m[d.Key()]
			number.Store(n + 2)
		})
	}
}

func funcAdd(t *service.Task) {
	var held int64
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			for add(&held, 1) != 1 {
				add(&held, -1)
				d.Between(50, 900)
			}
			m[d.Key()]++
			add(&held, -1)
		})
	}
}

type waiter struct {
	next   unsafe.Pointer
	locked int32
}

func mcsLock(t *service.Task) {
	var last unsafe.Pointer
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			me := &waiter{locked: 1}
			if before := (*waiter)(atomic.SwapPointer(&last, unsafe.Pointer(me))); before != nil {
				atomic.StorePointer(&before.next, unsafe.Pointer(me))
				for atomic.LoadInt32(&me.locked) == 1 {
					d.Between(50, 300)
				}
			}
			m[d.Key()]++
			d.Between(0, 200)
			if atomic.LoadPointer(&me.next) == nil {
				if atomic.CompareAndSwapPointer(&last, unsafe.Pointer(me), nil) {
					return
				}
				for atomic.LoadPointer(&me.next) == nil {
					runtime.Gosched()
				}
			}
			atomic.StoreInt32(&(*waiter)(atomic.LoadPointer(&me.next)).locked, 0)
		})
	}
}

func valueSwap(t *service.Task) {
	type box struct{ m map[string]int }
	var now atomic.Value
	free := &box{}
	now.Store(&box{map[string]int{}})
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			b := now.Load().(*box)
			if b == free || !now.CompareAndSwap(b, free) {
				return
			}
			b.m[d.Key()]++
			d.Between(0, 300)
			_ = b.m[d.Key()]
			now.Swap(b)
		})
	}
}

func tryElse(t *service.Task) {
	var busy atomic.Bool
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			if !busy.CompareAndSwap(false, true) {
				return
			}
			defer busy.Store(false)
			m[d.Key()]++
			d.Between(0, 300)
			if d.N(3) == 0 {
				runtime.Goexit()
			}
			_ = m[d.Key()]
		})
	}
}
