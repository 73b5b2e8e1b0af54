package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
)

// process is the real program, run apart from the test.
type process struct {
	server
	*commandtest.Process
}

// execProgram starts "serve" on free ports and does not wait for it.
func execProgram(t *testing.T, binary, data string, args ...string) *process {
	t.Helper()
	return &process{server: server{t: t, data: data}, Process: commandtest.Exec(t, binary, serveArgs(data, args...)...)}
}

// ready waits until the program serves, and learns where; false when it died before.
func (p *process) ready() bool {
	line, ok := p.Log.Wait("ready")
	if ok {
		p.at(line)
	}
	return ok
}

// at is where the program serves, by the line of its log.
func (p *process) at(ready map[string]any) {
	p.api, p.redirect, p.control = ready["api"].(string), ready["redirect"].(string), ready["control"].(string)
}

// launch starts the program and waits until it is ready.
func launch(t *testing.T, binary, data string, args ...string) *process {
	t.Helper()
	p := execProgram(t, binary, data, args...)
	p.at(p.Serving())
	return p
}

// killed kills the program and waits for its end.
func (p *process) killed(*rand.Rand) { p.Kill() }

// killedWhileStopping tells the program to stop and kills it on the way.
func (p *process) killedWhileStopping(rng *rand.Rand) {
	p.KillStopping(time.Duration(rng.IntN(300_000)) * time.Microsecond)
}

// cutOff tells the program to stop and waits until it has, which it does though
// networks do not answer.
func (p *process) cutOff(*rand.Rand) { p.End() }

// excused are words of trouble that death explains.
var excused = []string{
	// The time for draining is so short that a busy machine needs more.
	"requests that were cut off do not end",
}

// checkLog wants no word of anything that a person must look after: to be killed is
// nothing of the kind.
func (p *process) checkLog() {
	p.t.Helper()
	for line := range strings.Lines(p.Log.String()) {
		trouble := strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "put_aside") || !strings.HasPrefix(line, "{")
		if trouble && !slices.ContainsFunc(excused, func(words string) bool { return strings.Contains(line, words) }) {
			p.t.Errorf("got trouble in the log: %s", line)
		}
	}
}
