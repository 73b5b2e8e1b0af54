package command

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// story is what happens, in order.
type story struct {
	mu    sync.Mutex // protects what follows
	lines []string
}

func (s *story) tell(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, line)
}

// part runs until it is stopped, takes its time to, and returns err.
func (s *story) part(name string, err error) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		s.tell("stop " + name)
		time.Sleep(time.Second) // of the bubble's clock
		s.tell("end " + name)
		return err
	}
}

func TestServeStopsInOrder(t *testing.T) {
	broken, late := errors.New("broken"), errors.New("late")
	for _, c := range []struct {
		name  string
		parts func(s *story) []func(context.Context) error
		stop  bool // from outside
		want  []string
		errs  []error
	}{
		{"from outside", func(s *story) []func(context.Context) error {
			return []func(context.Context) error{s.part("api", nil), s.part("data", nil)}
		}, true, []string{"stop api", "end api", "stop data", "end data"}, nil},
		{"a part fails", func(s *story) []func(context.Context) error {
			fail := func(context.Context) error { s.tell("fail"); return broken }
			return []func(context.Context) error{s.part("api", nil), fail, s.part("data", late)}
		}, false, []string{"fail", "stop api", "end api", "stop data", "end data"}, []error{broken, late}},
		{"a part has nothing more to do", func(s *story) []func(context.Context) error {
			return []func(context.Context) error{s.part("api", nil), func(context.Context) error { return nil }}
		}, false, []string{"stop api", "end api"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				if c.stop {
					time.AfterFunc(time.Hour, stop)
				}
				s := new(story)
				err := Serve(ctx, c.parts(s)...)
				if !slices.Equal(s.lines, c.want) {
					t.Errorf("got %q; want %q", s.lines, c.want)
				}
				if (err != nil) != (c.errs != nil) {
					t.Errorf("got %v; want %v", err, c.errs)
				}
				for _, want := range c.errs {
					if !errors.Is(err, want) {
						t.Errorf("got %v; want %v in it", err, want)
					}
				}
			})
		})
	}
}
