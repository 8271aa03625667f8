// SPDX-License-Identifier: MIT
//
// Unordered is a collection of small programs with one fault each: two goroutines use a map, one of
// them changes it, and nothing orders them. The two sides seldom or never overlap: those that would
// are kept apart by the clock, which orders nothing. So the runtime's own check hardly ever ends
// them; the race detector reports each.
//
//	unordered NAME [-seconds N]
//	unordered -list | -about
//
// A program NAME is in the file NAME.go, where the lines of its fault end in "// RACE:" and what they
// do: r read, w write, d delete, i iterate. Beside it ten maps are used as they should be.
package main

import (
	"sync"
	"time"

	"gomaptop/tests/service"
)

func main() {
	service.Main()
}

// add makes a program known that has guarded maps beside it.
func add(name, about string, run func(t *service.Task)) {
	service.Add(name, about, func(t *service.Task) {
		beside()
		run(t)
	})
}

type table struct {
	mu sync.RWMutex
	m  map[string]int
}

func beside() {
	tables := make([]*table, 10)
	for i := range tables {
		tables[i] = &table{m: map[string]int{}}
	}
	for i := 0; i < 4; i++ {
		(&service.Task{}).Requests(func(d *service.Dice) {
			t := tables[d.N(len(tables))]
			t.mu.RLock()
			_, ok := t.m[d.Key()]
			t.mu.RUnlock()
			d.Wait()
			t.mu.Lock()
			t.m[d.Key()]++
			if ok {
				delete(t.m, d.Key())
			}
			t.mu.Unlock()
		})
	}
}

// Each of several sides has a slot of the time in turn and acts within the first part of it.
const (
	slot = 5 * time.Millisecond
	part = 1 * time.Millisecond
)

// apart waits for a moment that belongs to one side.
func apart(d *service.Dice, side, sides int) {
	period := slot * time.Duration(sides)
	began := slot * time.Duration(side)
	moment := began + time.Duration(d.N(int(part)*3/4))
	for {
		at := time.Duration(time.Now().UnixNano() % int64(period))
		if at >= moment && at < began+part {
			return
		}
		time.Sleep((moment - at + period) % period)
	}
}
