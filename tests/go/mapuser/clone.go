// SPDX-License-Identifier: MIT

//go:build go1.21

package main

import "maps"

func clone(m map[string]int) map[string]int { return maps.Clone(m) }
