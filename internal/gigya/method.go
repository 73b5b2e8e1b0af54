package gigya

import (
	"context"
	"net/http"
	"strings"
	"time"

	"herald.example/internal/share"
)

// method is a row of the table of methods.
type method struct {
	name  string // as documented
	serve func(h *Handler, ctx context.Context, c *call) (object, error)

	needsUID  bool // it acts for a user, by the parameter UID or by a token
	secure    bool // it is for POST over HTTPS alone
	anonymous bool // the API key alone will do
	client    bool // its credentials are client_id and client_secret, and its errors have OAuth2's names too
}

// methods are all that there are, by their names in lower case.
var methods = table(
	method{name: "socialize.publishUserAction", serve: (*Handler).publishUserAction, needsUID: true},
	method{name: "socialize.getToken", serve: (*Handler).getToken, secure: true, client: true},
	method{name: "socialize.checkin", serve: (*Handler).checkin, needsUID: true},
	method{name: "socialize.getPlaces", serve: (*Handler).getPlaces},
	method{name: "socialize.getProvidersConfig", serve: (*Handler).getProvidersConfig, anonymous: true},
	method{name: "socialize.getUserInfo", serve: (*Handler).getUserInfo, needsUID: true},
	method{name: "socialize.notifyLogin", serve: (*Handler).notifyLogin},
	method{name: "socialize.notifyRegistration", serve: (*Handler).setUID, needsUID: true},
	method{name: "socialize.removeConnection", serve: (*Handler).removeConnection, needsUID: true},
	method{name: "socialize.setStatus", serve: (*Handler).setStatus, needsUID: true},
	method{name: "socialize.setUID", serve: (*Handler).setUID, needsUID: true},
	method{name: "socialize.shortenURL", serve: (*Handler).shortenURL},

	method{name: "gm.notifyAction", serve: (*Handler).notifyAction, needsUID: true},

	method{name: "reports.getSocializeStats", serve: (*Handler).getSocializeStats},
)

// table makes methods findable.
func table(rows ...method) map[string]*method {
	byName := make(map[string]*method, len(rows))
	for _, m := range rows {
		byName[lower(m.name)] = &m
	}
	return byName
}

// namespaces are what the names of methods begin with, in lower case. Other methods of
// theirs are unknown, but in this dialect.
var namespaces = map[string]bool{
	"accounts": true, "audit": true, "chat": true, "comments": true, "ds": true, "fidm": true, "gcs": true, "gm": true,
	"gscounters": true, "ids": true, "reports": true, "socialize": true,
}

// Speaks says whether a path, such as /socialize.getToken, belongs to this dialect. It
// does when the namespace is one of Gigya's, whatever the method.
func Speaks(path string) bool {
	namespace, name, found := strings.Cut(strings.TrimPrefix(path, "/"), ".")
	return found && namespaces[lower(namespace)] && !strings.Contains(name, "/")
}

// call is one request on its way to its method.
type call struct {
	r          *http.Request
	method     *method
	id         string // the callId
	now        time.Time
	secure     bool // it came by HTTPS
	private    bool // secrets may come with it
	parameters *parameters

	// Who calls, once it is known.
	apiKey    string
	keys      SiteKeys
	userKey   string // empty: the site itself
	bound     string // the UID that the token is for; empty: for all of the site
	boundUser string // the token of that user
	anonymous bool   // nothing but the API key was shown
	nonces    []nonceUse
	published bool // the method published something: its reply is sent also when a nonce could not be kept

	uid string // empty: none was given

	unsent *share.Hold // room for the reply, until it is sent
}

// findUser reads for which user the call acts. Whether there is such a user is for the
// method to say.
func (c *call) findUser() error {
	c.uid = c.parameters.get("uid")
	if c.bound != "" {
		if c.uid != "" && c.uid != c.bound {
			return faultf(codeUser, "The token is for another user.")
		}
		c.uid = c.bound
	}
	if c.uid == "" && c.method.needsUID {
		return missing("UID")
	}
	return nil
}
