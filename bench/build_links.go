package bench

import "errors"

func build(path string, set Set) error { return errors.New("no import yet") }
