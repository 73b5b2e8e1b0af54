package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"herald.example/internal/certificate/certtest"
)

// TestGigyaNodeClient drives the program with Gigya's client for Node, and compares
// what its callers get with the contract: as the site with its secret, and as an
// application that signs, and one that has an RSA key.
func TestGigyaNodeClient(t *testing.T) {
	t.Parallel()
	dir := clientsDir(t)
	steps, refused := readSteps(t, "gigya.txt"), readSteps(t, "gigya-keys.txt")
	pair := certtest.New(t, "127.0.0.1", "socialize.us1.gigya.com", "gm.us1.gigya.com", "reports.us1.gigya.com")
	cert, key := pair.Write(t, t.TempDir())
	private, public := rsaFiles(t)
	for _, test := range []struct {
		name        string
		args        []string // of a user key; nil: none
		wrong, code string
	}{
		{"secret", nil, "d3Jvbmc=", "403010"},
		{"signature of an application", []string{}, "d3Jvbmc=", "403003"},
		{"RSA key of an application", []string{"--public-key-file", public}, "", "400008"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := openShop(start(t, t.TempDir(), "--tls-cert", cert, "--tls-key", key), "facebook", "twitter")
			s.visitors = &http.Transport{TLSClientConfig: certtest.Client(pair), DisableKeepAlives: true}
			s.operator(new(any), "user", "edit", "shop", s.user, "--uid", "alice")
			var added struct {
				UserKey string `json:"userKey"`
				Secret  string `json:"secret"`
			}
			if test.args != nil {
				s.operator(&added, append([]string{"site", "user-key", "add", "shop"}, test.args...)...)
			} else {
				added.Secret = s.secret
			}
			env := []string{"CLIENTS_DIR=" + dir, "ADDRESS=" + s.api, "CA_FILE=" + cert, "API_KEY=" + s.apiKey}
			rsaEnv := func(file string) string {
				if added.Secret != "" {
					return "PRIVATE_KEY_FILE="
				}
				return "PRIVATE_KEY_FILE=" + file
			}
			now := time.Now().UTC()
			saved := map[string]string{"code": test.code, "tomorrow": now.AddDate(0, 0, 1).Format(time.DateOnly), "yesterday": now.AddDate(0, 0, -1).Format(time.DateOnly)}
			client := newSDK(t, "gigya.mjs", append(env, "USER_KEY="+added.UserKey, "SECRET="+added.Secret, rsaEnv(private))...)
			for _, step := range steps {
				client.check(s, step, saved)
			}
			client.end()
			stranger, _ := rsaFiles(t)
			client = newSDK(t, "gigya.mjs", append(env, "USER_KEY="+added.UserKey, "SECRET="+test.wrong, rsaEnv(stranger))...)
			for _, step := range refused {
				client.check(s, step, saved)
			}
			client.end()
		})
	}
}

// rsaFiles makes an RSA key and writes it down.
func rsaFiles(t *testing.T) (private, public string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	publicDER, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	return write("private.pem", "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), write("public.pem", "PUBLIC KEY", publicDER)
}
