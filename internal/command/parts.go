package command

import (
	"context"
	"errors"
)

// Serve runs the parts of a server until ctx is done or one of them has returned.
// Then it stops them one after the other, in the order given: a part's context is
// done only when the parts before it have returned. It returns when all have, with
// their errors joined.
func Serve(ctx context.Context, parts ...func(context.Context) error) error {
	ending, end := context.WithCancel(ctx)
	defer end()
	type running struct {
		stop  context.CancelFunc
		ended chan error
	}
	all := make([]running, len(parts))
	for i, part := range parts {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		all[i] = running{stop, make(chan error, 1)}
		go func() {
			defer end()
			all[i].ended <- part(own)
		}()
	}
	<-ending.Done()
	errs := make([]error, len(all))
	for i, part := range all {
		part.stop()
		errs[i] = <-part.ended
	}
	return errors.Join(errs...)
}
