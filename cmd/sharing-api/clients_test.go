package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"herald.example/internal/certificate/certtest"
	"herald.example/internal/network/contract"
)

// TestNodeSDK drives the program with OneAll's own client for Node, and compares what
// its callers get with the contract: at an endpoint as it should be written, at one
// with a slash behind it, and over HTTPS.
func TestNodeSDK(t *testing.T) {
	t.Parallel()
	dir := clientsDir(t)
	steps, withWrongKeys := readSteps(t, "oneall.txt"), readSteps(t, "oneall-keys.txt")
	pair := certtest.New(t, "127.0.0.1")
	cert, key := pair.Write(t, t.TempDir())
	for _, c := range []struct {
		name, scheme, behind string
		args                 []string
	}{
		{"as it should be", "http://", "", nil},
		{"slash behind", "http://", "/", nil},
		{"HTTPS", "https://", "", []string{"--tls-cert", cert, "--tls-key", key}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(start(t, t.TempDir(), c.args...), "facebook", "twitter")
			s.visitors = &http.Transport{TLSClientConfig: certtest.Client(pair), DisableKeepAlives: true}
			saved := map[string]string{"user": s.user, "picture": base64.StdEncoding.EncodeToString(contract.PNG(t, 8, 8)), "slash": c.behind}
			for _, keys := range []struct {
				private string
				steps   []sdkStep
			}{{s.private, steps}, {uuid.NewString(), withWrongKeys}} {
				client := newSDK(t, "oneall.mjs", "CLIENTS_DIR="+dir, "ENDPOINT="+c.scheme+s.api+c.behind, "PUBLIC_KEY="+s.public, "PRIVATE_KEY="+keys.private, "NODE_EXTRA_CA_CERTS="+cert)
				for _, step := range keys.steps {
					client.check(s, step, saved)
				}
				client.end()
			}
		})
	}
}

// clientsDir is where the clients are installed. Without them the test is skipped,
// or fails in CI.
func clientsDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CLIENTS_DIR")
	if dir == "" {
		const missing = "CLIENTS_DIR is not set: run .ci/get-clients and set it as that says, to test with OneAll's and Gigya's own clients"
		if os.Getenv("CI") == "true" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	return dir
}

// sdkStep is a call of a client, and what its caller gets; see testdata/oneall.txt.
type sdkStep struct {
	at         string // where it stands
	call, args string
	want       [][2]string // path and value
	save       [][2]string // name and path
}

// readSteps reads a file of steps.
func readSteps(t *testing.T, name string) (steps []sdkStep) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	number := 0
	for line := range strings.Lines(string(raw)) {
		number++
		text := strings.TrimSpace(line)
		if text == "" || text[0] == '#' {
			continue
		}
		first, rest, ok := strings.Cut(text, " ")
		rest = strings.TrimSpace(rest)
		switch {
		case !ok || line[0] == '\t' && len(steps) == 0:
			t.Fatalf("%s:%d: got %q; want two parts", name, number, text)
		case line[0] != '\t':
			steps = append(steps, sdkStep{at: fmt.Sprintf("%s:%d", name, number), call: first, args: rest})
		case first == "save":
			as, path, _ := strings.Cut(rest, " ")
			last := &steps[len(steps)-1]
			last.save = append(last.save, [2]string{as, path})
		default:
			last := &steps[len(steps)-1]
			last.want = append(last.want, [2]string{first, rest})
		}
	}
	return steps
}

// sdk is a process with a client in it.
type sdk struct {
	t      *testing.T
	in     io.Writer
	out    *json.Decoder
	stderr *bytes.Buffer // to be read when the process has ended
	end    func()
}

// newSDK starts a client, by its script in testdata, that ends with the test.
func newSDK(t *testing.T, script string, env ...string) *sdk {
	t.Helper()
	c := &sdk{t: t, stderr: new(bytes.Buffer)}
	cmd := exec.Command("node", filepath.Join("testdata", script))
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), c.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	hangs := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() }) // then a callback was not called
	c.in, c.out = in, json.NewDecoder(out)
	c.end = sync.OnceFunc(func() {
		in.Close()
		_ = cmd.Wait() // stderr says more
		hangs.Stop()
	})
	t.Cleanup(c.end)
	return c
}

// check makes one call and holds the reply against the step. Texts are saved in, and
// taken from, saved.
func (c *sdk) check(s *shop, step sdkStep, saved map[string]string) {
	c.t.Helper()
	fill := func(text string) string {
		for name, value := range saved {
			text = strings.ReplaceAll(text, "{"+name+"}", value)
		}
		return text
	}
	args := json.RawMessage(fill(step.args))
	if step.call == "visit" {
		var urls []string
		if err := json.Unmarshal(args, &urls); err != nil {
			c.t.Fatalf("%s: %v", step.at, err)
		}
		if status, _ := s.visit(sharedLink{ShortURL: urls[0]}, firefox); status != http.StatusFound {
			c.t.Errorf("%s: visit of %s: got %d; want 302", step.at, urls[0], status)
		}
		return
	}
	var reply any
	err := json.NewEncoder(c.in).Encode(struct {
		Call string          `json:"call"`
		Args json.RawMessage `json:"args"`
	}{step.call, args})
	if err == nil {
		err = c.out.Decode(&reply)
	}
	if err != nil {
		c.end()
		c.t.Fatalf("%s: %s: got no reply: %v\n%s", step.at, step.call, err, c.stderr)
	}
	for _, w := range step.want {
		value, found := inside(reply, w[0])
		if want := fill(w[1]); !alike(c.t, value, found, want) {
			c.t.Errorf("%s: %s: got %s %#v; want %s\n%v", step.at, step.call, w[0], value, want, reply)
		}
	}
	for _, w := range step.save {
		value, _ := inside(reply, w[1])
		text, isText := value.(string)
		if !isText {
			c.t.Fatalf("%s: %s: got %s %#v; want text\n%v", step.at, step.call, w[1], value, reply)
		}
		saved[w[0]] = text
	}
}

// inside is the value at a path of names and indexes with dots between.
func inside(v any, path string) (value any, found bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch node := v.(type) {
		case map[string]any:
			if v, found = node[name]; !found {
				return nil, false
			}
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(node) {
				return nil, false
			}
			v = node[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// slugs are the tokens of short URLs, and keys of providers.
var slugs = regexp.MustCompile(`^[0-9A-Za-z]+$`)

// alike says whether a value is what is wanted: JSON, or a word for a kind of it.
func alike(t *testing.T, value any, found bool, want string) bool {
	t.Helper()
	text, _ := value.(string)
	switch want {
	case "absent":
		return !found
	case "uuid":
		return text != "" && uuids.FindString(text) == text
	case "token":
		return slugs.MatchString(text)
	case "date":
		_, err := time.Parse("Mon, 02 Jan 2006 15:04:05 -0700", text)
		return err == nil
	}
	var exact any
	if err := json.Unmarshal([]byte(want), &exact); err != nil {
		t.Fatalf("got %q to compare with: %v", want, err)
	}
	return found && reflect.DeepEqual(value, exact)
}
