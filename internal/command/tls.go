package command

import (
	"crypto/tls"
	"errors"
	"log/slog"

	"herald.example/internal/certificate"
)

// TLSFlags are the certificate of a server's listeners.
type TLSFlags struct {
	TLSCert string `name:"tls-cert" env:"HERALD_TLS_CERT" placeholder:"FILE" help:"Serve HTTPS with this certificate chain, in PEM; read again when the file changes (none: plain HTTP). $$${env}"`
	TLSKey  string `name:"tls-key" env:"HERALD_TLS_KEY" placeholder:"FILE" help:"Private key of --tls-cert, in PEM (none). $$${env}"`
}

// Check wants both files or none.
func (f *TLSFlags) Check() error {
	if (f.TLSCert == "") != (f.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key belong together; give both or none")
	}
	return nil
}

// OpenTLS reads the certificate. It returns nil when TLS is off.
func (f *TLSFlags) OpenTLS(log *slog.Logger) (*tls.Config, error) {
	if f.TLSCert == "" {
		return nil, nil
	}
	files, err := certificate.Open(f.TLSCert, f.TLSKey, log)
	if err != nil {
		return nil, err
	}
	return files.Config(), nil
}

// BaseURL is the URL of a listener at addr, which is host:port.
func BaseURL(secure *tls.Config, addr string) string {
	if secure != nil {
		return "https://" + addr
	}
	return "http://" + addr
}
