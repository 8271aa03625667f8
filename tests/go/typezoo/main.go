// SPDX-License-Identifier: MIT

// Typezoo prints where the descriptors of its map types lie and how Go itself names them, one a
// line: types that the compiler made, types that reflect makes while the program runs, and, with a
// dash for a name, things that only look like types. It waits for the end of its input.
package main

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"strings"
	"unsafe"
)

type account struct{ balance int }

func (a account) Balance() int { return a.balance }

type box[T any] struct{ value T }

type pair[K comparable, V any] struct {
	key   K
	value V
}

type node struct{ next map[string]*node }

type colour uint8

func descriptor(t reflect.Type) unsafe.Pointer {
	return (*[2]unsafe.Pointer)(unsafe.Pointer(&t))[1]
}

var kept []any // nothing that was printed may be collected

func say(t reflect.Type) {
	kept = append(kept, t)
	// Before 1.23 reflect tells the name of an embedded field twice.
	name := strings.ReplaceAll(t.String(), "{ Colour main.colour }", "{ main.colour }")
	fmt.Printf("%p %s\n", descriptor(t), name)
}

func compiled() {
	for _, m := range []any{
		map[uint64]*account{}, map[string]box[int]{}, map[string]*box[*account]{},
		map[pair[string, int]]box[box[string]]{}, map[colour]node{},
		map[struct {
			X int
			y string
		}]struct{}{},
		map[string]struct {
			Name string `json:"name,omitempty"`
			account
		}{},
		map[[3]int16][]chan<- func(int, ...string) (bool, error){},
		map[any]interface{ Balance() int }{}, map[unsafe.Pointer]map[bool]map[float64]complex128{},
	} {
		say(reflect.TypeOf(m))
	}
}

// made at run time: none of these is written anywhere in this program.
func made() {
	of := func(v any) reflect.Type { return reflect.TypeOf(v) }
	word, number := of(""), of(uint16(0))
	two := reflect.MapOf(word, reflect.MapOf(number, of(account{})))
	tagged := reflect.StructOf([]reflect.StructField{
		{Name: "A", Type: of(1)},
		{Name: "B", Type: reflect.SliceOf(of(box[int8]{})), Tag: `json:"b" x:"\\"`},
	})
	embedded := reflect.StructOf([]reflect.StructField{
		{Name: "Colour", Type: of(colour(0)), Anonymous: true},
	})
	receive := reflect.ChanOf(reflect.RecvDir, of(node{}))
	for _, t := range []reflect.Type{
		two,
		reflect.MapOf(of([2]int32{}), two),
		reflect.MapOf(of(colour(0)), reflect.PtrTo(reflect.PtrTo(of(&account{})))),
		reflect.MapOf(word, reflect.ArrayOf(65537, number)),
		reflect.MapOf(reflect.ArrayOf(0, of(1.5)), tagged),
		reflect.MapOf(word, embedded),
		reflect.MapOf(word, reflect.StructOf(nil)),
		reflect.MapOf(number, receive),
		reflect.MapOf(number, reflect.ChanOf(reflect.BothDir, receive)),
		reflect.MapOf(number, reflect.ChanOf(reflect.SendDir, reflect.SliceOf(of(colour(0))))),
		reflect.MapOf(number, reflect.FuncOf([]reflect.Type{of(1), reflect.SliceOf(of(node{}))},
			[]reflect.Type{of(true), of(number)}, true)),
		reflect.MapOf(number, reflect.FuncOf(nil, []reflect.Type{of(receive)}, false)),
		reflect.MapOf(number, reflect.FuncOf([]reflect.Type{tagged}, nil, false)),
	} {
		say(t)
	}
	impostors(two)
	deep := number
	for i := 0; i < 100; i++ {
		deep = reflect.MapOf(word, deep)
	}
	fmt.Printf("%p -\n", descriptor(deep)) // too deep to be worth telling
}

// Copies of a descriptor in which something is not as it should be.
func impostors(t reflect.Type) {
	const words = 12 // of a map's descriptor; key and elem are the 7th and 8th
	text := "no descriptor at all, but long enough to be read as one .........................."
	for _, change := range []func(d *[words]uintptr){
		func(d *[words]uintptr) { d[6], d[7] = d[7], d[6] },
		func(d *[words]uintptr) { d[6] = uintptr(descriptor(reflect.TypeOf(0))) },
		func(d *[words]uintptr) { d[7] += 8 },
		func(d *[words]uintptr) { d[7] = 0 },
		func(d *[words]uintptr) { d[7] = uintptr(unsafe.Pointer(d)) }, // of itself
		func(d *[words]uintptr) { d[2] ^= 1 },                         // the hash
	} {
		d := new([words]uintptr)
		*d = *(*[words]uintptr)(descriptor(t))
		change(d)
		kept = append(kept, d)
		fmt.Printf("%p -\n", d)
	}
	fmt.Printf("%p -\n", *(*unsafe.Pointer)(unsafe.Pointer(&text)))
	fmt.Printf("%p -\n", unsafe.Add(descriptor(t), 8))
}

func main() {
	compiled()
	made()
	fmt.Println("done")
	_, _ = io.ReadAll(os.Stdin)
}
