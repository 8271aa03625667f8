// SPDX-License-Identifier: MIT
//
// Guards is a program whose maps are kept in order in one way each, for as long as it runs: the
// type of a map's keys tells which. Lines that the tests look for are marked.
package main

import (
	"fmt"
	"sync"
	"time"
)

type (
	rwKey      int64
	fieldKey   int64
	channelKey int64
	exceptKey  int64
)

type ledger struct {
	name string
	mu   sync.Mutex
	m    map[fieldKey]int
}

var (
	rw       sync.RWMutex
	rwMap    = map[rwKey]int{}
	exceptMu sync.Mutex
	except   = map[exceptKey]int{3: 1}
)

func readers() {
	for i := rwKey(0); ; i++ {
		rw.RLock() // LOCKED: rw
		_ = rwMap[i%9]
		rw.RUnlock()
		time.Sleep(2 * time.Millisecond)
	}
}

func writer() {
	for i := rwKey(0); ; i++ {
		rw.Lock() // LOCKED: rw
		rwMap[i%9]++
		rw.Unlock()
		time.Sleep(2 * time.Millisecond)
	}
}

func (l *ledger) credit() {
	for i := fieldKey(0); ; i++ {
		l.mu.Lock() // LOCKED: field
		l.m[i%9]++
		l.mu.Unlock()
		time.Sleep(2 * time.Millisecond)
	}
}

// Two goroutines change the map in turn; the one that gets it over the channel has it.
func pass(in <-chan map[channelKey]int, out chan<- map[channelKey]int) {
	for m := range in {
		m[1]++
		time.Sleep(2 * time.Millisecond)
		out <- m
	}
}

func careful() {
	for i := exceptKey(0); ; i++ {
		exceptMu.Lock() // LOCKED: except
		_ = except[i%9] // no change: nothing is at fault
		exceptMu.Unlock()
		time.Sleep(2 * time.Millisecond)
	}
}

func careless() {
	for {
		_ = except[3] // BARE: except
		time.Sleep(20 * time.Millisecond)
	}
}

func main() {
	l := &ledger{name: "l", m: map[fieldKey]int{}}
	there, back := make(chan map[channelKey]int, 1), make(chan map[channelKey]int, 1)

	go readers()
	go readers()
	go writer()
	go l.credit()
	go l.credit()
	go pass(there, back)
	go pass(back, there)
	there <- map[channelKey]int{}
	go careful()
	go careful()
	go careless()
	fmt.Println(`{"running": true}`)
	fmt.Println(`{"running": true}`)
	time.Sleep(time.Hour)
}
