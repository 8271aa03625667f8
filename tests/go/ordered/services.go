// SPDX-License-Identifier: MIT

// Shapes of services, put together from the above.
package main

import (
	"bytes"
	"encoding/json"
	"expvar"
	"fmt"
	"io"
	"net"
	"net/http"
	"reflect"
	"sync"
	"text/template"

	"gomaptop/tests/service"
)

func init() {
	service.Add("singleflight", "who comes first looks it up, others wait for the same answer", singleflight)
	service.Add("list_under_lock", "maps in a linked list whose links a lock guards", listUnderLock)
	service.Add("reflect_locked", "used by reflection under a lock", reflectLocked)
	service.Add("json_rlock", "encoded as JSON under the read lock", jsonRLock)
	service.Add("json_private", "encoded as JSON by who got a copy", jsonPrivate)
	service.Add("template_rlock", "a template ranges over it under the read lock", templateRLock)
	service.Add("print_locked", "printed under a lock", printLocked)
	service.Add("http", "a server and its clients, a map under a lock", httpGuarded)
	service.Add("http_local", "each request has maps of its own, handed to what it starts", httpLocal)
	service.Add("generations", "swapped under a lock; readers go on with the old one, which nobody changes", generations)
	service.Add("double_buffer", "two maps change places; the old one is written when its readers are gone", doubleBuffer)
	service.Add("lazy_nested", "maps in a map, made when needed under the lock, used under their own", lazyNested)
	service.Add("setup_then_serve", "filled by several, then read without any lock", setupThenServe)
	service.Add("hub_copy", "the map of subscribers is copied under the lock, the copy gone through", hubCopy)
	service.Add("session_owner", "a session's map is used by one goroutine of the connection at a time", sessionOwner)
	service.Add("batch", "collected under a lock, taken by who writes it away", batch)
	service.Add("expvar", "maps of package expvar and a function that reads one under its lock", expvarMaps)
}

func singleflight(t *service.Task) {
	type call struct {
		done   sync.WaitGroup
		answer map[string]int
	}
	var mu sync.Mutex
	calls := map[int]*call{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			key := d.N(3)
			mu.Lock()
			c, ok := calls[key]
			if ok {
				mu.Unlock()
				c.done.Wait()
				_ = c.answer[d.Key()]
				return
			}
			c = &call{}
			c.done.Add(1)
			calls[key] = c
			mu.Unlock()
			c.answer = map[string]int{d.Key(): 1}
			d.Wait()
			c.answer[d.Key()] = 2
			c.done.Done()
			mu.Lock()
			delete(calls, key)
			mu.Unlock()
			_ = c.answer[d.Key()]
		})
	}
}

func listUnderLock(t *service.Task) {
	type node struct {
		m    map[string]int
		next *node
	}
	var mu sync.Mutex
	var head *node
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			n := &node{m: map[string]int{d.Key(): 1}}
			d.Wait()
			n.m[d.Key()]++
			mu.Lock()
			n.next = head
			head = n
			mu.Unlock()
		})
		t.Every(func(d *service.Dice) {
			mu.Lock()
			n := head
			if n != nil {
				head = n.next
			}
			mu.Unlock()
			if n != nil {
				n.m[d.Key()]++
				d.Between(0, 900)
				n.m[d.Key()]++
			}
		})
	}
}

func reflectLocked(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	v := reflect.ValueOf(m)
	t.Every(func(d *service.Dice) {
		mu.Lock()
		v.SetMapIndex(reflect.ValueOf(d.Key()), reflect.ValueOf(d.N(9)))
		mu.Unlock()
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.RLock()
			for pairs := v.MapRange(); pairs.Next(); {
				_ = pairs.Value()
			}
			v.MapIndex(reflect.ValueOf(d.Key()))
			mu.RUnlock()
		})
	}
}

func jsonRLock(t *service.Task) {
	var mu sync.RWMutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		mu.Unlock()
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.RLock()
			text, _ := json.Marshal(m)
			mu.RUnlock()
			d.Wait()
			own := map[string]int{}
			_ = json.Unmarshal(text, &own)
			own[d.Key()]++
		})
	}
}

