package counter

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"
)

// ErrCountryFile is returned when a file is no database of countries.
var ErrCountryFile = errors.New("not a country database")

// OpenCountry opens a database of countries in the MMDB format whose records
// have country.iso_code, as the free files of MaxMind (GeoLite2 Country and
// City) and DB-IP do. The function it returns gives the ISO 3166-1 code of the
// country of an address, two upper-case letters, and "" when it is not known;
// an address truncated to its /24 or /48 will do. It is safe for concurrent use
// until the closer is closed, and must not be called afterwards.
func OpenCountry(path string) (func(netip.Addr) string, io.Closer, error) {
	db, err := maxminddb.Open(path)
	if err != nil {
		var file *fs.PathError
		if errors.As(err, &file) {
			return nil, nil, fmt.Errorf("open country database: %w", err) // it names the path
		}
		return nil, nil, fmt.Errorf("open country database %s: %w: %w", path, ErrCountryFile, err)
	}
	if !hasCountries(db) {
		kind := db.Metadata.DatabaseType
		return nil, nil, errors.Join(
			fmt.Errorf("open country database %s: %w: type %q has no country.iso_code", path, ErrCountryFile, kind),
			db.Close())
	}
	return func(addr netip.Addr) string { return countryOf(db.Lookup(addr.Unmap())) }, db, nil
}

// hasCountries says whether one of the first networks of db has a country.
// Databases of another kind (cities without country, autonomous systems) have
// the same format, and their type is any text.
func hasCountries(db *maxminddb.Reader) bool {
	const enough = 10_000 // networks; some have no country, such as those of satellites
	seen := 0
	for network := range db.Networks() {
		if countryOf(network) != "" {
			return true
		}
		if seen++; seen == enough || network.Err() != nil {
			break
		}
	}
	return false
}

// countryOf returns the country of a record, empty when it names none.
func countryOf(record maxminddb.Result) string {
	var code string
	if err := record.DecodePath(&code, "country", "iso_code"); err != nil || len(code) != 2 {
		return ""
	}
	upper := [2]byte{code[0], code[1]}
	for i, c := range upper {
		switch {
		case 'a' <= c && c <= 'z':
			upper[i] = c - ('a' - 'A')
		case c < 'A' || c > 'Z':
			return ""
		}
	}
	if string(upper[:]) == code {
		return code
	}
	return string(upper[:])
}
