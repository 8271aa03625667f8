// SPDX-License-Identifier: MIT

//go:build goexperiment.jsonv2

package main

// encoding/json/v2/arshal_default.go, makeMapArshaler, as encoding/json calls it (deterministic
// order): a MapRange that asks `i < n && iter.Next()`, thus n times and not once more; with keys of
// kind string the elements are then looked up one by one, with others taken from the range.
func jsonMarshalled(t *tally, n int, keyString bool) {
	t.Iterations = n
	if keyString {
		t.Reads = n
	}
}

// The same function: one MapIndex (is the key there already?) and one SetMapIndex for each member.
func jsonUnmarshalled(t *tally, n int) {
	t.Reads, t.Writes = n, n
}
