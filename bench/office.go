//go:build linux

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"herald.example/internal/boltstore"
	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// Office is a data folder of the sharing API with a site, a user, and identities of
// that user with the simulated network.
type Office struct {
	Dir      string `json:"-"`
	Messages int    // that are there

	Public, Private string // keys of the site
	APIKey, Secret  string // the same in Gigya's dialect
	Site            string // its ID
	User            string
	Identities      []string
	Middle          string // token of the message in the middle of the list, newest first
}

// OfficeProvider is the network of an Office's identities. Nobody can choose a key
// there, as with most networks.
const OfficeProvider = "facebook"

// Names in an Office's folder.
const (
	officeFile  = "office.json"
	sharingFile = "sharing.db"
	ringFile    = site.RingFile
)

// NewOffice returns an office below root with so many messages and identities. It is
// made when it is not there, which takes a minute for a million messages; what
// servers left behind in it is removed, except in sharing.db: who publishes in an
// office should make it fresh with remove.
func NewOffice(root string, messages, identities int, remove bool) (Office, error) {
	dir := filepath.Join(root, fmt.Sprintf("office-%d-%d", messages, identities))
	if remove {
		if err := os.RemoveAll(dir); err != nil {
			return Office{}, err
		}
	}
	office := Office{Dir: dir}
	raw, err := os.ReadFile(filepath.Join(dir, officeFile))
	if err == nil {
		return office, json.Unmarshal(raw, &office)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return Office{}, err
	}
	if err := os.RemoveAll(dir); err != nil { // of a making that broke off
		return Office{}, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Office{}, err
	}
	if err := office.furnish(messages, identities); err != nil {
		return Office{}, fmt.Errorf("make %s: %w", dir, err)
	}
	if raw, err = json.Marshal(office); err != nil {
		return Office{}, err
	}
	return office, os.WriteFile(filepath.Join(dir, officeFile), raw, 0o600)
}

// furnish fills a new office.
func (o *Office) furnish(messages, identities int) (err error) {
	ctx := context.Background()
	store, err := boltstore.OpenSharing(filepath.Join(o.Dir, sharingFile))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ring, err := site.OpenRing(filepath.Join(o.Dir, ringFile))
	if err != nil {
		return err
	}
	directory, err := site.OpenDirectory(ctx, store, ring, time.Now)
	if err != nil {
		return err
	}
	s, keys, err := directory.AddSite(ctx, site.SiteDraft{Name: "bench", Simulated: []string{"*"}})
	if err != nil {
		return err
	}
	o.Site, o.Public, o.Private = s.ID, keys.Public, string(keys.Private)
	o.APIKey, o.Secret = keys.APIKey, string(keys.Secret)
	for i := range identities {
		name := "account" + strconv.Itoa(i)
		person, identity, _, err := directory.Login(ctx, s.ID, site.Login{
			User: o.User, Provider: OfficeProvider, Account: site.Account{ID: name, Name: name},
			Credentials: site.Credentials{Access: site.Secret(name)}, Source: "operator",
		})
		if err != nil {
			return err
		}
		o.User = person.Token
		o.Identities = append(o.Identities, identity.Token)
	}
	return o.fill(ctx, store, messages)
}

// fill accepts messages that were published long ago. Many at once share the
// commits.
func (o *Office) fill(ctx context.Context, store *boltstore.Sharing, messages int) error {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var group errgroup.Group
	group.SetLimit(2000)
	for i := range messages {
		group.Go(func() error {
			at := began.Add(time.Duration(i) * time.Second)
			token := token(i)
			_, err := store.Accept(ctx, publish.Acceptance{
				Message: publish.Message{
					Token: token, Site: o.Site, Created: at, LastPublished: at,
					Parts: publish.Parts{Text: &publish.Text{Body: "A message of usual length about something of interest, number " + strconv.Itoa(i)}},
				},
				Publications: []publish.Publication{{
					Site: o.Site, Message: token, Provider: OfficeProvider, User: o.User, Identity: o.Identities[0], State: publish.Published,
					Created: at, Sent: at, Due: at, Receipt: publish.Receipt{ID: strconv.Itoa(i), At: at},
				}},
				At: at,
			})
			return err
		})
	}
	o.Messages = messages
	if err := group.Wait(); err != nil || messages == 0 {
		return err
	}
	page, err := store.List(ctx, o.Site, site.ListQuery{Skip: messages / 2, Limit: 1, Descending: true})
	if err != nil {
		return err
	}
	o.Middle = page.Entries[0].Token
	return nil
}

// token is a UUID for a number.
func token(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012x", n) }

// SharingAPI is Herald's program on an office, with args beside the defaults.
func SharingAPI(program string, office Office, args ...string) Server {
	return Server{
		Command: func() *exec.Cmd {
			return exec.Command(program, append([]string{
				"serve", "--data", office.Dir, "--listen", "127.0.0.1:0", "--redirect-listen", "127.0.0.1:0", "--control", "127.0.0.1:0",
			}, args...)...)
		},
		Token: filepath.Join(office.Dir, tokenFile),
	}
}
