// SPDX-License-Identifier: MIT

// Mapuser: uses every kind of map operation once, so that the linker keeps every map function of
// the runtime, and prints where the descriptors of its map types are and how Go itself names them.
package main

import (
	"fmt"
	"reflect"
	"unsafe"
)

type account struct{ balance int }

type key struct {
	a, b int32
	name string
}

type ledger struct{ accounts map[uint64]*account }

//go:noinline
func (l *ledger) credit(k uint64) { l.accounts[k] = &account{int(k)} }

func pick[K comparable, V any](m map[K]V, k K) V { return m[k] }

// descriptor is the first word of the interface: the address of the type's descriptor.
func descriptor(m any) uintptr { return *(*uintptr)(unsafe.Pointer(&m)) }

func describe(m any) { fmt.Printf("%#x %s\n", descriptor(m), reflect.TypeOf(m)) }

func direct(a map[int]int, b map[string]int, c map[int32]string, d map[key]float64,
	e map[*account]int) int {
	a[1], b["x"], c[2], d[key{}], e[nil] = 1, 2, "3", 4, 5
	_, ok1 := a[1]
	_, ok2 := b["x"]
	_, ok3 := c[2]
	_, ok4 := d[key{}]
	_, ok5 := e[nil]
	if !(ok1 && ok2 && ok3 && ok4 && ok5) {
		panic("a key that was just put is not there")
	}
	sum := a[1] + b["x"] + len(c[2]) + int(d[key{}]) + e[nil] + pick(b, "y") + pick(a, 3)
	for k, v := range d {
		sum += int(k.a) + int(v)
	}
	delete(a, 1)
	delete(b, "x")
	delete(c, 2)
	delete(d, key{})
	for k := range a {
		delete(a, k)
	}
	return sum
}

func reflected(b map[string]int, d map[key]float64) {
	v := reflect.ValueOf(b)
	v.SetMapIndex(reflect.ValueOf("q"), reflect.ValueOf(1))
	v.SetMapIndex(reflect.ValueOf("q"), reflect.Value{})
	reflect.ValueOf(d).SetMapIndex(reflect.ValueOf(key{}), reflect.Value{})
	for _, k := range v.MapKeys() {
		v.MapIndex(k)
	}
}

func main() {
	a := map[int]int{}
	b := map[string]int{}
	c := map[int32]string{}
	d := map[key]float64{}
	e := map[*account]int{}
	l := &ledger{map[uint64]*account{}}
	l.credit(7)
	if direct(a, b, c, d, e) == 0 {
		panic("the sums are wrong")
	}
	reflected(b, d)
	clone(b)
	for _, m := range []any{a, b, c, d, e, l.accounts} {
		describe(m)
	}
	describe(map[[3]uint8]chan<- func(int) error{})
}
