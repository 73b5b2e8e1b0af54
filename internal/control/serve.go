package control

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of the control interface's server. Its callers are our own programs
// and an operator's curl, so these are generous for them and close for others.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second // for the longest body
	idleTimeout   = 2 * time.Minute
	headerBytes   = 16 << 10
)

// WriteTimeout is how long a server takes at the most until an answer is written. A
// method that needs longer sets another deadline.
const WriteTimeout = 60 * time.Second

// Serve answers requests on ln until ctx is done, then lets the ones under way
// finish within drain. It closes ln.
func Serve(ctx context.Context, ln net.Listener, handler http.Handler, drain time.Duration, log *slog.Logger) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	served := make(chan struct{})
	go func() {
		select {
		case <-ctx.Done():
		case <-served: // Serve failed by itself
		}
		deadline, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		err := server.Shutdown(deadline)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // cuts what is still under way
		}
		stopped <- err
	}()
	err := server.Serve(ln)
	close(served)
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if err := errors.Join(err, <-stopped); err != nil {
		return fmt.Errorf("control server: %w", err)
	}
	return nil
}
