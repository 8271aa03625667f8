// SPDX-License-Identifier: MIT

// Panics: map operations that never return, because the runtime's map function panics and the
// panic is recovered: a write to a nil map, a key that cannot be hashed. A monitor that takes an
// operation for running until it sees its end would find conflicts here; there are none, each map
// is used under a mutex.
//
//	panics [-for 10s] [-period 500us]
package main

import (
	"encoding/json"
	"flag"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

var recovered, used uint64

type table struct {
	mu sync.Mutex
	m  map[interface{}]int
}

// try runs one operation under the lock and survives it.
func (t *table) try(operation func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer func() {
		if recover() != nil {
			atomic.AddUint64(&recovered, 1)
		}
	}()
	operation()
}

func (t *table) use(n int) {
	var none map[string]int
	unhashable := []int{n}
	t.try(func() { t.m[unhashable] = n })
	t.try(func() { t.m[n%100] = n })
	t.try(func() { _ = t.m[unhashable] })
	t.try(func() { delete(t.m, interface{}(unhashable)) })
	t.try(func() { none["x"] = n })
	t.try(func() { _ = t.m[n%100] })
	atomic.AddUint64(&used, 1)
}

func main() {
	length := flag.Duration("for", 10*time.Second, "how long")
	period := flag.Duration("period", 500*time.Microsecond, "pause between two rounds")
	flag.Parse()
	say := json.NewEncoder(os.Stdout).Encode
	_ = say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	t := &table{m: map[interface{}]int{}}
	for i := 0; i < 4; i++ {
		go func() {
			for n := 0; ; n++ {
				t.use(n)
				time.Sleep(*period)
			}
		}()
	}
	time.Sleep(*length)
	_ = say(map[string]interface{}{"recovered": atomic.LoadUint64(&recovered),
		"rounds": atomic.LoadUint64(&used)})
}
