// SPDX-License-Identifier: MIT

// Atomics: what a load orders cannot be seen from outside.
package main

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"gomaptop/tests/service"
)

func init() {
	service.Add("cow_pointer", "copy on write through an atomic pointer, one writer", cowPointer)
	service.Add("cow_value", "the same through an atomic.Value", cowValue)
	service.Add("cow_cas", "copy on write by several writers that compare and swap", cowCas)
	service.Add("cow_unsafe", "the same by the functions of sync/atomic", cowUnsafe)
	service.Add("flag", "published by a store; others look again and again", flagged)
	service.Add("flag_gosched", "the same, looked at without sleeping", flagGosched)
	service.Add("cas_lock", "a lock made of compare and swap", casLock)
	service.Add("ticket", "a lock made of two counters", ticket)
	service.Add("swap_mailbox", "handed over by swapping a pointer, also by func value", swapMailbox)
	service.Add("countdown", "each counts down, the last one reads what all have written", countdown)
	service.Add("refcount", "who lets go last empties the map", refcount)
	service.Add("stack", "a list that is pushed to and taken by compare and swap", stack)
	service.Add("rw_spin", "a readers' lock made of one counter", rwSpin)
}

func cowPointer(t *service.Task) {
	var now atomic.Pointer[map[string]int]
	now.Store(&map[string]int{})
	t.Every(func(d *service.Dice) {
		next := map[string]int{}
		for key, n := range *now.Load() {
			next[key] = n
		}
		next[d.Key()]++
		d.Between(50, 500)
		delete(next, d.Key())
		now.Store(&next)
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			m := *now.Load()
			_ = m[d.Key()]
			d.Wait()
			for range m {
				continue
			}
		})
	}
}

func cowValue(t *service.Task) {
	var now atomic.Value
	now.Store(map[string]int{})
	t.Every(func(d *service.Dice) {
		next := map[string]int{}
		for key, n := range now.Load().(map[string]int) {
			next[key] = n + 1
		}
		next[d.Key()] = 1
		now.Store(next)
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) { _ = now.Load().(map[string]int)[d.Key()] })
	}
}

func cowCas(t *service.Task) {
	var now atomic.Pointer[map[string]int]
	now.Store(&map[string]int{})
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			for {
				old := now.Load()
				next := map[string]int{}
				for key, n := range *old {
					next[key] = n
				}
				d.Between(50, 300)
				next[d.Key()]++
				if now.CompareAndSwap(old, &next) {
					break
				}
			}
			_ = (*now.Load())[d.Key()]
		})
	}
}

func cowUnsafe(t *service.Task) {
	var now unsafe.Pointer
	atomic.StorePointer(&now, unsafe.Pointer(&map[string]int{}))
	t.Every(func(d *service.Dice) {
		next := map[string]int{d.Key(): 1, d.Key(): 2}
		atomic.StorePointer(&now, unsafe.Pointer(&next))
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			m := *(*map[string]int)(atomic.LoadPointer(&now))
			_ = m[d.Key()]
			d.Wait()
			_ = m[d.Key()]
		})
	}
}

func flagged(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{}
		var ready uint32
		go func() {
			own := service.NewDice()
			m[own.Key()]++
			own.Wait()
			m[own.Key()]++
			atomic.StoreUint32(&ready, 1)
		}()
		for atomic.LoadUint32(&ready) == 0 {
			d.Between(200, 900)
		}
		m[d.Key()]++
	})
}

func flagGosched(t *service.Task) {
	var whose atomic.Int32
	m := map[string]int{}
	for i := 0; i < 2; i++ {
		me := int32(i)
		t.Every(func(d *service.Dice) {
			for i := 0; whose.Load() != me; i++ {
				if runtime.Gosched(); i%50 == 0 {
					d.Between(200, 600)
				}
			}
			m[d.Key()]++
			whose.Store(1 - me)
		})
	}
}

func casLock(t *service.Task) {
	var held int32
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			for !atomic.CompareAndSwapInt32(&held, 0, 1) {
				d.Between(50, 300)
			}
			m[d.Key()]++
			d.Between(0, 200)
			atomic.StoreInt32(&held, 0)
		})
	}
}

func ticket(t *service.Task) {
	var next, serving uint64
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			mine := atomic.AddUint64(&next, 1) - 1
			for atomic.LoadUint64(&serving) != mine {
				d.Between(50, 200)
			}
			m[d.Key()]++
			atomic.AddUint64(&serving, 1)
		})
	}
}

func swapMailbox(t *service.Task) {
	var box unsafe.Pointer
	swap := atomic.SwapPointer // called through a func value
	t.Every(func(d *service.Dice) {
		m := &map[string]int{d.Key(): 1}
		d.Wait()
		(*m)[d.Key()]++
		if old := (*map[string]int)(swap(&box, unsafe.Pointer(m))); old != nil {
			(*old)[d.Key()]++
		}
	})
	t.Every(func(d *service.Dice) {
		if m := (*map[string]int)(swap(&box, nil)); m != nil {
			(*m)[d.Key()]++
			d.Between(0, 500)
			(*m)[d.Key()]++
		}
	})
}

func countdown(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var parts [3]map[string]int
		left := int32(len(parts))
		for i := range parts {
			go func(i int) {
				own := service.NewDice()
				parts[i] = map[string]int{own.Key(): 1}
				own.Wait()
				parts[i][own.Key()]++
				if atomic.AddInt32(&left, -1) == 0 {
					for _, part := range parts {
						part[own.Key()]++
					}
				}
			}(i)
		}
		d.Wait()
	})
}

func refcount(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{}
		for i := 0; i < 5; i++ {
			m[d.Key()] = i
		}
		var users atomic.Int64
		users.Store(3)
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				_ = m[own.Key()]
				own.Wait()
				_ = m[own.Key()]
				if users.Add(-1) == 0 {
					for key := range m {
						delete(m, key)
					}
				}
			}()
		}
	})
}

func stack(t *service.Task) {
	type node struct {
		m    map[string]int
		next *node
	}
	var top atomic.Pointer[node]
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			n := &node{m: map[string]int{d.Key(): 1}}
			d.Wait()
			n.m[d.Key()]++
			for {
				n.next = top.Load()
				if top.CompareAndSwap(n.next, n) {
					break
				}
			}
		})
	}
	t.Every(func(d *service.Dice) {
		for n := top.Swap(nil); n != nil; n = n.next {
			n.m[d.Key()]++
		}
	})
}

func rwSpin(t *service.Task) {
	var state atomic.Int32 // so many readers, -1: a writer
	m := map[string]int{}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			for {
				n := state.Load()
				if n >= 0 && state.CompareAndSwap(n, n+1) {
					break
				}
				d.Between(50, 200)
			}
			_ = m[d.Key()]
			d.Between(0, 300)
			state.Add(-1)
		})
	}
	t.Every(func(d *service.Dice) {
		for !state.CompareAndSwap(0, -1) {
			d.Between(50, 200)
		}
		m[d.Key()]++
		state.Store(0)
	})
}
