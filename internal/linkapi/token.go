package linkapi

import "herald.example/internal/control"

// TokenFile is control.TokenFile.
const TokenFile = control.TokenFile

// ReadToken is control.ReadToken.
func ReadToken(path string) (string, error) { return control.ReadToken(path) }
