// SPDX-License-Identifier: MIT

// Scale: as many maps and goroutines as asked for, used as often as asked for, as deep as asked for.
//
//	scale [-maps 10] [-types 0] [-goroutines 10] [-depth 1] [-rate 10000] [-entries 4]
//
// All maps are a map[uint64]uint64; with -types N they are of N types, made and used by reflect.
//
// Map k belongs to goroutine k modulo the number of goroutines; a goroutine uses its maps one after
// the other, so that every goroutine and every map has its turn, and no map is shared. One operation
// in eight is a write. With -depth N the operation is made N calls below the goroutine's loop. It
// prints {"ready": true} when all are there, and each second a line with the operations so far.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"sync/atomic"
	"time"
)

const (
	span = 5 * time.Millisecond
	late = 10 * span
)

var operations uint64

func say(v interface{}) {
	_ = json.NewEncoder(os.Stdout).Encode(v)
}

// table is a map, of a type known to the compiler or not.
type table struct {
	plain map[uint64]uint64
	typed reflect.Value
}

var keys [4]reflect.Value

// valueTypes are as small as can be and differ in a name.
func valueTypes(count int) []reflect.Type {
	types := make([]reflect.Type, count)
	for i := range types {
		types[i] = reflect.StructOf([]reflect.StructField{{Name: fmt.Sprintf("Value%d", i),
			Type: reflect.TypeOf(uint64(0))}})
	}
	return types
}

func newTable(entries int, value reflect.Type) table {
	if value == nil {
		m := make(map[uint64]uint64, entries)
		for i := uint64(0); i < uint64(entries); i++ {
			m[i] = i
		}
		return table{plain: m}
	}
	m := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(uint64(0)), value))
	for i := 0; i < entries; i++ {
		m.SetMapIndex(reflect.ValueOf(uint64(i)), reflect.New(value).Elem())
	}
	return table{typed: m}
}

func (t *table) read(n uint64) uint64 {
	if t.plain != nil {
		return t.plain[n]
	}
	return uint64(t.typed.MapIndex(keys[n]).Kind())
}

func (t *table) write(n uint64) uint64 {
	if t.plain != nil {
		t.plain[n] = n
	} else {
		t.typed.SetMapIndex(keys[n], t.typed.MapIndex(keys[n]))
	}
	return n
}

// use goes down to the given depth and uses the map there.
//
//go:noinline
func use(t *table, n uint64, depth int) uint64 {
	if depth > 1 {
		return use(t, n, depth-1) + 1
	}
	if n%8 == 0 {
		return t.write(n % uint64(len(keys)))
	}
	return t.read(n % uint64(len(keys)))
}

// owner uses one of its maps each time it is told to, batch operations in a row.
func owner(tables []table, turns <-chan struct{}, depth int, batch uint64) {
	sum := uint64(0)
	for next := 0; ; next++ {
		<-turns
		for n := uint64(0); n < batch; n++ {
			sum += use(&tables[next%len(tables)], n+uint64(next), depth)
		}
		atomic.AddUint64(&operations, batch)
	}
}

// drive gives every goroutine its turn, so often that the rate is kept.
func drive(turns []chan struct{}, rate float64, batch uint64) {
	perSpan := rate / float64(batch) * span.Seconds()
	owed, next := 0.0, time.Now()
	for i := 0; ; {
		for owed += perSpan; owed >= 1; owed-- {
			turns[i] <- struct{}{}
			i = (i + 1) % len(turns)
		}
		next = next.Add(span)
		if behind := time.Since(next); behind > late {
			next = next.Add(behind)
		}
		time.Sleep(time.Until(next))
	}
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func main() {
	types := flag.Int("types", 0, "types of maps made by reflect; 0: one, known to the compiler")
	maps := flag.Int("maps", 10, "maps")
	goroutines := flag.Int("goroutines", 10, "goroutines")
	depth := flag.Int("depth", 1, "calls between a goroutine's loop and the operation")
	rate := flag.Float64("rate", 10000, "operations a second")
	entries := flag.Int("entries", 4, "entries of a map")
	batch := flag.Uint64("batch", 1, "operations of a turn")
	flag.Parse()
	for i := range keys {
		keys[i] = reflect.ValueOf(uint64(i))
	}
	values := append(valueTypes(*types), nil)[:max(*types, 1)]
	owned := make([][]table, *goroutines)
	for k := 0; k < max(*maps, *goroutines); k++ {
		owner := &owned[k%*goroutines]
		*owner = append(*owner, newTable(*entries, values[k%len(values)]))
	}
	turns := make([]chan struct{}, *goroutines)
	for i := range turns {
		turns[i] = make(chan struct{}, 1)
		go owner(owned[i], turns[i], *depth, *batch)
	}
	say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	go drive(turns, *rate, *batch)
	for range time.Tick(time.Second) {
		say(map[string]interface{}{"operations": atomic.LoadUint64(&operations)})
	}
}
