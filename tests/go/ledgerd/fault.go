// SPDX-License-Identifier: MIT

package main

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"

	"gomaptop/tests/turns"
)

// The faults that can be planted, and what each is. Every fault takes away one guard and changes
// nothing else: the same lines run, as often, on the same data. They carry the comment
// `FAULT name a` or `FAULT name b`; the sides take turns (package turns) with or without the
// fault, so that the runtime's own check seldom ends the process.
var faults = map[string]string{
	"read-write":    "balances are read while a payment writes them",
	"write-write":   "payments and refunds write the daily totals together",
	"range-write":   "the reconciliation job ranges over open payments while payments are opened",
	"delete-read":   "expired authorisations are deleted while requests read them",
	"stale-value":   "the fee table is loaded from an atomic.Value and modified in place",
	"lazy-limiters": "rate limiters are created on first use without a lock",
	"local-results": "a handler and its goroutine fill one request-local map without a lock",
}

// period is the average time between two turns of one side: far more turns than are taken, so that
// the sides come when requests come.
const period = 300 * time.Microsecond

// plan is what the flags ask for.
type plan struct {
	fault string
	turns bool
}

func newPlan(fault string, turns bool) (plan, error) {
	if fault != "" && !turns {
		return plan{}, errors.New("a fault needs -turns: without them the runtime ends it at once")
	}
	if _, ok := faults[fault]; fault != "" && !ok {
		names := make([]string, 0, len(faults))
		for name := range faults {
			names = append(names, name)
		}
		sort.Strings(names)
		return plan{}, fmt.Errorf("no fault %q; there are: %s", fault, strings.Join(names, ", "))
	}
	return plan{fault: fault, turns: turns}, nil
}

func (p plan) planted(fault string) bool {
	return p.fault == fault
}

// guard is a mutex that a planted fault replaces by nothing, together with the turns of those who
// should hold it.
type guard struct {
	sync.Locker
	*turns.Schedule
}

type missing struct{}

func (missing) Lock()   {}
func (missing) Unlock() {}

// requestGuard guards the map of one request.
func (p plan) requestGuard() sync.Locker {
	if p.planted("local-results") {
		return missing{}
	}
	return &sync.Mutex{}
}

// schedule is nil without turns.
func (p plan) schedule() *turns.Schedule {
	if !p.turns {
		return nil
	}
	return turns.AtMost(period)
}

func (p plan) guard(fault string) guard {
	g := guard{&sync.Mutex{}, p.schedule()}
	if p.planted(fault) {
		g.Locker = missing{}
	}
	return g
}
