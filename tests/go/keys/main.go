// SPDX-License-Identifier: MIT

// Keys uses maps with keys of many kinds from two goroutines that nothing keeps apart: one deletes a
// key, the other looks it up. The maps are empty, so there is nothing to damage and nothing that the
// runtime's own check could object to. It says the address and the key of each map:
//
//	{"map":"0xc000104000","kind":"int8","key":-1}
//
// The last line has "done". Every map of "text" kinds has -secret in its key.
//
//	keys [-for 1h] [-secret TEXT]
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
	"unsafe"
)

type colour uint8

type name string

// pair is one map that two goroutines use.
type pair struct {
	erase, look func()
}

var pairs []pair

const turn = 400 * time.Millisecond

var say = json.NewEncoder(os.Stdout).Encode

func add(kind string, told any, address unsafe.Pointer, erase, look func()) {
	pairs = append(pairs, pair{erase, look})
	_ = say(map[string]any{"map": fmt.Sprint(address), "kind": kind, "key": told})
}

// at is the data word of the interface: of a map, the map itself.
func at(m any) unsafe.Pointer { return (*[2]unsafe.Pointer)(unsafe.Pointer(&m))[1] }

func integers() {
	a, b, c, d := map[int]bool{}, map[int8]bool{}, map[int16]bool{}, map[int32]bool{}
	e, f, g, h := map[int64]bool{}, map[uint]bool{}, map[colour]bool{}, map[uint16]bool{}
	i, j, k := map[uint32]bool{}, map[uint64]bool{}, map[uintptr]bool{}
	ka, kb, kc, kd := -1234567890123, int8(-1), int16(-30000), int32(-2)
	ke, kf, kg, kh := int64(-1)<<63, uint(7), colour(200), uint16(65535)
	ki, kj, kk := uint32(4294967295), ^uint64(0), uintptr(4711)
	add("int", ka, at(a), func() { delete(a, ka) }, func() { _ = a[ka] })
	add("int8", kb, at(b), func() { delete(b, kb) }, func() { _ = b[kb] })
	add("int16", kc, at(c), func() { delete(c, kc) }, func() { _ = c[kc] })
	add("int32", kd, at(d), func() { delete(d, kd) }, func() { _ = d[kd] })
	add("int64", ke, at(e), func() { delete(e, ke) }, func() { _ = e[ke] })
	add("uint", kf, at(f), func() { delete(f, kf) }, func() { _ = f[kf] })
	add("uint8", kg, at(g), func() { delete(g, kg) }, func() { _ = g[kg] })
	add("uint16", kh, at(h), func() { delete(h, kh) }, func() { _ = h[kh] })
	add("uint32", ki, at(i), func() { delete(i, ki) }, func() { _ = i[ki] })
	add("uint64", fmt.Sprint(kj), at(j), func() { delete(j, kj) }, func() { _ = j[kj] })
	add("uintptr", kk, at(k), func() { delete(k, kk) }, func() { _ = k[kk] })
}

func texts(secret string) {
	// Big values: the compiler calls the functions that take any key by its address.
	a, b, c, d := map[string]int{}, map[name][200]byte{}, map[string]int{}, map[string]int{}
	ka, kb, kd := "key "+secret, name("ключ "+secret), "\x1b[2J\xff"+secret
	kc := secret + strings.Repeat("0123456789", 10)
	add("string", ka, at(a), func() { delete(a, ka) }, func() { _ = a[ka] })
	add("string", string(kb), at(b), func() { delete(b, kb) }, func() { _ = b[kb] })
	add("string", kc, at(c), func() { delete(c, kc) }, func() { _ = c[kc] })
	add("string", kd, at(d), func() { delete(d, kd) }, func() { _ = d[kd] })
}

func others() {
	a, b, c := map[float64]bool{}, map[[2]int32]bool{}, map[any]bool{}
	add("", nil, at(a), func() { delete(a, 1.5) }, func() { _ = a[1.5] })
	add("", nil, at(b), func() { delete(b, [2]int32{1, 2}) }, func() { _ = b[[2]int32{1, 2}] })
	add("", nil, at(c), func() { delete(c, 5) }, func() { _ = c[5] })
}

func main() {
	length := flag.Duration("for", time.Hour, "how long")
	secret := flag.String("secret", "secret", "what text keys hold")
	flag.Parse()
	integers()
	texts(*secret)
	others()
	_ = say(map[string]bool{"done": true})
	// One map after the other, so that each has all of the watcher's attention for a while.
	began := time.Now()
	side := func(of func(p pair) func()) {
		for {
			of(pairs[int(time.Since(began)/turn)%len(pairs)])()
			time.Sleep(40 * time.Microsecond)
		}
	}
	go side(func(p pair) func() { return p.erase })
	go side(func(p pair) func() { return p.look })
	time.Sleep(*length)
}
