package operator

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"herald.example/internal/control"
	"herald.example/internal/site"
)

// Patterns are the patterns of http.ServeMux for the paths that the handler
// answers, so that it can stand beside another one on the control listener.
var Patterns = []string{"/v1/sites", "/v1/sites/", "/v1/seal/"}

// networkTimeout is how long the network of an account that arrives may take: the
// answer must still be written.
const networkTimeout = control.WriteTimeout - 10*time.Second

// handler answers the operator's part of the control interface.
type handler struct{ ops Operations }

// NewHandler returns the operator's part of the control interface, for the paths
// of Patterns. Requests must carry token. The handler is safe for concurrent use.
func NewHandler(dir *site.Directory, pub Publisher, token string, log *slog.Logger) http.Handler {
	h := &handler{NewDesk(dir, pub)}
	return control.NewHandler(control.Routes{
		"/v1/sites":                           {"GET": h.sites, "POST": h.addSite},
		"/v1/sites/{site}":                    {"GET": h.site, "PATCH": h.editSite},
		"/v1/sites/{site}/keys":               {"POST": h.rotateKeys},
		"/v1/sites/{site}/secret":             {"POST": h.rotateSecret, "PUT": h.setClientKeys},
		"/v1/sites/{site}/userkeys":           {"POST": h.addUserKey},
		"/v1/sites/{site}/userkeys/{key}":     {"POST": h.permitUserKey, "DELETE": h.removeUserKey},
		"/v1/sites/{site}/providers":          {"GET": h.providers},
		"/v1/sites/{site}/users":              {"GET": h.users, "POST": h.addUser},
		"/v1/sites/{site}/uids":               {"GET": h.userByUID},
		"/v1/sites/{site}/users/{token}":      {"GET": h.user, "PATCH": h.setUID, "DELETE": h.deleteUser},
		"/v1/sites/{site}/identities":         {"GET": h.identities, "POST": h.addIdentity},
		"/v1/sites/{site}/identities/{token}": {"DELETE": h.deleteIdentity},
		"/v1/sites/{site}/messages":           {"GET": h.messages},
		"/v1/sites/{site}/messages/{token}":   {"GET": h.message},
		"/v1/sites/{site}/places":             {"GET": h.places, "PUT": h.setPlaces},
		"/v1/seal/rotate":                     {"POST": h.rotateSeal},
	}, refuse, token, log)
}

func (h *handler) sites(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	sites, err := h.ops.Sites(r.Context())
	return sitesAnswer{sites}, err
}

func (h *handler) site(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	s, err := h.ops.Site(r.Context(), r.PathValue("site"))
	return siteAnswer{Site: s}, err
}

func (h *handler) addSite(w http.ResponseWriter, r *http.Request) (any, error) {
	var request siteRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	s, keys, err := h.ops.AddSite(r.Context(), request.draft())
	return newSiteAnswer(s, keys), err
}

func (h *handler) editSite(w http.ResponseWriter, r *http.Request) (any, error) {
	var edit SiteEdit
	if err := readBody(w, r, &edit); err != nil {
		return nil, err
	}
	s, err := h.ops.EditSite(r.Context(), r.PathValue("site"), edit)
	return siteAnswer{Site: s}, err
}

func (h *handler) rotateKeys(w http.ResponseWriter, r *http.Request) (any, error) {
	var request keysRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	grace, err := request.duration()
	if err != nil {
		return nil, err
	}
	s, keys, err := h.ops.RotateKeys(r.Context(), r.PathValue("site"), grace)
	return newSiteAnswer(s, keys), err
}

func (h *handler) rotateSecret(_ http.ResponseWriter, r *http.Request) (any, error) {
	s, secret, err := h.ops.RotateSecret(r.Context(), r.PathValue("site"))
	return newSiteAnswer(s, site.NewKeys{APIKey: s.Gigya.APIKey, Secret: secret}), err
}

func (h *handler) setClientKeys(w http.ResponseWriter, r *http.Request) (any, error) {
	var request clientKeys
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	s, err := h.ops.SetClientKeys(r.Context(), r.PathValue("site"), request.keys())
	return siteAnswer{Site: s}, err
}

func (h *handler) addUserKey(w http.ResponseWriter, r *http.Request) (any, error) {
	var request userKeyRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	if request.brought() {
		k, err := h.ops.ImportUserKey(r.Context(), r.PathValue("site"), request.draft())
		return userKeyAnswer{UserKey: k}, err
	}
	k, secret, err := h.ops.AddUserKey(r.Context(), r.PathValue("site"), request.PublicKey)
	return userKeyAnswer{k, string(secret)}, err
}

