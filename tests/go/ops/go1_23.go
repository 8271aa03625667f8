// SPDX-License-Identifier: MIT

//go:build go1.23

package main

import (
	"maps"
	"reflect"
	"slices"
)

// New in Go 1.23: iterators over maps.

var _ = register("go1.23", func(n int) {
	iterators(n)
	collected(n)
	reflectIterators(n)
})

func iterators(n int) {
	m := map[int]string{}
	t := tallyFor("maps.All, Keys, Values", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	for k, v := range maps.All(m) {
		sink += k + len(v)
	}
	for k := range maps.Keys(m) {
		sink += k
	}
	for v := range maps.Values(m) {
		sink += len(v)
	}
	sink += len(slices.Sorted(maps.Keys(m)))
	taken := 0
	for range maps.Keys(m) { // left early: the start and a step
		if taken++; taken == 2 {
			break
		}
	}
	t.Writes, t.Iterations = writes, 4*(n+1)+2
}

func collected(n int) {
	m := map[int]string{}
	t := tallyFor("maps.Collect, from", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	to := maps.Collect(maps.All(m))
	inTo := tallyInside("maps.Collect, to", to)
	maps.Insert(to, maps.All(m))
	t.Writes, t.Iterations = writes, 2*(n+1)
	inTo.Writes = 2 * n
}

// reflect/iter.go: Seq and Seq2 of a map are one MapRange.
func reflectIterators(n int) {
	m := map[int]string{}
	t := tallyFor("reflect.Value.Seq, Seq2", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	for k := range reflect.ValueOf(m).Seq() {
		sink += int(k.Int())
	}
	for k, v := range reflect.ValueOf(m).Seq2() {
		sink += int(k.Int()) + v.Len()
	}
	t.Writes, t.Iterations = writes, 2*(n+1)
}
