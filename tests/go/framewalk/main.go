// SPDX-License-Identifier: MIT

// Framewalk: for each kind of call path, the return addresses that a walk along the frame pointers
// finds, and what runtime.Callers and runtime.CallersFrames say of the same place:
//
//	path NAME
//	pc 0x...            innermost first
//	frame FUNCTION FILE LINE
//
// report stands for the map operation: its immediate caller is always a function of the program.
// A test feeds the addresses to the symbolizer and expects these frames.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"sync"
	"unsafe"
)

func framePointer() uintptr

var out = bufio.NewWriter(os.Stdout)

func word(addr uintptr) uintptr { return **(**uintptr)(unsafe.Pointer(&addr)) }

//go:noinline
func report(name string) {
	// Walk first, print later: printing may move the stack.
	var walked [256]uintptr
	n := 0
	for fp := framePointer(); fp != 0 && n < len(walked) && word(fp+8) != 0; fp = word(fp) {
		walked[n] = word(fp + 8)
		n++
	}
	fmt.Fprintln(out, "path", name)
	for _, pc := range walked[:n] {
		fmt.Fprintf(out, "pc %#x\n", pc)
	}
	pcs := make([]uintptr, 256)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		if f.Function == "runtime.goexit" {
			break
		}
		fmt.Fprintln(out, "frame", strings.ReplaceAll(f.Function, " ", "_"), f.File, f.Line)
		if !more {
			break
		}
	}
}

type account struct{ owner string }

func (a *account) pointer() { report("pointer-method") }
func (a account) value()    { report("value-method") }

type visitor interface{ value() }

type savings struct{ account }

func inlinedInner(name string) { report(name) }
func inlinedOuter(name string) { inlinedInner(name) }

func (a *account) inlinedMethod() { inlinedOuter("inlined-method") }

func generic[T any](v T, name string) { report(name) }

type box[T any] struct{ v T }

//go:noinline
func (b *box[T]) open() { report("generic-method") }

//go:noinline
func recursive(n int) {
	if n == 0 {
		report("recursion")
		return
	}
	recursive(n - 1)
}

//go:noinline
func deferred() {
	defer func() { report("deferred") }()
	defer inlinedOuter("deferred-inlined")
}

//go:noinline
func inPanic() {
	defer func() { recover() }()
	defer inlinedOuter("deferred-in-panic")
	panic("on purpose")
}

var nowhere *account

//go:noinline
func inFault() {
	defer func() { recover() }()
	defer func() { report("deferred-in-fault") }()
	nowhere.owner = "nobody"
}

type byOwner []account

func (s byOwner) Len() int           { return len(s) }
func (s byOwner) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s byOwner) Less(i, j int) bool { report("sort-interface"); return s[i].owner < s[j].owner }

func spawned(name string, wg *sync.WaitGroup) {
	defer wg.Done()
	report(name)
}

func main() {
	defer out.Flush()
	report("direct")
	a := &account{"x"}
	a.pointer()
	a.value()
	var v visitor = a
	v.value()
	v = &savings{*a}
	v.value()
	f := a.value
	f()
	func() { report("closure") }()
	g := func() func() { return func() { inlinedOuter("closure-inlined") } }()
	g()
	inlinedOuter("inlined")
	a.inlinedMethod()
	generic(1, "generic-int")
	generic("s", "generic-string")
	generic(map[string][]int{}, "generic-map")
	(&box[float64]{}).open()
	recursive(3)
	deferred()
	inPanic()
	inFault()
	sort.Sort(byOwner{{"a"}, {"b"}})
	reflect.ValueOf(a).MethodByName("Exported").Call(nil)
	reflect.ValueOf(inlinedOuter).Call([]reflect.Value{reflect.ValueOf("reflect-call")})
	var once sync.Once
	once.Do(func() { report("once") })
	var wg sync.WaitGroup
	wg.Add(1)
	go spawned("go-statement", &wg)
	wg.Wait()
	wg.Add(1)
	go func() { defer wg.Done(); inlinedOuter("go-closure") }()
	wg.Wait()
}

// Exported is found by name: reflection sees no other methods.
func (a *account) Exported() { report("reflect-method") }
