// SPDX-License-Identifier: MIT

// Package turns lets two sides use one unguarded map for a long time although nothing guards it.
//
// A planted conflict has a difficulty: left alone, the runtime's own check ends the process within
// seconds or minutes. So the sides keep apart by the clock and by nothing else. Time is cut into
// slots; a hash of the slot's number says whose turn it is; a side acts at most once in a
// slot of its own, and only in the first half of it. There is no lock and nothing is handed over:
// a goroutine that is held up within its turn is met by the other side, as in any program without
// a lock. The hash makes arrivals as irregular as those of independent requests.
package turns

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// The sides of a schedule.
const (
	A = iota
	B
	sides
)

// spin is how long before its slot a waiting goroutine stops sleeping: about what the kernel
// takes to wake a thread.
const spin = 20 * time.Microsecond

// slotTime is the length of a short slot: much longer than a map operation, which takes a fraction
// of a microsecond, and much shorter than the time between two requests, so that the sides are
// strangers to each other but for those few microseconds.
const slotTime = 40 * time.Microsecond

// Schedule says who may act when. Each schedule has an order of its own.
type Schedule struct {
	used  [sides]int64 // first slot that the side may use again; first, to be aligned on 386
	epoch time.Time
	slot  time.Duration
	rest  int64 // slots that a side leaves alone after one in which it acted
	salt  uint64
}

var salts uint64

// Every returns a schedule in which each side has a turn every period on average: for sides that do
// nothing else. Its slots are as long as can be.
func Every(period time.Duration) *Schedule {
	return newSchedule(period/sides, 0)
}

// AtMost returns a schedule of short slots in which each side has at most a turn every half period:
// for sides that come on their own account, at times of their own.
func AtMost(period time.Duration) *Schedule {
	return newSchedule(slotTime, int64(period/sides/slotTime))
}

func newSchedule(slot time.Duration, rest int64) *Schedule {
	return &Schedule{epoch: time.Now(), slot: slot, rest: rest,
		salt: atomic.AddUint64(&salts, 1)}
}

// owner mixes the slot's number (splitmix64) into one of the sides.
func (s *Schedule) owner(slot int64) int {
	x := uint64(slot) + s.salt*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return int((x ^ x>>31) % sides)
}

// Wait returns at the beginning of the next free slot of the side. Any number of goroutines may
// wait for the same side; each slot is given to one of them. Without a schedule nobody waits.
func (s *Schedule) Wait(side int) {
	if s == nil {
		return
	}
	for {
		now := time.Since(s.epoch)
		slot := int64(now/s.slot) + 1
		for s.owner(slot) != side || slot < atomic.LoadInt64(&s.used[side]) {
			slot++
		}
		start := time.Duration(slot) * s.slot
		Sleep(start - now - spin)
		for now = time.Since(s.epoch); now < start; now = time.Since(s.epoch) {
		}
		if now < start+s.slot/2 && s.take(side, slot) {
			return
		}
	}
}

// Phase counts spans of the given length since the schedule began: the same for both sides.
func (s *Schedule) Phase(length time.Duration) int {
	return int(time.Since(s.epoch) / length)
}

func (s *Schedule) take(side int, slot int64) bool {
	last := atomic.LoadInt64(&s.used[side])
	return last <= slot && atomic.CompareAndSwapInt64(&s.used[side], last, slot+1+s.rest)
}

// Sleep is not time.Sleep, which rounds up to a millisecond in an idle program.
func Sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	ts := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&ts, nil)
}

// Share returns after about the given time, at the beginning of a slot of the side: for the sides
// that share something that began at one moment and lives for a short while. Sides number from 0
// to sides-1; their slots follow each other in turn.
func Share(began time.Time, after time.Duration, side, sides int64) {
	Sleep(time.Until(began.Add(after)) - spin)
	for {
		slot := int64(time.Since(began)/slotTime) + 1
		slot += (side - slot%sides + sides) % sides
		start := time.Duration(slot) * slotTime
		Sleep(start - time.Since(began) - spin)
		for time.Since(began) < start {
		}
		if time.Since(began) < start+slotTime/2 {
			return
		}
	}
}

// Precise makes the kernel wake the calling thread on time (it may be 50 us late otherwise). For
// goroutines that called runtime.LockOSThread.
func Precise() {
	const prSetTimerslack = 29
	_, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0)
}

// Undisturbed makes the kernel leave the CPU to the calling thread when it wants to run, where the
// process may ask for that. An unguarded side that loses the CPU to some other process while it is
// inside the map is met there by the other side, and the runtime ends the process. For goroutines
// that called runtime.LockOSThread.
func Undisturbed() {
	const schedFifo, schedResetOnFork = 1, 0x40000000
	priority := int32(1)
	_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, 0,
		schedFifo|schedResetOnFork, uintptr(unsafe.Pointer(&priority)))
}