func jsonPrivate(t *service.Task) {
	var mu sync.Mutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[d.Key()]++
		mu.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		view := map[string]int{}
		mu.Lock()
		for key, n := range m {
			view[key] = n
		}
		mu.Unlock()
		d.Wait()
		_, _ = json.Marshal(view)
	})
}

func templateRLock(t *service.Task) {
	page := template.Must(template.New("").Parse(`{{range $k, $v := .}}{{$k}}={{$v}} {{end}}`))
	var mu sync.RWMutex
	m := map[string]int{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		m[service.Keys[d.N(8)]]++
		mu.Unlock()
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			var text bytes.Buffer
			mu.RLock()
			_ = page.Execute(&text, m)
			mu.RUnlock()
		})
	}
}

func printLocked(t *service.Task) {
	type state struct {
		Name string
		Rows map[string]int
	}
	var mu sync.Mutex
	s := &state{"s", map[string]int{}}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		s.Rows[service.Keys[d.N(8)]]++
		mu.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		mu.Lock()
		text := fmt.Sprintf("%+v", s)
		mu.Unlock()
		_ = len(text)
	})
}

func serve(handler http.HandlerFunc) (address string) {
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	go func() { _ = http.Serve(listener, handler) }()
	return "http://" + listener.Addr().String() + "/"
}

func call(d *service.Dice, address string) {
	answer, err := http.Get(address + d.Key())
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
}

func httpGuarded(t *service.Task) {
	var mu sync.Mutex
	hits := map[string]int{}
	address := serve(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		hits[r.URL.Path]++
		n := hits[r.URL.Path]
		mu.Unlock()
		service.NewDice().Between(100, 1000)
		fmt.Fprintln(w, n)
	})
	for i := 0; i < 2; i++ {
		t.Every(func(d *service.Dice) { call(d, address) })
	}
}

func httpLocal(t *service.Task) {
	address := serve(func(w http.ResponseWriter, r *http.Request) {
		d := service.NewDice()
		facts := map[string]int{r.URL.Path: 1}
		found := make(chan map[string]int)
		for i := 0; i < 2; i++ {
			go func() {
				own := service.NewDice()
				_ = facts[own.Key()]
				part := map[string]int{own.Key(): 1}
				own.Between(100, 1500)
				part[own.Key()]++
				found <- part
			}()
		}
		for i := 0; i < 2; i++ {
			for key, n := range <-found {
				w.Header().Set(key, fmt.Sprint(n))
			}
		}
		facts[d.Key()]++
		fmt.Fprintln(w, len(facts))
	})
	for i := 0; i < 2; i++ {
		t.Every(func(d *service.Dice) { call(d, address) })
	}
}

func generations(t *service.Task) {
	var mu sync.Mutex
	now := map[string]int{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		old := now
		mu.Unlock()
		next := map[string]int{}
		for key, n := range old {
			next[key] = n
		}
		d.Between(50, 500)
		next[d.Key()]++
		mu.Lock()
		now = next
		mu.Unlock()
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.Lock()
			m := now
			mu.Unlock()
			_ = m[d.Key()]
			d.Wait()
			for range m {
				continue
			}
		})
	}
}

func doubleBuffer(t *service.Task) {
	type buffer struct {
		m       map[string]int
		readers sync.WaitGroup
	}
	var mu sync.Mutex
	front, back := &buffer{m: map[string]int{}}, &buffer{m: map[string]int{}}
	t.Every(func(d *service.Dice) {
		back.readers.Wait()
		back.m[d.Key()]++
		d.Between(50, 500)
		back.m[d.Key()]++
		mu.Lock()
		front, back = back, front
		mu.Unlock()
	})
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.Lock()
			b := front
			b.readers.Add(1)
			mu.Unlock()
			_ = b.m[d.Key()]
			d.Between(100, 900)
			_ = b.m[d.Key()]
			b.readers.Done()
		})
	}
}

