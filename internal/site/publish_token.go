package site

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
)

// ErrPublishToken is returned when a publish token is malformed, has ended, or was
// not made here.
var ErrPublishToken = errors.New("bad publish token")

// PublishToken lets whoever holds it publish for one user: for apps, which must not
// hold a site's private key. It is good until it ends, or until the pair of keys that
// it was made with does.
type PublishToken struct {
	Key     Secret
	Created time.Time
	Expires time.Time
}

// publishTokenLife is how long a publish token is good: an app asks for a new one with
// each login.
const publishTokenLife = 24 * time.Hour

// A publish token is, in base64url without padding: the site's ID and the user's token
// (16 bytes each), the end (Unix milliseconds, big-endian uint64), and the HMAC-SHA256
// of a label and all of this under the hash of a private key of the site. Nothing is
// stored: rotating the keys ends it.
const (
	publishTokenLabel = "herald publish token 1\x00"
	publishTokenHead  = 16 + 16 + 8
	publishTokenBytes = publishTokenHead + sha256.Size
)

// PublishToken makes a token for a user, whom it does not look up. Within an hour it is
// the same one.
func (d *Directory) PublishToken(siteID, user string) (PublishToken, error) {
	r := d.roll.Load()
	i, known := r.byID[siteID]
	id, siteErr := uuid.Parse(siteID)
	who, userErr := uuid.Parse(user)
	if !known || siteErr != nil || userErr != nil {
		return PublishToken{}, ErrNotFound
	}
	hour := d.moment().Truncate(time.Hour)
	t := PublishToken{Created: hour, Expires: hour.Add(publishTokenLife)}
	raw := append(append(make([]byte, 0, publishTokenBytes), id[:]...), who[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.Expires.UnixMilli()))
	newest := r.keys[r.sites[i].Keys[0].Public]
	raw = append(raw, newest.sign(raw)...)
	t.Key = Secret(base64.RawURLEncoding.EncodeToString(raw))
	return t, nil
}

// sign is the code of what a publish token says.
func (k rollKey) sign(head []byte) []byte {
	mac := hmac.New(sha256.New, k.private[:])
	mac.Write([]byte(publishTokenLabel))
	mac.Write(head)
	return mac.Sum(nil)
}

// CheckPublishToken returns the site and the user that a token is for. The error is
// ErrPublishToken. It reads memory only.
func (d *Directory) CheckPublishToken(key string) (Site, string, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(key)
	if err != nil || len(raw) != publishTokenBytes {
		return Site{}, "", ErrPublishToken
	}
	r := d.roll.Load()
	i, known := r.byID[uuid.UUID(raw[:16]).String()]
	ends := time.UnixMilli(int64(binary.BigEndian.Uint64(raw[32:])))
	now := d.now()
	if !known || !now.Before(ends) || ends.Sub(now) > publishTokenLife {
		return Site{}, "", ErrPublishToken
	}
	for _, pair := range r.sites[i].Keys {
		k := r.keys[pair.Public]
		if !k.expired(now) && subtle.ConstantTimeCompare(k.sign(raw[:publishTokenHead]), raw[publishTokenHead:]) == 1 {
			return r.sites[i], uuid.UUID(raw[16:32]).String(), nil
		}
	}
	return Site{}, "", ErrPublishToken
}
