// SPDX-License-Identifier: MIT

// Ends of waits as they are seldom seen: by panic, by a deadline, by closing.
package main

import (
	"os"
	"runtime"
	"sync"
	"time"

	"gomaptop/tests/service"
)

func init() {
	service.Add("recovered", "a panic ends each turn, and who recovers from it hands the map over", recovered)
	service.Add("deadline", "a deadline that is set now wakes who reads", deadline)
	service.Add("close_wakes", "closing a pipe ends the read of another goroutine", closeWakes)
	service.Add("once_panics", "the first of Once panics, the others go on from there", oncePanics)
	service.Add("rw_waits", "a writer waits for readers, who let readers go first by TryRLock", rwWaits)
	service.Add("cond_turns", "each waits for its turn at one condition, several locks around it", condTurns)
}

func recovered(t *service.Task) {
	c := make(chan map[string]int, 1)
	c <- map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			var m map[string]int
			defer func() {
				if recover() != nil {
					m[d.Key()]++
				}
				c <- m
			}()
			m = <-c
			m[d.Key()]++
			d.Between(0, 300)
			panic(m)
		})
	}
}

func deadline(t *service.Task) {
	a, b := both("tcp", "127.0.0.1:0")
	t.Every(func(d *service.Dice) {
		m := map[string]int{}
		done := make(chan struct{})
		must(0, a.SetReadDeadline(time.Time{}))
		go func() {
			var bytes [1]byte
			if _, err := a.Read(bytes[:]); err != nil {
				m[service.NewDice().Key()]++
			}
			close(done)
		}()
		d.Between(0, 2000)
		m[d.Key()]++
		must(0, a.SetReadDeadline(time.Now().Add(time.Duration(d.N(2))*time.Millisecond)))
		<-done
		m[d.Key()]++
		runtime.KeepAlive(b)
	})
}

func closeWakes(t *service.Task) {
	t.Every(func(d *service.Dice) {
		r, w, err := os.Pipe()
		must(0, err)
		m := map[string]int{}
		done := make(chan struct{})
		go func() {
			var bytes [1]byte
			_, _ = r.Read(bytes[:])
			m[service.NewDice().Key()]++
			r.Close()
			close(done)
		}()
		d.Between(0, 2000)
		m[d.Key()]++
		r.Close()
		<-done
		m[d.Key()]++
		w.Close()
	})
}

func oncePanics(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var once sync.Once
		m := map[string]int{}
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				defer func() {
					_ = recover()
					_ = m[own.Key()]
				}()
				once.Do(func() {
					m[own.Key()]++
					own.Between(0, 800)
					m[own.Key()]++
					panic(1)
				})
			}()
		}
	})
}

func rwWaits(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			if !mu.TryRLock() {
				d.Between(0, 200)
				mu.RLock()
			}
			_ = m[d.Key()]
			d.Between(0, 500)
			mu.RUnlock()
		})
	}
	t.Every(func(d *service.Dice) {
		if d.N(2) == 0 {
			mu.Lock()
		} else if !mu.TryLock() {
			return
		}
		m[d.Key()]++
		mu.Unlock()
	})
}

func condTurns(t *service.Task) {
	const sides = 4
	var outer, mu sync.Mutex
	turn := sync.NewCond(&mu)
	whose := 0
	m := map[string]int{}
	for i := 0; i < sides; i++ {
		me := i
		go func() {
			d := service.NewDice()
			for {
				mu.Lock()
				for whose != me {
					turn.Wait()
				}
				mu.Unlock()
				m[d.Key()]++ // it is the only one whose turn it is
				d.Between(0, 500)
				outer.Lock()
				outer.Unlock()
				mu.Lock()
				whose = (whose + 1) % sides
				mu.Unlock()
				turn.Broadcast()
				t.Turn()
			}
		}()
	}
}
