package main

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // so that a machine without a database of time zones knows them too
)

// zone is a time zone on the command line.
type zone struct{ *time.Location }

// UnmarshalText reads a name of the IANA database, such as Europe/Vienna.
func (z *zone) UnmarshalText(text []byte) error {
	location, err := time.LoadLocation(string(text))
	if err != nil || len(text) == 0 {
		return fmt.Errorf("time zone %q; give a name such as UTC or Europe/Vienna", text)
	}
	z.Location = location
	return nil
}

// embedded is the value of --shortener for the one in this process.
const embedded = "embedded"

// place says where the shortener is: in this process, or at a control address.
type place string

// UnmarshalText reads "embedded", a URL, or a path of a socket.
func (p *place) UnmarshalText(text []byte) error {
	s := string(text)
	if s != embedded && !strings.HasPrefix(s, "http://") && !strings.HasPrefix(s, "unix:") {
		return fmt.Errorf("%q; give embedded, or the control address of a shortener, such as http://127.0.0.1:8081 or unix:/path", s)
	}
	*p = place(s)
	return nil
}
