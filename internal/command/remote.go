package command

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"herald.example/internal/control"
	"herald.example/internal/linkapi"
)

// Remote says where a running server is; every command that talks to one embeds
// it.
type Remote struct {
	Control   string `env:"HERALD_CONTROL" default:"127.0.0.1:8081" placeholder:"ADDR" help:"Control address of the server: host:port or unix:/path (${default}). $$${env}"`
	Data      string `env:"HERALD_DATA" default:"data" placeholder:"DIR" help:"Data folder of the server, to find its token in (${default}). $$${env}"`
	TokenFile string `env:"HERALD_TOKEN_FILE" placeholder:"FILE" help:"File with the control token (DATA/control.token). $$${env}"`
	JSON      bool   `name:"json" help:"Print JSON, with the field names of the interface."`
}

// Token reads the token of the control interface.
func (r Remote) Token() (string, error) {
	path := r.TokenFile
	if path == "" {
		path = filepath.Join(r.Data, control.TokenFile)
	}
	token, err := control.ReadToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w; name the server's data folder with --data or its token with --token-file", err)
	}
	return token, err
}

// Dial returns a client of the server's links and counts. The caller closes it.
func (r Remote) Dial() (*linkapi.Client, error) {
	token, err := r.Token()
	if err != nil {
		return nil, err
	}
	client, err := linkapi.NewClient(r.Control, token)
	if err != nil {
		return nil, usageError{error: err}
	}
	return client, nil
}

// Explain says what a user can do when a server cannot be asked. The operation is
// named with its subject, as in "edit link go.example.com/docs". Every other error
// comes back as it is.
func Explain(operation string, err error) error {
	switch {
	case errors.Is(err, linkapi.ErrUnavailable):
		return fmt.Errorf("%s: %w; is it running, and is --control its address?", operation, err)
	case errors.Is(err, control.ErrUnauthorized):
		return fmt.Errorf("%s: %w by the server; name its data folder with --data or its token with --token-file", operation, control.ErrUnauthorized)
	}
	return err
}
