package linkapi

import "net/http"

// Guard hands requests that carry the token to next, and refuses all others as the
// control interface does: for what else is served beside it.
func Guard(token string, next http.Handler) http.Handler {
	secret := newSecret(token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if secret.opens(r) {
			next.ServeHTTP(w, r)
			return
		}
		challenge(w)
		Refuse(w, errUnauthorized)
	})
}

// Refuse answers with an error as the control interface does, and says whether the
// cause is ours and belongs into the log.
func Refuse(w http.ResponseWriter, err error) (internal bool) {
	status, body, internal := refuse(err)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = encode(w, body) // fails only when the caller has gone
	return internal
}

// challenge says which token is wanted.
func challenge(w http.ResponseWriter) { w.Header().Set("WWW-Authenticate", `Bearer realm="herald"`) }