func lazyNested(t *service.Task) {
	type room struct {
		mu sync.Mutex
		m  map[string]int
	}
	var mu sync.RWMutex
	rooms := map[int]*room{}
	for i := 0; i < 3; i++ {
		t.Requests(func(d *service.Dice) {
			key := d.N(12)
			mu.RLock()
			r := rooms[key]
			mu.RUnlock()
			if r == nil {
				mu.Lock()
				if r = rooms[key]; r == nil {
					r = &room{m: map[string]int{d.Key(): 0}}
					rooms[key] = r
				}
				mu.Unlock()
			}
			r.mu.Lock()
			r.m[d.Key()]++
			r.mu.Unlock()
			if d.N(20) == 0 {
				mu.Lock()
				delete(rooms, key)
				mu.Unlock()
			}
		})
	}
}

func setupThenServe(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var mu sync.Mutex
		var loaded sync.WaitGroup
		m := map[string]int{}
		for i := 0; i < 3; i++ {
			loaded.Add(1)
			go func() {
				defer loaded.Done()
				own := service.NewDice()
				for i := 0; i < 2; i++ {
					own.Between(100, 900)
					mu.Lock()
					m[own.Key()]++
					mu.Unlock()
				}
			}()
		}
		loaded.Wait()
		for i := 0; i < 3; i++ {
			go func() {
				own := service.NewDice()
				for i := 0; i < 3; i++ {
					_ = m[own.Key()]
					own.Wait()
				}
			}()
		}
	})
}

func hubCopy(t *service.Task) {
	type subscriber struct {
		mu   sync.Mutex
		last map[string]int
	}
	var mu sync.Mutex
	all := map[int]*subscriber{}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		all[d.N(30)] = &subscriber{last: map[string]int{}}
		delete(all, d.N(30))
		mu.Unlock()
	})
	t.Requests(func(d *service.Dice) {
		mu.Lock()
		own := make(map[int]*subscriber, len(all))
		for id, s := range all {
			own[id] = s
		}
		mu.Unlock()
		d.Wait()
		for _, s := range own {
			s.mu.Lock()
			s.last[service.Keys[d.N(4)]]++
			s.mu.Unlock()
		}
	})
}

// The goroutine that reads hands the session to the one that answers and waits for it.
func sessionOwner(t *service.Task) {
	type session struct {
		m    map[string]int
		turn chan struct{}
	}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			s := &session{map[string]int{}, make(chan struct{})}
			go func() {
				own := service.NewDice()
				for range s.turn {
					s.m[own.Key()]++
					own.Between(50, 500)
					s.turn <- struct{}{}
				}
			}()
			for i := 0; i < 3; i++ {
				s.m[d.Key()]++
				d.Between(50, 500)
				s.turn <- struct{}{}
				<-s.turn
			}
			close(s.turn)
		})
	}
}

func batch(t *service.Task) {
	var mu sync.Mutex
	rows := map[string]int{}
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			mu.Lock()
			rows[d.Key()]++
			mu.Unlock()
		})
	}
	t.Every(func(d *service.Dice) {
		mu.Lock()
		own := rows
		rows = map[string]int{}
		mu.Unlock()
		d.Wait()
		for key := range own {
			delete(own, key)
		}
	})
}

func expvarMaps(t *service.Task) {
	var mu sync.Mutex
	counts := map[string]int{}
	named := new(expvar.Map).Init()
	named.Set("counts", expvar.Func(func() interface{} {
		mu.Lock()
		defer mu.Unlock()
		own := map[string]int{}
		for key, n := range counts {
			own[key] = n
		}
		return own
	}))
	for i := 0; i < 2; i++ {
		t.Requests(func(d *service.Dice) {
			named.Add(d.Key(), 1)
			mu.Lock()
			counts[d.Key()]++
			mu.Unlock()
		})
	}
	t.Every(func(d *service.Dice) {
		_ = named.String()
		d.Wait()
	})
}
