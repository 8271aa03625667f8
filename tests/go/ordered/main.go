// SPDX-License-Identifier: MIT
//
// Ordered is a collection of small correct programs, each of which orders what its goroutines do
// with a map by one mechanism, at the rates of a small service: the race detector is silent on all
// of them, and so must be whoever judges order.
//
//	ordered NAME... [-seconds N] [-pace F]
//	ordered all [-seconds N]
//	ordered -list | -about | -beyond
//
// -beyond lists programs that are in order as well, by what neither the descriptor that is written to
// nor any function of Go's tells; they are not part of "all" and -list.
package main

import "gomaptop/tests/service"

func main() {
	service.Main()
}
