// SPDX-License-Identifier: MIT

//go:build !goexperiment.jsonv2

package main

// encoding/json/encode.go, mapEncoder.encode: one complete MapRange, elements taken from it.
func jsonMarshalled(t *tally, n int, keyString bool) {
	t.Iterations = n + 1
}

// encoding/json/decode.go, object: one SetMapIndex for each member.
func jsonUnmarshalled(t *tally, n int) {
	t.Writes = n
}
