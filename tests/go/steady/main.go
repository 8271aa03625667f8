// SPDX-License-Identifier: MIT

// Steady: does the same whatever watches it. Every run prints the same lines and ends with the same
// status, so that any difference is the doing of whoever watches.
//
//	steady [-rounds 3] [-pause 0] [-children 0] [-exec 0] [-alone]
//	    a round is map operations of every kind by four goroutines under one lock, deep stacks that
//	    grow, collections of garbage; it ends with one line: {"round": 1, "sum": "0x..."}. Rounds
//	    sixteen apart have the same sum. -rounds 0: until standard input ends.
//	    -pause TIME: between two rounds. -children N: so many processes in each round that run this
//	    file too. -exec N: after the last round the process becomes this program anew, N times.
//	    -alone: no line "ready" with the process id, which is the one line that may differ.
//
// Built with the tag "extra" it has more packages in it, at other addresses; the lines are the same.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	workers = 4
	kinds   = 16 // of rounds
	status  = 7
)

type point struct {
	x, y int32
	name string
}

type tables struct {
	sync.Mutex
	small map[uint32]uint64
	large map[uint64]uint64
	names map[string][]byte
	wide  map[point]float64
	any   map[interface{}]int
}

// inC is what a program with C in it does in each round, through C and back.
var inC = func(f func()) { f() }

// grow needs so much stack that it is copied while map operations are on it.
func grow(t *tables, seed uint64, depth int) uint64 {
	var room [24]uint64
	room[depth%len(room)] = seed
	t.Lock()
	t.large[seed%512] += uint64(depth)
	t.Unlock()
	if depth == 0 {
		return room[0]
	}
	return grow(t, seed*6364136223846793005+1442695040888963407, depth-1) ^ room[depth%len(room)]
}

func recovered(t *tables) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	var none map[string]int
	none["x"] = 1
	return "no panic"
}

func work(t *tables, seed uint64) {
	for i := uint64(0); i < 300; i++ {
		key := (seed + i*i) % 97
		t.Lock()
		t.small[uint32(key)] += i
		t.large[key*31] += i
		t.names[strconv.FormatUint(key, 36)] = []byte(strconv.FormatUint(i%(key+1), 10))
		t.wide[point{int32(key), int32(seed % 5), "p"}] += float64(i)
		t.any[key%13] += int(i)
		t.any[strconv.FormatUint(key%7, 10)]++
		if _, there := t.small[uint32(key+1)]; there && i%3 == 0 {
			delete(t.wide, point{int32(key), int32(seed % 5), "q"})
		}
		t.Unlock()
		if i%128 == 0 {
			runtime.Gosched()
		}
	}
	grow(t, seed, 200)
}

// What the tables hold, in an order that is the same each time. What i%(key+1) was last depends on
// who came last: names count, not what they hold.
func (t *tables) sum() uint64 {
	var lines []string
	for k, v := range t.small {
		lines = append(lines, fmt.Sprint("s", k, v))
	}
	for k, v := range t.large {
		lines = append(lines, fmt.Sprint("l", k, v))
	}
	for k := range t.names {
		lines = append(lines, fmt.Sprint("n", k))
	}
	for k, v := range t.wide {
		lines = append(lines, fmt.Sprint("w", k, v))
	}
	for k, v := range t.any {
		lines = append(lines, fmt.Sprint("a", k, v))
	}
	sort.Strings(lines)
	hash := uint64(14695981039346656037)
	for _, c := range []byte(strings.Join(lines, "\n")) {
		hash = (hash ^ uint64(c)) * 1099511628211
	}
	return hash
}

func round(number, children int) (sum uint64, err error) {
	seed := uint64(number%kinds) + 1
	t := &tables{small: map[uint32]uint64{}, large: map[uint64]uint64{},
		names: map[string][]byte{}, wide: map[point]float64{}, any: map[interface{}]int{}}
	var group sync.WaitGroup
	for i := 0; i < workers; i++ {
		group.Add(1)
		go func(i uint64) {
			defer group.Done()
			inC(func() { work(t, seed*100+i) })
		}(uint64(i))
	}
	runtime.GC()
	group.Wait()
	sum = t.sum()
	for k := range t.small { // all that is there: a clear, where the compiler knows that
		delete(t.small, k)
	}
	text, err := json.Marshal(map[string]interface{}{"left": len(t.small), "told": recovered(t)})
	if err != nil {
		return 0, err
	}
	for _, c := range text {
		sum = sum*31 + uint64(c)
	}
	for i := 0; i < children; i++ {
		out, err := exec.Command("/proc/self/exe", "-alone", "-rounds", "1").Output()
		if _, ended := err.(*exec.ExitError); !ended || !strings.HasPrefix(string(out), `{"round":0`) {
			return 0, fmt.Errorf("a child printed %q: %v", out, err)
		}
	}
	return sum, nil
}

func say(v interface{}) { _ = json.NewEncoder(os.Stdout).Encode(v) }

func main() {
	rounds := flag.Int("rounds", 3, "0: until standard input ends")
	pause := flag.Duration("pause", 0, "between two rounds")
	children := flag.Int("children", 0, "processes in each round")
	again := flag.Int("exec", 0, "how often to become this program anew")
	alone := flag.Bool("alone", false, "say nothing of this process")
	flag.Parse()
	if !*alone {
		say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	}
	ended := make(chan bool)
	if *rounds == 0 {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			close(ended)
		}()
	}
	for number := 0; *rounds == 0 || number < *rounds; number++ {
		select {
		case <-ended:
			os.Exit(status)
		case <-time.After(*pause):
		}
		sum, err := round(number, *children)
		if err != nil {
			fmt.Fprintln(os.Stderr, "steady:", err)
			os.Exit(1)
		}
		say(map[string]interface{}{"round": number, "sum": fmt.Sprintf("%#x", sum)})
	}
	if *again > 0 {
		args := []string{os.Args[0], "-alone", "-rounds", fmt.Sprint(*rounds), "-pause",
			pause.String(), "-children", fmt.Sprint(*children), "-exec", fmt.Sprint(*again - 1)}
		err := syscall.Exec("/proc/self/exe", args, os.Environ())
		fmt.Fprintln(os.Stderr, "steady:", err)
		os.Exit(1)
	}
	os.Exit(status)
}
