package gigya

import (
	"net/http"
	"strings"
)

// DataCentre is a part of the service that sites belong to. The first one of a name
// says where its sites are served.
type DataCentre struct {
	Name   string // such as us1
	Domain string // its hosts are NAMESPACE.Domain; in lower case
}

// DataCentres tell which data centre a host belongs to. A host of none serves the sites
// of all: hosts do not matter unless they contradict the site.
type DataCentres []DataCentre

// VendorDataCentres are those of Gigya, which real clients are set up for: contract,
// section 2. The hosts of the oldest clients name none, which means us1.
var VendorDataCentres = DataCentres{
	{"us1", "us1.gigya.com"},
	{"eu1", "eu1.gigya.com"},
	{"au1", "au1.gigya.com"},
	{"ru1", "ru1.gigya.com"},
	{"cn1", "cn1.gigya-api.cn"},
	{"cn1", "cn1.sapcdm.cn"},
	{"eu2", "eu2.gigya.com"},
	{"il1", "il1.gigya.com"},
	{"us1", "api.gigya.com"},
	{"us1", "gigya.com"},
}

// of is the data centre that a host names, or empty. A host is one label below the
// domain.
func (d DataCentres) of(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	_, domain, _ := strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	for _, centre := range d {
		if centre.Domain == domain {
			return centre.Name
		}
	}
	return ""
}

// check refuses a request whose host names another data centre than the one of the
// site, and says where to go. A site of none is served everywhere.
func (d DataCentres) check(r *http.Request, own string) error {
	if named := d.of(r.Host); own == "" || named == "" || named == own {
		return nil
	}
	f := &fault{code: codeDataCentre, details: "The site belongs to the data center " + own + "."}
	for _, centre := range d {
		if centre.Name == own {
			namespace, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), ".")
			f.members = object{{"apiDomain", centre.Domain}, {"location", "https://" + lower(namespace) + "." + centre.Domain + r.URL.EscapedPath()}}
			break
		}
	}
	return f
}
