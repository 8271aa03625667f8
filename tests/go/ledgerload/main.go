// SPDX-License-Identifier: MIT

// Ledgerload drives ledgerd over loopback at a given rate for a given time and says how it went:
// one JSON line with requests, errors, requests a second and latencies (p50, p99, in seconds).
//
//	ledgerload -to ADDRESS [-rate 800] [-for 10s] [-clients 16] [-every 1s]
//
// The rate is kept by the clock, not by the answers: a slow server sees no less load until all
// clients are busy; what was not sent then is counted as "skipped". With -every a line is printed
// for each span too.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"os"
	"sort"
	"sync"
	"sync/atomic"
	"time"
)

// The mix of requests; each entry is as frequent as any other.
var mix = []func(n uint64) (method, path string){
	func(n uint64) (string, string) {
		return "POST", fmt.Sprintf("/payments?from=%d&to=%d&amount=1", 1+n%512, 1+(n+7)%512)
	},
	func(n uint64) (string, string) { return "GET", fmt.Sprintf("/balance?account=%d", 1+n%512) },
	func(n uint64) (string, string) {
		return "POST", fmt.Sprintf("/refunds?from=%d&to=%d&amount=1&authorisation=%d",
			1+n%512, 1+(n+7)%512, 900+n%100)
	},
	func(n uint64) (string, string) { return "GET", fmt.Sprintf("/quote?amount=%d", n%90) },
	func(n uint64) (string, string) { return "GET", fmt.Sprintf("/report?account=%d", 1+n%512) },
}

const newClientEvery = 5 // requests: limiters and sessions keep being made

type tally struct {
	mu        sync.Mutex
	latencies []time.Duration
	errors    uint64
}

func (t *tally) add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.errors++
		return
	}
	t.latencies = append(t.latencies, took)
}

// report prints what was tallied since the last report and begins anew.
func (t *tally) report(kind string, span time.Duration, skipped uint64) {
	t.mu.Lock()
	taken, errors := t.latencies, t.errors
	t.latencies, t.errors = nil, 0
	t.mu.Unlock()
	sort.Slice(taken, func(i, j int) bool { return taken[i] < taken[j] })
	at := func(part float64) float64 {
		if len(taken) == 0 {
			return 0
		}
		return taken[int(part*float64(len(taken)-1))].Seconds()
	}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]interface{}{"kind": kind,
		"seconds": span.Seconds(), "requests": len(taken), "errors": errors, "skipped": skipped,
		"rate": float64(len(taken)) / span.Seconds(), "p50": at(0.50), "p99": at(0.99)})
}

func request(client *http.Client, address string, n uint64) error {
	method, path := mix[n%uint64(len(mix))](n / uint64(len(mix)))
	r, err := http.NewRequest(method, "http://"+address+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Client", fmt.Sprintf("client-%d", n/newClientEvery))
	r.Header.Set("Idempotency-Key", fmt.Sprintf("%d-%d", os.Getpid(), n))
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	if answer.StatusCode >= 400 {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// worker sends the requests whose numbers it is given.
func worker(address string, numbers <-chan uint64, tallies []*tally, done *sync.WaitGroup) {
	defer done.Done()
	client := &http.Client{Timeout: 5 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 1}}
	for n := range numbers {
		began := time.Now()
		err := request(client, address, n)
		took := time.Since(began)
		for _, t := range tallies {
			t.add(took, err)
		}
	}
}

// burst is how many requests come together on average: a page asks for several things at once,
// and a load balancer hands on what it has.
const burst = 6

// drive hands out request numbers at the given rate for the given time, as independent users would:
// bursts of one to 2*burst-1 requests at random times. Requests that came evenly, one after the
// other, would never be in the server at the same time.
func drive(numbers chan<- uint64, rate float64, length time.Duration, skipped *uint64) {
	defer close(numbers)
	began := time.Now()
	random := rand.New(rand.NewSource(1))
	next := time.Duration(0)
	for n := uint64(0); next < length; {
		time.Sleep(next - time.Since(began))
		for k := 1 + random.Intn(2*burst-1); k > 0; k-- {
			select {
			case numbers <- n:
			default:
				atomic.AddUint64(skipped, 1)
			}
			n++
		}
		next += time.Duration(random.ExpFloat64() * burst / rate * float64(time.Second))
	}
}

func main() {
	address := flag.String("to", "", "address of ledgerd")
	rate := flag.Float64("rate", 800, "requests a second")
	length := flag.Duration("for", 10*time.Second, "how long")
	clients := flag.Int("clients", 16, "requests under way at one time, at most")
	spans := flag.Duration("every", 0, "report each span of this length too")
	flag.Parse()
	if *address == "" || *rate <= 0 || *clients < 1 {
		fmt.Fprintln(os.Stderr, "ledgerload: -to ADDRESS is needed, -rate and -clients above zero")
		os.Exit(2)
	}
	whole, part := &tally{}, &tally{}
	numbers := make(chan uint64, *clients)
	var done sync.WaitGroup
	for i := 0; i < *clients; i++ {
		done.Add(1)
		go worker(*address, numbers, []*tally{whole, part}, &done)
	}
	if *spans > 0 {
		go func() {
			for range time.Tick(*spans) {
				part.report("span", *spans, 0)
			}
		}()
	}
	var skipped uint64
	began := time.Now()
	drive(numbers, *rate, *length, &skipped)
	done.Wait()
	whole.report("total", time.Since(began), skipped)
}
