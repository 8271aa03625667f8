// SPDX-License-Identifier: MIT

//go:build !go1.24

package main

import (
	"fmt"
	"reflect"
	"sync"
)

// sync.Map is made of maps up to Go 1.23 (from 1.24 on of a hash trie, which uses none).

var _ = register("sync.Map", syncMap)

// dirtyOf is the address of the map that takes new keys.
func dirtyOf(m *sync.Map) string {
	return fmt.Sprintf("%#x", reflect.ValueOf(m).Elem().FieldByName("dirty").Pointer())
}

// sync/map.go. A map is born as m.dirty and becomes m.read when a Range or enough misses come.
func syncMap(n int) {
	var m sync.Map
	// Store of a new key asks m.read (nil) twice, then m.dirty (nil the first time), and assigns.
	for i := 0; i < n; i++ {
		m.Store(i, i)
	}
	first := tallyAt("sync.Map", &m, dirtyOf(&m))
	first.Reads, first.Writes = n-1, n
	// Range makes it m.read and ranges over it.
	m.Range(func(_, _ interface{}) bool { return true })
	first.Iterations = n + 1
	// One read each: a key that is there, one that is not, a delete, a Store to a key.
	for i := 0; i < n; i++ {
		_, ok := m.Load(i)
		count(ok)
		_, ok = m.Load(n + i)
		count(ok)
		if i < n/2 {
			m.Delete(i)
		} else {
			m.Store(i, -i)
		}
	}
	first.Reads += 3 * n
	// A new key: m.read is asked twice and copied, but for what was deleted, into a new m.dirty.
	m.Store("new", 1)
	first.Reads += 2
	first.Iterations += n + 1
	second := tallyAt("sync.Map, next generation", nil, dirtyOf(&m))
	second.Writes = n - n/2 + 1
	// Both are asked for a key that only m.dirty has; m.read twice, and not a second time before
	// the lock is held.
	_, ok := m.Load("new")
	count(ok)
	first.Reads += 2
	second.Reads++
	// Deleting it takes it out of m.dirty.
	m.Delete("new")
	first.Reads += 2
	second.Reads++
	second.Deletes++
	held = append(held, &m)
}
