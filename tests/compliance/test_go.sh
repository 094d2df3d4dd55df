#!/bin/sh
# Go: a module of several packages, one of which is partly in C, is built, tested and vetted by a toolchain that asks the kernel by
# itself. What is built has the same bytes as natively, with the cache in the tree and outside.
. "$(dirname "$0")/common.sh"
export GOPROXY=off GOFLAGS=-buildvcs=false GOTOOLCHAIN=local GO111MODULE=on GOPATH="${ROOM:-/nowhere}/go" CGO_ENABLED=1
tree() {
    mkdir -p shape/area shape/twice shape/testdata tool
    cat >go.mod <<'GO'
module example.org/small

go 1.18
GO
    cat >shape/shape.go <<'GO'
package shape

type Shape interface{ Area() float64 }
type Square struct{ Side float64 }

func (s Square) Area() float64 { return s.Side * s.Side }
GO
    cat >shape/shape_test.go <<'GO'
package shape

import (
	"os"
	"path/filepath"
	"testing"
)

func TestArea(t *testing.T) {
	if (Square{3}).Area() != 9 {
		t.Fatal("wrong")
	}
}

func TestFiles(t *testing.T) {
	bytes, err := os.ReadFile("testdata/in")
	if err != nil || string(bytes) != "in\n" {
		t.Fatal(err)
	}
	if err := os.MkdirAll("made/deep", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("made/deep/out", bytes, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename("made/deep/out", "made/out"); err != nil {
		t.Fatal(err)
	}
	var seen []string
	err = filepath.WalkDir("made", func(path string, _ os.DirEntry, err error) error {
		seen = append(seen, path)
		return err
	})
	if err != nil || len(seen) != 3 || seen[2] != "made/out" {
		t.Fatal(seen, err)
	}
	if _, err := os.Stat("made/none"); !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if err := os.RemoveAll("made/deep"); err != nil {
		t.Fatal(err)
	}
}
GO
    echo in >shape/testdata/in
    cat >shape/area/area.go <<'GO'
package area

import "example.org/small/shape"

func Sum(all ...shape.Shape) (sum float64) {
	for _, s := range all {
		sum += s.Area()
	}
	return
}
GO
    cat >shape/twice/twice.go <<'GO'
package twice

/*
#include "twice.h"
*/
import "C"

func Twice(x int) int { return int(C.twice(C.int(x))) }
GO
    echo 'static inline int twice(int x) { return 2 * x; }' >shape/twice/twice.h
    cat >tool/main.go <<'GO'
package main

import (
	_ "embed"
	"fmt"

	"example.org/small/shape"
	"example.org/small/shape/area"
	"example.org/small/shape/twice"
)

//go:embed words
var words string

func main() {
	fmt.Print(area.Sum(shape.Square{Side: 2}, shape.Square{Side: 3}), " ", twice.Twice(21), " ", words)
}
GO
    echo embedded >tool/words
    GOCACHE="$ROOM/native-cache" go build -o "$ROOM/native" ./tool
    there "$ROOM/native"
}
body() {
    export GOCACHE="$ROOM/cache"
    go build -o outside ./tool
    cmp outside "$ROOM/native" || fail 'another program, with the cache outside'
    same said "$(./outside)" '13 42 embedded'
    export GOCACHE="$TREE/.cache"
    go build -o inside ./tool
    cmp inside "$ROOM/native" || fail 'another program, with the cache in the tree'
    go vet ./...
    go test ./... >tested || fail "$(cat tested)"
    same tested "$(grep -c ^ok tested)" 1
    is shape/made/out "in"
    # What was changed is built anew, and nothing else.
    echo changed >tool/words
    same rebuilt "$(go build -v -o inside ./tool 2>&1)" example.org/small/tool
    same said "$(./inside)" '13 42 changed'
    [ "$(gofmt -l .)" = '' ] || fail 'gofmt wants it otherwise'
}
after() { same kept "$(outside shape/made/out)" in; }
play "$@"
