//go:build linux

package bench

import (
	"errors"
	"fmt"
	"time"
)

// FirstRedirect measures how long a server takes from the start of its process to
// its first redirect. Before that, the server is started, loaded for a while over
// conns connections, and ended with end in the midst of it, so that there is
// something to take up again.
func FirstRedirect(r Rung, load time.Duration, conns int, end func(*Process) error) (took time.Duration, err error) {
	process, err := StartServer(r.Server.Command())
	if err != nil {
		return 0, err
	}
	if err := loadUntilEnd(process, r, load, conns, end); err != nil {
		return 0, err
	}
	began := time.Now()
	if process, err = StartServer(r.Server.Command()); err != nil {
		return 0, err
	}
	target := r.target(process)
	target.Choice = Uniform
	err = Touch(target, 1)
	took = time.Since(began)
	return took, errors.Join(err, process.Stop())
}

// loadUntilEnd loads process for a while, ends it under the load and waits for
// both. That the load then breaks off is what was wanted.
func loadUntilEnd(process *Process, r Rung, duration time.Duration, conns int, end func(*Process) error) error {
	l, err := Dial(r.target(process), conns, 0)
	if err != nil {
		return errors.Join(err, process.Kill())
	}
	defer l.Close()
	if _, err := l.Closed(duration); err != nil {
		return errors.Join(fmt.Errorf("load before the start: %w", err), process.Kill())
	}
	broken := make(chan error, 1)
	go func() {
		_, err := l.Closed(stuck)
		broken <- err
	}()
	if err := end(process); err != nil {
		return err
	}
	if err := <-broken; err == nil {
		return fmt.Errorf("the load went on for %v after its server had ended", stuck)
	}
	return nil
}
