// SPDX-License-Identifier: MIT

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	add("hub_ranged", "the map of a topic's subscribers is gone through outside the lock", hubRanged)
}

type subscriber struct{ name string }

type hub struct {
	mu     sync.Mutex
	topics map[string]map[int]*subscriber
}

func (h *hub) subscribe(topic string, id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.topics[topic] == nil {
		h.topics[topic] = map[int]*subscriber{}
	}
	h.topics[topic][id] = &subscriber{topic} // RACE: w
}

func (h *hub) leave(topic string, id int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.topics[topic], id) // RACE: d
}

func (h *hub) send(topic string, d *service.Dice) (n int) {
	h.mu.Lock()
	subscribers := h.topics[topic]
	h.mu.Unlock()
	apart(d, 1, 2)
	for _, s := range subscribers { // RACE: i
		if s != nil {
			n++
		}
	}
	return n
}

func hubRanged(t *service.Task) {
	h := &hub{topics: map[string]map[int]*subscriber{}}
	t.Requests(func(d *service.Dice) {
		topic, id := service.Keys[d.N(3)], d.N(1000)
		apart(d, 0, 2)
		h.subscribe(topic, id)
		d.Between(20000, 200000)
		apart(d, 0, 2)
		h.leave(topic, id)
	})
	t.Requests(func(d *service.Dice) { h.send(service.Keys[d.N(3)], d) })
}
