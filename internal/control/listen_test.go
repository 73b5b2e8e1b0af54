package control_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"

	"herald.example/internal/control"
)

func TestListenStaysOnThisMachine(t *testing.T) {
	for _, c := range []struct {
		addr   string
		public bool
		ok     bool
	}{
		{"127.0.0.1:0", false, true},
		{"localhost:0", false, true},
		{"0.0.0.0:0", false, false},
		{":0", false, false},
		{"192.0.2.1:0", false, false},
		{"localhost.example.com:0", false, false},
		{"127.0.0.1", false, false},
		{"unix:", false, false},
		{"0.0.0.0:0", true, true},
	} {
		ln, err := control.Listen(c.addr, c.public)
		if (err == nil) != c.ok {
			t.Errorf("listen on %q, public %t: got %v; want success: %t", c.addr, c.public, err, c.ok)
		}
		if err == nil {
			ln.Close()
		}
	}
}

func TestListenOnASocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	ln, err := control.Listen("unix:"+path, false)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got %v, %v; want mode 0600", info, err)
	}
	if second, err := control.Listen("unix:"+path, false); err == nil {
		second.Close()
		t.Error("a second listener: got none of the error that somebody listens there")
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false) // as a killed process leaves it
	ln.Close()
	ln, err = control.Listen("unix:"+path, false)
	if err != nil {
		t.Fatalf("with a stale socket: got %v; want a listener", err)
	}
	ln.Close()
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("after close: got %v; want the socket gone", err)
	}

	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ln, err := control.Listen("unix:"+path, false); err == nil {
		ln.Close()
		t.Error("a file stands there: got a listener; want an error")
	}
	if raw, err := os.ReadFile(path); string(raw) != "precious" {
		t.Errorf("the file: got %q, %v; want it untouched", raw, err)
	}
}
