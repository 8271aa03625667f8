// SPDX-License-Identifier: MIT

// Channels, and select in the forms that the compiler and the runtime tell apart.
package main

import (
	"context"
	"reflect"
	"sync"
	"time"

	"gomaptop/tests/service"
)

func init() {
	service.Add("chan_there_and_back", "handed over by an unbuffered channel and back by another", chanThereAndBack)
	service.Add("chan_sender_after", "what was done before a receive, read after the send completes", chanSenderAfter)
	service.Add("chan_capacity", "the k-th receive is before the send k+3 completes: capacity 3", chanCapacity)
	service.Add("chan_semaphore", "readers hold one of four places of a buffered channel, writers all", chanSemaphore)
	service.Add("chan_mutex", "a channel with one place as mutex: sending locks", chanMutex)
	service.Add("chan_token", "a channel with one token as mutex: receiving locks", chanToken)
	service.Add("chan_mutex_select", "the same, given up after a while", chanMutexSelect)
	service.Add("chan_free_list", "maps from a free list, else new ones: select with default both ways", chanFreeList)
	service.Add("close_broadcast", "written, then the channel is closed; several wait for that", closeBroadcast)
	service.Add("close_range", "workers send maps to one channel, closed after the last", closeRange)
	service.Add("close_poll", "closed; others look again and again whether it is", closePoll)
	service.Add("select_cases", "three producers with a channel each, a consumer that also sends", selectCases)
	service.Add("select_default", "one looks whether something is there and sleeps otherwise", selectDefault)
	service.Add("select_nil", "a queue whose sending case is nil while there is nothing", selectNil)
	service.Add("select_wide", "twelve cases", selectWide)
	service.Add("select_reflect", "cases made by reflection", selectReflect)
	service.Add("select_timeout", "an answer, or the time is up and the map is left alone", selectTimeout)
	service.Add("actor", "requests with a channel for the answer; one goroutine owns the map", actor)
	service.Add("actor_func", "functions sent to the goroutine that owns the map", actorFunc)
	service.Add("pipeline", "through four stages", pipeline)
	service.Add("worker_pool", "jobs and results", workerPool)
	service.Add("fan_in", "several senders with a buffer, one receiver that writes on", fanIn)
	service.Add("chan_of_pairs", "each one waits for the other, again and again", chanOfPairs)
	service.Add("chan_signal_only", "the map stays where it is, an empty value is sent", chanSignalOnly)
}

func chanThereAndBack(t *service.Task) {
	there, back := make(chan map[string]int), make(chan map[string]int)
	t.Every(func(d *service.Dice) {
		m := <-there
		m[d.Key()]++
		d.Wait()
		back <- m
	})
	go func() {
		d := service.NewDice()
		m := map[string]int{}
		for {
			m[d.Key()]--
			there <- m
			m = <-back
			for key, n := range m {
				if n < 0 {
					delete(m, key)
				}
			}
			d.Arrival()
		}
	}()
}

func chanSenderAfter(t *service.Task) {
	ready, again := make(chan struct{}), make(chan struct{})
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		for {
			d.Arrival()
			m[d.Key()]++
			<-ready // the send completes after this
			<-again
		}
	}()
	t.Every(func(d *service.Dice) {
		ready <- struct{}{}
		_ = m[d.Key()]
		d.Wait()
		delete(m, d.Key())
		again <- struct{}{}
	})
}

func chanCapacity(t *service.Task) {
	c := make(chan int, 3)
	var slots [8]map[string]int
	for i := range slots {
		slots[i] = map[string]int{}
	}
	go func() {
		d := service.NewDice()
		for k := 0; ; k++ {
			slots[k%8][d.Key()] = k
			<-c // number k
			d.Arrival()
		}
	}()
	go func() {
		d := service.NewDice()
		for k := 0; ; k++ {
			c <- k // completes after the receive k-3
			if k >= 3 {
				_ = slots[(k-3)%8][d.Key()]
				delete(slots[(k-3)%8], d.Key())
			}
			t.Turn()
		}
	}()
}

func chanSemaphore(t *service.Task) {
	const places = 4
	sem := make(chan struct{}, places)
	m := map[string]int{}
	var writers sync.Mutex
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			sem <- struct{}{}
			_ = m[d.Key()]
			d.Between(50, 500)
			_ = m[d.Key()]
			<-sem
		})
	}
	t.Every(func(d *service.Dice) {
		writers.Lock()
		for i := 0; i < places; i++ {
			sem <- struct{}{}
		}
		m[d.Key()]++
		for i := 0; i < places; i++ {
			<-sem
		}
		writers.Unlock()
	})
}

func chanMutex(t *service.Task) {
	lock := make(chan struct{}, 1)
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			lock <- struct{}{}
			m[d.Key()]++
			d.Between(0, 300)
			_ = m[d.Key()]
			<-lock
		})
	}
}

