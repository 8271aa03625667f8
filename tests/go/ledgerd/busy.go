// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// busy is work beside the requests that has nothing to do with them: goroutines that share tables,
// each guarded by a mutex, and use them at a rate that is kept by the clock. Who is late by more than
// a few spans leaves out what could not be done.
type busy struct {
	tables [busyTables]busyTable
	done   uint64
}

type busyTable struct {
	sync.Mutex
	counts map[uint64]uint64
}

const (
	busyTables     = 16
	busyGoroutines = 2
	busyKeys       = 256
	busySpan       = 2 * time.Millisecond
	busyLate       = 10 * busySpan
)

func newBusy() *busy {
	b := &busy{}
	for i := range b.tables {
		b.tables[i].counts = make(map[uint64]uint64, busyKeys)
	}
	return b
}

func (b *busy) operations() int64 {
	return int64(atomic.LoadUint64(&b.done))
}

// use does eight operations, one of them a write.
func (t *busyTable) use(key uint64) {
	t.Lock()
	defer t.Unlock()
	sum := uint64(0)
	for i := uint64(0); i < 7; i++ {
		sum += t.counts[(key+i)%busyKeys]
	}
	t.counts[key%busyKeys] = sum
}

func (b *busy) run(perSpan uint64) {
	next := time.Now()
	for n := uint64(0); ; {
		for did := uint64(0); did < perSpan; did += 8 {
			b.tables[n%busyTables].use(n)
			atomic.AddUint64(&b.done, 8)
			n++
		}
		next = next.Add(busySpan)
		if late := time.Since(next); late > busyLate {
			next = next.Add(late)
		}
		time.Sleep(time.Until(next))
	}
}

// start begins so many operations a second, on all goroutines together.
func (b *busy) start(rate float64) {
	for i := 0; rate > 0 && i < busyGoroutines; i++ {
		go b.run(uint64(rate * busySpan.Seconds() / busyGoroutines))
	}
}
