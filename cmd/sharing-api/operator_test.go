package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"herald.example/internal/command"
	"herald.example/internal/gigya"
	"herald.example/internal/site"
)

// The directory is what Gigya's dialect asks for people and places.
var (
	_ gigya.Directory = (*site.Directory)(nil)
	_ gigya.Places    = (*site.Directory)(nil)
)

// operate runs a command against the server and returns what it printed and its
// exit code.
func (s *server) operate(args ...string) (stdout, stderr string, code int) {
	return execute(s.t, append(args, "--control", s.control, "--data", s.data)...)
}

var (
	uuids  = regexp.MustCompile(`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	dates  = regexp.MustCompile(`\b20\d\d-\d\d-\d\dT[\d:.]+Z`)
	spaces = regexp.MustCompile(` {2,}`)

	apiKeys  = regexp.MustCompile(`\b3_[\w-]{62}`)
	userKeys = regexp.MustCompile(`\bA[\w-]{15}`)
	secrets  = regexp.MustCompile(`[\w+/]{43}=`)
)

// TestOperator runs commands against one server, in order, and compares what they
// print and how they end. In what is printed, UUID stands for a UUID, DATE for a
// date, API and REDIRECT for addresses, API KEY, USER KEY and SECRET for those of
// Gigya's dialect; in arguments, {name} for the first user key, or else the first
// UUID, that the command with that name to save printed.
func TestOperator(t *testing.T) {
	s := start(t, t.TempDir())
	saved := make(map[string]string)
	var publicKey, privateKey string // of the site
	var gigyaSecrets []string
	const gigya = `"gigya":{"apiKey":"API KEY","dataCenter":"","trustedShareURLs":["*"],"shortURLs":"always","cid":"","enabledProviders":[],"userKeys":[]}`
	pemFile := filepath.Join(t.TempDir(), "app.pem")
	if err := os.WriteFile(pemFile, publicPEM(t), 0o600); err != nil {
		t.Fatal(err)
	}
	saved["pem"] = pemFile
	for name, text := range map[string]string{
		"places.csv": "id,name,latitude,longitude\ntown-hall,\"Rathaus, groß\",48.2108,16.3572\npole,Südpol,-90,0\n",
		"bad.csv":    "id,name,latitude,longitude\ntown-hall,Rathaus,48.2108,16.3572\npole,Südpol,-91,0\n",
		"empty.csv":  "",
	} {
		saved[name] = filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(saved[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const alice = "identity  UUID\nuser  UUID\nprovider  facebook\naccount  alice\naccount ID  alice\ndisplay name  alice\nprofile  http://API/simulated/?account=alice&provider=facebook\n"
	for _, c := range []struct {
		name   string
		args   string // separated by spaces
		before func(t *testing.T)
		save   string
		stdout string
		stderr string
		code   int
	}{
		{name: "no sites", args: "site list --json", stdout: `{"sites":[]}`},
		{name: "add a site", args: "site add shop --domain 127.0.0.1 --simulate twitter,facebook --json", save: "site",
			stdout: `{"site":{"site_id":"UUID","name":"shop","date_creation":"DATE","domain":"127.0.0.1","simulated_providers":["facebook","twitter"],"keys":[{"public_key":"UUID","date_creation":"DATE"}],` + gigya + `},` +
				`"new_keys":{"public_key":"UUID","private_key":"UUID","apiKey":"API KEY","secret":"SECRET"}}`},
		{name: "add it again", args: "site add shop", code: command.Failed,
			stderr: "sharing-api: add site shop: put site \"shop\": name is taken; choose another one\n"},
		{name: "add with a bad name", args: "site add Shop", code: command.Failed,
			stderr: "sharing-api: add site Shop: bad name: 'S' at position 1; use a-z, 0-9 and, inside, '-'\n"},
		{name: "add with a foreign domain", args: "site add other --domain go.example.com", code: command.Failed,
			stderr: "sharing-api: add site other: bad domain: go.example.com is not served here; served are 127.0.0.1\n"},
		{name: "add another", args: "site add other",
			stdout: "site  other\nID  UUID\nmade  DATE\npublic key  UUID\nprivate key  UUID (shown this once)\nAPI key  API KEY\nsecret  SECRET (shown this once)\n"},
		{name: "edit", args: "site edit other --name shelf --simulate *",
			stdout: "site  shelf\nID  UUID\nmade  DATE\nsimulated  *\n"},
		{name: "edit again", args: "site edit shelf --domain= --no-simulate --json",
			stdout: `{"site":{"site_id":"UUID","name":"shelf","date_creation":"DATE","domain":"","simulated_providers":[],"keys":[{"public_key":"UUID","date_creation":"DATE"}],` + gigya + `}}`},
		{name: "edit what Gigya's dialect needs", args: "site edit shelf --data-centre US1 --trusted Example.com,*.example.com/a* --short-urls whenRequired --cid home --providers twitter,facebook",
			stdout: "site  shelf\nID  UUID\nmade  DATE\ndata centre  us1\ntrusted  *.example.com/a*, example.com/*\nshort URLs  whenRequired\ncontext ID  home\nproviders  facebook, twitter\n"},
		{name: "trust nothing", args: "site edit shelf --data-centre= --no-trusted --short-urls= --cid= --no-providers",
			stdout: "site  shelf\nID  UUID\nmade  DATE\ntrusted  nothing\n"},
		{name: "trust all again", args: "site edit shelf --trusted *", stdout: "site  shelf\nID  UUID\nmade  DATE\n"},
		{name: "redirect with a script", args: "site edit shelf --redirect js", stdout: "site  shelf\nID  UUID\nmade  DATE\nredirect  js\n"},
		{name: "redirect with what is unknown", args: "site edit shelf --redirect 301", code: command.Failed,
			stderr: "sharing-api: edit site shelf: bad redirect method: \"301\"; it is 302 or js\n"},
		{name: "a bad pattern", args: "site edit shelf --trusted https://example.com/*", code: command.Failed,
			stderr: "sharing-api: edit site shelf: bad setting: pattern \"https://example.com/*\" has a scheme; leave it out, http and https are alike\n"},
		{name: "list", args: "site list",
			stdout: "SITE  ID  MADE  DOMAIN  REDIRECT  SIMULATED\nshop  UUID  DATE  127.0.0.1  302  facebook,twitter\nshelf  UUID  DATE  js  \n"},
		{name: "redirect as before", args: "site edit shelf --redirect 302 --json",
			stdout: `{"site":{"site_id":"UUID","name":"shelf","date_creation":"DATE","domain":"","simulated_providers":[],"keys":[{"public_key":"UUID","date_creation":"DATE"}],` + gigya + `}}`},
		{name: "keys", args: "site keys shop", stdout: "PUBLIC KEY  MADE  EXPIRES\nUUID  DATE  never\n"},
		{name: "rotate keys", args: "site keys {site} --rotate --grace 1h", save: "rotated",
			stdout: "site  shop\nID  UUID\nmade  DATE\ndomain  127.0.0.1\nsimulated  facebook, twitter\npublic key  UUID\nprivate key  UUID (shown this once)\n"},
		{name: "keys after that", args: "site keys shop", stdout: "PUBLIC KEY  MADE  EXPIRES\nUUID  DATE  never\nUUID  DATE  DATE\n"},
		{name: "API key", args: "site keys shop --gigya", stdout: "API key  API KEY\n"},
		{name: "rotate the secret", args: "site keys shelf --gigya --rotate", stdout: "site  shelf\nID  UUID\nmade  DATE\nAPI key  API KEY\nsecret  SECRET (shown this once)\n"},
		{name: "rotate the secret, for programs", args: "site keys shelf --gigya --rotate --json",
			stdout: `{"site":{"site_id":"UUID","name":"shelf","date_creation":"DATE","domain":"","simulated_providers":[],"keys":[{"public_key":"UUID","date_creation":"DATE"}],` + gigya + `},"new_keys":{"apiKey":"API KEY","secret":"SECRET"}}`},
		{name: "no user keys", args: "site user-key list shelf", stdout: "USER KEY  KIND  MADE\n"},
		{name: "add a user key", args: "site user-key add shelf", save: "key", stdout: "user key  USER KEY\nkind  secret\nmade  DATE\nsecret  SECRET (shown this once)\n"},
		{name: "add one with a public key", args: "site user-key add shelf --public-key-file {pem}", stdout: "user key  USER KEY\nkind  rsa\nmade  DATE\n"},
		{name: "add one, for programs", args: "site user-key add shelf --json", save: "third", stdout: `{"userKey":"USER KEY","kind":"secret","date_creation":"DATE","secret":"SECRET"}`},
		{name: "add one of no key", args: "site user-key add shelf --public-key-file /dev/null", code: command.Failed,
			stderr: "sharing-api: --public-key-file: /dev/null is empty\n"},
		{name: "user keys", args: "site user-key list shelf", stdout: "USER KEY  KIND  MADE\nUSER KEY  secret  DATE\nUSER KEY  rsa  DATE\nUSER KEY  secret  DATE\n"},
		{name: "permit a user key", args: "site user-key permit shelf {key} --on shop", stdout: "permitted user key USER KEY on site shop, which has 1 key\n"},
		{name: "permit it again", args: "site user-key permit shelf {key} --on shop", code: command.Failed,
			stderr: "sharing-api: permit user key on site shop: name is taken: the site has the user key already; choose another one\n"},
		{name: "permit nobody's", args: "site user-key permit shelf nobody --on shop", code: command.Failed,
			stderr: "sharing-api: permit user key on site shop: user key: not found on site shelf; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "permit it on no site", args: "site user-key permit shelf {key} --on nobody", code: command.Failed,
			stderr: "sharing-api: permit user key on site nobody: site \"nobody\": not found; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "permit one, for programs", args: "site user-key permit shelf {third} --on shop --json",
			stdout: `{"site":{"site_id":"UUID","name":"shop","date_creation":"DATE","domain":"127.0.0.1","simulated_providers":["facebook","twitter"],"keys":[{"public_key":"UUID","date_creation":"DATE"},{"public_key":"UUID","date_creation":"DATE","date_expiration":"DATE"}],` +
				strings.Replace(gigya, `"userKeys":[]`, `"userKeys":[{"userKey":"USER KEY","kind":"secret","date_creation":"DATE"},{"userKey":"USER KEY","kind":"secret","date_creation":"DATE"}]`, 1) +
				`},"userKey":{"userKey":"USER KEY","kind":"secret","date_creation":"DATE"}}`},
		{name: "show a site", args: "site show shelf",
			stdout: "site  shelf\nID  UUID\nmade  DATE\ndomain  (that of the data centre, or the shortener's first one)\nredirect  302\nsimulated  (none)\ndata centre  (any)\ntrusted  *\n" +
				"short URLs  always\ncontext ID  (none)\ncookie domain  (the host that sets them)\nproviders  (all that are connected)\nAPI key  API KEY\n" +
				"USER KEY  KIND  MADE  SITES\nUSER KEY  secret  DATE  shop,shelf\nUSER KEY  rsa  DATE  shelf\nUSER KEY  secret  DATE  shop,shelf\n"},
		{name: "show it, for programs", args: "site show other --json", code: command.Failed,
			stderr: "sharing-api: read site other: site \"other\": not found; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "the other site's user keys", args: "site user-key list shop", stdout: "USER KEY  KIND  MADE\nUSER KEY  secret  DATE\nUSER KEY  secret  DATE\n"},
		{name: "end one there", args: "site user-key rm shop {third}", stdout: "removed user key USER KEY; 1 key is left\n"},
		{name: "end the other there", args: "site user-key rm shop {key}", stdout: "removed user key USER KEY; 0 keys are left\n"},
		{name: "user keys that stay", args: "site user-key list shelf", stdout: "USER KEY  KIND  MADE\nUSER KEY  secret  DATE\nUSER KEY  rsa  DATE\nUSER KEY  secret  DATE\n"},
		{name: "remove a user key", args: "site user-key rm shelf {key}", stdout: "removed user key USER KEY; 2 keys are left\n"},
		{name: "remove it again", args: "site user-key rm shelf {key}", code: command.Failed,
			stderr: "sharing-api: remove user key of site shelf: user key: not found; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "remove another", args: "site user-key rm shelf {third}", stdout: "removed user key USER KEY; 1 key is left\n"},
		{name: "user keys, for programs", args: "site user-key list shelf --json", stdout: `{"userKeys":[{"userKey":"USER KEY","kind":"rsa","date_creation":"DATE"}]}`},
		{name: "keys of nobody", args: "site keys nobody", code: command.Failed,
			stderr: "sharing-api: read keys of site nobody: site \"nobody\": not found; site list, site user-key list, user list and identity list print what is there\n"},

		{name: "add a user", args: "user add shop", save: "user", stdout: "UUID\n"},
		{name: "add an identity", args: "identity add shop facebook --user {user} --name alice", save: "identity", stdout: alice},
		{name: "add it again, for programs", args: "identity add shop facebook --name alice --json",
			stdout: `{"identity":{"identity_token":"UUID","user_token":"UUID","provider":"facebook","date_creation":"DATE","date_last_update":"DATE","account_id":"alice","account":"alice",` +
				`"display_name":"alice","profile_url":"http://API/simulated/?account=alice&provider=facebook"}}`},
		{name: "add one for nobody", args: "identity add shop facebook --user {site} --name bob", code: command.Failed,
			stderr: "sharing-api: add identity to site shop: read user \"UUID\": not found; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "add one of an unknown network", args: "identity add shop nowhere --name bob", code: command.Failed,
			stderr: "sharing-api: add identity to site shop: no such provider: nowhere; provider list prints the keys\n"},
		{name: "add one that the network refuses", args: "identity add shop twitter --name #simulate:auth_revoked", code: command.Failed,
			stderr: "sharing-api: add identity to site shop: twitter: auth_revoked (status 401): Unauthorized; give credentials that are good for posting\n"},
		{name: "users", args: "user list shop", stdout: "USER  UID  MADE  LAST LOGIN  LOGINS  IDENTITIES\nUUID  DATE  DATE  2  facebook:alice\n"},
		{name: "show a user", args: "user show shop {user}",
			stdout: "user  UUID\nmade  DATE\nlast login  DATE\nlogins  2\nIDENTITY  USER  PROVIDER  ACCOUNT  UPDATED  STATE\nUUID  UUID  facebook  alice  DATE  connected\n"},
		{name: "identities", args: "identity list shop --json",
			stdout: `{"entries":[{"identity_token":"UUID","user_token":"UUID","provider":"facebook","date_creation":"DATE","date_last_update":"DATE","account_id":"alice","account":"alice",` +
				`"display_name":"alice","profile_url":"http://API/simulated/?account=alice&provider=facebook"}],"total":1}`},
		{name: "add a second user", args: "user add shop", save: "second", stdout: "UUID\n"},
		{name: "a page of users", args: "user list shop --limit 1 --descending", stdout: "USER  UID  MADE  LAST LOGIN  LOGINS  IDENTITIES\nUUID  DATE  DATE  0  \n", stderr: "there are more: --after UUID\n"},
		{name: "the next page", args: "user list shop --limit 1 --descending --after {second}", stdout: "USER  UID  MADE  LAST LOGIN  LOGINS  IDENTITIES\nUUID  DATE  DATE  2  facebook:alice\n"},

		{name: "add a user with a UID", args: "user add shelf --uid user-42@example.com", save: "named", stdout: "UUID\n"},
		{name: "add them again", args: "user add shelf --uid user-42@example.com", code: command.Failed,
			stderr: "sharing-api: add user to site shelf: name is taken: user UUID has the UID; choose another one\n"},
		{name: "show them by UID", args: "user show shelf user-42@example.com", stdout: "user  UUID\nUID  user-42@example.com\nmade  DATE\nlast login  DATE\nlogins  0\n"},
		{name: "show them by token", args: "user show shelf {named} --json",
			stdout: `{"user":{"user_token":"UUID","UID":"user-42@example.com","date_creation":"DATE","date_last_login":"DATE","num_logins":0,"identities":[]}}`},
		{name: "give them another UID", args: "user edit shelf {named} --uid user-44@example.com", stdout: "user  UUID\nUID  user-44@example.com\nmade  DATE\nlast login  DATE\nlogins  0\n"},
		{name: "give them one more, by UID", args: "user edit shelf user-44@example.com --uid user-45@example.com", stdout: "user  UUID\nUID  user-45@example.com\nmade  DATE\nlast login  DATE\nlogins  0\n"},
		{name: "add one with the UID before", args: "user add shelf --uid user-42@example.com", save: "successor", stdout: "UUID\n"},
		{name: "take a UID of another", args: "user edit shelf {named} --uid user-42@example.com", code: command.Failed,
			stderr: "sharing-api: edit user \"UUID\": name is taken: another user has the UID; choose another one\n"},
		{name: "take a token of another", args: "user edit shelf {named} --uid {successor}", code: command.Failed,
			stderr: "sharing-api: edit user UUID: name is taken: the UID is the token of another user; choose another one\n"},
		{name: "give them a bad UID", args: "user edit shelf {named} --uid a\x01b", code: command.Failed,
			stderr: "sharing-api: edit user UUID: bad UID: it is no line of text\n"},
		{name: "take their UID away", args: "user edit shelf {named} --uid= --json",
			stdout: `{"user":{"user_token":"UUID","date_creation":"DATE","date_last_login":"DATE","num_logins":0,"identities":[]}}`},
		{name: "remove a user by UID", args: "user rm shelf user-42@example.com", stdout: "removed user UUID with 0 identities\n"},
		{name: "edit a user of another site", args: "user edit shop {named} --uid a", code: command.Failed,
			stderr: "sharing-api: edit user UUID: read user \"UUID\": not found; site list, site user-key list, user list and identity list print what is there\n"},

		{name: "no places", args: "site places list shelf", stdout: "id,name,latitude,longitude\n"},
		{name: "load places", args: "site places set shelf {places.csv}", stdout: "site shelf has 2 places\n"},
		{name: "load bad places", args: "site places set shelf {bad.csv}", code: command.Failed,
			stderr: "sharing-api: read places: PLACES: line 3: bad place: the latitude of pole is -91; give -90 to 90\n"},
		{name: "load places from nowhere", args: "site places set shelf {places.csv}x", code: command.Failed,
			stderr: "sharing-api: read places: open PLACES: no such file or directory\n"},
		{name: "load places of nobody", args: "site places set nobody {places.csv}", code: command.Failed,
			stderr: "sharing-api: set places of site nobody: site \"nobody\": not found; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "places", args: "site places list shelf", stdout: "id,name,latitude,longitude\ntown-hall,\"Rathaus, groß\",48.2108,16.3572\npole,Südpol,-90,0\n"},
		{name: "places, for programs", args: "site places list shelf --json",
			stdout: `{"places":[{"id":"town-hall","name":"Rathaus, groß","latitude":48.2108,"longitude":16.3572},{"id":"pole","name":"Südpol","latitude":-90,"longitude":0}]}`},
		{name: "clear places, for programs", args: "site places set shelf {empty.csv} --json", stdout: `{"num_places":0}`},
		{name: "places after that", args: "site places list shelf", stdout: "id,name,latitude,longitude\n"},

		{name: "show nobody", args: "user show shelf user-43@example.com", code: command.Failed,
			stderr: "sharing-api: read user user-43@example.com: user: not found; site list, site user-key list, user list and identity list print what is there\n"},

		{name: "no messages", args: "message list shop", stdout: "MESSAGE  MADE  LAST PUBLISHED\n"},
		{name: "messages", args: "message list shop", save: "message", stdout: "MESSAGE  MADE  LAST PUBLISHED\nUUID  DATE  DATE\n",
			before: func(t *testing.T) {
				body := fmt.Sprintf(`{"request":{"sharing_message":{"publish_for_user":{"user_token":%q,"providers":["facebook","twitter"]},`+
					`"parts":{"text":{"body":"Grüße\nan alle"},"link":{"url":"https://example.com/"},"flags":{"enable_tracking":1}}}}}`, saved["user"])
				status, answer := customer{public: publicKey, private: privateKey}.send(t, http.DefaultClient, "POST", "http://"+s.api+"/sharing/messages.json", body)
				if status != 207 {
					t.Fatalf("publish: got %d %s; want 207, for one of two networks", status, answer)
				}
			}},
		{name: "show a message", args: "message show shop {message}",
			stdout: "message  UUID\nmade  DATE\ntext  Grüße; an alle\nlink  https://example.com/\npublications  2\n\n" +
				"1. facebook  published\nidentity  UUID\ntries  1, last DATE\npost  POST\npost ID  POST\nlinks  http://REDIRECT/SLUG\n\n" +
				"2. twitter  failed\nwhy  target_missing: The user has no identity with this provider.\n"},
		{name: "show nobody's message", args: "message show shop {user}", code: command.Failed,
			stderr: "sharing-api: read message \"UUID\": no such message; message list prints what is there\n"},

		{name: "rotate the seal", args: "seal rotate", stdout: "sealed 6 records under a new key; the key before is forgotten, so back up sealing.key anew\n"},
		{name: "rotate the seal, for programs", args: "seal rotate --json", stdout: `{"num_resealed":6}`},

		{name: "remove an identity", args: "identity rm shop {identity}", stdout: "removed identity UUID, alice on facebook\n"},
		{name: "remove it again", args: "identity rm shop {identity}", code: command.Failed,
			stderr: "sharing-api: delete identity \"UUID\": not found; site list, site user-key list, user list and identity list print what is there\n"},
		{name: "remove a user", args: "user rm shop {user}", stdout: "removed user UUID with 0 identities\n"},
		{name: "remove a user, for programs", args: "user rm shop {second} --json",
			stdout: `{"user":{"user_token":"UUID","date_creation":"DATE","date_last_login":"DATE","num_logins":0,"identities":[]}}`},
	} {
		ok := t.Run(c.name, func(t *testing.T) {
			if c.before != nil {
				c.before(t)
			}
			for name, token := range saved {
				c.args = strings.ReplaceAll(c.args, "{"+name+"}", token)
			}
			stdout, stderr, code := s.operate(strings.Fields(c.args)...)
			if c.save != "" {
				// An API key or a secret may hold what looks like a user key.
				rest := secrets.ReplaceAllString(apiKeys.ReplaceAllString(stdout, ""), "")
				saved[c.save] = cmp.Or(userKeys.FindString(rest), uuids.FindString(rest))
			}
			if found := uuids.FindAllString(stdout, -1); c.name == "add a site" && len(found) > 2 {
				publicKey, privateKey = found[len(found)-2], found[len(found)-1]
			}
			gigyaSecrets = append(gigyaSecrets, secrets.FindAllString(stdout, -1)...)
			if strings.HasPrefix(c.stdout, "{") {
				var compact bytes.Buffer
				if err := json.Compact(&compact, []byte(stdout)); err != nil {
					t.Fatalf("got %q: %v; want JSON", stdout, err)
				}
				stdout = compact.String()
			}
			clean := func(text string) string {
				text = strings.NewReplacer(s.api, "API", s.redirect, "REDIRECT").Replace(text)
				text = secrets.ReplaceAllString(apiKeys.ReplaceAllString(text, "API KEY"), "SECRET")
				text = userKeys.ReplaceAllString(text, "USER KEY")
				text = regexp.MustCompile(`/\S+\.csvx?\b`).ReplaceAllString(text, "PLACES")
				text = regexp.MustCompile(`REDIRECT/\w{7}\b`).ReplaceAllString(text, "REDIRECT/SLUG")
				text = regexp.MustCompile(`(post|post ID)  +\S+\n`).ReplaceAllString(text, "$1  POST\n")
				return spaces.ReplaceAllString(dates.ReplaceAllString(uuids.ReplaceAllString(text, "UUID"), "DATE"), "  ")
			}
			if code != c.code {
				t.Errorf("got exit code %d; want %d", code, c.code)
			}
			if got := clean(stdout); got != c.stdout {
				t.Errorf("got on standard output\n%s\nwant\n%s", got, c.stdout)
			}
			if got := clean(stderr); got != c.stderr {
				t.Errorf("got on standard error\n%s\nwant\n%s", got, c.stderr)
			}
		})
		if !ok {
			return // the ones that follow stand on it
		}
	}
	s.Stop()
	if len(gigyaSecrets) != 6 {
		t.Errorf("got %d secrets; want one for each that was made", len(gigyaSecrets))
	}
	for _, secret := range append(gigyaSecrets, privateKey) {
		if strings.Contains(s.Log.String(), secret) {
			t.Error("got a private key or a secret in the log")
		}
	}
}

// publicPEM is a public RSA key.
func publicPEM(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// TestOperatorSecrets: credentials come from files or standard input, and are seen
// nowhere, also when the network repeats them.
func TestOperatorSecrets(t *testing.T) {
	const secret = "very-secret-token"
	asked := 0
	network := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer "+secret {
			asked++
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"error":"the access token %s is invalid"}`, secret)
	}))
	defer network.Close()
	s := start(t, t.TempDir(), "--allow-host", strings.TrimPrefix(network.URL, "http://"))
	if _, stderr, code := s.operate("site", "add", "shop"); code != command.Done {
		t.Fatalf("add site: got %d %s", code, stderr)
	}
	folder := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good", secret+"\n")
	for _, c := range []struct {
		name, provider, file string
		stdin                string
		want                 string
		code                 int
	}{
		{"from a file", "mastodon", good, "", "mastodon: auth_", command.Failed},
		{"from standard input", "mastodon", "-", secret + "\n", "mastodon: auth_", command.Failed},
		{"no file", "mastodon", filepath.Join(folder, "none"), "", "no such file", command.Failed},
		{"an empty file", "mastodon", write("empty", "\n"), "", "is empty", command.Failed},
		{"two lines", "mastodon", write("lines", secret+"\n"+secret+"\n"), "", "more than one line", command.Failed},
		{"too long", "mastodon", write("long", strings.Repeat(secret, 1000)), "", "longer than", command.Failed},
		{"damaged", "mastodon", write("damaged", secret+"\xff"), "", "access token is no line of text", command.Failed},
		{"nothing at standard input", "mastodon", "-", "", "is empty", command.Failed},
	} {
		t.Run(c.name, func(t *testing.T) {
			input, err := os.Open(write("input", c.stdin))
			if err != nil {
				t.Fatal(err)
			}
			defer input.Close()
			before := os.Stdin
			os.Stdin = input
			defer func() { os.Stdin = before }()
			stdout, stderr, code := s.operate("identity", "add", "shop", c.provider, "--server", network.URL, "--access-token-file", c.file)
			if code != c.code || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got %d %q; want %d and one line with %q", code, stderr, c.code, c.want)
			}
			if strings.Contains(stdout+stderr, secret) {
				t.Errorf("got the secret in %q, %q", stdout, stderr)
			}
		})
	}
	if asked != 2 {
		t.Errorf("got %d requests with the secret at the network; want 2", asked)
	}
	s.Stop()
	if strings.Contains(s.Log.String(), secret) {
		t.Errorf("got the secret in the log %s", s.Log)
	}
}

