// SPDX-License-Identifier: MIT

package main

import "reflect"

// The call paths. Each ends in m[here(w)]; which side walks it does not matter to the path.

// cgoPaths lead through C; only a program built with cgo has them.
var cgoPaths []*path

func paths() []*path {
	return append([]*path{
		{name: "direct", op: "write", run: direct},
		{name: "read", op: "read", run: readThrough},
		{name: "delete", op: "delete", run: deleteThrough},
		{name: "method", op: "write", run: throughMethod},
		{name: "pointer-method", op: "write", run: throughPointerMethod},
		{name: "closure", op: "write", run: throughClosure},
		{name: "nested-closure", op: "write", run: throughNestedClosure},
		{name: "generic", op: "write", run: throughGeneric},
		{name: "generic-method", op: "write", run: throughGenericMethod},
		{name: "inlined", op: "write", run: throughInlined},
		{name: "inlined-deep", op: "write", run: throughInlinedDeep},
		{name: "inlined-method", op: "write", run: throughInlinedMethod},
		{name: "deferred", op: "write", run: throughDefer},
		{name: "deferred-in-panic", op: "write", run: throughPanic},
		{name: "deferred-in-loop", op: "write", run: throughDeferLoop},
		{name: "method-value", op: "write", run: throughMethodValue},
		{name: "interface", op: "write", run: throughInterface},
		{name: "interface-wrapper", op: "write", run: throughWrapper},
		{name: "embedded", op: "write", run: throughEmbedded},
		{name: "reflect", op: "write", run: throughReflect},
		{name: "reflect-call", op: "write", run: throughReflectCall},
		{name: "go-statement", op: "write", run: throughGo},
		{name: "recursion", op: "write", run: throughRecursion},
		{name: "large-frame", op: "write", run: throughLargeFrame},
	}, cgoPaths...)
}

//go:noinline
func direct(m table, w *walk) {
	m[here(w)] = 1
}

var seen uint64

// Readers alone are no conflict: the other side writes.
//
//go:noinline
func readThrough(m table, w *walk) {
	if w.side == "b" {
		w.op = "write"
		direct(m, w)
		return
	}
	if v, ok := m[here(w)]; ok {
		seen = v
	}
}

//go:noinline
func deleteThrough(m table, w *walk) {
	delete(m, here(w))
}

type store struct {
	m table
	w *walk
}

//go:noinline
func (s store) put(v uint64) {
	s.m[here(s.w)] = v
}

//go:noinline
func (s *store) putPointer(v uint64) {
	s.m[here(s.w)] = v
}

func (s *store) putShort(v uint64) {
	s.m[here(s.w)] = v
}

//go:noinline
func throughMethod(m table, w *walk) {
	store{m, w}.put(2)
}

//go:noinline
func throughPointerMethod(m table, w *walk) {
	(&store{m, w}).putPointer(3)
}

//go:noinline
func call(f func(v uint64)) {
	f(4)
}

//go:noinline
func throughClosure(m table, w *walk) {
	call(func(v uint64) {
		m[here(w)] = v
	})
}

//go:noinline
func throughNestedClosure(m table, w *walk) {
	call(func(outer uint64) {
		call(func(v uint64) {
			m[here(w)] = v + outer
		})
	})
}

//go:noinline
func putGeneric[V any](m map[uint64]V, w *walk, v V) {
	m[here(w)] = v
}

//go:noinline
func throughGeneric(m table, w *walk) {
	putGeneric(m, w, 5)
}

type box[V any] struct {
	m map[uint64]V
	w *walk
}

//go:noinline
func (b *box[V]) put(v V) {
	b.m[here(b.w)] = v
}

//go:noinline
func throughGenericMethod(m table, w *walk) {
	(&box[uint64]{m, w}).put(6)
}

// Small enough that the compiler puts them into their callers.

func putShort(m table, w *walk, v uint64) {
	m[here(w)] = v
}

func putShorter(m table, w *walk) { putShort(m, w, 7) }

func putShortest(m table, w *walk) { putShorter(m, w) }

//go:noinline
func throughInlined(m table, w *walk) {
	putShort(m, w, 8)
}

//go:noinline
func throughInlinedDeep(m table, w *walk) {
	putShortest(m, w)
}

//go:noinline
func throughInlinedMethod(m table, w *walk) {
	s := store{m, w}
	s.putShort(9)
}

//go:noinline
func throughDefer(m table, w *walk) {
	defer direct(m, w)
	seen++
}

// More deferred calls than the compiler writes out in line: the runtime keeps a list.
//
//go:noinline
func throughDeferLoop(m table, w *walk) {
	for i := 0; i < 2; i++ {
		if i == 1 {
			defer direct(m, w)
		} else {
			defer call(func(uint64) {})
		}
	}
}

//go:noinline
func throughPanic(m table, w *walk) {
	defer func() {
		_ = recover()
		m[here(w)] = 10
	}()
	panic("on purpose")
}

//go:noinline
func throughMethodValue(m table, w *walk) {
	call((&store{m, w}).putPointer)
}

type putter interface {
	put(v uint64)
}

//go:noinline
func callInterface(p putter) {
	p.put(11)
}

type pointerStore struct{ store }

//go:noinline
func (s *pointerStore) put(v uint64) {
	s.m[here(s.w)] = v
}

//go:noinline
func throughInterface(m table, w *walk) {
	callInterface(&pointerStore{store{m, w}})
}

// The interface holds a pointer, the method wants the value: the compiler makes a wrapper.
//
//go:noinline
func throughWrapper(m table, w *walk) {
	callInterface(&store{m, w})
}

type embedding struct {
	name string
	store
}

// The method belongs to an embedded field: another wrapper.
//
//go:noinline
func throughEmbedded(m table, w *walk) {
	callInterface(&embedding{"", store{m, w}})
}

//go:noinline
func throughReflect(m table, w *walk) {
	reflect.ValueOf(m).SetMapIndex(reflect.ValueOf(here(w)), reflect.ValueOf(uint64(12)))
}

//go:noinline
func throughReflectCall(m table, w *walk) {
	reflect.ValueOf(direct).Call([]reflect.Value{reflect.ValueOf(m), reflect.ValueOf(w)})
}

// The new goroutine runs when it is let: it waits for a turn of its own.
//
//go:noinline
func throughGo(m table, w *walk) {
	done := make(chan bool)
	go func() {
		w.turn()
		m[here(w)] = 13
		done <- true
	}()
	<-done
}

//go:noinline
func recurse(m table, w *walk, depth int) int {
	if depth == 0 {
		m[here(w)] = 14
		return 0
	}
	return recurse(m, w, depth-1) + 1
}

//go:noinline
func throughRecursion(m table, w *walk) {
	recurse(m, w, 10)
}

//go:noinline
func throughLargeFrame(m table, w *walk) {
	var room [4096]byte
	room[w.key] = 1
	m[here(w)] = uint64(room[3])
}
