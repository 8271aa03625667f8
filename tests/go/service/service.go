// SPDX-License-Identifier: MIT

// Package service is what small programs of one shape each have in common: requests that arrive
// now and then, goroutines that wait, a list of the programs and a main function.
//
// Nothing here orders one goroutine with another but what starts it: turns are counted unseen, and
// each goroutine draws chance for itself. So what a program does itself is all that orders, for the
// race detector as well as for who watches from outside.
package service

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"
)

type program struct {
	name, about string
	run         func(t *Task)
	beyond      bool
}

var (
	programs []program
	pace     = 1.0
)

// Keys are what maps are used with.
var Keys [64]string

// Add makes a program known, from an init function.
func Add(name, about string, run func(t *Task)) {
	programs = append(programs, program{name: name, about: about, run: run})
}

// AddBeyond makes one known that is not part of "all" and -list.
func AddBeyond(name, about string, run func(t *Task)) {
	programs = append(programs, program{name: name, about: about, run: run, beyond: true})
}

// A Task is a program that runs.
type Task struct {
	name  string
	_     [64]byte
	count int64
	_     [64]byte
}

// Turn counts what was done: inexactly, so that the count orders nothing.
//
//go:norace
//go:noinline
func (t *Task) Turn() {
	t.count++
}

//go:norace
//go:noinline
func (t *Task) turns() int64 {
	return t.count
}

// Every has a goroutine that does f again and again.
func (t *Task) Every(f func(d *Dice)) {
	go func() {
		d := NewDice()
		for {
			d.Arrival()
			f(d)
			t.Turn()
		}
	}()
}

// Requests starts a goroutine that does f for each arrival.
func (t *Task) Requests(f func(d *Dice)) {
	go func() {
		d := NewDice()
		for {
			d.Arrival()
			go func() {
				f(NewDice())
				t.Turn()
			}()
		}
	}()
}

// Dice are one goroutine's own chance.
type Dice uint64

// NewDice returns some that differ from all others, most likely.
func NewDice() *Dice {
	d := Dice(time.Now().UnixNano())*0x9e3779b97f4a7c15 | 1
	return &d
}

// N is a number below n.
func (d *Dice) N(n int) int {
	x := uint64(*d)
	x ^= x << 13
	x ^= x >> 7
	x ^= x << 17
	*d = Dice(x)
	return int(x >> 16 % uint64(n))
}

// Key is one of Keys.
func (d *Dice) Key() string {
	return Keys[d.N(len(Keys))]
}

// Between sleeps for so many microseconds.
func (d *Dice) Between(least, most int) {
	time.Sleep(time.Duration(float64(least+d.N(most-least+1))*pace) * time.Microsecond)
}

// Wait stands for input and output: 0.2 to 5 ms.
func (d *Dice) Wait() {
	d.Between(200, 5000)
}

// Arrival waits for the next request: now and then they come in bursts.
func (d *Dice) Arrival() {
	if d.N(6) != 0 {
		d.Between(200, 12000)
	}
}

func say(v interface{}) {
	_ = json.NewEncoder(os.Stdout).Encode(v)
}

func fail(status int, format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(status)
}

func list(about, beyond bool) {
	for _, p := range programs {
		switch {
		case about:
			fmt.Printf("%s: %s\n", p.name, p.about)
		case p.beyond == beyond:
			fmt.Println(p.name)
		}
	}
}

func start(names []string) []*Task {
	var tasks []*Task
	for _, name := range names {
		before := len(tasks)
		for _, p := range programs {
			if p.name == name || name == "all" && !p.beyond {
				tasks = append(tasks, &Task{name: p.name})
				p.run(tasks[len(tasks)-1])
			}
		}
		if len(tasks) == before {
			fail(2, "%s: there is no program of this name", name)
		}
	}
	return tasks
}

// Main is the main function: NAME...|all [-seconds N] [-pace F], -list, -about, -beyond. It prints
// "ready" and its process id as a JSON line and, when it ends by itself, how many turns each program
// did; none is a fault of the program (status 3).
func Main() {
	names := []string{}
	listed := flag.Bool("list", false, "names of all programs")
	about := flag.Bool("about", false, "names, and what they do")
	beyond := flag.Bool("beyond", false, "names of those that are not part of all")
	seconds := flag.Float64("seconds", 0, "end after this time (0: never)")
	flag.Float64Var(&pace, "pace", pace, "factor of all waits")
	flag.Parse()
	for flag.NArg() > 0 { // flags may follow names
		names = append(names, flag.Arg(0))
		_ = flag.CommandLine.Parse(flag.Args()[1:])
	}
	for i := range Keys {
		Keys[i] = "key-" + strconv.Itoa(i)
	}
	sort.Slice(programs, func(i, j int) bool { return programs[i].name < programs[j].name })
	if *listed || *about || *beyond {
		list(*about, *beyond)
		return
	}
	tasks := start(names)
	if len(tasks) == 0 {
		fail(2, "usage: NAME...|all [-seconds N] [-pace F] | -list | -about | -beyond")
	}
	say(map[string]interface{}{"ready": true, "pid": os.Getpid(), "programs": len(tasks)})
	if *seconds <= 0 {
		select {}
	}
	time.Sleep(time.Duration(*seconds * float64(time.Second)))
	turns := map[string]int64{}
	for _, t := range tasks {
		turns[t.name] = t.turns()
	}
	say(map[string]interface{}{"seconds": *seconds, "turns": turns})
	for name, n := range turns {
		if n == 0 {
			fail(3, "%s did nothing", name)
		}
	}
}
