// SPDX-License-Identifier: MIT

// Chains: every kind of call path that ends in a map operation, and what the Go runtime itself
// says about each.
//
//	chains [-for 30s] [-period 200us] [-dwell 400ms] [-only PATH,PATH...]
//
// Two goroutines take turns on one path for a while (-dwell), then on the next, round and round,
// each path on a map of its own, without a lock: each map is a planted conflict. Before the first operation on each path each goroutine prints
// what runtime.Callers and runtime.CallersFrames say at that very line, as one JSON line: path,
// side, address of the map, operation, frames from the function with the operation outwards.
// {"done": true} ends the list.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"time"

	"gomaptop/tests/turns"
)

type frame struct {
	Function string `json:"function"`
	File     string `json:"file"`
	Line     int    `json:"line"`
	Inlined  bool   `json:"inlined"`
}

type note struct {
	Path   string  `json:"path"`
	Side   string  `json:"side"`
	Op     string  `json:"op"`
	Map    string  `json:"map"`
	Frames []frame `json:"frames"`
}

// walk is one side's way through one path: where here() writes down how it got there.
type walk struct {
	path  *path
	side  string
	op    string
	turn  func() // returns when it is this side's turn
	noted bool
	key   uint64
}

type table map[uint64]uint64

type path struct {
	name string
	op   string
	m    table
	run  func(m table, w *walk)
}

var output = struct {
	sync.Mutex
	*json.Encoder
}{Encoder: json.NewEncoder(os.Stdout)}

func say(v interface{}) {
	output.Lock()
	defer output.Unlock()
	_ = output.Encode(v)
}

// here is called in the key of every map operation, so on its very line, in its very function:
// m[here(w)]. It returns the key.
//
//go:noinline
func here(w *walk) uint64 {
	if !w.noted {
		w.noted = true
		w.note()
	}
	w.key = (w.key + 1) % 16
	return w.key
}

//go:noinline
func (w *walk) note() {
	pcs := make([]uintptr, 128)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	n := note{Path: w.path.name, Side: w.side, Op: w.op, Map: fmt.Sprintf("%p", w.path.m)}
	for {
		f, more := frames.Next()
		// A call that was inlined has no Func of its own.
		n.Frames = append(n.Frames, frame{f.Function, f.File, f.Line, f.Func == nil})
		if !more {
			break
		}
	}
	say(n)
}

// side walks all paths once, one side after the other: that writes down how it got there, which
// takes longer than a turn. Then it takes its turns, each on the path whose time it is.
func side(number int, name string, all []*path, schedule *turns.Schedule, dwell time.Duration,
	first *sync.Mutex, noted *sync.WaitGroup) {
	runtime.LockOSThread()
	turns.Precise()
	turns.Undisturbed()
	turn := func() { schedule.Wait(number) }
	walks := make([]*walk, len(all))
	for i, p := range all {
		walks[i] = &walk{path: p, side: name, op: p.op, turn: turn}
	}
	first.Lock()
	for i := 0; ; i++ {
		if i == len(walks) {
			first.Unlock()
			noted.Done()
			noted.Wait()
		}
		w := walks[i%len(walks)]
		if i >= len(walks) {
			turn()
			w = walks[schedule.Phase(dwell)%len(walks)]
		}
		w.path.run(w.path.m, w) // one line for both: it is in the chains
	}
}

// chosen picks paths by name; all of them when no name is given.
func chosen(all []*path, names string) []*path {
	if names == "" {
		return all
	}
	var some []*path
	for _, p := range all {
		if strings.Contains(","+names+",", ","+p.name+",") {
			some = append(some, p)
		}
	}
	if len(some) == 0 {
		fmt.Fprintf(os.Stderr, "chains: no path is called %s\n", names)
		os.Exit(2)
	}
	return some
}

func main() {
	length := flag.Duration("for", 30*time.Second, "how long")
	period := flag.Duration("period", 200*time.Microsecond, "average time between two turns of one side")
	dwell := flag.Duration("dwell", 400*time.Millisecond, "time spent on one path before the next")
	only := flag.String("only", "", "these paths and no others, with commas between them")
	flag.Parse()
	all := chosen(paths(), *only)
	for _, p := range all {
		p.m = make(table, 16)
		for k := uint64(0); k < 16; k++ {
			p.m[k] = k
		}
	}
	say(map[string]interface{}{"ready": true, "pid": os.Getpid(), "paths": len(all)})
	schedule := turns.Every(*period)
	var noted sync.WaitGroup
	var first sync.Mutex
	noted.Add(2)
	go side(turns.A, "a", all, schedule, *dwell, &first, &noted)
	go side(turns.B, "b", all, schedule, *dwell, &first, &noted)
	noted.Wait()
	say(map[string]interface{}{"done": true})
	time.Sleep(*length)
}
