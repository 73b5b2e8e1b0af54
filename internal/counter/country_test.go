package counter

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// writeMMDB writes a database of the given networks and returns its path.
func writeMMDB(t *testing.T, kind string, records map[string]mmdbtype.DataType) string {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range records {
		_, ipnet, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(ipnet, record); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "test.mmdb")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := tree.WriteTo(file); err != nil {
		t.Fatal(err)
	}
	return path
}

func countryRecord(code string) mmdbtype.Map {
	return mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(code)}}
}

func TestOpenCountry(t *testing.T) {
	lookup, closer, err := OpenCountry(writeMMDB(t, "Test-Country", map[string]mmdbtype.DataType{
		"192.0.2.0/24":     countryRecord("CH"),
		"198.51.100.0/25":  countryRecord("de"),
		"203.0.113.0/24":   countryRecord("toolong"),
		"198.18.0.0/24":    countryRecord("1\n"),
		"198.18.1.0/24":    mmdbtype.Map{"registered_country": mmdbtype.Map{"iso_code": mmdbtype.String("FR")}},
		"198.18.2.0/24":    mmdbtype.Map{"country": mmdbtype.String("FR")},
		"2001:db8:1::/48":  countryRecord("JP"),
		"2001:db8:2::/120": countryRecord("BR"),
	}))
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, addr, want string }{
		{"full IPv4", "192.0.2.77", "CH"},
		{"truncated IPv4", "192.0.2.0", "CH"},
		{"IPv4 in IPv6", "::ffff:192.0.2.0", "CH"},
		{"lower case in the file", "198.51.100.0", "DE"},
		{"network without record", "198.51.100.200", ""},
		{"no code of two letters", "203.0.113.0", ""},
		{"hostile code", "198.18.0.0", ""},
		{"record without country", "198.18.1.0", ""},
		{"record of another form", "198.18.2.0", ""},
		{"truncated IPv6", "2001:db8:1::", "JP"},
		{"full IPv6", "2001:db8:1:2:3:4:5:6", "JP"},
		{"IPv6 with zone", "2001:db8:1::1%eth0", "JP"},
		{"narrow network", "2001:db8:2::", "BR"},
		{"unknown IPv6", "2001:db8:ffff::", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := lookup(netip.MustParseAddr(test.addr)); got != test.want {
				t.Errorf("country of %s: got %q; want %q", test.addr, got, test.want)
			}
		})
	}
	if got := lookup(netip.Addr{}); got != "" {
		t.Errorf("country of no address: got %q; want none", got)
	}
	if err := closer.Close(); err != nil {
		t.Errorf("close: got %v; want no error", err)
	}
}

func TestOpenCountryRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct {
		name, path string
		want       error
		says       string
	}{
		{"missing", filepath.Join(dir, "none.mmdb"), fs.ErrNotExist, "none.mmdb"},
		{"empty", write("empty.mmdb", ""), ErrCountryFile, "empty.mmdb"},
		{"text", write("text.mmdb", strings.Repeat("country,code\n", 100)), ErrCountryFile, "text.mmdb"},
		{"folder", dir, nil, dir},
		{"other kind", writeMMDB(t, "Test-ASN", map[string]mmdbtype.DataType{
			"192.0.2.0/24": mmdbtype.Map{"autonomous_system_number": mmdbtype.Uint32(64496)},
		}), ErrCountryFile, `"Test-ASN"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			lookup, closer, err := OpenCountry(test.path)
			if err == nil || lookup != nil || closer != nil {
				t.Fatalf("got error %v; want an error and nothing else", err)
			}
			if test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("got error %v; want %v", err, test.want)
			}
			if !strings.Contains(err.Error(), test.says) {
				t.Errorf("got error %q; want it to name %q", err, test.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("got error %q; want one line", err)
			}
		})
	}
}

func BenchmarkCountry(b *testing.B) {
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "Test-Country", IncludeReservedNetworks: true})
	if err != nil {
		b.Fatal(err)
	}
	_, ipnet, _ := net.ParseCIDR("192.0.2.0/24")
	if err := tree.Insert(ipnet, countryRecord("CH")); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "test.mmdb")
	file, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := tree.WriteTo(file); err != nil {
		b.Fatal(err)
	}
	if err := file.Close(); err != nil {
		b.Fatal(err)
	}
	lookup, closer, err := OpenCountry(path)
	if err != nil {
		b.Fatal(err)
	}
	defer closer.Close()
	addr := netip.MustParseAddr("192.0.2.0")
	b.ReportAllocs()
	for b.Loop() {
		lookup(addr)
	}
}
