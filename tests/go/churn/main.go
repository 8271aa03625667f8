// SPDX-License-Identifier: MIT

// Churn: everything comes and goes, and no map is ever shared. Goroutines by the thousand, each
// with maps of its own that die with it, so that map addresses, goroutine addresses and stacks are
// used again and again by others. A monitor that takes an address for an identity sees conflicts
// here; there are none.
//
//	churn [-for 10s] [-workers 8] [-rate 4000]
package main

import (
	"encoding/json"
	"flag"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

var made, kept uint64

// life is one short goroutine: a map that stays on its stack, one on the heap, one that is passed
// down, all of them dead when it returns.
func life(n uint64) {
	small := map[uint64]uint64{n: n}
	heap := make(map[string]uint64, 64)
	for i := uint64(0); i < 8; i++ {
		small[i] = n
		heap[string(rune('a'+i))] = small[i]
	}
	atomic.AddUint64(&kept, deeper(heap, 12))
	delete(small, n)
	atomic.AddUint64(&made, 2)
}

// deeper makes the stack grow, which moves what lives on it.
//
//go:noinline
func deeper(m map[string]uint64, depth int) uint64 {
	var room [256]byte
	room[depth] = byte(len(m))
	if depth == 0 {
		sum := uint64(0)
		for _, v := range m {
			sum += v
		}
		return sum + uint64(room[0])
	}
	m["depth"] = uint64(depth)
	return deeper(m, depth-1) + uint64(room[depth]&1)
}

// worker starts one goroutine after the other at its share of the rate.
func worker(pause time.Duration, until time.Time) {
	for n := uint64(0); time.Now().Before(until); n++ {
		var done sync.WaitGroup
		done.Add(2)
		for i := uint64(0); i < 2; i++ {
			go func(n uint64) {
				defer done.Done()
				life(n)
			}(n + i)
		}
		done.Wait()
		time.Sleep(2 * pause)
	}
}

func main() {
	length := flag.Duration("for", 10*time.Second, "how long")
	workers := flag.Int("workers", 8, "goroutines that start others")
	rate := flag.Float64("rate", 4000, "goroutines a second, at most")
	flag.Parse()
	say := json.NewEncoder(os.Stdout).Encode
	_ = say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	var done sync.WaitGroup
	until := time.Now().Add(*length)
	pause := time.Duration(float64(*workers) / *rate * float64(time.Second))
	for i := 0; i < *workers; i++ {
		done.Add(1)
		go func() {
			defer done.Done()
			worker(pause, until)
		}()
	}
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			runtime.GC() // dead maps give their addresses back at once
		}
	}()
	done.Wait()
	_ = say(map[string]interface{}{"made": atomic.LoadUint64(&made), "kept": kept})
}
