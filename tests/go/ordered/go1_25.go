// SPDX-License-Identifier: MIT

//go:build go1.25

package main

import (
	"sync"

	"gomaptop/tests/service"
)

func init() {
	service.Add("waitgroup_go", "WaitGroup.Go, all are read after Wait", waitgroupGo)
}

func waitgroupGo(t *service.Task) {
	t.Every(func(d *service.Dice) {
		var group sync.WaitGroup
		var parts [3]map[string]int
		for i := range parts {
			i := i
			group.Go(func() {
				own := service.NewDice()
				parts[i] = map[string]int{own.Key(): 1}
				own.Wait()
				parts[i][own.Key()]++
			})
		}
		group.Wait()
		for _, part := range parts {
			part[d.Key()]++
		}
	})
}
