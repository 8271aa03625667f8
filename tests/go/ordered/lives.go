// SPDX-License-Identifier: MIT

// How goroutines begin and end, contexts, timers, finalizers.
package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	"gomaptop/tests/service"
)

func init() {
	service.Add("creation", "written before the goroutine is started", creation)
	service.Add("creation_chain", "each goroutine starts the next one and touches the map no more", creationChain)
	service.Add("end", "a goroutine's last act is to close a channel", end)
	service.Add("os_thread", "goroutines locked to threads, a channel between", osThread)
	service.Add("context_cancel", "written, then cancelled; others wait for Done", contextCancel)
	service.Add("context_err", "the same; others look at Err", contextErr)
	service.Add("context_child", "the same, by a context that hangs on the cancelled one", contextChild)
	service.Add("context_value", "a context carries the map to who is started", contextValue)
	service.Add("after_func", "written before the timer is started that reads", afterFunc)
	service.Add("after_func_stop", "whoever wins, Stop or the timer, owns the map", afterFuncStop)
	service.Add("after_func_reset", "a timer's function and who sets it again", afterFuncReset)
	service.Add("timer_chan", "written before the timer is made whose channel another waits on", timerChan)
	service.Add("timer_reset", "written before the timer is set again whose channel another waits on", timerReset)
	service.Add("ticker_loop", "one goroutine with a ticker and requests owns the map", tickerLoop)
	service.Add("sleep_chan", "long sleeps, then a channel", sleepChan)
	service.Add("finalizer", "handed over to a finalizer, back through a channel", finalizer)
}

func creation(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{}
		for i := 0; i < 4; i++ {
			m[d.Key()] = i
		}
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				_ = m[own.Key()]
				own.Wait()
				_ = m[own.Key()]
			}()
		}
		_ = m[d.Key()]
	})
}

func creationChain(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		var next func(left int)
		next = func(left int) {
			own := service.NewDice()
			m[own.Key()]++
			own.Between(100, 1500)
			m[own.Key()]++
			if left > 0 {
				go next(left - 1)
			}
		}
		go next(4)
	})
}

func end(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m, done := map[string]int{}, make(chan struct{})
		go func() {
			defer close(done)
			own := service.NewDice()
			m[own.Key()]++
			own.Wait()
			m[own.Key()]++
		}()
		d.Wait()
		<-done
		m[d.Key()]++
	})
}

func osThread(t *service.Task) {
	there, back := make(chan map[string]int), make(chan map[string]int, 1)
	go func() {
		runtime.LockOSThread()
		d := service.NewDice()
		for m := range there {
			m[d.Key()]++
			d.Between(100, 1000)
			back <- m
		}
	}()
	go func() {
		runtime.LockOSThread()
		d := service.NewDice()
		m := map[string]int{}
		for {
			m[d.Key()]++
			there <- m
			m = <-back
			d.Arrival()
			t.Turn()
		}
	}()
}

func contextCancel(t *service.Task) {
	t.Every(func(d *service.Dice) {
		ctx, cancel := context.WithCancel(context.Background())
		m := map[string]int{}
		for i := 0; i < 2; i++ {
			go func() {
				own := service.NewDice()
				<-ctx.Done()
				_ = m[own.Key()]
			}()
		}
		m[d.Key()]++
		d.Wait()
		m[d.Key()]++
		cancel()
		_ = m[d.Key()]
	})
}

func contextErr(t *service.Task) {
	t.Every(func(d *service.Dice) {
		ctx, cancel := context.WithCancel(context.Background())
		m := map[string]int{}
		go func() {
			own := service.NewDice()
			m[own.Key()]++
			own.Wait()
			m[own.Key()]++
			cancel()
		}()
		for ctx.Err() == nil {
			d.Between(200, 900)
		}
		m[d.Key()]++
	})
}

func contextChild(t *service.Task) {
	t.Every(func(d *service.Dice) {
		parent, cancel := context.WithCancel(context.Background())
		child, stop := context.WithTimeout(context.WithValue(parent, t, 1), time.Hour)
		m := map[string]int{}
		go func() {
			own := service.NewDice()
			<-child.Done()
			stop()
			m[own.Key()]++
		}()
		m[d.Key()]++
		d.Wait()
		m[d.Key()]++
		cancel()
	})
}

