// SPDX-License-Identifier: MIT

//go:build go1.21

package main

import (
	"context"
	"sync"

	"gomaptop/tests/service"
)

func init() {
	service.Add("once_value", "sync.OnceValue: set up by whoever comes first", onceValue)
	service.Add("context_after_func", "written, then cancelled; context.AfterFunc reads", contextAfterFunc)
	service.Add("clear_locked", "clear under a lock", clearLocked)
}

func onceValue(t *service.Task) {
	t.Every(func(d *service.Dice) {
		load := sync.OnceValue(func() map[string]int {
			own := service.NewDice()
			m := map[string]int{own.Key(): 1}
			own.Between(100, 2000)
			m[own.Key()] = 2
			return m
		})
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				for i := 0; i < 3; i++ {
					own.Wait()
					_ = load()[own.Key()]
				}
			}()
		}
	})
}

func contextAfterFunc(t *service.Task) {
	t.Every(func(d *service.Dice) {
		ctx, cancel := context.WithCancel(context.Background())
		m := map[string]int{}
		done := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			m[service.NewDice().Key()]++
			close(done)
		})
		m[d.Key()]++
		d.Wait()
		if d.N(3) == 0 && stop() {
			m[d.Key()]++
			cancel()
			return
		}
		m[d.Key()]++
		cancel()
		<-done
		m[d.Key()]++
	})
}

func clearLocked(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	t.Requests(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		mu.Unlock()
	})
	t.Every(func(d *service.Dice) {
		mu.Lock()
		clear(m)
		mu.Unlock()
	})
}
