package internal_test

import (
	"errors"
	"fmt"
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// module is the path that our own imports start with.
const module = "herald.example"

// rooms says which of our rooms each room may import. Mains know everyone,
// adapters know rooms, rooms know link and those they stand on (decision 0006), the
// leaves know nobody. A folder below a room belongs to it, and inside a room imports
// are free.
//
// The tests of a room may import any room: they assemble what they test. No room
// and no test may import a main or bench.
var rooms = map[string][]string{
	"bench":                {"internal/boltstore", "internal/link", "internal/publish", "internal/site"}, // builds data folders; otherwise it sees only the binaries
	"cmd/sharing-api":      {everyone},
	"cmd/shortener":        {everyone},
	"internal/boltstore":   {"internal/counter", "internal/link", "internal/network", "internal/publish", "internal/site", "internal/varint"},
	"internal/certificate": {},
	"internal/command":     {"internal/certificate", "internal/control", "internal/counter", "internal/link", "internal/linkapi", "internal/redirect", "internal/shortener"}, // what the mains share
	"internal/control":     {},
	"internal/counter":     {"internal/link", "internal/varint"},
	"internal/fetch":       {},
	"internal/gigya":       {"internal/link", "internal/publish", "internal/share", "internal/site", "internal/tree"},
	"internal/link":        {},
	"internal/linkapi":     {"internal/control", "internal/counter", "internal/link", "internal/redirect", "internal/shortener"},
	"internal/network":     {"internal/fetch", "internal/link", "internal/publish", "internal/site"},
	"internal/oneall":      {"internal/link", "internal/publish", "internal/share", "internal/site", "internal/tree"},
	"internal/operator":    {"internal/control", "internal/link", "internal/linkapi", "internal/publish", "internal/site"},
	"internal/publish":     {"internal/fetch", "internal/link", "internal/share", "internal/site"},
	"internal/redirect":    {"internal/link"},
	"internal/share":       {},
	"internal/shortener":   {"internal/boltstore", "internal/counter", "internal/link", "internal/redirect"}, // assembles, so it opens the stores
	"internal/site":        {"internal/link"},
	"internal/tree":        {},
	"internal/varint":      {},
}

// everyone stands for all rooms but mains and bench.
const everyone = "*"

// homes says which rooms may import a library, so that it can be replaced by
// changing one room. Here the tests have no privilege.
var homes = map[string][]string{
	"code.dny.dev/ssrf":                       {"internal/fetch"},
	"github.com/HdrHistogram/hdrhistogram-go": {"bench"},
	"github.com/getkin/kin-openapi":           {"internal/oneall"},
	"github.com/jxskiss/base62":               {"internal/link"},
	"github.com/valyala/fasthttp":             {"bench", "internal/redirect"}, // bench measures the redirect against fasthttp alone
	"github.com/rivo/uniseg":                  {"internal/publish"},
	"go.etcd.io/bbolt":                        {"internal/boltstore"},
	"golang.org/x/crypto":                     {"internal/site"},
}

// folder is a package as the check sees it.
type folder struct {
	path    string   // below the module's root, with slashes
	imports []string // of the package itself
	tests   []string // of its tests, in the package and beside it
}

func TestImportDirection(t *testing.T) {
	for _, problem := range check(rooms, homes, folders(t, "..")) {
		t.Error(problem)
	}
}

// TestCheck shows that the check can fail.
func TestCheck(t *testing.T) {
	rooms := map[string][]string{
		"bench":    {},
		"cmd/main": {everyone},
		"high":     {"low"},
		"low":      {},
	}
	homes := map[string][]string{"example.com/lib": {"low"}}
	tests := []struct {
		name   string
		folder folder
		want   []string
	}{
		{"allowed", folder{path: "high", imports: []string{"fmt", module + "/low"}}, nil},
		{"upwards", folder{path: "low", imports: []string{module + "/high"}}, []string{"low must not import high"}},
		{"upwards from a folder below", folder{path: "low/part", imports: []string{module + "/high/part"}}, []string{"low/part must not import high/part"}},
		{"inside the room", folder{path: "low/part", imports: []string{module + "/low"}}, nil},
		{"a name that only starts alike", folder{path: "lower"}, []string{"lower is in no room: add it to the table"}},
		{"unknown room", folder{path: "attic"}, []string{"attic is in no room: add it to the table"}},
		{"import of an unknown room", folder{path: "cmd/main", imports: []string{module + "/attic"}}, []string{"cmd/main must not import attic"}},
		{"a main knows everyone", folder{path: "cmd/main", imports: []string{module + "/low", module + "/high"}}, nil},
		{"but no bench", folder{path: "cmd/main", imports: []string{module + "/bench"}}, []string{"cmd/main must not import bench"}},
		{"a test knows everyone", folder{path: "low", tests: []string{module + "/high"}}, nil},
		{"but no main", folder{path: "low", tests: []string{module + "/cmd/main"}}, []string{"the tests of low must not import cmd/main"}},
		{"library at home", folder{path: "low", imports: []string{"example.com/lib/sub"}}, nil},
		{"library abroad", folder{path: "high", imports: []string{"example.com/lib"}}, []string{"high must not import example.com/lib: it lives in low"}},
		{"library abroad in a test", folder{path: "high", tests: []string{"example.com/lib/sub"}}, []string{"the tests of high must not import example.com/lib/sub: it lives in low"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := check(rooms, homes, []folder{test.folder})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// check holds folders against the tables and returns a sentence for each
// violation, in the order of the folders.
func check(rooms, homes map[string][]string, folders []folder) []string {
	var problems []string
	for _, f := range folders {
		room, known := roomOf(rooms, f.path)
		if !known {
			problems = append(problems, fmt.Sprintf("%s is in no room: add it to the table", f.path))
			continue
		}
		examine := func(who string, imports []string, allowed []string) {
			for _, path := range imports {
				if own, ours := strings.CutPrefix(path, module+"/"); ours {
					if !mayImport(rooms, room, own, allowed) {
						problems = append(problems, fmt.Sprintf("%s must not import %s", who, own))
					}
				} else if at, found := homesOf(homes, path); found && !slices.Contains(at, room) {
					problems = append(problems, fmt.Sprintf("%s must not import %s: it lives in %s", who, path, strings.Join(at, " and ")))
				}
			}
		}
		examine(f.path, f.imports, rooms[room])
		examine("the tests of "+f.path, f.tests, []string{everyone})
	}
	return problems
}

// mayImport says whether a folder of room may import our package at path.
func mayImport(rooms map[string][]string, room, path string, allowed []string) bool {
	other, known := roomOf(rooms, path)
	switch {
	case !known:
		return false
	case other == room:
		return true
	case other == "bench" || strings.HasPrefix(other, "cmd/"):
		return false
	}
	return slices.Contains(allowed, everyone) || slices.Contains(allowed, other)
}

// roomOf returns the room that the folder at path belongs to.
func roomOf(rooms map[string][]string, path string) (room string, known bool) {
	for room := range rooms {
		if within(path, room) {
			return room, true
		}
	}
	return "", false
}

// homesOf returns the homes of the library that the import path belongs to.
func homesOf(homes map[string][]string, path string) (rooms []string, found bool) {
	for library, rooms := range homes {
		if within(path, library) {
			return rooms, true
		}
	}
	return nil, false
}

// within says whether path is root or lies below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// folders reads all packages below root but this one. It reads with go/build and not
// with the go command, so that the test cache sees which files the result
// depends on.
func folders(t *testing.T, root string) []folder {
	t.Helper()
	var found []folder
	err := filepath.WalkDir(root, func(dir string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		if name := entry.Name(); dir != root && (name == "data" || name == "testdata" || name == "bin" || name[0] == '.' || name[0] == '_') {
			return fs.SkipDir
		}
		p, err := build.ImportDir(dir, 0)
		if noGo := (*build.NoGoError)(nil); errors.As(err, &noGo) {
			return nil
		} else if err != nil {
			return err
		}
		path, err := filepath.Rel(root, dir)
		if path = filepath.ToSlash(path); path != "internal" {
			found = append(found, folder{path, p.Imports, slices.Concat(p.TestImports, p.XTestImports)})
		}
		return err
	})
	if err != nil {
		t.Fatalf("reading the packages: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil || len(found) == 0 {
		t.Fatalf("got %d packages below %s, go.mod: %v; want the whole module", len(found), root, err)
	}
	return found
}
