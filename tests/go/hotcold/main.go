// SPDX-License-Identifier: MIT

// Hotcold: millions of guarded map operations a second, and one map on which two goroutines meet
// unguarded, now and then.
//
//	hotcold [-rate 100] [-guard] [-hot 2000000] [-for 1h]
//
// Four goroutines do the guarded work, -hot operations a second in all, two on each of two maps.
// The cold map is written by one goroutine and read by another, each -rate times a second; with
// -guard under a lock. The first line of output says where the maps are, further ones, each second,
// how many operations there were so far.
package main

import (
	"encoding/json"
	"flag"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"
)

var cold = map[uint64]uint64{1: 1, 2: 2}

var coldLock sync.Mutex

var writes, reads, busyOps uint64

func address(m map[uint64]uint64) uintptr { return *(*uintptr)(unsafe.Pointer(&m)) }

func say(v interface{}) { _ = json.NewEncoder(os.Stdout).Encode(v) }

func lock(guard bool) {
	if guard {
		coldLock.Lock()
	}
}

func unlock(guard bool) {
	if guard {
		coldLock.Unlock()
	}
}

//go:noinline
func coldPut(guard bool, i uint64) {
	lock(guard)
	cold[1] = i // write
	unlock(guard)
	atomic.AddUint64(&writes, 1)
}

//go:noinline
func coldGet(guard bool) uint64 {
	lock(guard)
	v := cold[2] // read
	unlock(guard)
	atomic.AddUint64(&reads, 1)
	return v
}

func writer(pause time.Duration, guard bool) {
	for i := uint64(0); ; i++ {
		coldPut(guard, i)
		time.Sleep(pause)
	}
}

func reader(pause time.Duration, guard bool) {
	for sum := uint64(0); ; {
		sum += coldGet(guard)
		time.Sleep(pause)
	}
}

type hot struct {
	sync.Mutex
	m map[uint64]uint64
}

// A batch under the lock, so that the lock costs next to nothing.
func (h *hot) batch(n uint64) {
	h.Lock()
	for i := uint64(0); i < n; i++ {
		h.m[i&255] += i
	}
	h.Unlock()
	atomic.AddUint64(&busyOps, n)
}

func busy(h *hot, pause time.Duration) {
	for {
		h.batch(1000)
		time.Sleep(pause)
	}
}

func main() {
	rate := flag.Int("rate", 100, "operations a second of each side of the cold map")
	guard := flag.Bool("guard", false, "guard the cold map")
	hotRate := flag.Int("hot", 2000000, "guarded operations a second")
	length := flag.Duration("for", time.Hour, "how long")
	flag.Parse()

	var hots []uintptr
	pause := time.Second * 4 * 1000 / time.Duration(*hotRate)
	for i := 0; i < 2; i++ {
		h := &hot{m: map[uint64]uint64{}}
		hots = append(hots, address(h.m))
		go busy(h, pause)
		go busy(h, pause)
	}
	say(map[string]interface{}{"cold": address(cold), "hot": hots})
	go writer(time.Second/time.Duration(*rate), *guard)
	go reader(time.Second/time.Duration(*rate), *guard)
	for end := time.Now().Add(*length); time.Now().Before(end); time.Sleep(time.Second) {
		say(map[string]uint64{"writes": atomic.LoadUint64(&writes),
			"reads": atomic.LoadUint64(&reads), "busy": atomic.LoadUint64(&busyOps)})
	}
}
