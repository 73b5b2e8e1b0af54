package site

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// RingFile is the name of the file in the data folder that holds the keys of a
// Ring.
const RingFile = "sealing.key"

// Sealed bytes are
//
//	version  1 byte, 1
//	key      4 bytes, the ID of the key
//	nonce    24 bytes, random: XChaCha20's are long enough for that
//	text     encrypted, with a tag of 16 bytes
//
// Version and key are authenticated together with what the bytes are bound to.
const (
	sealVersion = 1
	sealHeader  = 1 + len(keyID{})
	sealText    = sealHeader + chacha20poly1305.NonceSizeX
)

// maxRing is the most keys of a ring. There are two while a rotation goes on, and
// one more for each that was interrupted and begun anew.
const maxRing = 16

// keyID names a key of a ring. It is no secret.
type keyID [4]byte

// String is the ID as it stands in the file.
func (id keyID) String() string { return hex.EncodeToString(id[:]) }

// ringKey is one key of a ring.
type ringKey struct {
	id     keyID
	secret [chacha20poly1305.KeySize]byte
	aead   cipher.AEAD // safe for concurrent use
}

// newRingKey makes the key of an ID and a secret.
func newRingKey(id keyID, secret [chacha20poly1305.KeySize]byte) ringKey {
	aead, err := chacha20poly1305.NewX(secret[:])
	if err != nil {
		panic("BUG: a key of the size that is wanted was refused: " + err.Error())
	}
	return ringKey{id, secret, aead}
}

// Ring seals what must not be read from the disk. Its newest key seals, all of its
// keys open. It is safe for concurrent use.
//
// The keys change in an order that a crash may interrupt at any point: Rotate, seal
// everything anew, Retire. Directory.Rotate keeps it.
type Ring struct {
	path string

	writing sync.Mutex // held by the one who changes the file

	mu   sync.RWMutex // protects keys
	keys []ringKey    // the newest first; never empty; a changed ring is a new slice
}

// OpenRing reads the ring in the file at path and makes the file, with mode 0600,
// when there is none. A file that others than its owner can read is refused. The
// caller holds the data folder: two processes that make the file at the same time
// would each keep a key of their own.
func OpenRing(path string) (*Ring, error) {
	r := &Ring{path: path}
	raw, err := readPrivate(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := r.write([]ringKey{r.fresh()}); err != nil {
			return nil, fmt.Errorf("make sealing key: %w", err)
		}
		return r, nil
	case err != nil:
		return nil, fmt.Errorf("read sealing key: %w", err)
	}
	if r.keys, err = parseRing(string(raw)); err != nil {
		return nil, fmt.Errorf("read sealing key: %s: %w", path, err)
	}
	return r, nil
}

// parseRing reads the text of a ring: a line for each key with its ID and the key
// in base64, the newest first. Its errors do not show the text.
func parseRing(text string) ([]ringKey, error) {
	var keys []ringKey
	for line := range strings.Lines(text) {
		n := len(keys) + 1
		if n > maxRing {
			return nil, fmt.Errorf("more than %d keys", maxRing)
		}
		var id keyID
		var secret [chacha20poly1305.KeySize]byte
		name, encoded, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		rawID, badID := hex.DecodeString(name)
		raw, bad := base64.StdEncoding.DecodeString(encoded)
		copy(id[:], rawID)
		// Both decoders take more than one spelling.
		if badID != nil || bad != nil || len(raw) != len(secret) || name != id.String() || encoded != base64.StdEncoding.EncodeToString(raw) {
			return nil, fmt.Errorf("line %d is damaged; it should hold an ID of %d hex digits, a space and a key of %d bytes in base64", n, 2*len(id), len(secret))
		}
		if slices.ContainsFunc(keys, func(k ringKey) bool { return k.id == id }) {
			return nil, fmt.Errorf("line %d has the ID of a line before", n)
		}
		copy(secret[:], raw)
		keys = append(keys, newRingKey(id, secret))
	}
	if len(keys) == 0 {
		return nil, errors.New("it holds no key; put the file back from a backup")
	}
	return keys, nil
}

