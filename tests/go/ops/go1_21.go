// SPDX-License-Identifier: MIT

//go:build go1.21

package main

import (
	"maps"
	"reflect"
)

// New in Go 1.21: clear, and package maps.

var _ = register("go1.21", func(n int) {
	cleared(n)
	clearedFloat(n)
	cloned(n)
	clonedWhileGrowing(n)
	copied(n)
	compared(n)
	deletedByFunction(n)
})

func reflectClear(v reflect.Value, t *tally) {
	v.Clear()
	v.Clear()
	t.Clears = 2
}

func cleared(n int) {
	m := map[int]string{}
	t := tallyFor("clear", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	clear(m)
	clear(m) // an empty one
	for i := 0; i < n; i++ {
		m[i] = "y"
	}
	clear(m)
	t.Writes, t.Clears = writes+n, 3
}

// clear is one operation whatever the key.
func clearedFloat(n int) {
	m := map[float64]int{}
	t := tallyFor("clear, key float64", m)
	m[1] = 1 // first
	clear(m)
	t.Writes, t.Clears = 1, 1
}

// A clone is one read of its source, however large that is, and no operation on the copy.
func cloned(n int) {
	m := map[int]string{}
	t := tallyFor("maps.Clone", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	c := maps.Clone(m)
	inCopy := tallyFor("copy of maps.Clone", c)
	c[1] = "z" // first
	inCopy.Writes = 1
	small := map[string]int{}
	inSmall := tallyFor("maps.Clone of a small map", small)
	small["a"] = 1 // first
	for i := 0; i < n; i++ {
		sink += len(maps.Clone(small))
	}
	inSmall.Writes, inSmall.Reads = 1, n
	empty := map[string]int{}
	inEmpty := tallyFor("maps.Clone of an empty map", empty)
	sink += len(maps.Clone(empty)) // first
	inEmpty.Reads = 1
	sink += len(maps.Clone(map[int]int(nil)))
	t.Writes, t.Reads = writes, 1
}

// A classic map that grows is cloned by assigning to the copy what has not moved yet: the copy is to
// show no trace of that. It begins to grow when there are more than 6.5 entries a bucket.
func clonedWhileGrowing(n int) {
	m := map[int][]byte{}
	t := tallyFor("maps.Clone while growing", m)
	for i, grows := 0, 14; i < 5*n; i++ {
		m[i] = []byte{1} // first
		t.Writes++
		if len(m) == grows {
			c := maps.Clone(m)
			t.Reads++
			inCopy := tallyFor("copy of a growing map", c)
			sink += len(c[i]) // first
			inCopy.Reads = 1
			grows = 2*grows - 1
		}
	}
}

func copied(n int) {
	m := map[int]string{}
	t := tallyFor("maps.Copy, from", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	to := map[int]string{}
	inTo := tallyInside("maps.Copy, to", to)
	maps.Copy(to, m)
	t.Writes, t.Iterations = writes, n+1
	inTo.Writes = n
}

func compared(n int) {
	a, b := map[int]string{}, map[int]string{}
	inA, inB := tallyInside("maps.Equal, a", a), tallyInside("maps.Equal, b", b)
	inA.Writes, inB.Writes = fill(a, n), fill(b, n)
	count(maps.Equal(a, b))
	inA.Iterations, inB.Reads = n+1, n
}

func deletedByFunction(n int) {
	m := map[int]string{}
	t := tallyFor("maps.DeleteFunc", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	maps.DeleteFunc(m, func(k int, _ string) bool {
		if k%2 == 0 {
			t.Deletes++
		}
		return k%2 == 0
	})
	t.Writes, t.Iterations = writes, n+1
}
