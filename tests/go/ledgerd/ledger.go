// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

const accountCount = 512

type account struct {
	balance int64
	entries int
}

type payment struct {
	ID       uint64 `json:"id"`
	From     uint64 `json:"from"`
	To       uint64 `json:"to"`
	Amount   int64  `json:"amount"`
	Replayed bool   `json:"replayed"`
}

// ledger holds the accounts (RWMutex) and the idempotency keys (Mutex) that make a repeated
// request harmless.
type ledger struct {
	accountsMu sync.RWMutex
	accounts   map[uint64]*account

	keysMu sync.Mutex
	keys   map[string]payment
	order  []string // oldest first, for forgetting them

	nextID uint64
	moved  int64
}

const keysKept = 4096

var (
	errNoAccount = errors.New("no such account")
	errFunds     = errors.New("insufficient funds")
)

func newLedger() *ledger {
	l := &ledger{accounts: make(map[uint64]*account), keys: make(map[string]payment)}
	for id := uint64(1); id <= accountCount; id++ {
		l.accounts[id] = &account{balance: 1_000_000}
	}
	return l
}

func (l *ledger) balance(id uint64) (int64, error) {
	l.accountsMu.RLock()
	defer l.accountsMu.RUnlock()
	a, ok := l.accounts[id]
	if !ok {
		return 0, errNoAccount
	}
	return a.balance, nil
}

// transfer moves an amount once for each idempotency key.
func (l *ledger) transfer(key string, from, to uint64, amount int64) (payment, error) {
	if p, ok := l.replay(key); ok {
		return p, nil
	}
	if err := l.move(from, to, amount); err != nil {
		return payment{}, err
	}
	p := payment{ID: atomic.AddUint64(&l.nextID, 1), From: from, To: to, Amount: amount}
	l.remember(key, p)
	return p, nil
}

func (l *ledger) move(from, to uint64, amount int64) error {
	l.accountsMu.Lock()
	defer l.accountsMu.Unlock()
	a, ok := l.accounts[from]
	b, found := l.accounts[to]
	if !ok || !found {
		return errNoAccount
	}
	if a.balance < amount {
		return errFunds
	}
	a.balance -= amount
	b.balance += amount
	a.entries++
	b.entries++
	l.moved += amount
	return nil
}

func (l *ledger) replay(key string) (payment, bool) {
	if key == "" {
		return payment{}, false
	}
	l.keysMu.Lock()
	defer l.keysMu.Unlock()
	p, ok := l.keys[key]
	p.Replayed = ok
	return p, ok
}

func (l *ledger) remember(key string, p payment) {
	if key == "" {
		return
	}
	l.keysMu.Lock()
	defer l.keysMu.Unlock()
	if _, ok := l.keys[key]; !ok {
		l.order = append(l.order, key)
	}
	l.keys[key] = p
	if len(l.order) > keysKept {
		delete(l.keys, l.order[0])
		l.order = l.order[1:]
	}
}

// reconcile adds up all accounts: money is neither made nor lost.
func (l *ledger) reconcile() (sum int64) {
	l.accountsMu.RLock()
	defer l.accountsMu.RUnlock()
	for _, a := range l.accounts {
		sum += a.balance
	}
	return sum
}

// every runs a job for as long as the process lives.
func every(interval time.Duration, job func()) {
	for range time.Tick(interval) {
		job()
	}
}
