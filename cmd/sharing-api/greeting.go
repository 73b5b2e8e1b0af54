package main

import (
	"context"
	"fmt"
	"strings"

	"herald.example/internal/site"
)

// The demo: a site on which everything is simulated, with one user.
const demoName = "demo"

var demoProviders = []string{"facebook", "twitter", "linkedin"}

// greeting makes the demo, and returns what tells the one who starts a server for
// the first time how to go on. On later starts it is empty; also without the
// simulated network, and where the log is for machines: then nobody reads keys.
func (c *serveCommand) greeting(ctx context.Context, h *house, at *addresses) (string, error) {
	if len(h.directory.Sites()) > 0 || h.world == nil || c.LogFormat != "text" {
		return "", nil
	}
	demo, keys, err := h.directory.AddSite(ctx, site.SiteDraft{Name: demoName, Simulated: []string{"*"}})
	if err != nil {
		return "", fmt.Errorf("make demo: %w", err)
	}
	user := ""
	for _, provider := range demoProviders {
		person, _, _, err := h.publisher.Import(ctx, demo, site.Login{
			User: user, Provider: provider, Credentials: site.Credentials{Access: demoName}, Source: "operator",
		})
		if err != nil {
			return "", fmt.Errorf("make demo: %w", err)
		}
		user = person.Token
	}

	curl := "curl "
	if at.secure != nil {
		curl += "--cacert " + c.TLSCert + " "
	}
	withKeys := fmt.Sprintf("%s-u %s:%s ", curl, keys.Public, string(keys.Private))
	message := `{"request":{"sharing_message":{` +
		`"publish_for_user":{"user_token":"` + user + `","providers":["` + strings.Join(demoProviders, `","`) + `"]},` +
		`"parts":{"text":{"body":"Hello from Herald"},"link":{"url":"https://example.com/","name":"Example"},"flags":{"enable_tracking":1}}}}}`
	var b strings.Builder
	fmt.Fprintf(&b, "site %s: public key %s, private key %s (shown once)\n", demoName, keys.Public, string(keys.Private))
	fmt.Fprintf(&b, "publish:      %s%s/sharing/messages.json -d '%s'\n", withKeys, at.url(), message)
	fmt.Fprintf(&b, "read counts:  %s%s/sharing/messages/TOKEN.json   (TOKEN is the sharing_message_token of the answer; follow a short_url of it first)\n", withKeys, at.url())
	fmt.Fprintf(&b, "see posts:    %s%s\n", at.url(), simulatedPath)
	how := "clients sign with the secret, or send it by HTTPS"
	if c.LoopbackSecrets {
		how += ", or from this machine without"
	}
	fmt.Fprintf(&b, "Gigya's dialect: API key %s, secret %s (shown once); %s\n", keys.APIKey, string(keys.Secret), how)
	if at.secure != nil || c.LoopbackSecrets { // otherwise a line must be signed, which no shell does
		action := `{"title":"Hello from Herald","linkBack":"https://example.com/"}`
		fmt.Fprintf(&b, "publish so:   %s%s/socialize.publishUserAction -d apiKey=%s -d UID=%s --data-urlencode secret=%s --data-urlencode 'userAction=%s'\n",
			curl, at.url(), keys.APIKey, user, string(keys.Secret), action)
	}
	return b.String(), nil
}
