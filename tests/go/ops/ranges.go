// SPDX-License-Identifier: MIT

package main

// Loops over maps: complete ones, some that are left early, some that change the map.

var _ = register("ranges", func(n int) {
	rangeComplete(n)
	rangeBreak(n)
	rangeDelete(n)
	rangeNested(n)
	rangeLabels(n)
	rangeNothing(n)
})

// fill makes n writes: of the keys 0 to n-1.
func fill(m map[int]string, n int) int {
	for i := 0; i < n; i++ {
		m[i] = "x"
	}
	return n
}

func rangeComplete(n int) {
	m := map[int]string{}
	t := tallyFor("range", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	for k, v := range m {
		sink += k + len(v)
	}
	for k := range m {
		sink += k
	}
	for range m {
		sink++
	}
	t.Writes, t.Iterations = writes, 3*(n+1)
}

func rangeBreak(n int) {
	m := map[int]string{}
	t := tallyFor("range left early", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	for i := 0; i < n; i++ {
		for k := range m { // the start alone
			sink += k
			break
		}
		taken := 0
		for range m { // the start and two steps
			if taken++; taken == 3 {
				break
			}
		}
	}
	t.Writes, t.Iterations = writes, n*(1+3)
}

func rangeDelete(n int) {
	m := map[int]string{}
	t := tallyFor("range with deletes", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
	for k := range m {
		t.Iterations++
		if k%2 == 0 {
			delete(m, k)
			t.Deletes++
		}
	}
	for k := range m { // the second half goes, entries yet to come among them
		t.Iterations++
		delete(m, (k+2)%n)
		t.Deletes++
	}
	t.Writes, t.Iterations = writes, t.Iterations+2
}

func rangeNested(n int) {
	m := map[int]string{}
	t := tallyFor("range in a range", m)
	m[0] = "x" // first
	writes := 1 + fill(m, 7)
	for i := range m {
		for k := range m {
			sink += i * k
		}
	}
	t.Writes, t.Iterations = writes, 8+7*8
}

func rangeLabels(n int) {
	m := map[int]string{}
	t := tallyFor("range with continue and return", m)
	m[0] = "x" // first
	writes := 1 + fill(m, n)
outer:
	for k := range m {
		t.Iterations++
		for i := 0; i < 2; i++ {
			if k%3 == 0 {
				continue outer
			}
		}
	}
	t.Iterations++
	func() {
		for k := range m {
			t.Iterations++
			if k == n/2 {
				return
			}
		}
	}()
	t.Writes = writes
}

func rangeNothing(n int) {
	m := map[int]int{}
	t := tallyFor("range over an empty map", m)
	for i := 0; i < n; i++ {
		for k := range m { // first
			sink += k
		}
	}
	t.Iterations = n
}
