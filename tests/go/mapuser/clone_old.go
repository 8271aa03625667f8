// SPDX-License-Identifier: MIT

//go:build !go1.21

package main

func clone(m map[string]int) map[string]int { return m }