func (h *handler) permitUserKey(w http.ResponseWriter, r *http.Request) (any, error) {
	var request permitRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	s, k, err := h.ops.PermitUserKey(r.Context(), r.PathValue("site"), r.PathValue("key"), request.On)
	return permitAnswer{s, k}, err
}

func (h *handler) removeUserKey(_ http.ResponseWriter, r *http.Request) (any, error) {
	s, err := h.ops.RemoveUserKey(r.Context(), r.PathValue("site"), r.PathValue("key"))
	return siteAnswer{Site: s}, err
}

func (h *handler) rotateSeal(w http.ResponseWriter, r *http.Request) (any, error) {
	// It takes as long as there are records. Where deadlines are not to be had, the
	// server has set none.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	n, err := h.ops.RotateSeal(r.Context())
	return sealAnswer{n}, err
}

func (h *handler) providers(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	providers, err := h.ops.Providers(r.Context(), r.PathValue("site"))
	return providersAnswer{providers}, err
}

func (h *handler) users(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := listQuery(r, false)
	if err != nil {
		return nil, err
	}
	return h.ops.Users(r.Context(), r.PathValue("site"), q)
}

func (h *handler) addUser(w http.ResponseWriter, r *http.Request) (any, error) {
	var request userRequest
	if r.ContentLength != 0 {
		if err := readBody(w, r, &request); err != nil {
			return nil, err
		}
	}
	u, err := h.ops.AddUser(r.Context(), r.PathValue("site"), request.UID)
	return userAnswer{u}, err
}

func (h *handler) userByUID(_ http.ResponseWriter, r *http.Request) (any, error) {
	p := control.ReadParams(r, site.ErrUID, "uid")
	if p.Err != nil {
		return nil, p.Err
	}
	u, err := h.ops.UserByUID(r.Context(), r.PathValue("site"), p.Text("uid"))
	return userAnswer{u}, err
}

func (h *handler) user(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	u, err := h.ops.User(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return userAnswer{u}, err
}

func (h *handler) setUID(w http.ResponseWriter, r *http.Request) (any, error) {
	var request uidRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	if request.UID == nil {
		return nil, fmt.Errorf("%w: there is no UID; give an empty one to take it away", control.ErrRequest)
	}
	u, err := h.ops.SetUID(r.Context(), r.PathValue("site"), r.PathValue("token"), *request.UID)
	return userAnswer{u}, err
}

func (h *handler) deleteUser(_ http.ResponseWriter, r *http.Request) (any, error) {
	u, err := h.ops.DeleteUser(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return userAnswer{u}, err
}

func (h *handler) identities(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := listQuery(r, false)
	if err != nil {
		return nil, err
	}
	return h.ops.Identities(r.Context(), r.PathValue("site"), q)
}

func (h *handler) addIdentity(w http.ResponseWriter, r *http.Request) (any, error) {
	var request identityRequest
	if err := readBody(w, r, &request); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), networkTimeout)
	defer cancel()
	i, err := h.ops.AddIdentity(ctx, r.PathValue("site"), request.draft())
	return identityAnswer{i}, err
}

func (h *handler) deleteIdentity(_ http.ResponseWriter, r *http.Request) (any, error) {
	i, err := h.ops.DeleteIdentity(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return identityAnswer{i}, err
}

func (h *handler) messages(_ http.ResponseWriter, r *http.Request) (any, error) {
	q, err := listQuery(r, true)
	if err != nil {
		return nil, err
	}
	return h.ops.Messages(r.Context(), r.PathValue("site"), q)
}

func (h *handler) message(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	m, err := h.ops.Message(r.Context(), r.PathValue("site"), r.PathValue("token"))
	return messageAnswer{m}, err
}

func (h *handler) places(_ http.ResponseWriter, r *http.Request) (any, error) {
	if err := control.NoParams(r); err != nil {
		return nil, err
	}
	places, err := h.ops.Places(r.Context(), r.PathValue("site"))
	return NewPlaceList(places), err
}

func (h *handler) setPlaces(w http.ResponseWriter, r *http.Request) (any, error) {
	var request PlaceList
	if err := readLongBody(w, r, maxPlaces, &request); err != nil {
		return nil, err
	}
	if request.Places == nil {
		return nil, fmt.Errorf("%w: there are no places; give an empty list to clear them", control.ErrRequest)
	}
	err := h.ops.SetPlaces(r.Context(), r.PathValue("site"), request.places())
	return placesAnswer{len(request.Places)}, err
}
