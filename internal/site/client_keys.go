package site

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// Bounds of keys that clients have already.
const (
	maxKeyName      = 255     // bytes, as of every name in Gigya's dialect
	minClientSecret = 16      // bytes when it is decoded: fewer can be guessed
	maxClientSecret = 1 << 10 // bytes of its text; Gigya's have 44
)

// ClientKeys are the API key and the secret that a site's clients for Gigya's dialect
// have in their settings already, from before the site came here.
type ClientKeys struct {
	APIKey string
	Secret Secret // base64, as the clients have it
}

// Check refuses what cannot be such keys. The error is ErrSetting, and shows nothing of
// the secret.
func (k ClientKeys) Check() error {
	if err := checkKeyName(k.APIKey); err != nil {
		return fmt.Errorf("%w: the API key %w", ErrSetting, err)
	}
	if err := checkClientSecret(k.Secret); err != nil {
		return fmt.Errorf("%w: the secret %w", ErrSetting, err)
	}
	return nil
}

// UserKeyDraft is a user key that an application has already, with its secret or its
// public key.
type UserKeyDraft struct {
	Key       string // its name
	Secret    Secret // base64, as the application has it; empty: none
	PublicKey string // PEM text; empty: none
}

// Check refuses what cannot be such a key. The error is ErrUserKey, and shows nothing
// of the secret.
func (d UserKeyDraft) Check() error {
	if err := checkKeyName(d.Key); err != nil {
		return fmt.Errorf("%w: its name %w", ErrUserKey, err)
	}
	switch {
	case (d.Secret == "") == (d.PublicKey == ""):
		return fmt.Errorf("%w: give its secret or its public key, and not both", ErrUserKey)
	case d.PublicKey != "":
		_, err := parseRSA([]byte(d.PublicKey))
		return err
	}
	if err := checkClientSecret(d.Secret); err != nil {
		return fmt.Errorf("%w: its secret %w", ErrUserKey, err)
	}
	return nil
}

// checkKeyName refuses what cannot name a site or an application: it stands in forms
// and in paths as it is.
func checkKeyName(name string) error {
	if name == "" || len(name) > maxKeyName {
		return fmt.Errorf("has %d bytes; give 1 to %d", len(name), maxKeyName)
	}
	for i, c := range []byte(name) {
		if c <= ' ' || c > '~' || c == '&' || c == '=' {
			return fmt.Errorf("has %q at position %d; use printable ASCII without blanks, '&' and '='", c, i+1)
		}
	}
	if name == "." || name == ".." {
		return fmt.Errorf("is %q, which no path can carry", name)
	}
	return nil
}

// checkClientSecret refuses what nobody can sign with, and what can be guessed.
func checkClientSecret(secret Secret) error {
	if len(secret) > maxClientSecret {
		return fmt.Errorf("has %d bytes; at most %d are taken", len(secret), maxClientSecret)
	}
	key, err := base64.StdEncoding.DecodeString(string(secret))
	if err != nil || strings.ContainsAny(string(secret), "\r\n") { // which the decoder passes over
		return errors.New("is not base64 with its padding; give it as the clients have it")
	}
	if len(key) < minClientSecret {
		return fmt.Errorf("has %d bytes when it is decoded; give at least %d", len(key), minClientSecret)
	}
	return nil
}
