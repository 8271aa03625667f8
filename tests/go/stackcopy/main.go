// SPDX-License-Identifier: MIT

// Stackcopy: copies of its own stack, taken on random call paths, and what the runtime says of each.
//
//	stackcopy COUNT SEED
//	stack PC SP FP      at the first instruction of capture.Stack
//	fp 0x...            return addresses along the frame pointers, innermost first, in one line
//	frame FUNCTION FILE LINE
//	bytes HEX           from SP upwards, 16 KiB at most
//
// A path is a random sequence of ways to call: plainly, through closures, interfaces, reflection,
// deferred while a panic or a fault unwinds, on a new goroutine, and, built with cgo, through C and
// on threads that C made. A test unwinds the bytes and expects these frames.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"reflect"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"gomaptop/tests/stackcopy/capture"
)

const copyMax = 16384

var (
	out    = bufio.NewWriter(os.Stdout)
	copied [copyMax]byte
	choice *rand.Rand
)

func word(addr uintptr) uintptr { return **(**uintptr)(unsafe.Pointer(&addr)) }

//go:noinline
func dump() {
	var walked [512]uintptr
	pc, sp, fp, n := capture.Stack(&copied[0], copyMax)
	count := 0
	// Out of C code the frame pointer may be anything: stay inside this goroutine's stack.
	for at := fp; at >= sp && at < sp+n-8 && count < len(walked) && word(at+8) != 0; at = word(at) {
		walked[count] = word(at + 8)
		count++
	}
	fmt.Fprintf(out, "stack %#x %#x %#x\nfp", pc, sp, fp)
	for _, pc := range walked[:count] {
		fmt.Fprintf(out, " %#x", pc)
	}
	fmt.Fprintln(out)
	pcs := make([]uintptr, 512)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
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
	fmt.Fprintln(out, "bytes", hex.EncodeToString(copied[:n]))
}

// A way to call: goes on with next, at whatever depth that ends.
type way func(rest int)

var ways []way

//go:noinline
func next(rest int) {
	if rest == 0 {
		dump()
		return
	}
	ways[choice.Intn(len(ways))](rest - 1)
}

//go:noinline
func plain(rest int) { next(rest) }

func inlinedInner(rest int) { next(rest) }
func inlined(rest int)      { inlinedInner(rest) }

//go:noinline
func large(rest int) {
	var room [700]byte
	room[rest%len(room)] = byte(rest)
	next(rest)
	runtime.KeepAlive(&room)
}

//go:noinline
func arguments(a, b, c, d, e, f, g, h, i, j, k, l int, s string) {
	next(a)
	runtime.KeepAlive(s)
}

type walker interface{ walk(rest int) }

type byValue struct{ a, b int }

func (v byValue) walk(rest int) { next(rest) }

type embedding struct{ byValue }

func generic[T any](v T, rest int) { next(rest) }

type sorter struct {
	rest int
	done *bool
}

func (s sorter) Len() int      { return 2 }
func (s sorter) Swap(i, j int) {}
func (s sorter) Less(i, j int) bool {
	if !*s.done {
		*s.done = true
		next(s.rest)
	}
	return i < j
}

//go:noinline
func inPanic(rest int) {
	defer func() { _ = recover() }()
	defer func() { next(rest) }()
	panic("on purpose")
}

var nowhere *int

//go:noinline
func inFault(rest int) {
	defer func() { _ = recover() }()
	defer func() { next(rest) }()
	*nowhere = rest
}

func inGoroutine(rest int) {
	done := make(chan bool)
	go func() {
		next(rest)
		done <- true
	}()
	<-done
}

func init() {
	ways = append(ways, plain, inlined, large, inPanic, inFault, inGoroutine,
		func(rest int) { arguments(rest, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, "twelve") },
		func(rest int) { defer next(rest) },
		func(rest int) {
			for i := 0; i < 1; i++ {
				defer func() { next(rest) }()
			}
		},
		func(rest int) { var w walker = embedding{}; w.walk(rest) },
		func(rest int) { var w walker = &embedding{}; w.walk(rest) },
		func(rest int) { f := byValue{}.walk; f(rest) },
		func(rest int) { generic("string", rest) },
		func(rest int) { generic([3]int{}, rest) },
		func(rest int) { sort.Sort(sorter{rest, new(bool)}) },
		func(rest int) { var once sync.Once; once.Do(func() { next(rest) }) },
		func(rest int) { reflect.ValueOf(next).Call([]reflect.Value{reflect.ValueOf(rest)}) },
		func(rest int) {
			made := reflect.MakeFunc(reflect.TypeOf(next), func(in []reflect.Value) []reflect.Value {
				next(int(in[0].Int()))
				return nil
			})
			made.Interface().(func(int))(rest)
		},
		func(rest int) { strings.Map(func(r rune) rune { next(rest); return r }, "x") },
	)
}

func main() {
	defer out.Flush()
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: stackcopy COUNT SEED")
		os.Exit(2)
	}
	count, _ := strconv.Atoi(os.Args[1])
	seed, _ := strconv.Atoi(os.Args[2])
	choice = rand.New(rand.NewSource(int64(seed)))
	for i := 0; i < count; i++ {
		next(i % 24)
	}
}
