// SPDX-License-Identifier: MIT

// Twins: one writer, one reader, one map; the same program with and without a lock.
//
//	twins -mode racy|mutex|rwmutex|chan|local [-period 200us] [-for 20s] [-then MODE [-other-thread]]
//
// Each side uses the map once in every period. It prints "ready" with its process id and the
// address of the map, and when it ends (SIGTERM, SIGINT or -for) what it did, both as JSON lines.
// In mode local each goroutine has a map of its own. With -then it executes its own file again at
// the end, in that mode.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"gomaptop/tests/turns"
)

const keys = 64

var writes, reads, misses uint64

// A shared map and the way in which a mode guards it.
type twin struct {
	m     map[uint64]uint64
	mu    sync.Mutex
	rw    sync.RWMutex
	token chan map[uint64]uint64
}

type mode struct {
	prepare func() // the thread of a side
	write   func(t *twin, key uint64)
	read    func(t *twin, key uint64) bool
}

var modes = map[string]mode{
	"racy":    {undisturbed, racyWrite, racyRead},
	"mutex":   {turns.Precise, mutexWrite, mutexRead},
	"rwmutex": {turns.Precise, rwmutexWrite, rwmutexRead},
	"chan":    {turns.Precise, chanWrite, chanRead},
	"local":   {turns.Precise, nil, nil},
}

func undisturbed() {
	turns.Precise()
	turns.Undisturbed()
}

//go:noinline
func racyWrite(t *twin, key uint64) {
	t.m[key] = key // RACY write
}

//go:noinline
func racyRead(t *twin, key uint64) bool {
	_, ok := t.m[key] // RACY read
	return ok
}

func mutexWrite(t *twin, key uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	racyWrite(t, key)
}

func mutexRead(t *twin, key uint64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return racyRead(t, key)
}

func rwmutexWrite(t *twin, key uint64) {
	t.rw.Lock()
	defer t.rw.Unlock()
	racyWrite(t, key)
}

func rwmutexRead(t *twin, key uint64) bool {
	t.rw.RLock()
	defer t.rw.RUnlock()
	return racyRead(t, key)
}

// The channel holds the map itself: who has received it owns it until it is sent back.
func chanWrite(t *twin, key uint64) {
	m := <-t.token
	m[key] = key
	t.token <- m
}

func chanRead(t *twin, key uint64) bool {
	m := <-t.token
	_, ok := m[key]
	t.token <- m
	return ok
}

func writer(t *twin, md mode, schedule *turns.Schedule) {
	runtime.LockOSThread()
	md.prepare()
	own := map[uint64]uint64{}
	for key := uint64(0); ; key = (key + 1) % keys {
		schedule.Wait(turns.A)
		if md.write != nil {
			md.write(t, key)
		} else {
			own[key] = key
		}
		atomic.AddUint64(&writes, 1)
	}
}

func reader(t *twin, md mode, schedule *turns.Schedule) {
	runtime.LockOSThread()
	md.prepare()
	own := map[uint64]uint64{1: 1}
	for key := uint64(0); ; key = (key + 1) % keys {
		schedule.Wait(turns.B)
		var ok bool
		if md.read != nil {
			ok = md.read(t, key)
		} else {
			_, ok = own[key]
		}
		if !ok {
			atomic.AddUint64(&misses, 1)
		}
		atomic.AddUint64(&reads, 1)
	}
}

func say(v interface{}) {
	_ = json.NewEncoder(os.Stdout).Encode(v)
}

func main() {
	name := flag.String("mode", "racy", "racy, mutex, rwmutex, chan or local")
	period := flag.Duration("period", 200*time.Microsecond, "time between two uses of one side")
	length := flag.Duration("for", 0, "end by itself after this time (0: never)")
	then := flag.String("then", "", "mode in which the same process begins anew at the end")
	other := flag.Bool("other-thread", false, "by another thread than the first of the process")
	flag.Parse()
	md, ok := modes[*name]
	if !ok {
		fmt.Fprintf(os.Stderr, "twins: no mode %q\n", *name)
		os.Exit(2)
	}
	t := &twin{m: make(map[uint64]uint64, keys), token: make(chan map[uint64]uint64, 1)}
	t.token <- t.m

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	if *length > 0 {
		time.AfterFunc(*length, func() { stop <- syscall.SIGTERM })
	}
	schedule := turns.Every(*period)
	began := time.Now()
	go writer(t, md, schedule)
	go reader(t, md, schedule)
	say(map[string]interface{}{"ready": true, "pid": os.Getpid(), "mode": *name,
		"map": fmt.Sprintf("%p", t.m)})
	<-stop
	say(map[string]interface{}{"mode": *name, "seconds": time.Since(began).Seconds(),
		"writes": atomic.LoadUint64(&writes), "reads": atomic.LoadUint64(&reads),
		"misses": atomic.LoadUint64(&misses)})
	if *then != "" {
		if *other {
			onAnotherThread(func() { becomes(*then) })
		}
		becomes(*then)
	}
}

// Executes the own file anew.
func becomes(mode string) {
	err := syscall.Exec("/proc/self/exe", []string{"twins", "-mode", mode}, os.Environ())
	fmt.Fprintf(os.Stderr, "twins: %v\n", err)
	os.Exit(1)
}

// Runs f on a thread that is not the first of the process, and does not return. A goroutine that
// is locked to the first thread keeps it.
func onAnotherThread(f func()) {
	for i := 0; i < 2; i++ {
		go func() {
			runtime.LockOSThread()
			if syscall.Gettid() != os.Getpid() {
				f()
			}
			select {}
		}()
	}
	select {}
}
