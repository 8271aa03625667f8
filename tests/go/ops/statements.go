// SPDX-License-Identifier: MIT

package main

import "fmt"

// Every form of statement that reads or writes an element, every kind of element.

var _ = register("statements", func(n int) {
	assignments(n)
	opAssignments(n)
	appends(n)
	literals()
	elementsAbove128(n)
	elementsAbove1024(n)
	elementsEmpty(n)
	inStruct(n)
	mapOfMaps(n)
	generic(n)
	growing(n)
	absent(n)
	panics()
	shared(n)
})

func two() (int, bool) { return 2, true }

func assignments(n int) {
	m := make(map[string]int)
	t := tallyFor("assignments", m)
	ch := make(chan int, 2)
	var any interface{} = 5
	var ok bool
	for i := 0; i < n; i++ {
		m["a"], ok = two() // first
		count(ok)
		ch <- i
		m["b"] = <-ch
		ch <- i
		m["c"], ok = <-ch
		count(ok)
		m["d"], ok = any.(int)
		count(ok)
		m["a"], m["b"] = m["b"], m["a"] // two reads, two writes
		m["e"] = m["e"] + 1             // a read and a write: not the same as m["e"] += 1
		t.Writes += 7
		t.Reads += 3
	}
	for m["f"] = range []int{1, 2, 3} { // a write each time round
		t.Writes++
	}
}

// += and its like are one write that hands out the element; / and % may panic before anything is
// written, so the compiler makes a read and a write of them (cmd/compile/internal/walk/order.go,
// case OASOP).
func opAssignments(n int) {
	m := make(map[int]int)
	t := tallyFor("op-assignments", m)
	for i := 0; i < n; i++ {
		m[i%7]++ // first
		m[i%7] += 3
		m[i%7] <<= 1
		m[i%7] |= 1
		m[i%7] /= 2
		m[i%7] %= 1000
	}
	t.Writes, t.Reads = 6*n, 2*n
	s := make(map[int]string)
	t = tallyFor("op-assignment of strings", s)
	for i := 0; i < n; i++ {
		s[i%7] += "x" // first
	}
	t.Writes = n
}

func appends(n int) {
	m := make(map[int64][]int)
	t := tallyFor("append", m)
	for i := 0; i < n; i++ {
		m[int64(i%7)] = append(m[int64(i%7)], i) // first
		m[int64(i%7)] = append(m[int64(i%7)], i, i)
	}
	t.Writes = 2 * n
	other := make(map[int64][]int)
	t = tallyFor("append from another key", other)
	for i := 0; i < n; i++ {
		other[1] = append(other[2], i) // first
	}
	t.Writes, t.Reads = n, n
}

// The entries of a literal are assigned one by one, many of them in a loop.
func literals() {
	m := map[string]int{"a": sink, "b": 2, "c": 3}
	t := tallyInside("literal of 3", m)
	t.Writes = 3
	many := map[int]int{0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1, 6: 1, 7: 1, 8: 1, 9: 1, 10: 1, 11: 1,
		12: 1, 13: 1, 14: 1, 15: 1, 16: 1, 17: 1, 18: 1, 19: 1, 20: 1, 21: 1, 22: 1, 23: 1, 24: 1,
		25: 1, 26: 1, 27: 1, 28: 1, 29: 1}
	t = tallyInside("literal of 30", many)
	t.Writes = 30
}