func contextValue(t *service.Task) {
	type key struct{}
	t.Requests(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		ctx := context.WithValue(context.Background(), key{}, m)
		for i := 0; i < 2; i++ {
			go func() {
				own := service.NewDice()
				own.Wait()
				_ = ctx.Value(key{}).(map[string]int)[own.Key()]
			}()
		}
	})
}

func afterFunc(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		m[d.Key()]++
		time.AfterFunc(time.Duration(200+d.N(3000))*time.Microsecond, func() {
			own := service.NewDice()
			m[own.Key()]++
			own.Wait()
			m[own.Key()]++
		})
	})
}

func afterFuncStop(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		timer := time.AfterFunc(2*time.Millisecond, func() { m[service.NewDice().Key()]++ })
		d.Between(500, 4000)
		if timer.Stop() {
			m[d.Key()]++
		}
	})
}

// The timer's function sets its own timer again; the map goes from one of its goroutines to the next.
func afterFuncReset(t *service.Task) {
	m := map[string]int{}
	var timer *time.Timer
	set := make(chan struct{})
	timer = time.AfterFunc(time.Millisecond, func() {
		<-set
		d := service.NewDice()
		m[d.Key()]++
		t.Turn()
		timer.Reset(time.Duration(500+d.N(5000)) * time.Microsecond)
	})
	close(set)
}

func timerChan(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		timers := make(chan *time.Timer, 1)
		done := make(chan struct{})
		go func() {
			defer close(done)
			timer := <-timers
			<-timer.C
			m[service.NewDice().Key()]++
		}()
		m[d.Key()]++
		timers <- time.NewTimer(time.Duration(200+d.N(2000)) * time.Microsecond)
		<-done
		m[d.Key()]++
	})
}

func timerReset(t *service.Task) {
	timer := time.NewTimer(time.Hour)
	back := make(chan struct{})
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		for range timer.C {
			m[d.Key()]++
			d.Between(100, 1000)
			back <- struct{}{}
		}
	}()
	t.Every(func(d *service.Dice) {
		m[d.Key()]++
		timer.Reset(time.Duration(1+d.N(1000)) * time.Microsecond)
		<-back
		_ = m[d.Key()]
	})
}

func tickerLoop(t *service.Task) {
	requests, views := make(chan string), make(chan map[string]int, 1)
	go func() {
		m := map[string]int{}
		ticker := time.NewTicker(5 * time.Millisecond)
		for {
			select {
			case key := <-requests:
				m[key]++
			case <-ticker.C:
				view := map[string]int{}
				for key, n := range m {
					view[key] = n
				}
				select {
				case views <- view:
				default:
				}
			}
		}
	}()
	t.Requests(func(d *service.Dice) { requests <- d.Key() })
	go func() {
		d := service.NewDice()
		for view := range views {
			delete(view, d.Key())
			d.Wait()
		}
	}()
}

func sleepChan(t *service.Task) {
	c := make(chan map[string]int, 1)
	t.Every(func(d *service.Dice) {
		m := map[string]int{d.Key(): 1}
		c <- m
	})
	go func() {
		d := service.NewDice()
		var old []map[string]int
		for m := range c {
			old = append(old, m)
			d.Between(2000, 5000)
			for _, m := range old {
				m[d.Key()]++
			}
			if len(old) > 20 {
				old = nil
			}
		}
	}()
}

func finalizer(t *service.Task) {
	type box struct {
		m  map[string]int
		of *box // not one of the tiny objects that share a block
	}
	back := make(chan map[string]int, 64)
	t.Every(func(d *service.Dice) {
		b := &box{m: map[string]int{d.Key(): 1}}
		b.m[d.Key()]++
		runtime.SetFinalizer(b, func(b *box) {
			b.m[service.NewDice().Key()]++
			select {
			case back <- b.m:
			default:
			}
		})
	})
	t.Every(func(d *service.Dice) {
		d.Between(5000, 30000)
		runtime.GC()
	})
	var mu sync.Mutex
	seen := map[string]int{}
	go func() {
		d := service.NewDice()
		for m := range back {
			m[d.Key()]++
			mu.Lock()
			for key := range m {
				seen[key]++
			}
			mu.Unlock()
		}
	}()
}
