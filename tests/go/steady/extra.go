// SPDX-License-Identifier: MIT

//go:build extra

package main

import (
	"encoding/xml"
	"text/template"
)

func init() {
	_ = template.Must(template.New("").Parse("{{.}}"))
	if text, err := xml.Marshal(1); err != nil || len(text) == 0 {
		panic("xml")
	}
}
