package boltstore

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"herald.example/internal/network/simulated"
	"herald.example/internal/publish/render"
)

// The file of the simulated network. Numbers are big-endian, of 8 bytes.
//
//	posts   number → version, JSON of a simulatedRecord
//	feeds   'p' provider 0 number                of a provider
//	        'n' account 0 number                 of a name on any provider
//	        'a' provider 0 account 0 number      of an account
//	        → nothing
//	keys    SHA-256 of provider 0 account 0 key → number of the newest post with it
//	media   number, index of 2 bytes → the picture or video
//	meta    "media" → bytes in media; "clean" → there while nobody has the file open
var (
	simulatedPostsBucket = []byte("posts")
	simulatedFeedsBucket = []byte("feeds")
	simulatedKeysBucket  = []byte("keys")
	simulatedMediaBucket = []byte("media")
	simulatedMediaTotal  = []byte("media")
	simulatedCleanKey    = []byte("clean")

	simulatedKind = kind{name: "simulated network", version: 1,
		buckets: [][]byte{simulatedPostsBucket, simulatedFeedsBucket, simulatedKeysBucket, simulatedMediaBucket}}
)

// simulatedVersion begins every record of a post.
const simulatedVersion = 1

// Kinds of feeds.
const (
	providerFeed = 'p'
	nameFeed     = 'n'
	accountFeed  = 'a'
)

// simulatedRecord is a post as it is kept, without its number.
type simulatedRecord struct {
	Provider string           `json:"provider"`
	Account  string           `json:"account"`
	Key      string           `json:"key,omitempty"`
	Made     int64            `json:"made"` // Unix milliseconds
	Text     string           `json:"text"`
	Spans    []render.Span    `json:"spans,omitempty"`
	Link     *render.Link     `json:"link,omitempty"`
	Media    []simulatedMedia `json:"media,omitempty"`
	Below    *render.Link     `json:"below,omitempty"`
	Location *render.Location `json:"location,omitempty"`
}

// simulatedMedia is a picture or a video in a record, without its bytes.
type simulatedMedia struct {
	Name string `json:"name,omitempty"`
	Type string `json:"type"`
	Alt  string `json:"alt,omitempty"`
	Link string `json:"link,omitempty"`
	Size int    `json:"size"`
}

// errSimulatedName is the error for a provider or an account that no index can hold.
var errSimulatedName = errors.New("bad name of a provider or an account")

// appendSimulated appends the record of a post.
func appendSimulated(dst []byte, p simulated.Post) ([]byte, error) {
	for _, name := range []string{p.Provider, p.Account} {
		if name == "" || len(name) > 255 || strings.IndexByte(name, 0) >= 0 {
			return nil, errSimulatedName
		}
	}
	rec := simulatedRecord{
		Provider: p.Provider, Account: p.Account, Key: p.Key, Made: p.Made.UnixMilli(), Text: p.Text, Spans: p.Spans, Link: p.Link,
		Below: p.Below, Location: p.Location,
	}
	for _, m := range p.Media {
		rec.Media = append(rec.Media, simulatedMedia{m.Name, m.Type, m.Alt, m.Link, len(m.Data)})
	}
	value, err := json.Marshal(rec)
	if err != nil {
		return nil, err
	}
	return append(append(dst, simulatedVersion), value...), nil
}

// readSimulated reads the post under the key of posts.
func readSimulated(posts *bbolt.Bucket, key []byte) (simulated.Post, error) {
	value := posts.Get(key)
	if value == nil {
		return simulated.Post{}, simulated.ErrNotFound
	}
	return parseSimulated(binary.BigEndian.Uint64(key), value)
}

// parseSimulated reads a record. It keeps nothing of value.
func parseSimulated(number uint64, value []byte) (simulated.Post, error) {
	if len(value) == 0 || value[0] != simulatedVersion {
		return simulated.Post{}, fmt.Errorf("simulated post %d: %w", number, ErrDamaged)
	}
	var rec simulatedRecord
	if err := json.Unmarshal(value[1:], &rec); err != nil {
		return simulated.Post{}, fmt.Errorf("simulated post %d: %w (%w)", number, ErrDamaged, err)
	}
	p := simulated.Post{
		Number: number, Provider: rec.Provider, Account: rec.Account, Key: rec.Key, Made: time.UnixMilli(rec.Made).UTC(),
		Text: rec.Text, Spans: rec.Spans, Link: rec.Link,
		Below: rec.Below, Location: rec.Location,
	}
	for _, m := range rec.Media {
		p.Media = append(p.Media, simulated.Media{Name: m.Name, Type: m.Type, Alt: m.Alt, Link: m.Link, Size: m.Size})
	}
	return p, nil
}

// simulatedKey is the key in keys of an account's key.
func simulatedKey(provider, account, key string) []byte {
	sum := sha256.Sum256([]byte(provider + "\x00" + account + "\x00" + key))
	return sum[:]
}

// simulatedFeed is what the keys of a feed begin with; nil when neither is given.
func simulatedFeed(provider, account string) []byte {
	switch {
	case provider == "" && account == "":
		return nil
	case account == "":
		return []byte(string(providerFeed) + provider + "\x00")
	case provider == "":
		return []byte(string(nameFeed) + account + "\x00")
	}
	return []byte(string(accountFeed) + provider + "\x00" + account + "\x00")
}

// simulatedFeeds are the feeds that a post is in.
func simulatedFeeds(p simulated.Post) [][]byte {
	return [][]byte{simulatedFeed(p.Provider, ""), simulatedFeed("", p.Account), simulatedFeed(p.Provider, p.Account)}
}

// simulatedMediaKey is the key in media.
func simulatedMediaKey(number uint64, index int) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint64(nil, number), uint16(index))
}
