package main

import (
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"herald.example/internal/command/commandtest"
	"herald.example/internal/operator"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

var publishRounds = flag.Int("publish-rounds", 10, "rounds of TestCrashPublish")

// A way to die: how the program is killed under load.
type death struct {
	name string
	kill func(p *process, rng *rand.Rand)
	// recoveries is how many starts after it are killed, before they are ready or soon
	// after.
	recoveries int
}

var deaths = []death{
	{name: "under load", kill: (*process).killed},
	{name: "and again during recovery", kill: (*process).killed, recoveries: 2},
	{name: "while stopping", kill: (*process).killedWhileStopping},
	{name: "while stopping, and again during recovery", kill: (*process).killedWhileStopping, recoveries: 1},
	{name: "cut off by the end of a stop", kill: (*process).cutOff, recoveries: 1},
}

// shortHost is the domain of short URLs: the same in all lives of the program.
const shortHost = "go.example.com"

// crash is a program that is killed, with the world around it.
type crash struct {
	t        *testing.T
	rng      *rand.Rand
	binary   string
	data     string
	args     []string
	program  *process
	operator *operator.Client // of program
	site     string           // ID
	networks *networks
	load     *load

	newest   string // message that was listed last
	open     []string
	words    map[string]string // token of the message, by word
	messages map[string]operator.Message
	answered map[string]bool // by token

	kills, early, stops int // kills, those of them before the program was ready, and stops that came to their end
	visited             int // links
}

// TestCrashPublish kills the real program while it publishes, starts it again, and
// holds its messages against what clients were told and what is on the networks: no
// accepted message is lost, each publication comes to an end that is true, and no
// post is made twice. What one life has brought to an end no other one changes.
func TestCrashPublish(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := newCrash(t, rand.New(rand.NewPCG(seed, 0)))
	for round := range *publishRounds {
		d := deaths[round%len(deaths)]
		c.die(d)
		c.revive()
		c.load.collect(c.program.api)
		c.check(0)
		if t.Failed() {
			t.Fatalf("round %d, %s, failed, seed %d", round, d.name, seed)
		}
	}
	c.check(10 * time.Second)
	c.program.End()
	c.program.checkLog()
	c.revive()
	c.checkAll()
	all := slices.Sorted(maps.Keys(c.messages))
	c.checkLinks(all)
	c.checkSample(all, 50)
	c.report()
	c.program.End()
	c.program.checkLog()
}

// newCrash starts the program on an empty folder and makes a site with a user who
// has an account on each network.
func newCrash(t *testing.T, rng *rand.Rand) *crash {
	t.Helper()
	c := &crash{
		t: t, rng: rng, binary: commandtest.Build(t, "."), data: t.TempDir(), networks: newNetworks(t),
		words: make(map[string]string), messages: make(map[string]operator.Message), answered: make(map[string]bool),
	}
	c.args = append([]string{"--short-base", "https://" + shortHost, "--wait", "300ms", "--drain-timeout", "100ms"}, c.networks.allowed()...)
	c.program = launch(t, c.binary, c.data, c.args...)
	c.connect()
	s, keys, err := c.operator.AddSite(t.Context(), site.SiteDraft{Name: "customer", Simulated: []string{"facebook", "linkedin"}})
	if err != nil {
		t.Fatal(err)
	}
	c.site = s.ID
	user, err := c.operator.AddUser(t.Context(), s.ID, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range c.networks.accounts {
		a.draft.User = user.Token
		i, err := c.operator.AddIdentity(t.Context(), s.ID, a.draft)
		if err != nil {
			t.Fatal(err)
		}
		a.identity = i.Token
		if a.posts == nil {
			a.posts = c.simulated(a.draft.Provider)
		}
	}
	c.load = newLoad(t, customer{keys.Public, string(keys.Private), user.Token})
	return c
}

// simulated reads the posts of a provider on the simulated network; those that it
// has seen it remembers.
func (c *crash) simulated(provider string) func() []networkPost {
	var all []networkPost
	var last uint64
	return func() []networkPost {
		var fresh []networkPost
		fresh, last = simulatedPosts(c.t, c.program.api, provider, last)
		all = append(all, fresh...)
		return all
	}
}

// die kills the program under load, and those that are started in its place.
func (c *crash) die(d death) {
	c.t.Helper()
	c.networks.misbehave(c.rng)
	c.press(d.kill, 300)
	for range d.recoveries {
		c.program = execProgram(c.t, c.binary, c.data, c.args...)
		if _, ok := c.program.Log.Wait("settings"); !ok { // the files are opened next
			c.t.Fatalf("got no start\n%s", c.program.Log)
		}
		// To start takes a tenth of a second.
		c.press((*process).killed, []int{20, 80, 300}[c.rng.IntN(3)])
	}
	c.networks.behave()
}

// press lets clients at the program as soon as it is ready, and kills it within so
// many milliseconds.
func (c *crash) press(kill func(*process, *rand.Rand), within int) {
	ended := make(chan bool)
	rng := rand.New(rand.NewPCG(c.rng.Uint64(), 1))
	go func() {
		ready := c.program.ready()
		if ready {
			c.load.press(c.program.api, rng)
		}
		ended <- ready
	}()
	time.Sleep(time.Duration(c.rng.IntN(within*1000)) * time.Microsecond)
	kill(c.program, c.rng)
	ready := <-ended
	switch {
	case c.program.Cmd.ProcessState.Exited(): // by itself, before the kill came
		c.stops++
	case ready:
		c.kills++
	default:
		c.kills++
		c.early++
	}
	c.program.checkLog()
}

// revive starts the program, to live.
func (c *crash) revive() {
	c.t.Helper()
	c.program = launch(c.t, c.binary, c.data, c.args...)
	c.connect()
}

// report says what happened, and fails when that was nothing.
func (c *crash) report() {
	c.t.Helper()
	c.t.Logf("%d rounds: %d kills, %d of them before the program was ready, and %d stops", *publishRounds, c.kills, c.early, c.stops)
	c.t.Logf("%d messages accepted, %d of them answered; %d requests in flight at a kill; %d repeated with their key, and answered", len(c.messages), len(c.answered), c.load.brokenOff, c.load.repeats)
	posts := c.posts()
	waiting := 0
	for _, a := range c.networks.accounts {
		states := make(map[string]int)
		for _, m := range c.messages {
			p := m.Publications[slices.IndexFunc(m.Publications, func(p operator.Publication) bool { return p.Identity == a.identity })]
			state := string(p.State)
			if _, made := posts[a][wordForm.FindString(m.Text)]; made && p.State != publish.Published {
				state += " and posted"
			}
			if states[state]++; unfinished(p) {
				waiting++
				c.t.Logf("%s: a publication is %s until %s: %+v", a.name, p.State, p.Due, *p.Refusal)
			}
		}
		c.t.Logf("%s: %d publications: %v", a.name, len(c.messages), states)
		if states[string(publish.Published)] == 0 {
			c.t.Errorf("got no post on %s; want a load", a.name)
		}
	}
	c.t.Logf("%d times a link was followed", c.visited)
	if waiting > *publishRounds {
		c.t.Errorf("got %d publications that wait; want one now and then, whose connection broke before it was sent", waiting)
	}
	if len(c.answered) < *publishRounds || c.load.brokenOff < *publishRounds || c.visited == 0 {
		c.t.Error("got too little load to prove anything")
	}
}
