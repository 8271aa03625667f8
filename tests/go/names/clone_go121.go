// SPDX-License-Identifier: MIT

//go:build go1.21

package main

import "maps"

var original = map[string]uint8{"a": 1, "b": 2}

func clone(n int) (any, []frame) { m, at := maps.Clone(original), here(); return m, at }
