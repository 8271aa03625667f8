// SPDX-License-Identifier: MIT

// Ledgerd: a small payment ledger over HTTP, the service that gomaptop is shown and tested on.
//
//	ledgerd [-listen 127.0.0.1:0] [-fault NAME] [-jobs 3ms] [-turns=false] [-busy RATE]
//
// It prints {"listening": ADDRESS, "pid": PID}. Every map is guarded (mutex, RWMutex, sync.Map, an
// owner behind a channel, copy-on-write) unless -fault takes one of the guards away: see fault.go
// and -faults. With -turns=false the sides that could be at fault do not keep apart: that is as fast
// as it can be. With -busy it does so many guarded map operations a second beside all this.
//
//	POST /payments?from=1&to=2&amount=5   header Idempotency-Key
//	POST /refunds?from=1&to=2&amount=5&authorisation=950
//	GET  /balance?account=1   GET /quote?amount=5   GET /report?account=1   GET /health
//
// The header X-Client names the client.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func fail(err error) {
	fmt.Fprintln(os.Stderr, "ledgerd:", err)
	os.Exit(2)
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	fault := flag.String("fault", "", "plant this fault")
	jobs := flag.Duration("jobs", 3*time.Millisecond, "time between two runs of a background job")
	apart := flag.Bool("turns", true, "sides that could be at fault take turns")
	rate := flag.Float64("busy", 0, "guarded map operations a second beside the requests")
	list := flag.Bool("faults", false, "list the faults and end")
	flag.Parse()
	if *list {
		_ = json.NewEncoder(os.Stdout).Encode(faults)
		return
	}
	p, err := newPlan(*fault, *apart)
	if err != nil {
		fail(err)
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		fail(err)
	}
	s := newServer(p)
	s.start(*jobs)
	s.busy.start(*rate)
	_ = json.NewEncoder(os.Stdout).Encode(map[string]interface{}{
		"listening": listener.Addr().String(), "pid": os.Getpid(), "fault": *fault})

	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stop
		os.Exit(0)
	}()
	fail(http.Serve(listener, s.handler()))
}
