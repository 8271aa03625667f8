// SPDX-License-Identifier: MIT

//go:build !go1.21

package main

func clone(n int) (any, []frame) { return nil, nil }