func chanToken(t *service.Task) {
	token := make(chan struct{}, 1)
	m := map[string]int{}
	token <- struct{}{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			<-token
			defer func() { token <- struct{}{} }()
			m[d.Key()]++
			d.Between(0, 300)
		})
	}
}

func chanMutexSelect(t *service.Task) {
	lock := make(chan struct{}, 1)
	m := map[string]int{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			select {
			case lock <- struct{}{}:
				m[d.Key()]++
				d.Between(0, 800)
				<-lock
			case <-ctx.Done():
			}
		})
	}
}

func chanFreeList(t *service.Task) {
	free := make(chan map[string]int, 4)
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			var m map[string]int
			select {
			case m = <-free:
			default:
				m = map[string]int{}
			}
			m[d.Key()]++
			d.Wait()
			for key := range m {
				delete(m, key)
			}
			select {
			case free <- m:
			default:
			}
		})
	}
}

func closeBroadcast(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m, done := map[string]int{}, make(chan struct{})
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				<-done
				for i := 0; i < 3; i++ {
					_ = m[own.Key()]
					own.Wait()
				}
			}()
		}
		for i := 0; i < 3; i++ {
			m[d.Key()] = i
			d.Wait()
		}
		close(done)
		_ = m[d.Key()]
	})
}

func closeRange(t *service.Task) {
	t.Every(func(d *service.Dice) {
		c := make(chan map[string]int, 2)
		var group sync.WaitGroup
		for i := 0; i < 3; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				own := service.NewDice()
				m := map[string]int{own.Key(): 1}
				own.Wait()
				m[own.Key()]++
				c <- m
			}()
		}
		go func() {
			group.Wait()
			close(c)
		}()
		sum := map[string]int{}
		for m := range c {
			for key, n := range m {
				sum[key] += n
			}
			m["seen"] = 1
		}
	})
}

func closePoll(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m, done := map[string]int{}, make(chan struct{})
		go func() {
			own := service.NewDice()
			m[own.Key()]++
			own.Wait()
			m[own.Key()]++
			close(done)
		}()
		for {
			select {
			case <-done:
				m[d.Key()]++
				return
			default:
				d.Between(200, 900)
			}
		}
	})
}

func selectCases(t *service.Task) {
	var in [3]chan map[string]int
	out := make(chan map[string]int, 1)
	for i := range in {
		in[i] = make(chan map[string]int, i)
		c := in[i]
		t.Every(func(d *service.Dice) {
			m := map[string]int{d.Key(): 1}
			d.Wait()
			m[d.Key()] = 2
			c <- m
		})
	}
	go func() {
		d := service.NewDice()
		last := map[string]int{}
		for {
			select {
			case m := <-in[0]:
				last = m
			case m := <-in[1]:
				m[d.Key()]++
				last = m
			case m := <-in[2]:
				delete(m, d.Key())
			case out <- last:
				last = map[string]int{}
			}
		}
	}()
	t.Every(func(d *service.Dice) {
		m := <-out
		m[d.Key()]++
	})
}

func selectDefault(t *service.Task) {
	c := make(chan map[string]int, 2)
	back := make(chan map[string]int, 2)
	back <- map[string]int{}
	back <- map[string]int{}
	t.Every(func(d *service.Dice) {
		m := <-back
		m[d.Key()]++
		c <- m
	})
	go func() {
		d := service.NewDice()
		for {
			select {
			case m := <-c:
				m[d.Key()]++
				back <- m
			default:
				d.Between(200, 2000)
			}
		}
	}()
}

func selectNil(t *service.Task) {
	in, out := make(chan map[string]int), make(chan map[string]int)
	go func() {
		d := service.NewDice()
		var queue []map[string]int
		for {
			var send chan map[string]int
			var first map[string]int
			if len(queue) > 0 {
				send, first = out, queue[0]
				first[d.Key()]++
			}
			select {
			case m := <-in:
				m[d.Key()]++
				queue = append(queue, m)
			case send <- first:
				queue = queue[1:]
			}
		}
	}()
	t.Requests(func(d *service.Dice) { in <- map[string]int{d.Key(): 1} })
	t.Requests(func(d *service.Dice) {
		m := <-out
		m[d.Key()]++
	})
}

func selectWide(t *service.Task) {
	var c [12]chan map[string]int
	for i := range c {
		c[i] = make(chan map[string]int, i%3)
	}
	back := make(chan map[string]int, 12)
	for i := 0; i < 12; i++ {
		back <- map[string]int{}
	}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			m := <-back
			m[d.Key()]++
			d.Wait()
			c[d.N(12)] <- m
		})
	}
	for i := 0; i < 2; i++ {
		go func() {
			d := service.NewDice()
			for {
				var m map[string]int
				select {
				case m = <-c[0]:
				case m = <-c[1]:
				case m = <-c[2]:
				case m = <-c[3]:
				case m = <-c[4]:
				case m = <-c[5]:
				case m = <-c[6]:
				case m = <-c[7]:
				case m = <-c[8]:
				case m = <-c[9]:
				case m = <-c[10]:
				case m = <-c[11]:
				}
				delete(m, d.Key())
				back <- m
			}
		}()
	}
}

