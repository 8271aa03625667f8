// SPDX-License-Identifier: MIT

// plugs loads a plugin: code that is in no file that is known before.
package main

import (
	"fmt"
	"os"
	"plugin"
)

func main() {
	if _, err := plugin.Open(os.Args[len(os.Args)-1]); err != nil {
		fmt.Println(err)
	}
}