// Elements above 128 bytes lie apart, and the functions for short keys are not used.
func elementsAbove128(n int) {
	m := make(map[uint64][144]byte)
	t := tallyFor("element of 144 bytes", m)
	for i := 0; i < n; i++ {
		m[uint64(i)] = [144]byte{byte(i)} // first
	}
	for i := 0; i < n; i++ {
		sink += int(m[uint64(i)][7])
		v, ok := m[uint64(n+i)]
		count(ok)
		sink += int(v[7])
	}
	for _, v := range m {
		sink += int(v[0])
		t.Iterations++
	}
	for i := 0; i < n; i += 2 {
		delete(m, uint64(i))
		t.Deletes++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, n, t.Iterations+1
}

// Elements above 1 KiB are read through mapaccess1_fat and mapaccess2_fat.
func elementsAbove1024(n int) {
	m := make(map[string][1040]byte)
	t := tallyFor("element of 1040 bytes", m)
	for i := 0; i < n; i++ {
		m[fmt.Sprint(i)] = [1040]byte{byte(i)} // first
	}
	for i := 0; i < n; i++ {
		sink += int(m[fmt.Sprint(i)][7])
		v, ok := m[fmt.Sprint(n+i)]
		count(ok)
		sink += int(v[7])
	}
	for i := 0; i < n; i += 2 {
		delete(m, fmt.Sprint(i))
		t.Deletes++
	}
	t.Reads, t.Writes = 2*n, n
}

func elementsEmpty(n int) {
	m := make(map[string]struct{})
	t := tallyFor("element without size", m)
	for i := 0; i < n; i++ {
		m[fmt.Sprint(i)] = struct{}{} // first
	}
	for i := 0; i < n; i++ {
		_, ok := m[fmt.Sprint(i)]
		count(ok)
	}
	t.Reads, t.Writes = n, n
}

type holder struct {
	name  string
	inner map[int]person
}

func inStruct(n int) {
	h := &holder{"h", map[int]person{}}
	t := tallyFor("in a struct", h.inner)
	for i := 0; i < n; i++ {
		h.inner[i] = person{"p", i} // first
		sink += h.inner[i].born
		sink += len(h.inner[i].name) + len(h.inner)
	}
	t.Reads, t.Writes = 2*n, n
}

func mapOfMaps(n int) {
	outer := map[string]map[int]int{}
	t := tallyFor("map of maps", outer)
	outer["in"] = map[int]int{} // first
	inner := tallyFor("map in a map", outer["in"])
	for i := 0; i < n; i++ {
		outer["in"][i] = i // first
		outer["in"][i]++
		sink += outer["in"][i]
		delete(outer["in"], i)
	}
	t.Reads, t.Writes = 1+4*n, 1
	inner.Reads, inner.Writes, inner.Deletes = n, 2*n, n
}

type number interface{ ~int | ~int32 | ~float64 }

type registry[K comparable, V number] struct{ entries map[K]V }

func (r *registry[K, V]) use(keys []K, t *tally) {
	for _, k := range keys {
		r.entries[k] += 2
		v, ok := r.entries[k]
		count(ok)
		sink += int(v)
		sink += int(r.entries[k])
		t.Writes++
		t.Reads += 2
	}
	for k := range r.entries {
		delete(r.entries, keys[0])
		t.Deletes++
		t.Iterations++
		_ = k
	}
	t.Iterations++
}

type id string

// Maps whose type is a type parameter, instantiated for keys of several shapes.
func generic(n int) {
	ints := &registry[int, float64]{map[int]float64{}}
	words := &registry[id, int32]{map[id]int32{}}
	people := &registry[person, int]{map[person]int{}}
	var i []int
	var w []id
	var p []person
	for k := 0; k < n; k++ {
		i, w, p = append(i, k), append(w, id(fmt.Sprint(k))), append(p, person{"g", k})
	}
	ints.use(i, tallyInside("generic, int", ints.entries))
	words.use(w, tallyInside("generic, string", words.entries))
	people.use(p, tallyInside("generic, struct", people.entries))
}

// A map that grows all the time, also while it is read, ranged over and emptied.
func growing(n int) {
	m := make(map[int]int)
	t := tallyFor("growing", m)
	for i := 0; i < 20*n; i++ {
		m[i] = i // first
		sink += m[i/2]
		t.Writes++
		t.Reads++
	}
	for i := 0; i < 20*n; i++ {
		delete(m, i)
		m[-i] = i
		t.Deletes++
		t.Writes++
	}
	extra := 1 << 20
	for k := range m {
		if extra%3 == 0 {
			m[extra] = k
			t.Writes++
		}
		extra++
		t.Iterations++
	}
	t.Iterations++
}

// Keys that are not there, in maps with nothing in them; nil maps, which are no map at all.
func absent(n int) {
	m := make(map[string]int)
	t := tallyFor("empty", m)
	for i := 0; i < n; i++ {
		sink += m["nothing"] // first
		_, ok := m["nothing"]
		count(ok)
		delete(m, "nothing")
		for range m {
			panic("an empty map has no entries")
		}
	}
	t.Reads, t.Deletes, t.Iterations = 2*n, n, n
	var none map[int]int
	for i := 0; i < n; i++ {
		sink += none[i] + len(none)
		_, ok := none[i]
		count(ok)
		delete(none, i)
		for range none {
			panic("a nil map has no entries")
		}
	}
}

func panics() {
	func() {
		defer func() { count(recover() != nil) }()
		var none map[string]int
		none["a"] = 1
	}()
	m := make(map[interface{}]int)
	t := tallyFor("key that has no hash", m)
	m[1] = 1 // first
	func() {
		defer func() { count(recover() != nil) }()
		m[[]int{1}] = 2
	}()
	func() {
		defer func() { count(recover() != nil) }()
		sink += m[func() {}]
	}()
	t.Writes, t.Reads = 2, 1
}

// Several goroutines on one map, which a channel guards; it is empty again and again.
func shared(n int) {
	m := make(map[int]int)
	t := tallyFor("shared", m)
	const goroutines = 4
	guard, done := make(chan bool, 1), make(chan bool)
	work := func() {
		for i := 0; i < n; i++ {
			guard <- true
			m[i]++ // first
			sink += m[i]
			delete(m, i)
			<-guard
		}
		done <- true
	}
	for g := 0; g < goroutines; g++ {
		go work()
	}
	for g := 0; g < goroutines; g++ {
		<-done
	}
	t.Reads, t.Writes, t.Deletes = goroutines*n, goroutines*n, goroutines*n
}