// formatRing is the inverse of parseRing.
func formatRing(keys []ringKey) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, "%s %s\n", k.id, base64.StdEncoding.EncodeToString(k.secret[:]))
	}
	return b.String()
}

// fresh makes a key with an ID that the ring does not have.
func (r *Ring) fresh() ringKey {
	var id keyID
	var secret [chacha20poly1305.KeySize]byte
	rand.Read(secret[:]) // never fails
	for used := true; used; {
		rand.Read(id[:])
		_, used = r.key(id)
	}
	return newRingKey(id, secret)
}

// key returns the key of an ID.
func (r *Ring) key(id keyID) (ringKey, bool) {
	for _, k := range r.snapshot() {
		if k.id == id {
			return k, true
		}
	}
	return ringKey{}, false
}

// snapshot returns the keys as they are now. Nobody changes the slice.
func (r *Ring) snapshot() []ringKey {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.keys
}

// write makes keys those of the ring: on disk first.
func (r *Ring) write(keys []ringKey) error {
	if err := writePrivate(r.path, []byte(formatRing(keys))); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
	return nil
}

// Seal encrypts plain under the newest key. Only an Open with the same bound, which
// is not stored, opens the bytes again.
func (r *Ring) Seal(plain, bound []byte) []byte {
	k := r.snapshot()[0]
	sealed := make([]byte, sealText, sealText+len(plain)+k.aead.Overhead())
	sealed[0] = sealVersion
	copy(sealed[1:], k.id[:])
	nonce := sealed[sealHeader:sealText]
	rand.Read(nonce)
	return k.aead.Seal(sealed, nonce, plain, sealBound(sealed, bound))
}

// sealBound is what is authenticated and not encrypted. The header has one length,
// so that nothing can move between it and bound.
func sealBound(sealed, bound []byte) []byte { return slices.Concat(sealed[:sealHeader], bound) }

// Open is the inverse of Seal. The error is ErrSealed when the key is not in the
// ring, and when sealed or bound are not those of the Seal.
func (r *Ring) Open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < sealText+chacha20poly1305.Overhead {
		return nil, fmt.Errorf("%w: %d bytes are too few", ErrSealed, len(sealed))
	}
	if sealed[0] != sealVersion {
		return nil, fmt.Errorf("%w: version %d is not known", ErrSealed, sealed[0])
	}
	id := keyID(sealed[1:sealHeader])
	k, ok := r.key(id)
	if !ok {
		return nil, fmt.Errorf("%w: key %s is not in %s", ErrSealed, id, r.path)
	}
	plain, err := k.aead.Open(nil, sealed[sealHeader:sealText], sealed[sealText:], sealBound(sealed, bound))
	if err != nil {
		return nil, fmt.Errorf("%w: the bytes are damaged, or belong to another record", ErrSealed)
	}
	return plain, nil
}

// current says whether sealed is under the newest key.
func (r *Ring) current(sealed []byte) bool {
	return len(sealed) >= sealHeader && sealed[0] == sealVersion && keyID(sealed[1:sealHeader]) == r.snapshot()[0].id
}

// Rotate adds a new key, which seals from now on. The ones before still open.
func (r *Ring) Rotate() error {
	r.writing.Lock()
	defer r.writing.Unlock()
	keys := r.snapshot()
	if len(keys) == maxRing {
		return fmt.Errorf("rotate sealing key: %s holds %d keys already; something keeps the old ones from being retired", r.path, maxRing)
	}
	if err := r.write(slices.Concat([]ringKey{r.fresh()}, keys)); err != nil {
		return fmt.Errorf("rotate sealing key: %w", err)
	}
	return nil
}

// Retire forgets all keys but the newest. What is still sealed under another is
// lost.
func (r *Ring) Retire() error {
	r.writing.Lock()
	defer r.writing.Unlock()
	keys := r.snapshot()
	if len(keys) == 1 {
		return nil
	}
	if err := r.write(keys[:1:1]); err != nil {
		return fmt.Errorf("retire sealing keys: %w", err)
	}
	return nil
}
