package control

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// TokenFile is the name of the file in the data folder that holds the bearer
// token of the control interface.
const TokenFile = "control.token"

// minToken is the shortest token that is taken from a file: 128 bits in hex.
const minToken = 32

// MakeToken returns the token in the file at path and makes the file, with mode
// 0600, when there is none. A file that others than its owner can read is
// refused: the token in it is no secret any more.
func MakeToken(path string) (string, error) {
	token, err := ReadToken(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	var raw [32]byte
	rand.Read(raw[:]) // never fails
	token = hex.EncodeToString(raw[:])
	// Written beside and renamed: a crash leaves no half a token.
	file, err := os.CreateTemp(filepath.Dir(path), TokenFile+".*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("make control token: %w", err)
	}
	defer os.Remove(file.Name()) // gone already when all went well
	_, err = file.WriteString(token + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", fmt.Errorf("make control token: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return "", fmt.Errorf("make control token: %w", err)
	}
	return token, nil
}

// ReadToken returns the token in the file at path. Errors of the file system
// are wrapped.
func ReadToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read control token: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("read control token: others can read %s (mode %04o); chmod 600 it, or remove it for a new one", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read control token: %w", err)
	}
	raw = bytes.TrimSpace(raw)
	for _, c := range raw {
		if c <= ' ' || c > '~' {
			return "", fmt.Errorf("read control token: %s holds something else than one line of visible ASCII", path)
		}
	}
	if len(raw) < minToken {
		return "", fmt.Errorf("read control token: %s holds %d characters, at least %d are wanted", path, len(raw), minToken)
	}
	return string(raw), nil
}

// secret is a token as a handler keeps it: hashed, so that a comparison takes
// the same time for every length and every content.
type secret [sha256.Size]byte

func newSecret(token string) secret { return sha256.Sum256([]byte(token)) }

// opens says whether a request carries the token. It compares in constant time.
func (s secret) opens(r *http.Request) bool {
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	other := newSecret(token)
	return bearer && subtle.ConstantTimeCompare(s[:], other[:]) == 1
}

// errUnauthorized says where the token is, without naming a path to somebody
// who has not shown that they may know it.
var errUnauthorized = fmt.Errorf("%w: send the header 'Authorization: Bearer TOKEN'; TOKEN stands in the file %s in the server's data folder", ErrUnauthorized, TokenFile)

// Guard hands requests that carry the token to next, and refuses all others.
func Guard(token string, next http.Handler) http.Handler {
	secret := newSecret(token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if secret.opens(r) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Bearer realm="herald"`)
		Refuse(w, errUnauthorized)
	})
}
