package site

import (
	"encoding/json"
	"fmt"
	"time"
)

// credentialsRecord is how credentials are written before they are sealed: as
// JSON, in the clear. Later versions add fields.
type credentialsRecord struct {
	Version int               `json:"version"` // 1
	Access  string            `json:"access,omitempty"`
	Refresh string            `json:"refresh,omitempty"`
	Secret  string            `json:"secret,omitempty"`
	Expires time.Time         `json:"expires,omitzero"`
	Scopes  []string          `json:"scopes,omitempty"`
	Extra   map[string]string `json:"extra,omitempty"`
}

// encodeCredentials is the form in which c is sealed.
func encodeCredentials(c Credentials) []byte {
	record := credentialsRecord{
		Version: 1, Access: string(c.Access), Refresh: string(c.Refresh), Secret: string(c.Secret), Expires: c.Expires.UTC(), Scopes: c.Scopes,
	}
	if len(c.Extra) > 0 {
		record.Extra = make(map[string]string, len(c.Extra))
		for k, v := range c.Extra {
			record.Extra[k] = string(v)
		}
	}
	raw, err := json.Marshal(record)
	if err != nil {
		panic("BUG: credentials have no form: " + err.Error())
	}
	return raw
}

// decodeCredentials is the inverse of encodeCredentials.
func decodeCredentials(raw []byte) (Credentials, error) {
	var record credentialsRecord
	if err := json.Unmarshal(raw, &record); err != nil || record.Version != 1 {
		return Credentials{}, fmt.Errorf("%w: the credentials are of version %d, which is not known", ErrSealed, record.Version)
	}
	c := Credentials{
		Access: Secret(record.Access), Refresh: Secret(record.Refresh), Secret: Secret(record.Secret), Expires: record.Expires, Scopes: record.Scopes,
	}
	if len(record.Extra) > 0 {
		c.Extra = make(map[string]Secret, len(record.Extra))
		for k, v := range record.Extra {
			c.Extra[k] = Secret(v)
		}
	}
	return c, nil
}

// Sealed bytes are bound to the record that they stand in. No part of these names
// holds a zero byte.

// boundKey is what the private key of a pair is bound to.
func boundKey(site, public string) []byte { return []byte("key\x00" + site + "\x00" + public) }

// boundGigya is what the secret of a site in Gigya's dialect is bound to.
func boundGigya(site, apiKey string) []byte { return []byte("gigya\x00" + site + "\x00" + apiKey) }

// boundUserKey is what the secret of a user key is bound to.
func boundUserKey(site, key string) []byte { return []byte("user key\x00" + site + "\x00" + key) }

// boundCredentials is what the credentials of an identity are bound to.
func boundCredentials(site, identity string) []byte {
	return []byte("credentials\x00" + site + "\x00" + identity)
}
