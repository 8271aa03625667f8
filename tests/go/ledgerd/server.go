// SPDX-License-Identifier: MIT

package main

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gomaptop/tests/turns"
)

// lines is the number of positions of a request: payments, quotes and the like come with several,
// and the tables are used once for each.
const lines = 3

type server struct {
	plan     plan
	ledger   *ledger
	balances *balanceCache
	totals   *dailyTotals
	open     *openPayments
	auths    *authorisations
	fees     *feeTable
	limiters *limiters
	sessions *sessions
	audit    *audit
	busy     *busy
	served   int64
}

func newServer(p plan) *server {
	return &server{plan: p, ledger: newLedger(), balances: newBalanceCache(p),
		totals: newDailyTotals(p), open: newOpenPayments(p), auths: newAuthorisations(p),
		fees: newFeeTable(p), limiters: newLimiters(p), sessions: &sessions{},
		audit: newAudit(), busy: newBusy()}
}

// start begins the jobs that run beside the requests.
func (s *server) start(jobs time.Duration) {
	go every(jobs, func() { s.open.sum() })
	go every(jobs, s.auths.expire)
	go every(jobs, func() { s.fees.change("card", time.Now().UnixNano()%100) })
	go every(time.Second, func() { s.ledger.reconcile() })
}

func (s *server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/payments", s.count(s.pay))
	mux.HandleFunc("/refunds", s.count(s.refund))
	mux.HandleFunc("/balance", s.count(s.balance))
	mux.HandleFunc("/quote", s.count(s.quote))
	mux.HandleFunc("/report", s.count(s.report))
	mux.HandleFunc("/health", s.health)
	return mux
}

// count is what every request goes through: its session and the audit line.
func (s *server) count(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.sessions.touch(r.Header.Get("X-Client"))
		select {
		case s.audit.lines <- r.URL.Path:
		default: // the audit may lag behind, a payment may not
		}
		atomic.AddInt64(&s.served, 1)
		next(w, r)
	}
}

func number(r *http.Request, name string) uint64 {
	n, _ := strconv.ParseUint(r.FormValue(name), 10, 63)
	return n
}

func reply(w http.ResponseWriter, v interface{}) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (s *server) pay(w http.ResponseWriter, r *http.Request) {
	from, to, amount := number(r, "from"), number(r, "to"), int64(number(r, "amount"))
	p, err := s.ledger.transfer(r.Header.Get("Idempotency-Key"), from, to, amount)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	balance, _ := s.ledger.balance(from)
	for line := uint64(0); line < lines; line++ {
		s.balances.put(from, balance)
		s.totals.paid(amount)
		s.open.add(p.ID+line, amount)
	}
	reply(w, p)
}

func (s *server) refund(w http.ResponseWriter, r *http.Request) {
	from, to, amount := number(r, "from"), number(r, "to"), int64(number(r, "amount"))
	for line := uint64(0); line < lines; line++ {
		if !s.auths.valid(number(r, "authorisation")) {
			reply(w, "to be approved")
			return
		}
	}
	p, err := s.ledger.transfer(r.Header.Get("Idempotency-Key"), to, from, amount)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	for line := 0; line < lines; line++ {
		s.totals.refunded(amount)
	}
	reply(w, p)
}

func (s *server) balance(w http.ResponseWriter, r *http.Request) {
	id, known := number(r, "account"), int64(0)
	for line := uint64(0); line < lines; line++ {
		cached, _ := s.balances.get(id + line)
		known += cached
	}
	if known != 0 {
		reply(w, known)
		return
	}
	balance, err := s.ledger.balance(id)
	if err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
		return
	}
	reply(w, balance)
}

func (s *server) quote(w http.ResponseWriter, r *http.Request) {
	sum := int64(number(r, "amount"))
	for line := 0; line < lines; line++ {
		if !s.limiters.allow(r.Header.Get("X-Client")) {
			http.Error(w, "slow down", http.StatusTooManyRequests)
			return
		}
		sum += s.fees.fee("card")
	}
	reply(w, sum)
}

// report asks several sources at once and collects what they say in a map of this request. Each
// takes its time; like the turns of the other faults, these times keep the sides apart by the
// clock and by nothing else.
func (s *server) report(w http.ResponseWriter, r *http.Request) {
	const step = 100 * time.Microsecond
	share := turns.Share
	if !s.plan.turns {
		share = func(time.Time, time.Duration, int64, int64) {}
	}
	results := make(map[string]int64)
	guard := s.plan.requestGuard()
	balance, _ := s.ledger.balance(number(r, "account"))
	began := time.Now()
	var done sync.WaitGroup
	sources := []string{"balance", "limit", "reserve"}
	sides := int64(len(sources)) + 1
	for i, source := range sources {
		done.Add(1)
		go func(source string, side int64) {
			defer done.Done()
			share(began, time.Duration(side+1)*step, side, sides)
			guard.Lock()
			defer guard.Unlock()
			results[source] = balance // FAULT local-results a
		}(source, int64(i)+1)
	}
	share(began, step, 0, sides)
	guard.Lock()
	results["served"] = atomic.LoadInt64(&s.served) // FAULT local-results b
	guard.Unlock()
	done.Wait()
	reply(w, results)
}

func (s *server) health(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]int64{"served": atomic.LoadInt64(&s.served),
		"busy": s.busy.operations(), "audited": int64(s.audit.total()), "sum": s.ledger.reconcile()})
}
