package command

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"herald.example/internal/control"
)

// ServerFlags are the settings that every server has.
type ServerFlags struct {
	Data           string         `env:"HERALD_DATA" default:"data" placeholder:"DIR" help:"Folder with all that the server keeps, its control token too; made when it is missing (${default}). $$${env}"`
	Control        string         `env:"HERALD_CONTROL" default:"127.0.0.1:8081" placeholder:"ADDR" help:"host:port or unix:/path for the control interface (${default}). $$${env}"`
	ControlPublic  bool           `env:"HERALD_CONTROL_PUBLIC" help:"Allow a control address that other machines can reach; the token travels in the clear (off). $$${env}"`
	TrustedProxies []netip.Prefix `env:"HERALD_TRUSTED_PROXIES" placeholder:"CIDR" help:"Networks whose word for a caller's address is believed (Forwarded, X-Forwarded-For); repeatable (none). $$${env}"`
	DrainTimeout   time.Duration  `env:"HERALD_DRAIN_TIMEOUT" default:"10s" placeholder:"DURATION" help:"How long requests under way may take when the server stops (${default}). $$${env}"`
	LogFormat      string         `env:"HERALD_LOG_FORMAT" enum:"text,json" default:"text" placeholder:"FORMAT" help:"text or json, on standard error (${default}). $$${env}"`
}

// Check holds the settings against their bounds.
func (f *ServerFlags) Check() error {
	if f.DrainTimeout <= 0 {
		return fmt.Errorf("--drain-timeout is %s; give more than 0s", f.DrainTimeout)
	}
	return nil
}

// Logger writes to w in the format chosen.
func (f *ServerFlags) Logger(w io.Writer) *slog.Logger {
	if f.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, nil))
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// LogSettings logs the effective settings of a command once. None of them is a
// secret: secrets are read from files.
func (c *Call) LogSettings(log *slog.Logger) {
	attrs := []any{"version", c.Version}
	for _, flag := range c.Flags.Selected().Flags {
		attrs = append(attrs, flag.Name, fmt.Sprint(flag.Target.Interface()))
	}
	log.Info("settings", attrs...)
}

// MakeFolder makes the data folder and says whether it was empty.
func (f *ServerFlags) MakeFolder() (fresh bool, err error) {
	if err := os.MkdirAll(f.Data, 0o700); err != nil {
		return false, fmt.Errorf("make data folder: %w", err)
	}
	entries, err := os.ReadDir(f.Data)
	if err != nil {
		return false, fmt.Errorf("read data folder: %w", err)
	}
	return len(entries) == 0, nil
}

// ListenControl opens the control interface and reads its token, or makes one.
func (f *ServerFlags) ListenControl() (net.Listener, string, error) {
	token, err := control.MakeToken(f.ControlTokenFile())
	if err != nil {
		return nil, "", err
	}
	ln, err := control.Listen(f.Control, f.ControlPublic)
	if err != nil {
		return nil, "", fmt.Errorf("%w; choose another with --control", err)
	}
	return ln, token, nil
}

// ControlTokenFile is where the token of the control interface is kept.
func (f *ServerFlags) ControlTokenFile() string { return filepath.Join(f.Data, control.TokenFile) }

// ControlName is the address of a control interface as --control takes it.
func ControlName(ln net.Listener) string {
	if ln.Addr().Network() == "unix" {
		return "unix:" + ln.Addr().String()
	}
	return ln.Addr().String()
}

// Listen opens a TCP listener. The error says what the address is for and which
// flag chooses another.
func Listen(addr, purpose, flag string) (net.Listener, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s address: %w; choose another with %s", purpose, err, flag)
	}
	return ln, nil
}
