// SPDX-License-Identifier: MIT

package main

import "fmt"

// Keys of every kind. The functions below must not be generic over the key: the compiler picks the
// runtime's function by the static type of the map.

var _ = register("keys", func(n int) {
	keyUint32(n)
	keyUint64(n)
	keyString(n)
	keyBytes(n)
	keyPointer(n)
	keyChan(n)
	keyUint8(n)
	keyFloat(n)
	keyInterface(n)
	keyArray(n)
	keyArray8(n)
	keyStruct(n)
	keyStruct8(n)
})

func count(ok bool) {
	if ok {
		sink++
	}
}

func keyUint32(n int) {
	m := make(map[uint32]int)
	t := tallyFor("key uint32", m)
	for i := 0; i < n; i++ {
		m[uint32(i)] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[uint32(i)]
		_, ok := m[uint32(n+i)]
		count(ok)
	}
	for range m {
		t.Iterations++
	}
	for i := 0; i < n; i += 2 {
		delete(m, uint32(i))
		t.Deletes++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, n, t.Iterations+1
}

func keyUint64(n int) {
	m := make(map[uint64]int, n)
	t := tallyFor("key uint64", m)
	for i := 0; i < n; i++ {
		m[uint64(i)] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[uint64(i)]
		_, ok := m[uint64(n+i)]
		count(ok)
	}
	for range m {
		t.Iterations++
	}
	for i := 0; i < n; i += 2 {
		delete(m, uint64(i))
		t.Deletes++
	}
	for k := range m { // the compiler makes this one clear
		delete(m, k)
	}
	t.Reads, t.Writes, t.Clears, t.Iterations = 2*n, n, 1, t.Iterations+1
}

func keyString(n int) {
	names := make([]string, 2*n)
	for i := range names {
		names[i] = fmt.Sprintf("key-%d", i)
	}
	m := map[string]int{}
	t := tallyFor("key string", m)
	for i := 0; i < n; i++ {
		m[names[i]] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[names[i]]
		_, ok := m[names[n+i]]
		count(ok)
	}
	for range m {
		t.Iterations++
	}
	for i := 0; i < n; i += 2 {
		delete(m, names[i])
		t.Deletes++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, n, t.Iterations+1
}

// A look-up by string(bytes) makes no string.
func keyBytes(n int) {
	m := map[string]int{}
	t := tallyFor("key string(bytes)", m)
	for i := 0; i < n; i++ {
		m[string([]byte{byte(i), byte(i >> 8)})] = i // first
	}
	buffer := []byte{0, 0}
	for i := 0; i < n; i++ {
		buffer[0], buffer[1] = byte(i), byte(i>>8)
		sink += m[string(buffer)]
		_, ok := m[string(buffer[:1])]
		count(ok)
		delete(m, string(buffer))
	}
	t.Reads, t.Writes, t.Deletes = 2*n, n, n
}

func keyPointer(n int) {
	cells := make([]int, 2*n)
	m := make(map[*int]int)
	t := tallyFor("key pointer", m)
	for i := 0; i < n; i++ {
		m[&cells[i]] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[&cells[i]]
		_, ok := m[&cells[n+i]]
		count(ok)
		m[&cells[i]]++
	}
	for range m {
		t.Iterations++
	}
	for i := 0; i < n; i += 2 {
		delete(m, &cells[i])
		t.Deletes++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, 2*n, t.Iterations+1
}

func keyChan(n int) {
	chans := make([]chan int, 2*n)
	for i := range chans {
		chans[i] = make(chan int)
	}
	m := make(map[chan int]int)
	t := tallyFor("key chan", m)
	for i := 0; i < n; i++ {
		m[chans[i]] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[chans[i]]
		_, ok := m[chans[n+i]]
		count(ok)
	}
	for i := 0; i < n; i += 2 {
		delete(m, chans[i])
		t.Deletes++
	}
	t.Reads, t.Writes = 2*n, n
}

func keyUint8(n int) {
	m := make(map[uint8]int)
	t := tallyFor("key uint8", m)
	for i := 0; i < n; i++ {
		m[uint8(i)] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[uint8(i)]
		_, ok := m[uint8(n+i)]
		count(ok)
	}
	for i := 0; i < n; i += 2 {
		delete(m, uint8(i))
		t.Deletes++
	}
	t.Reads, t.Writes = 2*n, n
}

// A key that may differ from itself (NaN): the loop that deletes all of them is no clear.
func keyFloat(n int) {
	m := make(map[float64]int)
	t := tallyFor("key float64", m)
	for i := 0; i < n; i++ {
		m[float64(i)] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[float64(i)]
		_, ok := m[float64(i)+0.5]
		count(ok)
	}
	for k := range m {
		delete(m, k)
		t.Deletes++
		t.Iterations++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, n, t.Iterations+1
}

func keyInterface(n int) {
	m := make(map[interface{}]int)
	t := tallyFor("key interface", m)
	for i := 0; i < n; i++ {
		m[i] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[i]
		_, ok := m["nothing"]
		count(ok)
	}
	for k := range m {
		delete(m, k)
		t.Deletes++
		t.Iterations++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, n, t.Iterations+1
}

func keyArray(n int) {
	m := make(map[[3]string]int)
	t := tallyFor("key [3]string", m)
	for i := 0; i < n; i++ {
		m[[3]string{"a", "b", fmt.Sprint(i)}] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[[3]string{"a", "b", fmt.Sprint(i)}]
		_, ok := m[[3]string{"b", "b", ""}]
		count(ok)
	}
	for i := 0; i < n; i += 2 {
		delete(m, [3]string{"a", "b", fmt.Sprint(i)})
		t.Deletes++
	}
	t.Reads, t.Writes = 2*n, n
}

// Eight bytes without pointers have the functions of uint64.
func keyArray8(n int) {
	m := make(map[[8]byte]int)
	t := tallyFor("key [8]byte", m)
	for i := 0; i < n; i++ {
		m[[8]byte{byte(i), byte(i >> 8)}] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[[8]byte{byte(i), byte(i >> 8)}]
		_, ok := m[[8]byte{7: 1}]
		count(ok)
	}
	for i := 0; i < n; i += 2 {
		delete(m, [8]byte{byte(i), byte(i >> 8)})
		t.Deletes++
	}
	t.Reads, t.Writes = 2*n, n
}

type person struct {
	name string
	born int
}

func keyStruct(n int) {
	m := make(map[person]int)
	t := tallyFor("key struct", m)
	for i := 0; i < n; i++ {
		m[person{"x", i}] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[person{"x", i}]
		_, ok := m[person{"y", i}]
		count(ok)
	}
	for range m {
		t.Iterations++
	}
	for i := 0; i < n; i += 2 {
		delete(m, person{"x", i})
		t.Deletes++
	}
	t.Reads, t.Writes, t.Iterations = 2*n, n, t.Iterations+1
}

type pair struct{ a, b int32 }

func keyStruct8(n int) {
	m := make(map[pair]int)
	t := tallyFor("key struct of 8 bytes", m)
	for i := 0; i < n; i++ {
		m[pair{int32(i), 1}] = i // first
	}
	for i := 0; i < n; i++ {
		sink += m[pair{int32(i), 1}]
		_, ok := m[pair{int32(i), 2}]
		count(ok)
	}
	for i := 0; i < n; i += 2 {
		delete(m, pair{int32(i), 1})
		t.Deletes++
	}
	t.Reads, t.Writes = 2*n, n
}
