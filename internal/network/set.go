package network

import (
	"fmt"
	"maps"
	"slices"

	"herald.example/internal/publish"
	"herald.example/internal/site"
)

// entry is what is known of a network.
type entry struct {
	name   string
	server bool // accounts are on many servers
	login  bool // people log in with it, and nobody posts to it
}

// catalogue is every network that this server knows by key. An adapter makes one
// available.
var catalogue = map[string]entry{
	"bluesky":   {name: "Bluesky", server: true},
	"discord":   {name: "Discord"},
	"facebook":  {name: "Facebook"},
	"linkedin":  {name: "LinkedIn"},
	"mastodon":  {name: "Mastodon", server: true},
	"nostr":     {name: "Nostr", server: true},
	"pinterest": {name: "Pinterest"},
	"reddit":    {name: "Reddit"},
	"renren":    {name: "Renren"},
	"sina":      {name: "Sina Weibo"},
	"telegram":  {name: "Telegram"},
	"threads":   {name: "Threads"},
	"tumblr":    {name: "Tumblr"},
	"twitter":   {name: "X (Twitter)"},
	"vkontakte": {name: "VKontakte"},
	"youtube":   {name: "YouTube"},

	site.Simulated: {name: "Simulated network"},

	// Keys that OneAll's clients know, of services that people log in with.
	"amazon":        {name: "Amazon", login: true},
	"blogger":       {name: "Blogger", login: true},
	"disqus":        {name: "Disqus", login: true},
	"foursquare":    {name: "Foursquare", login: true},
	"github":        {name: "GitHub", login: true},
	"google":        {name: "Google", login: true},
	"instagram":     {name: "Instagram", login: true},
	"livejournal":   {name: "LiveJournal", login: true},
	"mailru":        {name: "Mail.ru", login: true},
	"odnoklassniki": {name: "Odnoklassniki", login: true},
	"openid":        {name: "OpenID", login: true},
	"paypal":        {name: "PayPal", login: true},
	"skyrock":       {name: "Skyrock", login: true},
	"stackexchange": {name: "Stack Exchange", login: true},
	"steam":         {name: "Steam", login: true},
	"twitch":        {name: "Twitch", login: true},
	"vimeo":         {name: "Vimeo", login: true},
	"windowslive":   {name: "Windows Live", login: true},
	"wordpress":     {name: "WordPress", login: true},
	"yahoo":         {name: "Yahoo", login: true},
}

// Name is what people call the network with a provider's key; the key itself when
// it is not known.
func Name(provider string) string {
	if e, known := catalogue[provider]; known {
		return e.name
	}
	return provider
}

// Set is the networks of a server: adapters, and the simulated network in the place
// of those that a site has simulated. It is publish.Networks, and safe for
// concurrent use.
type Set struct {
	adapters  map[string]publish.Network
	simulated func(provider string) publish.Network
	keys      []string // of all networks, in their order
}

// NewSet returns the networks with adapters by provider's key. simulated makes the
// simulated network under a provider's key, each time it is asked for; nil: there is
// none.
func NewSet(adapters map[string]publish.Network, simulated func(provider string) publish.Network) *Set {
	s := &Set{adapters: maps.Clone(adapters), simulated: simulated, keys: slices.Collect(maps.Keys(catalogue))}
	for key := range adapters {
		if _, known := catalogue[key]; !known {
			s.keys = append(s.keys, key)
		}
	}
	slices.Sort(s.keys)
	return s
}

// Network returns what publishes to a provider for a site: the simulated network
// if the site has it simulated, else the adapter. The error wraps site.ErrProvider
// when nobody knows the key; when the network is known and cannot be published to,
// it is a *publish.Error of kind Unsupported.
func (s *Set) Network(st site.Site, provider string) (publish.Network, error) {
	e, known := s.entry(provider)
	if !known {
		if err := site.CheckProvider(provider); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %s", site.ErrProvider, provider)
	}
	if s.simulated != nil && st.Simulates(provider) {
		return s.simulated(provider), nil
	}
	if adapter := s.adapters[provider]; adapter != nil {
		return adapter, nil
	}
	message := e.name + " cannot be published to yet; the site can have it simulated"
	switch {
	case provider == "renren":
		message = "Renren has closed its doors to other programs; the site can have it simulated"
	case e.login:
		message = e.name + " is for logging in; messages cannot be published to it"
	case provider == site.Simulated:
		message = "this server runs without the simulated network"
	}
	return nil, &publish.Error{Kind: publish.Unsupported, Network: provider, Message: message}
}

// Providers are all networks that the server knows, in the order of their keys, as
// a site finds them.
func (s *Set) Providers(st site.Site) []publish.Provider {
	providers := make([]publish.Provider, len(s.keys))
	for i, key := range s.keys {
		e, _ := s.entry(key)
		simulated := s.simulated != nil && st.Simulates(key)
		providers[i] = publish.Provider{
			Key: key, Name: e.name, Server: e.server,
			Simulated: simulated, Adapter: s.adapters[key] != nil,
			Available: simulated || s.adapters[key] != nil,
		}
	}
	return providers
}

// entry is what is known of a provider, from the catalogue or by its adapter.
func (s *Set) entry(provider string) (entry, bool) {
	if e, known := catalogue[provider]; known {
		return e, true
	}
	return entry{name: provider}, s.adapters[provider] != nil
}
