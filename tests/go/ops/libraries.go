// SPDX-License-Identifier: MIT

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"text/template"
)

// Libraries that work on the maps they are given.

var _ = register("libraries", func(n int) {
	reflected(n)
	reflectedGeneral(n)
	jsonStrings(n)
	jsonInts(n)
	templated(n)
	printed(n)
})

// reflect, key string and a small element: mapaccess_faststr and the like (reflect.Value.MapIndex,
// SetMapIndex). MapKeys of N entries: the start and a step behind each entry.
func reflected(n int) {
	m := map[string]int{}
	t := tallyInside("reflect", m)
	v := reflect.ValueOf(m)
	for i := 0; i < n; i++ {
		v.SetMapIndex(reflect.ValueOf(fmt.Sprint(i)), reflect.ValueOf(i))
		count(v.MapIndex(reflect.ValueOf(fmt.Sprint(i))).IsValid())
		count(v.MapIndex(reflect.ValueOf("nothing")).IsValid())
	}
	for it := v.MapRange(); it.Next(); {
		sink += int(it.Value().Int())
	}
	sink += len(v.MapKeys()) + v.Len()
	for i := 0; i < n; i += 2 {
		v.SetMapIndex(reflect.ValueOf(fmt.Sprint(i)), reflect.Value{})
		t.Deletes++
	}
	t.Writes, t.Reads, t.Iterations = n, 2*n, 2*(n+1)
	reflectClear(v, t)
}

// The same through the functions for any key.
func reflectedGeneral(n int) {
	m := map[person][200]byte{}
	t := tallyInside("reflect, key struct", m)
	v := reflect.ValueOf(m)
	for i := 0; i < n; i++ {
		v.SetMapIndex(reflect.ValueOf(person{"r", i}), reflect.ValueOf([200]byte{byte(i)}))
		count(v.MapIndex(reflect.ValueOf(person{"r", i})).IsValid())
	}
	it := v.MapRange()
	for k := 0; k < 3; k++ { // left early: the start and two steps
		count(it.Next())
	}
	for i := 0; i < n; i += 2 {
		v.SetMapIndex(reflect.ValueOf(person{"r", i}), reflect.Value{})
		t.Deletes++
	}
	made := reflect.MakeMap(reflect.TypeOf(m)).Interface().(map[person][200]byte)
	inMade := tallyFor("reflect.MakeMap", made)
	made[person{}] = [200]byte{} // first
	inMade.Writes = 1
	t.Writes, t.Reads, t.Iterations = n, n, 3
}

func jsonStrings(n int) {
	m := map[string]int{}
	t := tallyFor("encoding/json, key string", m)
	for i := 0; i < n; i++ {
		m[fmt.Sprint(i)] = i // first
	}
	text, _ := json.Marshal(m)
	into := map[string]int{}
	inInto := tallyInside("encoding/json into a map, key string", into)
	if err := json.Unmarshal(text, &into); err != nil || len(into) != n {
		panic(err)
	}
	t.Writes = n
	jsonMarshalled(t, n, true)
	jsonUnmarshalled(inInto, n)
}

func jsonInts(n int) {
	m := map[int]int{}
	t := tallyFor("encoding/json, key int", m)
	for i := 0; i < n; i++ {
		m[i] = i // first
	}
	text, _ := json.Marshal(m)
	into := map[int]int{}
	inInto := tallyInside("encoding/json into a map, key int", into)
	if err := json.Unmarshal(text, &into); err != nil || len(into) != n {
		panic(err)
	}
	t.Writes = n
	jsonMarshalled(t, n, false)
	jsonUnmarshalled(inInto, n)
}

// text/template/exec.go: a field of a map is one MapIndex (evalField), so is an index of it
// (funcs.go, index); range is one complete range of internal/fmtsort, unless the map is empty.
func templated(n int) {
	m := map[string]int{}
	t := tallyFor("text/template", m)
	for i := 0; i < n; i++ {
		m[fmt.Sprintf("k%d", i)] = i // first
	}
	form := template.Must(template.New("").Parse(
		`{{range $k, $v := .}}{{$k}}{{$v}}{{end}}{{.k1}}{{index . "k2"}}{{len .}}{{.nothing}}`))
	for i := 0; i < n; i++ {
		if err := form.Execute(io.Discard, m); err != nil {
			panic(err)
		}
	}
	t.Writes, t.Reads, t.Iterations = n, 3*n, n*(n+1)
}

// fmt sorts: one complete range of internal/fmtsort.
func printed(n int) {
	m := map[int]int{}
	t := tallyFor("fmt", m)
	for i := 0; i < n; i++ {
		m[i] = i // first
	}
	text := &bytes.Buffer{}
	fmt.Fprintln(text, m)
	sink += text.Len()
	t.Writes, t.Iterations = n, n+1
}