func TestOperatorUsage(t *testing.T) {
	for _, c := range []struct{ name, args, want string }{
		{"no command", "site", "add"},
		{"no site", "user add", "<site>"},
		{"no provider", "identity add shop", "<provider>"},
		{"secret in a flag", "identity add shop mastodon --access-token abc", "unknown flag"},
		{"two secrets at standard input", "identity add shop x --access-token-file - --app-password-file -", "standard input"},
		{"nothing to edit", "site edit shop", "--domain"},
		{"simulate and not", "site edit shop --simulate x --no-simulate", "--no-simulate"},
		{"trusted and not", "site edit shop --trusted * --no-trusted", "--no-trusted"},
		{"grace of a secret", "site keys shop --gigya --rotate --grace 1h", "--grace"},
		{"API key without its secret", "site keys shop --gigya --set-api-key 3_x", "--secret-file"},
		{"secret without its API key", "site keys shop --gigya --secret-file x", "--set-api-key"},
		{"API key among pairs of keys", "site keys shop --set-api-key 3_x --secret-file x", "--gigya"},
		{"API key that is set and rotated", "site keys shop --gigya --rotate --set-api-key 3_x --secret-file x", "--rotate"},
		{"API key of a site without its secret", "site add shop --api-key 3_x", "--secret-file"},
		{"user key without a secret", "site user-key add shop --key A1", "--public-key-file"},
		{"secret without a user key", "site user-key add shop --secret-file x", "--key"},
		{"user key with both", "site user-key add shop --key A1 --secret-file x --public-key-file y", "--public-key-file"},
		{"no user key", "site user-key rm shop", "<key>"},
		{"permit where", "site user-key permit shop A1", "--on"},
		{"nothing to edit of a user", "user edit shop x", "--uid"},
		{"no file of places", "site places set shop", "<file>"},
		{"grace without rotation", "site keys shop --grace 1h", "--rotate"},
		{"negative grace", "site keys shop --rotate --grace=-1h", "--grace"},
		{"bad limit", "user list shop --limit 0", "--limit"},
		{"limit too high", "message list shop --limit 501", "--limit"},
		{"bad control address", "site list --control 8081 --token-file TOKEN", "host:port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			token := filepath.Join(t.TempDir(), "token")
			if err := os.WriteFile(token, []byte(strings.Repeat("0", 64)), 0o600); err != nil {
				t.Fatal(err)
			}
			stdout, stderr, code := execute(t, strings.Fields(strings.ReplaceAll(c.args, "TOKEN", token))...)
			if code != command.Usage || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 || stdout != "" {
				t.Errorf("got %d, %q, %q; want %d and one line with %s", code, stdout, stderr, command.Usage, c.want)
			}
		})
	}
}

func TestOperatorCannotReach(t *testing.T) {
	s := start(t, t.TempDir())
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "control.token"), []byte(strings.Repeat("0", 64)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no token", []string{"--control", s.control, "--data", t.TempDir()}, "--token-file"},
		{"wrong token", []string{"--control", s.control, "--data", other}, "--token-file"},
		{"nobody listens", []string{"--control", "unix:" + other + "/none", "--data", s.data}, "is it running"},
		{"not a control address", []string{"--control", s.redirect, "--data", s.data}, "control address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, stderr, code := execute(t, append([]string{"site", "list"}, c.args...)...)
			if code != command.Failed || !strings.Contains(stderr, c.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("got %d, %q; want %d and one line with %q", code, stderr, command.Failed, c.want)
			}
		})
	}
}
