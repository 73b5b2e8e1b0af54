package site

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// openRing opens the ring at path and wants it to work.
func openRing(t testing.TB, path string) *Ring {
	t.Helper()
	r, err := OpenRing(path)
	if err != nil {
		t.Fatalf("open ring: got %v; want nil", err)
	}
	return r
}

func TestRingSealsAndOpens(t *testing.T) {
	path := filepath.Join(t.TempDir(), RingFile)
	r := openRing(t, path)
	for _, plain := range []string{"", "a", strings.Repeat("secret ", 10_000)} {
		sealed := r.Seal([]byte(plain), []byte("here"))
		if again := r.Seal([]byte(plain), []byte("here")); bytes.Equal(sealed, again) {
			t.Errorf("sealed twice: got the same bytes; want others, under another nonce")
		}
		if len(plain) > 1 && bytes.Contains(sealed, []byte(plain)) {
			t.Errorf("got the text in what was sealed")
		}
		for name, ring := range map[string]*Ring{"the ring": r, "the ring read again": openRing(t, path)} {
			if got, err := ring.Open(sealed, []byte("here")); err != nil || string(got) != plain {
				t.Errorf("open with %s: got %.20q, %v; want %.20q", name, got, err, plain)
			}
		}
	}
}

func TestRingRefuses(t *testing.T) {
	r := openRing(t, filepath.Join(t.TempDir(), RingFile))
	sealed := r.Seal([]byte("secret"), []byte("here"))
	for i := range sealed {
		for _, damaged := range [][]byte{sealed[:i], flip(sealed, i)} {
			if got, err := r.Open(damaged, []byte("here")); !errors.Is(err, ErrSealed) || got != nil {
				t.Errorf("damaged at byte %d: got %q, %v; want %v", i, got, err, ErrSealed)
			}
		}
	}
	for _, bound := range []string{"", "her", "here ", "there"} {
		if _, err := r.Open(sealed, []byte(bound)); !errors.Is(err, ErrSealed) {
			t.Errorf("bound to %q: got %v; want %v", bound, err, ErrSealed)
		}
	}
	other := openRing(t, filepath.Join(t.TempDir(), RingFile))
	if _, err := other.Open(sealed, []byte("here")); !errors.Is(err, ErrSealed) || !strings.Contains(err.Error(), other.path) {
		t.Errorf("another ring: got %v; want %v and the name of the file", err, ErrSealed)
	}
}

// flip is b with one bit of a byte changed.
func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func TestRingFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, RingFile)
	openRing(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Fatalf("got mode %v, %v; want 0600", info.Mode(), err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got %v, %v; want the file alone", entries, err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	key := strings.Fields(string(good))[1]
	for _, c := range []struct {
		name, content string
		mode          os.FileMode
		want          string
	}{
		{"others can read", string(good), 0o640, "chmod 600"},
		{"everybody can read", string(good), 0o604, "chmod 600"},
		{"empty", "", 0o600, "backup"},
		{"no ID", key + "\n", 0o600, "line 1"},
		{"short ID", "abcdef " + key + "\n", 0o600, "line 1"},
		{"ID in upper case", "ABCDEF01 " + key + "\n", 0o600, "line 1"},
		{"short key", "abcdef01 " + base64.StdEncoding.EncodeToString(make([]byte, 31)) + "\n", 0o600, "line 1"},
		{"no base64", "abcdef01 " + strings.Repeat("!", 44) + "\n", 0o600, "line 1"},
		{"second line", string(good) + "\n", 0o600, "line 2"},
		{"same ID twice", string(good) + string(good), 0o600, "line 2"},
		{"too many", ringText(maxRing + 1), 0o600, "more than"},
		{"too long", strings.Repeat(" ", maxPrivate+1), 0o600, "longer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), RingFile)
			if err := errors.Join(os.WriteFile(path, []byte(c.content), 0o600), os.Chmod(path, c.mode)); err != nil {
				t.Fatal(err)
			}
			_, err := OpenRing(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v; want an error with %q and the file's name", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), key) {
				t.Errorf("got the key in the error")
			}
			if now, err := os.ReadFile(path); err != nil || string(now) != c.content {
				t.Errorf("got another file than before")
			}
		})
	}
	if _, err := OpenRing(dir); err == nil {
		t.Error("a folder: got nil; want an error")
	}
	if _, err := OpenRing(filepath.Join(dir, "none", RingFile)); err == nil {
		t.Error("no folder: got nil; want an error")
	}
}

// ringText is a file of n good keys.
func ringText(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%08x %s\n", i, base64.StdEncoding.EncodeToString(make([]byte, 32)))
	}
	return b.String()
}

func TestRingRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), RingFile)
	r := openRing(t, path)
	first := r.Seal([]byte("first"), nil)
	if err := r.Rotate(); err != nil {
		t.Fatal(err)
	}
	second := r.Seal([]byte("second"), nil)
	if r.current(first) || !r.current(second) {
		t.Errorf("current: got %v, %v; want false, true", r.current(first), r.current(second))
	}
	opens := func(r *Ring, sealed []byte, want string) {
		t.Helper()
		got, err := r.Open(sealed, nil)
		if want == "" && !errors.Is(err, ErrSealed) || want != "" && (err != nil || string(got) != want) {
			t.Errorf("got %q, %v; want %q", got, err, want)
		}
	}
	for _, r := range []*Ring{r, openRing(t, path)} {
		opens(r, first, "first")
		opens(r, second, "second")
	}
	if err := r.Retire(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Ring{r, openRing(t, path)} {
		opens(r, first, "")
		opens(r, second, "second")
		opens(r, r.Seal([]byte("third"), nil), "third")
	}
	if err := r.Retire(); err != nil {
		t.Errorf("retire again: got %v; want nil", err)
	}
	for range maxRing - 1 {
		if err := r.Rotate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Rotate(); err == nil {
		t.Errorf("rotate %d times: got nil; want an error", maxRing)
	}
	opens(openRing(t, path), second, "second")
}

// TestRingKeepsItsKeysWhenTheFileCannotBeWritten: what cannot be on disk does not
// seal.
func TestRingKeepsItsKeysWhenTheFileCannotBeWritten(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	r := openRing(t, filepath.Join(dir, RingFile))
	sealed := r.Seal([]byte("secret"), nil)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := r.Rotate(); err == nil {
		t.Error("rotate: got nil; want an error")
	}
	if !r.current(sealed) {
		t.Error("got another key; want the one before")
	}
}

func FuzzRingOpen(f *testing.F) {
	r := openRing(f, filepath.Join(f.TempDir(), RingFile))
	genuine := map[string]string{}
	for _, plain := range []string{"", "secret", strings.Repeat("long", 100)} {
		sealed := r.Seal([]byte(plain), []byte("here"))
		genuine[string(sealed)] = plain
		f.Add(sealed, []byte("here"))
		f.Add(sealed[:len(sealed)-1], []byte("here"))
	}
	f.Add([]byte{}, []byte{})
	f.Add(bytes.Repeat([]byte{sealVersion}, 64), []byte("here"))
	f.Fuzz(func(t *testing.T, sealed, bound []byte) {
		got, err := r.Open(sealed, bound)
		plain, ok := genuine[string(sealed)]
		if ok = ok && string(bound) == "here"; ok && (err != nil || string(got) != plain) {
			t.Errorf("got %q, %v; want %q", got, err, plain)
		}
		if !ok && !errors.Is(err, ErrSealed) {
			t.Errorf("got %q, %v; want %v", got, err, ErrSealed)
		}
	})
}

func FuzzParseRing(f *testing.F) {
	for _, text := range []string{"", "\n", ringText(1), ringText(2), ringText(maxRing + 1), ringText(1)[:20], "00000000  \n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		keys, err := parseRing(text)
		if err != nil {
			return
		}
		if got := formatRing(keys); got != text && got != text+"\n" {
			t.Errorf("got %q back; want %q", got, text)
		}
	})
}

func TestCredentialsComeBack(t *testing.T) {
	for _, c := range []Credentials{
		{},
		{Access: "a", Refresh: "r", Secret: "s", Scopes: []string{"read", "write"}, Extra: map[string]Secret{"k": "v"}},
	} {
		got, err := decodeCredentials(encodeCredentials(c))
		if err != nil || fmt.Sprint(plainCredentials(got)) != fmt.Sprint(plainCredentials(c)) {
			t.Errorf("got %v, %v; want %v", plainCredentials(got), err, plainCredentials(c))
		}
	}
	for _, raw := range []string{"", "{}", `{"version":2}`, "[1]", `{"version":1,"access":7}`} {
		if _, err := decodeCredentials([]byte(raw)); !errors.Is(err, ErrSealed) {
			t.Errorf("%q: got %v; want %v", raw, err, ErrSealed)
		}
	}
}

// plainCredentials shows what credentials hold, for comparing.
func plainCredentials(c Credentials) []string {
	return append([]string{string(c.Access), string(c.Refresh), string(c.Secret), c.Expires.String(), string(c.Extra["k"])}, c.Scopes...)
}
