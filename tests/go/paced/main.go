// SPDX-License-Identifier: MIT

// Paced: map operations at a known, steady rate.
//
//	paced [-rate 20000] [-workers 4] [-changes 4] [-work 0]
//	    so many operations a second in all, by goroutines that share one map under one lock; one in
//	    -changes is a write, the others are reads. -work N: so many steps of arithmetic beside each.
//	    One JSON line each second, the first when it begins: reads and writes so far, seconds since
//	    the beginning. Ends with standard input.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	keys  = 1024
	pause = time.Millisecond
)

type shared struct {
	lock  sync.Mutex
	table map[uint64]uint64
}

var (
	reads, writes uint64
	sink          uint64
)

func (s *shared) get(key uint64) uint64 {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.table[key]
}

func (s *shared) put(key, value uint64) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.table[key] = value
}

func operate(s *shared, i, changes, work uint64) {
	sum := i
	for step := uint64(0); step < work; step++ {
		sum = sum*6364136223846793005 + step
	}
	if i%changes == 0 {
		s.put(i%keys, sum)
		atomic.AddUint64(&writes, 1)
		return
	}
	atomic.AddUint64(&sink, s.get(i%keys))
	atomic.AddUint64(&reads, 1)
}

// As many operations as are due by now: what a late wake-up leaves out is made up for.
func worker(s *shared, rate float64, changes, work uint64) {
	begin, done := time.Now(), uint64(0)
	for {
		due := uint64(time.Since(begin).Seconds() * rate)
		for ; done < due; done++ {
			operate(s, done, changes, work)
		}
		time.Sleep(pause)
	}
}

func tell(begin time.Time) {
	_ = json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"reads":   float64(atomic.LoadUint64(&reads)),
		"writes":  float64(atomic.LoadUint64(&writes)),
		"seconds": time.Since(begin).Seconds()})
}

func main() {
	rate := flag.Float64("rate", 20000, "")
	workers := flag.Int("workers", 4, "")
	changes := flag.Uint64("changes", 4, "")
	work := flag.Uint64("work", 0, "")
	flag.Parse()
	if *rate <= 0 || *workers < 1 || *changes < 1 {
		fmt.Fprintln(os.Stderr, "paced: -rate, -workers and -changes must be above zero")
		os.Exit(2)
	}
	s := &shared{table: map[uint64]uint64{}}
	for w := 0; w < *workers; w++ {
		go worker(s, *rate/float64(*workers), *changes, *work)
	}
	go func() {
		for begin := time.Now(); ; time.Sleep(time.Second) {
			tell(begin)
		}
	}()
	_, _ = io.Copy(io.Discard, os.Stdin)
}
