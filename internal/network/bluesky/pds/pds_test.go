package pds

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// outcome notes how a test was left.
type outcome struct {
	testing.TB
	skipped, failed string
}

func (o *outcome) Helper() {}

func (o *outcome) Skip(args ...any) {
	o.skipped = args[0].(string)
	panic(o)
}

func (o *outcome) Fatal(args ...any) {
	o.failed = args[0].(string)
	panic(o)
}

// TestMissing shows that a server that is not installed is a skip, and a failure
// in CI.
func TestMissing(t *testing.T) {
	for _, test := range []struct {
		ci              string
		skipped, failed bool
	}{{"", true, false}, {"true", false, true}} {
		t.Setenv("PDS_DIR", "")
		t.Setenv("CI", test.ci)
		o := &outcome{TB: t}
		func() {
			defer func() {
				if left := recover(); left != any(o) {
					t.Fatalf("got %v; want the test left", left)
				}
			}()
			Dir(o)
		}()
		if (o.skipped != "") != test.skipped || (o.failed != "") != test.failed || !strings.Contains(o.skipped+o.failed, ".ci/get-pds") {
			t.Errorf("CI=%q: got skipped %q, failed %q; want skipped: %v, failed: %v, and how to install", test.ci, o.skipped, o.failed, test.skipped, test.failed)
		}
	}
}

// TestBrokenServers starts what is no server: it ends with an error, and leaves
// nothing behind.
func TestBrokenServers(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for name, program := range map[string]string{
		"missing":  "",
		"dies":     "console.error('no room'); process.exit(1)",
		"babbles":  "console.log('hello'); process.stdin.resume()",
		"too much": "process.stdout.write('x'.repeat(1 << 20)); process.stdin.resume()",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if program != "" {
				if err := os.WriteFile(filepath.Join(dir, "start.mjs"), []byte(program), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, stop, err := start(dir)
			if err == nil || stop != nil {
				t.Fatalf("got error %v; want one", err)
			}
			if left, err := filepath.Glob(filepath.Join(temp, "pds-*")); err != nil || left != nil {
				t.Errorf("got %q left behind, error %v; want nothing", left, err)
			}
		})
	}
}
