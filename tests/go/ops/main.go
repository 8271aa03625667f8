// SPDX-License-Identifier: MIT

// Ops: every way in which a program can touch a map, each a known number of times.
//
//	ops [-n 200] [-only KIND,...]
//
// Prints {"ready": true}, starts at the first line of standard input, prints one JSON line for each
// map: what was done to it, how often, where its first operation is; then {"done": true, "maps":
// COUNT}, and stays until standard input ends: that is the time to attach and to detach.
//
// What counts as one operation:
//
//	read     a look-up, of a key that is there or of one that is not; a clone, of its source
//	write    an assignment to an element, however it is written (=, ++, +=, append)
//	delete   of a key that is there or not
//	clear    of all entries at once: clear(m), or the loop that the compiler takes for it
//	iterate  the start of a range and every further step: a loop over N entries that is not left
//	         early is N+1 (the start finds the first entry, the last step finds the end)
//
// An operation on a nil map touches no map and is no operation. What the loops cannot count because
// a library does it is worked out from the library's source; the comment there says how.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
)

// tally is what was done to one map.
type tally struct {
	Kind       string `json:"kind"`
	Map        string `json:"map"`
	File       string `json:"file"` // where the tally was made; the first operation comes behind it
	Line       int    `json:"line"` // 0: the first operation is a library's
	Reads      int    `json:"reads"`
	Writes     int    `json:"writes"`
	Deletes    int    `json:"deletes"`
	Clears     int    `json:"clears"`
	Iterations int    `json:"iterations"`
}

// Every map has a tally and lives to the end, so that each has an address of its own.
var (
	tallies []*tally
	held    []interface{}
)

// tallyFor makes the tally of a map whose first operation is on the caller's next line with the
// comment "first".
func tallyFor(kind string, m interface{}) *tally {
	_, file, line, _ := runtime.Caller(1)
	t := tallyInside(kind, m)
	t.File, t.Line = filepath.Base(file), line
	return t
}

// tallyInside makes the tally of a map whose first operation is somewhere in a library.
func tallyInside(kind string, m interface{}) *tally {
	return tallyAt(kind, m, fmt.Sprintf("%p", m))
}

// tallyAt is for maps that have no variable here.
func tallyAt(kind string, owner interface{}, address string) *tally {
	t := &tally{Kind: kind, Map: address}
	held = append(held, owner)
	tallies = append(tallies, t)
	return t
}

// exercise is one group of operations; others are added by files for newer releases.
type exercise struct {
	name string
	run  func(n int)
}

var exercises []exercise

func register(name string, run func(n int)) bool {
	exercises = append(exercises, exercise{name, run})
	return true
}

var sink int

func say(v interface{}) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s\n", text)
}

func main() {
	n := flag.Int("n", 200, "operations of each kind")
	only := flag.String("only", "", "run these groups alone")
	flag.Parse()
	debug.SetGCPercent(-1) // no map is at an address where another one was
	say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	in := bufio.NewReader(os.Stdin)
	if _, err := in.ReadString('\n'); err != nil {
		return
	}
	for _, e := range exercises {
		if *only == "" || strings.Contains(","+*only+",", ","+e.name+",") {
			e.run(*n)
		}
	}
	for _, t := range tallies {
		say(t)
	}
	say(map[string]interface{}{"done": true, "maps": len(tallies), "go": runtime.Version()})
	_, _ = io.Copy(io.Discard, in)
	runtime.KeepAlive(held)
}
