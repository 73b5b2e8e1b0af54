package network_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"herald.example/internal/network"
	"herald.example/internal/publish"
	"herald.example/internal/publish/render"
	"herald.example/internal/site"
)

// named is a network that is told from others by its name.
type named string

func (n named) Profile(context.Context, site.Opened) (render.Profile, error) {
	return render.Profile{Network: string(n)}, nil
}

func (n named) Post(context.Context, site.Opened, render.Post) (publish.Receipt, error) {
	return publish.Receipt{ID: string(n)}, nil
}

func simulate(provider string) publish.Network { return named("simulated " + provider) }

func TestSetNetwork(t *testing.T) {
	adapters := map[string]publish.Network{"mastodon": named("mastodon"), "homegrown": named("homegrown")}
	set := network.NewSet(adapters, simulate)
	bare := network.NewSet(adapters, nil)
	delete(adapters, "mastodon") // the set has its own
	none, some, all := site.Site{}, site.Site{Simulated: []string{"facebook", "mastodon"}}, site.Site{Simulated: []string{"*"}}
	for _, test := range []struct {
		name     string
		set      *network.Set
		site     site.Site
		provider string
		want     named // empty: an error
		err      error // nil: a refusal of kind Unsupported
	}{
		{"adapter", set, none, "mastodon", "mastodon", nil},
		{"adapter outside the catalogue", set, none, "homegrown", "homegrown", nil},
		{"simulated in place of an adapter", set, some, "mastodon", "simulated mastodon", nil},
		{"simulated", set, some, "facebook", "simulated facebook", nil},
		{"not simulated here", set, some, "twitter", "", nil},
		{"all simulated", set, all, "linkedin", "simulated linkedin", nil},
		{"all simulated, to log in with", set, all, "github", "simulated github", nil},
		{"all simulated, nobody's", set, all, "nobody", "", site.ErrProvider},
		{"by its own name", set, none, "simulated", "simulated simulated", nil},
		{"to log in with", set, none, "github", "", nil},
		{"dead", set, none, "renren", "", nil},
		{"malformed", set, all, "Face Book", "", site.ErrProvider},
		{"empty", set, all, "", "", site.ErrProvider},
		{"without the simulated network", bare, all, "facebook", "", nil},
		{"without it, by its name", bare, all, "simulated", "", nil},
		{"without it, adapter", bare, all, "mastodon", "mastodon", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.set.Network(test.site, test.provider)
			switch {
			case test.want != "":
				if err != nil || got != test.want {
					t.Errorf("got %v, error %v; want %v", got, err, test.want)
				}
			case test.err != nil:
				if !errors.Is(err, test.err) || got != nil {
					t.Errorf("got %v, error %v; want %v", got, err, test.err)
				}
			default:
				e, ok := errors.AsType[*publish.Error](err)
				if !ok || e.Kind != publish.Unsupported || e.Network != test.provider || e.Message == "" || got != nil {
					t.Errorf("got %v, error %v; want a refusal of kind %s", got, err, publish.Unsupported)
				}
			}
		})
	}
}

func TestSetProviders(t *testing.T) {
	set := network.NewSet(map[string]publish.Network{"mastodon": named("m"), "homegrown": named("h")}, simulate)
	find := func(s *network.Set, st site.Site, key string) publish.Provider {
		t.Helper()
		providers := s.Providers(st)
		i := slices.IndexFunc(providers, func(p publish.Provider) bool { return p.Key == key })
		if i < 0 {
			t.Fatalf("%s is not among the providers", key)
		}
		return providers[i]
	}
	want := func(got, want publish.Provider) {
		t.Helper()
		if got != want {
			t.Errorf("got %+v; want %+v", got, want)
		}
	}
	some := site.Site{Simulated: []string{"facebook"}}
	want(find(set, some, "mastodon"), publish.Provider{Key: "mastodon", Name: "Mastodon", Available: true, Adapter: true, Server: true})
	want(find(set, some, "facebook"), publish.Provider{Key: "facebook", Name: "Facebook", Available: true, Simulated: true})
	want(find(set, some, "twitter"), publish.Provider{Key: "twitter", Name: "X (Twitter)"})
	want(find(set, some, "github"), publish.Provider{Key: "github", Name: "GitHub"})
	want(find(set, some, "homegrown"), publish.Provider{Key: "homegrown", Name: "homegrown", Available: true, Adapter: true})
	want(find(set, some, "simulated"), publish.Provider{Key: "simulated", Name: "Simulated network", Available: true, Simulated: true})
	want(find(network.NewSet(nil, nil), some, "facebook"), publish.Provider{Key: "facebook", Name: "Facebook"})
	want(find(network.NewSet(nil, nil), some, "simulated"), publish.Provider{Key: "simulated", Name: "Simulated network"})
	var keys []string
	for _, p := range set.Providers(some) {
		keys = append(keys, p.Key)
		if err := site.CheckProvider(p.Key); err != nil {
			t.Errorf("%s: %v", p.Key, err)
		}
		// What is said to be available is there.
		if n, err := set.Network(some, p.Key); (err == nil && n != nil) != p.Available {
			t.Errorf("%s: got network %v, error %v; available is %v", p.Key, n, err, p.Available)
		}
		if network.Name(p.Key) != p.Name {
			t.Errorf("got name %q; want %q", network.Name(p.Key), p.Name)
		}
	}
	if !slices.IsSorted(keys) || len(keys) != len(slices.Compact(slices.Clone(keys))) {
		t.Errorf("got keys %q; want each once, in order", keys)
	}
}
