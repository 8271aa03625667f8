// SPDX-License-Identifier: MIT

package main

import (
	"sync"
	"sync/atomic"

	"gomaptop/tests/turns"
)

// balanceCache answers the balance page without touching the accounts: payments write, balance
// requests read.
type balanceCache struct {
	guard
	last map[uint64]int64
}

func newBalanceCache(p plan) *balanceCache {
	c := &balanceCache{guard: p.guard("read-write"), last: make(map[uint64]int64)}
	for id := uint64(1); id <= accountCount; id++ {
		c.last[id] = 0
	}
	return c
}

func (c *balanceCache) put(id uint64, balance int64) {
	c.Wait(turns.A)
	c.Lock()
	defer c.Unlock()
	c.last[id] = balance // FAULT read-write a
}

func (c *balanceCache) get(id uint64) (int64, bool) {
	c.Wait(turns.B)
	c.Lock()
	defer c.Unlock()
	balance, ok := c.last[id] // FAULT read-write b
	return balance, ok
}

// dailyTotals sums what went through, by kind and hour: payments and refunds both write.
type dailyTotals struct {
	guard
	sums map[string]int64
}

func newDailyTotals(p plan) *dailyTotals {
	return &dailyTotals{guard: p.guard("write-write"),
		sums: map[string]int64{"payments": 0, "refunds": 0}}
}

func (t *dailyTotals) paid(amount int64) {
	t.Wait(turns.A)
	t.Lock()
	defer t.Unlock()
	t.sums["payments"] += amount // FAULT write-write a
}

func (t *dailyTotals) refunded(amount int64) {
	t.Wait(turns.B)
	t.Lock()
	defer t.Unlock()
	t.sums["refunds"] += amount // FAULT write-write b
}

// openPayments are those that the reconciliation job has not seen yet. Few slots, used again and
// again, so that ranging over them is short.
type openPayments struct {
	guard
	open map[uint64]int64
}

const openSlots = 8

func newOpenPayments(p plan) *openPayments {
	o := &openPayments{guard: p.guard("range-write"), open: make(map[uint64]int64)}
	for slot := uint64(0); slot < openSlots; slot++ {
		o.open[slot] = 0
	}
	return o
}

func (o *openPayments) add(id uint64, amount int64) {
	o.Wait(turns.A)
	o.Lock()
	defer o.Unlock()
	o.open[id%openSlots] = amount // FAULT range-write a
}

func (o *openPayments) sum() (sum int64) {
	o.Wait(turns.B)
	o.Lock()
	defer o.Unlock()
	for _, amount := range o.open { // FAULT range-write b
		sum += amount
	}
	return sum
}

// authorisations are loaded once; an expiry job deletes them, refunds read them.
type authorisations struct {
	guard
	until map[uint64]int64
	next  uint64
}

func newAuthorisations(p plan) *authorisations {
	a := &authorisations{guard: p.guard("delete-read"), until: make(map[uint64]int64)}
	for id := uint64(0); id < 1000; id++ {
		a.until[id] = int64(id)
	}
	return a
}

// expire takes away the oldest; some stay for ever.
func (a *authorisations) expire() {
	a.Wait(turns.A)
	a.Lock()
	defer a.Unlock()
	delete(a.until, a.next) // FAULT delete-read a
	a.next = (a.next + 1) % 900
}

func (a *authorisations) valid(id uint64) bool {
	a.Wait(turns.B)
	a.Lock()
	defer a.Unlock()
	_, ok := a.until[id] // FAULT delete-read b
	return ok
}

// feeTable is copied, changed and put back as a whole: readers need no lock. The fault leaves the
// copying out.
type feeTable struct {
	*turns.Schedule
	inPlace bool
	current atomic.Value // map[string]int64, never changed once it is stored
}

func newFeeTable(p plan) *feeTable {
	f := &feeTable{Schedule: p.schedule(), inPlace: p.planted("stale-value")}
	f.current.Store(map[string]int64{"card": 30, "wire": 12, "sepa": 3})
	return f
}

func (f *feeTable) change(kind string, fee int64) {
	f.Wait(turns.A)
	fees := f.current.Load().(map[string]int64)
	if !f.inPlace {
		fees = copyOf(fees)
	}
	fees[kind] = fee // FAULT stale-value a
	f.current.Store(fees)
}

func (f *feeTable) fee(kind string) int64 {
	f.Wait(turns.B)
	fees := f.current.Load().(map[string]int64)
	return fees[kind] // FAULT stale-value b
}

func copyOf(fees map[string]int64) map[string]int64 {
	fresh := make(map[string]int64, len(fees))
	for kind, fee := range fees {
		fresh[kind] = fee
	}
	return fresh
}

// limiters holds one rate limiter a client, made when the client is first heard of.
type limiters struct {
	guard
	byClient map[string]*limiter
}

type limiter struct {
	used int64
}

func newLimiters(p plan) *limiters {
	return &limiters{guard: p.guard("lazy-limiters"), byClient: make(map[string]*limiter)}
}

func (l *limiters) find(client string) *limiter {
	l.Wait(turns.B)
	l.Lock()
	defer l.Unlock()
	return l.byClient[client] // FAULT lazy-limiters b
}

func (l *limiters) create(client string) *limiter {
	fresh := &limiter{}
	l.Wait(turns.A)
	l.Lock()
	defer l.Unlock()
	l.byClient[client] = fresh // FAULT lazy-limiters a
	return fresh
}

// allow says whether the client may go on. Two requests may both create: the later one counts.
func (l *limiters) allow(client string) bool {
	mine := l.find(client)
	if mine == nil {
		mine = l.create(client)
	}
	return atomic.AddInt64(&mine.used, 1) < 1_000_000
}

// sessions is a sync.Map: written once for each client, read by all.
type sessions struct {
	seen sync.Map // client -> *int64
}

func (s *sessions) touch(client string) int64 {
	count, ok := s.seen.Load(client)
	if !ok {
		count, _ = s.seen.LoadOrStore(client, new(int64))
	}
	return atomic.AddInt64(count.(*int64), 1)
}

// audit is owned by one goroutine; everybody else sends to it.
type audit struct {
	lines chan string
	asked chan chan int
}

func newAudit() *audit {
	a := &audit{lines: make(chan string, 256), asked: make(chan chan int)}
	go a.own()
	return a
}

func (a *audit) own() {
	counts := make(map[string]int)
	for {
		select {
		case line := <-a.lines:
			counts[line]++
		case answer := <-a.asked:
			sum := 0
			for _, n := range counts {
				sum += n
			}
			answer <- sum
		}
	}
}

func (a *audit) total() int {
	answer := make(chan int)
	a.asked <- answer
	return <-answer
}
