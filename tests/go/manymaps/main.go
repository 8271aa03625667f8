// SPDX-License-Identifier: MIT

// Manymaps: a large process that does nothing wrong. Many maps, each behind a lock of its own and
// used by several of many goroutines. With one kind all maps have one type and are used at the same
// lines, as sessions or caches are; with more kinds that many types are made at run time, so that a
// monitor that tells maps of one kind as one has to tell them one by one.
//
//	manymaps [-maps 10000] [-goroutines 10000] [-rate 20000] [-kinds 1] [-quiet 0] [-for 10m]
package main

import (
	"encoding/json"
	"flag"
	"os"
	"reflect"
	"sync"
	"sync/atomic"
	"time"
)

// table is a map of any type from arrays of bytes to uint64, and its lock.
type table struct {
	lock  sync.RWMutex
	plain map[uint64]uint64
	made  reflect.Value // of a type that was made at run time; else invalid
	key   reflect.Type
}

func newTable(kind int) *table {
	if kind == 0 {
		return &table{plain: make(map[uint64]uint64)}
	}
	key := reflect.ArrayOf(kind, reflect.TypeOf(byte(0)))
	return &table{
		made: reflect.MakeMap(reflect.MapOf(key, reflect.TypeOf(uint64(0)))),
		key:  key,
	}
}

// word is n as a key of the table.
func (t *table) word(n uint64) reflect.Value {
	key := reflect.New(t.key).Elem()
	key.Index(0).SetUint(n % 64)
	return key
}

func (t *table) put(n uint64) {
	t.lock.Lock()
	defer t.lock.Unlock()
	if t.plain != nil {
		t.plain[n%64] = n
		return
	}
	t.made.SetMapIndex(t.word(n), reflect.ValueOf(n))
}

func (t *table) get(n uint64) uint64 {
	t.lock.RLock()
	defer t.lock.RUnlock()
	if t.plain != nil {
		return t.plain[n%64]
	}
	if v := t.made.MapIndex(t.word(n)); v.IsValid() {
		return v.Uint()
	}
	return 0
}

var done uint64

// work uses two maps in turn, its own and that of a neighbour, until it is told to be quiet.
func work(tables []*table, id int, pause time.Duration, quiet *uint32) {
	own, other := tables[id%len(tables)], tables[(id+1)%len(tables)]
	// Not all at once.
	time.Sleep(time.Duration(id%1000) * pause / 1000)
	for n := uint64(id); ; n++ {
		own.put(n)
		n += other.get(n) & 1
		atomic.AddUint64(&done, 2)
		time.Sleep(pause)
		for atomic.LoadUint32(quiet) != 0 {
			time.Sleep(time.Hour)
		}
	}
}

func main() {
	maps := flag.Int("maps", 10000, "how many maps")
	goroutines := flag.Int("goroutines", 10000, "how many goroutines use them")
	rate := flag.Float64("rate", 20000, "map operations a second, of all together")
	kinds := flag.Int("kinds", 1, "how many types of maps")
	quiet := flag.Duration("quiet", 0, "stop using the maps after so long; 0: never")
	length := flag.Duration("for", 10*time.Minute, "how long the process stays")
	flag.Parse()
	tables := make([]*table, *maps)
	for i := range tables {
		tables[i] = newTable(i % *kinds)
	}
	pause := time.Duration(2 * float64(*goroutines) / *rate * float64(time.Second))
	var silent uint32
	for i := 0; i < *goroutines; i++ {
		go work(tables, i, pause, &silent)
	}
	say := json.NewEncoder(os.Stdout).Encode
	_ = say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	if *quiet > 0 {
		time.AfterFunc(*quiet, func() { atomic.StoreUint32(&silent, 1) })
	}
	time.Sleep(*length)
	_ = say(map[string]interface{}{"done": atomic.LoadUint64(&done)})
}