func selectReflect(t *service.Task) {
	var cases []reflect.SelectCase
	for i := 0; i < 4; i++ {
		c := make(chan map[string]int, i%2)
		cases = append(cases, reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(c)})
		t.Every(func(d *service.Dice) {
			m := map[string]int{d.Key(): 1}
			d.Wait()
			m[d.Key()]++
			c <- m
		})
	}
	go func() {
		d := service.NewDice()
		for {
			_, value, _ := reflect.Select(cases)
			m := value.Interface().(map[string]int)
			m[d.Key()]++
		}
	}()
}

func selectTimeout(t *service.Task) {
	t.Requests(func(d *service.Dice) {
		answer := make(chan map[string]int, 1)
		go func() {
			own := service.NewDice()
			m := map[string]int{own.Key(): 1}
			own.Wait()
			m[own.Key()]++
			answer <- m
		}()
		select {
		case m := <-answer:
			m[d.Key()]++
		case <-time.After(3 * time.Millisecond):
		}
	})
}

func actor(t *service.Task) {
	type request struct {
		key    string
		answer chan int
	}
	requests := make(chan request)
	go func() {
		m := map[string]int{}
		for r := range requests {
			m[r.key]++
			r.answer <- m[r.key]
		}
	}()
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			r := request{d.Key(), make(chan int)}
			requests <- r
			own := map[int]string{<-r.answer: r.key}
			d.Wait()
			_ = own[1]
		})
	}
}

func actorFunc(t *service.Task) {
	do := make(chan func(), 4)
	m := map[string]int{}
	go func() {
		for f := range do {
			f()
		}
	}()
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			key, done := d.Key(), make(chan int, 1)
			do <- func() {
				m[key]++
				done <- m[key]
			}
			d.Wait()
			<-done
		})
	}
}

func pipeline(t *service.Task) {
	stage := func(in <-chan map[string]int, places int) <-chan map[string]int {
		out := make(chan map[string]int, places)
		go func() {
			d := service.NewDice()
			for m := range in {
				m[d.Key()]++
				d.Between(100, 1500)
				_ = m[d.Key()]
				out <- m
			}
		}()
		return out
	}
	first := make(chan map[string]int)
	last := stage(stage(stage(stage(first, 0), 1), 0), 3)
	t.Every(func(d *service.Dice) { first <- map[string]int{d.Key(): 1} })
	go func() {
		for m := range last {
			for key := range m {
				delete(m, key)
			}
		}
	}()
}

func workerPool(t *service.Task) {
	jobs, results := make(chan map[string]int, 4), make(chan map[string]int, 4)
	for i := 0; i < 3; i++ {
		go func() {
			d := service.NewDice()
			for m := range jobs {
				m[d.Key()]++
				d.Wait()
				m[d.Key()]++
				results <- m
			}
		}()
	}
	t.Every(func(d *service.Dice) { jobs <- map[string]int{d.Key(): 1} })
	go func() {
		total := map[string]int{}
		for m := range results {
			for key, n := range m {
				total[key] += n
			}
		}
	}()
}

func fanIn(t *service.Task) {
	c := make(chan map[string]int, 3)
	for i := 0; i < 3; i++ {
		t.Every(func(d *service.Dice) {
			burst := 1 + d.N(6)
			for i := 0; i < burst; i++ {
				m := map[string]int{}
				m[d.Key()]++
				c <- m
			}
		})
	}
	go func() {
		d := service.NewDice()
		var kept [4]map[string]int
		for m := range c {
			m[d.Key()]++
			if old := kept[d.N(4)]; old != nil {
				old[d.Key()]++
			}
			kept[d.N(4)] = m
			if d.N(4) == 0 {
				d.Wait()
			}
		}
	}()
}

func chanOfPairs(t *service.Task) {
	ping, pong := make(chan struct{}), make(chan struct{}, 1)
	m := map[string]int{}
	go func() {
		d := service.NewDice()
		for range ping {
			m[d.Key()]++
			d.Between(50, 800)
			pong <- struct{}{}
		}
	}()
	t.Every(func(d *service.Dice) {
		burst := 1 + d.N(4)
		for i := 0; i < burst; i++ {
			m[d.Key()]++
			ping <- struct{}{}
			<-pong
		}
	})
}

// The last of a chain of goroutines answers.
func chanSignalOnly(t *service.Task) {
	t.Every(func(d *service.Dice) {
		m := map[string]int{}
		first := make(chan struct{})
		last := first
		for i := 0; i < 4; i++ {
			next := make(chan struct{})
			go func(in <-chan struct{}, out chan<- struct{}) {
				own := service.NewDice()
				<-in
				m[own.Key()]++
				own.Between(100, 1000)
				out <- struct{}{}
			}(last, next)
			last = next
		}
		m[d.Key()]++
		first <- struct{}{}
		<-last
		for range m {
			continue
		}
	})
}
