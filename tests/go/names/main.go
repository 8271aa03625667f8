// SPDX-License-Identifier: MIT

// Names makes maps in every way there is, tells of each where it is, its type, its length and the
// call chain of the line that made it, and goes on using all of them:
//
//	{"map":"0xc000104000","way":"make-hint","type":"map[string]int","len":3,"frames":[...]}
//
// One set is made at once ("old"), another for each line that it reads. The last line of a set is
// {"done":N}.
//
// With -grow it makes one map, of which it says only the address, and puts an entry in every few
// milliseconds; at a thousand it takes all of them out again.
//
// With -churn it makes maps as fast as it can, uses none, and says how many it made in each fifth of a
// second: {"made":123456}.
//
//	names [-for 1h] [-grow | -churn]
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"time"
	"unsafe"
)

type account struct{ balance int }

type box[T any] struct{ value T }

type frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Inlined  bool   `json:"inlined"`
}

type note struct {
	Map    string  `json:"map"`
	Way    string  `json:"way"`
	Old    bool    `json:"old"`
	Type   string  `json:"type"`
	Len    int     `json:"len"`
	Frames []frame `json:"frames"`
}

// here is the call chain of its caller. It stands on the line that makes the map.
//
//go:noinline
func here() []frame {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	var out []frame
	for {
		f, more := frames.Next()
		out = append(out, frame{f.Function, f.File, f.Line, f.Func == nil})
		if !more {
			return out
		}
	}
}

type maker struct {
	way  string
	make func(n int) (any, []frame)
}

var makers = []maker{
	{"make-small", func(n int) (any, []frame) { m, at := make(map[uint64]*account), here(); return m, at }},
	{"make-hint", func(n int) (any, []frame) { m, at := make(map[string]int, 8*n), here(); return m, at }},
	{"make-large", func(n int) (any, []frame) { m, at := make(map[string]box[int], 1000*n), here(); return m, at }},
	{"literal", func(n int) (any, []frame) { m, at := map[int32]string{}, here(); return m, at }},
	{"generic", func(n int) (any, []frame) { return generic[string, *account](n) }},
	{"generic-struct", func(n int) (any, []frame) { return generic[box[int8], box[string]](n) }},
	{"inlined", func(n int) (any, []frame) { return inlined(n) }},
	{"deep", func(n int) (any, []frame) { return deep(n, 20) }},
	{"anonymous", func(n int) (any, []frame) {
		m, at := make(map[struct{ A, b int16 }]struct{ X string }, 100*n), here()
		return m, at
	}},
	{"reflect", func(n int) (any, []frame) {
		t := reflect.MapOf(reflect.TypeOf(""), reflect.TypeOf(uint64(0)))
		m, at := reflect.MakeMap(t), here()
		return m.Interface(), at
	}},
	{"reflect-type", func(n int) (any, []frame) {
		of := reflect.TypeOf
		t := reflect.MapOf(of([3]uint16{}), reflect.PtrTo(reflect.MapOf(of(""), of(box[int]{}))))
		m, at := reflect.MakeMapWithSize(t, 20*n), here()
		return m.Interface(), at
	}},
	{"clone", clone},
}

//go:noinline
func generic[K comparable, V any](n int) (any, []frame) {
	m, at := make(map[K]V, 10*n), here()
	return m, at
}

func inlined(n int) (any, []frame) { m, at := make(map[uint16]bool, 10*n), here(); return m, at }

//go:noinline
func deep(n, depth int) (any, []frame) {
	if depth > 0 {
		m, at := deep(n, depth-1)
		return m, at
	}
	m, at := make(map[float64]int8, 10*n), here()
	return m, at
}

// address is the data word of the interface: of a map, the map itself.
func address(m any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&m))[1] }

// fill puts n entries into any map, and returns what reads one of them.
func fill(m any, n int) func() {
	v := reflect.ValueOf(m)
	key := reflect.New(v.Type().Key()).Elem()
	for i := 0; v.Len() < n; i++ {
		set(key, i)
		v.SetMapIndex(key, reflect.Zero(v.Type().Elem()))
	}
	set(key, 0)
	return func() { v.MapIndex(key) }
}

func set(key reflect.Value, i int) {
	switch key.Kind() {
	case reflect.String:
		key.SetString(fmt.Sprint("key ", i))
	case reflect.Int32, reflect.Int16, reflect.Int8:
		key.SetInt(int64(i))
	case reflect.Uint64, reflect.Uint16:
		key.SetUint(uint64(i))
	case reflect.Float64:
		key.SetFloat(float64(i))
	case reflect.Struct:
		// Unexported fields are for the language alone; write through the address.
		*(*int8)(unsafe.Pointer(key.UnsafeAddr())) = int8(i)
	case reflect.Array:
		set(key.Index(0), i)
	}
}

var kept []func()

//go:noinline
func makeSet(n int, old bool, say func(any) error) {
	for i, maker := range makers {
		m, at := maker.make(n)
		if m == nil {
			continue // this release has no such way
		}
		kept = append(kept, fill(m, i+3))
		_ = say(note{fmt.Sprint(address(m)), maker.way, old, reflect.TypeOf(m).String(), i + 3, at})
	}
	_ = say(map[string]int{"done": len(kept)})
}

func grow(say func(any) error, until time.Time) {
	m := map[string]int{}
	_ = say(map[string]string{"map": fmt.Sprint(address(m))})
	for time.Now().Before(until) {
		for i := 0; i < 1000; i++ {
			m[fmt.Sprint(i)] = i
			time.Sleep(2 * time.Millisecond)
		}
		for k := range m {
			delete(m, k)
		}
	}
}

var last map[string]int

func churn(say func(any) error, until time.Time) {
	for time.Now().Before(until) {
		made, began := 0, time.Now()
		for time.Since(began) < 200*time.Millisecond {
			for i := 0; i < 100; i++ {
				last = make(map[string]int)
			}
			made += 100
		}
		_ = say(map[string]int{"made": made})
	}
}

func main() {
	churning := flag.Bool("churn", false, "make maps as fast as possible")
	length := flag.Duration("for", time.Hour, "how long")
	growing := flag.Bool("grow", false, "one map that grows")
	flag.Parse()
	say := json.NewEncoder(os.Stdout).Encode
	if *churning {
		churn(say, time.Now().Add(*length))
		return
	}
	if *growing {
		grow(say, time.Now().Add(*length))
		return
	}
	makeSet(1, true, say)
	until := time.Now().Add(*length)
	lines := make(chan string)
	go func() {
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			lines <- in.Text()
		}
	}()
	for time.Now().Before(until) {
		select {
		case <-lines:
			makeSet(2, false, say)
		case <-time.After(5 * time.Millisecond):
		}
		for _, use := range kept {
			use()
		}
	}
}
