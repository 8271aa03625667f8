// SPDX-License-Identifier: MIT

package main

import "fmt"

// tally is what was done to one map. Ranging over a map of N entries is one start and N+1 steps
// (the last one finds the end); a map without entries takes a start and no step.
type tally struct {
	Kind    string `json:"kind"`
	Map     string `json:"map"`
	Reads   int    `json:"reads"`
	Writes  int    `json:"writes"`
	Deletes int    `json:"deletes"`
	Clears  int    `json:"clears"`
	Ranges  int    `json:"ranges"`
	Steps   int    `json:"steps"`
}

// The functions below must not be generic over the key: the compiler picks the runtime's function
// by the static type of the map.

type pair struct{ a, b uint16 }

// held keeps every map to the end, so that each has an address of its own.
var held []interface{}

func begin(kind string, m interface{}) tally {
	held = append(held, m)
	return tally{Kind: kind, Map: fmt.Sprintf("%p", m)}
}

func countUint64(n int) tally {
	m := make(map[uint64]int, n)
	t := begin("uint64", m)
	for i := 0; i < n; i++ {
		m[uint64(i)] = i
	}
	for i := 0; i < n; i++ {
		sink += uint64(m[uint64(i)])
		if _, ok := m[uint64(n+i)]; ok {
			sink++
		}
	}
	for range m {
		t.Steps++
	}
	for i := 0; i < n/2; i++ {
		delete(m, uint64(i))
	}
	for k := range m { // the compiler makes this one clear
		delete(m, k)
	}
	t.Reads, t.Writes, t.Deletes, t.Clears, t.Ranges = 2*n, n, n/2, 1, 1
	t.Steps++
	return t
}

func countUint32(n int) tally {
	m := make(map[uint32]int, n)
	t := begin("uint32", m)
	for i := 0; i < n; i++ {
		m[uint32(i)]++
		m[uint32(i)] += 2
	}
	for i := 0; i < n; i++ {
		sink += uint64(m[uint32(i)])
		if _, ok := m[uint32(n+i)]; ok {
			sink++
		}
	}
	for range m {
		t.Steps++
	}
	for i := 0; i < n/2; i++ {
		delete(m, uint32(i))
	}
	t.Reads, t.Writes, t.Deletes, t.Ranges = 2*n, 2*n, n/2, 1
	t.Steps++
	return t
}

func countString(n int) tally {
	names := make([]string, 2*n)
	for i := range names {
		names[i] = fmt.Sprintf("key-%d", i)
	}
	m := make(map[string]int, n)
	t := begin("string", m)
	for i := 0; i < n; i++ {
		m[names[i]] = i
	}
	for i := 0; i < n; i++ {
		sink += uint64(m[names[i]])
		if _, ok := m[names[n+i]]; ok {
			sink++
		}
	}
	for range m {
		t.Steps++
	}
	for i := 0; i < n/2; i++ {
		delete(m, names[i])
	}
	t.Reads, t.Writes, t.Deletes, t.Ranges = 2*n, n, n/2, 1
	t.Steps++
	return t
}

func countPointer(n int) tally {
	cells := make([]int, 2*n)
	m := make(map[*int]int, n)
	t := begin("pointer", m)
	for i := 0; i < n; i++ {
		m[&cells[i]] = i
	}
	for i := 0; i < n; i++ {
		sink += uint64(m[&cells[i]])
		if _, ok := m[&cells[n+i]]; ok {
			sink++
		}
	}
	for i := 0; i < n/2; i++ {
		delete(m, &cells[i])
	}
	t.Reads, t.Writes, t.Deletes = 2*n, n, n/2
	return t
}

// A struct as key has no function of its own: the general ones are called.
func countStruct(n int) tally {
	m := make(map[pair]int, n)
	t := begin("struct", m)
	for i := 0; i < n; i++ {
		m[pair{uint16(i), 1}] = i
	}
	for i := 0; i < n; i++ {
		sink += uint64(m[pair{uint16(i), 1}])
		if _, ok := m[pair{uint16(i), 2}]; ok {
			sink++
		}
	}
	for range m {
		t.Steps++
	}
	for i := 0; i < n/2; i++ {
		delete(m, pair{uint16(i), 1})
	}
	t.Reads, t.Writes, t.Deletes, t.Ranges = 2*n, n, n/2, 1
	t.Steps++
	return t
}

// Values above 1 KiB are read through wrappers, which must not count twice.
func countFat(n int) tally {
	m := make(map[uint64][1040]byte, n)
	t := begin("fat", m)
	var value [1040]byte
	for i := 0; i < n; i++ {
		m[uint64(i)] = value
	}
	for i := 0; i < n; i++ {
		sink += uint64(m[uint64(i)][7])
		if v, ok := m[uint64(n+i)]; ok {
			sink += uint64(v[7])
		}
	}
	for i := 0; i < n/2; i++ {
		delete(m, uint64(i))
	}
	t.Reads, t.Writes, t.Deletes = 2*n, n, n/2
	return t
}

// A small map, read while it is empty, ranged over while it is empty.
func countEmpty(n int) tally {
	m := make(map[string]int)
	t := begin("empty", m)
	for i := 0; i < n; i++ {
		sink += uint64(m["nothing"])
		for range m {
			t.Steps++
		}
	}
	t.Reads, t.Ranges = n, n
	return t
}

func counted(n int) {
	kinds := []func(n int) tally{countUint64, countUint32, countString, countPointer,
		countStruct, countFat, countEmpty}
	for _, count := range kinds {
		say(count(n))
	}
	say(map[string]interface{}{"done": true})
}
