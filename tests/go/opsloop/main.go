// SPDX-License-Identifier: MIT

// Opsloop: map operations, exactly as many as asked for.
//
//	opsloop -op read|write|delete|iterate [-n 1000000] [-rounds 10] [-wait]
//	    one goroutine, locked to its thread, runs n operations of one kind in a loop; one JSON line
//	    a round: ns_per_op. -rounds 0: until it is killed. -pin CPU: on that CPU alone.
//
//	    -work N: so many steps of arithmetic beside each operation. -walk KB: so much memory gone
//	    through before each read, which finds the caches cold; that is no part of ns_per_op. -jump
//	    TIME: for so long only a few hundred operations a second, then as fast as they go.
//
// With -wait it prints {"ready": true}, starts at the first line of standard input, and after its
// last line of output stays until standard input ends: that is the time to attach and to detach.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

const keys = 1024

var sink uint64

func say(v interface{}) {
	_ = json.NewEncoder(os.Stdout).Encode(v)
}

// The loops of the cost benchmark.
var loops = map[string]func(m map[uint64]uint64, n int){
	"read": func(m map[uint64]uint64, n int) {
		sum := uint64(0)
		for i := 0; i < n; i++ {
			sum += m[uint64(i)%keys]
		}
		sink = sum
	},
	"write": func(m map[uint64]uint64, n int) {
		for i := 0; i < n; i++ {
			m[uint64(i)%keys] = uint64(i)
		}
	},
	"delete": func(m map[uint64]uint64, n int) {
		for i := 0; i < n; i++ {
			delete(m, uint64(keys+i))
		}
	},
	"iterate": func(m map[uint64]uint64, n int) {
		for i := 0; i < n; i += keys {
			for k := range m {
				sink += k
			}
		}
	},
}

func pin(cpu int) error {
	mask := [16]uint64{}
	mask[cpu/64] = 1 << uint(cpu%64)
	_, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_SETAFFINITY, 0,
		unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	if errno != 0 {
		return errno
	}
	return nil
}

// Work that is no map operation, beside each read.
func working(work int) func(m map[uint64]uint64, n int) {
	return func(m map[uint64]uint64, n int) {
		sum := uint64(0)
		for i := 0; i < n; i++ {
			sum += m[uint64(i)%keys]
			for k := 0; k < work; k++ {
				sum = sum*6364136223846793005 + 1442695040888963407
			}
		}
		sink = sum
	}
}

// Time that is no part of what operations take.
var aside time.Duration

func walking(kb int) func(m map[uint64]uint64, n int) {
	const line = 64
	memory := make([]byte, kb<<10)
	return func(m map[uint64]uint64, n int) {
		sum := uint64(0)
		for i := 0; i < n; i++ {
			began := time.Now()
			for k := 0; k < len(memory); k += line {
				memory[k]++
			}
			aside += time.Since(began)
			sum += m[uint64(i)%keys]
		}
		sink = sum
	}
}

func bench(op string, n, rounds int, jump time.Duration) {
	loop := loops[op]
	m := make(map[uint64]uint64, keys)
	for k := uint64(0); k < keys; k++ {
		m[k] = k
	}
	for end := time.Now().Add(jump); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		loop(m, 5)
	}
	for round := 0; rounds == 0 || round < rounds; round++ {
		began := time.Now()
		aside = 0
		loop(m, n)
		took := time.Since(began) - aside
		say(map[string]interface{}{"op": op, "round": round, "ops": n,
			"seconds": took.Seconds(), "ns_per_op": float64(took.Nanoseconds()) / float64(n)})
	}
}

func main() {
	op := flag.String("op", "read", "read, write, delete or iterate")
	n := flag.Int("n", 1000000, "operations a round")
	rounds := flag.Int("rounds", 10, "rounds; 0: until killed")
	wait := flag.Bool("wait", false, "start at a line of standard input, stay until its end")
	work := flag.Int("work", 0, "steps of arithmetic beside each operation")
	walk := flag.Int("walk", 0, "KB of memory to go through before each read")
	jump := flag.Duration("jump", 0, "hardly any operations for so long")
	cpu := flag.Int("pin", -1, "stay on this CPU")
	flag.Parse()
	if loops[*op] == nil {
		fmt.Fprintf(os.Stderr, "opsloop: no operation %q\n", *op)
		os.Exit(2)
	}
	if *work > 0 {
		loops[*op] = working(*work)
	}
	if *walk > 0 {
		loops[*op] = walking(*walk)
	}
	runtime.LockOSThread()
	if *cpu >= 0 {
		if err := pin(*cpu); err != nil {
			fmt.Fprintln(os.Stderr, "opsloop: cannot pin:", err)
			os.Exit(2)
		}
	}
	say(map[string]interface{}{"ready": true, "pid": os.Getpid()})
	in := bufio.NewReader(os.Stdin)
	if *wait {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
	}
	bench(*op, *n, *rounds, *jump)
	if *wait {
		_, _ = io.Copy(io.Discard, in)
	}
}
