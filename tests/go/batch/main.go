// SPDX-License-Identifier: MIT

// Batch makes the pages of a site on all CPUs, and ends. Every page counts its tag in a map that all
// goroutines share, and its template ranges over that map, by reflection: without a lock.
//
//	batch [-for 20s] [-rate 100]
//
// One goroutine a CPU makes one page after the other, -rate pages a second in all; the rest of the
// time goes into words and checksums of its own. The title of each page goes into an index under a
// lock. The lines of the fault end in "// RACE:". There are few tags, and none is new: a range takes
// some microseconds, so that the runtime's own check, which has to come in the middle of a write,
// seldom ends the process. The first line of output says how many goroutines there are, the last one
// how many pages were made.
package main

import (
	"crypto/sha256"
	"encoding/json"
	"flag"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"text/template"
	"time"
)

const textWords = 4000

var layout = template.Must(template.New("page").Parse(
	`{{.Title}}{{range $tag, $pages := .Tags}} {{$tag}}:{{$pages}}{{end}} {{.Words}} {{.Sum}}`))

var tags = [...]string{"go", "maps", "locks", "news", "tools", "tests", "types", "io"}

type site struct {
	tags map[string]int

	mu    sync.Mutex
	index map[string]int
}

type page struct {
	Title string
	Tags  map[string]int
	Words int
	Sum   byte
}

// note puts the title of a page into the index, and says how many pages had it before.
func (s *site) note(title string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index[title]++
	return s.index[title] - 1
}

func (s *site) count(tag string) {
	s.tags[tag]++ // RACE: w
}

func (s *site) render(p *page) error {
	p.Tags = s.tags
	return layout.Execute(io.Discard, p) // RACE: i
}

func text(seed int) string {
	words := make([]string, textWords)
	for i := range words {
		seed = seed*1103515245 + 12345
		words[i] = "word-" + strconv.Itoa(seed>>16&0xff)
	}
	return strings.Join(words, " ")
}

// read is the work of a page: which words its text has, and a checksum, until the time is over.
func (p *page) read(text string, until time.Time) {
	for time.Now().Before(until) {
		words := map[string]int{}
		for i, word := range strings.Fields(text) {
			if i%16 == 0 {
				words[word]++
			}
		}
		p.Words = len(words)
		p.Sum ^= sha256.Sum256([]byte(text))[0]
	}
}

// pages makes pages until the end, one each `every`, and returns how many.
func (s *site) pages(number int, every time.Duration, end time.Time) (int, error) {
	source := text(number)
	for made := 0; ; made++ {
		if !time.Now().Before(end) {
			return made, nil
		}
		title := "page-" + strconv.Itoa(made%100)
		p := &page{Title: title}
		s.note(title)
		p.read(source, time.Now().Add(every))
		s.count(tags[(made+number)%len(tags)])
		if err := s.render(p); err != nil {
			return made, err
		}
	}
}

func say(v interface{}) { _ = json.NewEncoder(os.Stdout).Encode(v) }

func main() {
	length := flag.Duration("for", 20*time.Second, "how long")
	rate := flag.Int("rate", 100, "pages a second")
	flag.Parse()

	s := &site{tags: map[string]int{}, index: map[string]int{}}
	for _, tag := range tags {
		s.tags[tag] = 0
	}
	workers := runtime.GOMAXPROCS(0)
	every := time.Second * time.Duration(workers) / time.Duration(*rate)
	end := time.Now().Add(*length)
	made := make(chan int, workers)
	say(map[string]interface{}{"ready": true, "goroutines": workers})
	for i := 0; i < workers; i++ {
		go func(number int) {
			n, err := s.pages(number, every, end)
			if err != nil {
				panic(err)
			}
			made <- n
		}(i)
	}
	sum := 0
	for i := 0; i < workers; i++ {
		sum += <-made
	}
	say(map[string]int{"pages": sum})
}
