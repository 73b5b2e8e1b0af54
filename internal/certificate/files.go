// Package certificate serves TLS with a certificate from files, and with the one
// that replaces it.
package certificate

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often the files are looked at, at most. A renewal is weeks
// apart; a second of the old certificate costs nothing.
const lookEvery = time.Second

// maxFile bounds a file, in bytes. A chain of ten certificates has 20,000.
const maxFile = 1 << 20

// Files are a certificate chain and its private key in two files. When the files
// change, handshakes that begin a second later get the new pair; no goroutine is
// needed for that. A new pair that cannot be used, as while it is half written,
// leaves the old one in use. It is safe for concurrent use.
type Files struct {
	certFile, keyFile string
	log               *slog.Logger
	now               func() time.Time

	current atomic.Pointer[tls.Certificate]

	// mu protects what follows. A handshake that finds it taken does not wait.
	mu     sync.Mutex
	looked time.Time         // when the files were last looked at
	loaded [sha256.Size]byte // of what current was made from
	failed string            // why the files could not be used when they were last looked at
}

// Open reads both files. The error says what is wrong with them.
func Open(certFile, keyFile string, log *slog.Logger) (*Files, error) {
	return open(certFile, keyFile, log, time.Now)
}

func open(certFile, keyFile string, log *slog.Logger, now func() time.Time) (*Files, error) {
	f := &Files{certFile: certFile, keyFile: keyFile, log: log, now: now, looked: now()}
	if _, err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// Config returns a configuration for a server that presents the pair, with TLS 1.2
// or newer. The caller owns it and may change it.
func (f *Files) Config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			f.look()
			return f.current.Load(), nil
		},
	}
}

// look loads the files when it is time to and they have changed. One caller at a
// time does that; the others go on with what there is.
func (f *Files) look() {
	if !f.mu.TryLock() {
		return
	}
	defer f.mu.Unlock()
	now := f.now()
	if since := now.Sub(f.looked); since >= 0 && since < lookEvery {
		return
	}
	f.looked = now
	changed, err := f.load()
	switch {
	case err == nil:
		f.failed = ""
		if changed {
			f.log.Info("certificate was replaced", "file", f.certFile, "expires", f.current.Load().Leaf.NotAfter)
		}
	case err.Error() != f.failed:
		f.failed = err.Error()
		f.log.Warn("certificate cannot be replaced, the old one stays in use", "error", err)
	}
}

// load reads both files and makes them current when they are others than before.
// The bytes are compared, not times and sizes: a file can be written twice within
// one tick of the file system's clock.
func (f *Files) load() (changed bool, err error) {
	cert, err := read(f.certFile)
	if err != nil {
		return false, fmt.Errorf("read certificate: %w", err)
	}
	key, err := read(f.keyFile)
	if err != nil {
		return false, fmt.Errorf("read key of certificate: %w", err)
	}
	sum := sha256.Sum256(bytes.Join([][]byte{cert, key}, []byte{0})) // PEM has no zero byte
	if sum == f.loaded {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("use certificate %s with key %s: %w", f.certFile, f.keyFile, err)
	}
	f.loaded = sum
	f.current.Store(&pair)
	return true, nil
}

// read reads a file that is not too large.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	raw, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return raw, nil
}
