package command

import (
	"testing"
	"time"
)

func TestSize(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "0B": 0, "1B": 1, "64KiB": 64 << 10, "128MiB": 128 << 20, "3GiB": 3 << 30, "8388607TiB": 8388607 << 40,
	} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: got %d, %v; want %d", text, got, err, want)
		}
		var again Size
		if err := again.UnmarshalText([]byte(got.String())); err != nil || again != got {
			t.Errorf("%s: got %s back, %v; want the same", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "-1B", "1.5MiB", "MiB", "1 MiB", "1mib", "1MB", "8388608TiB", "99999999999999999999B"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got a size; want an error", text)
		}
	}
}

func TestSyncMode(t *testing.T) {
	for text, want := range map[string]SyncMode{"always": {Always: true}, "100ms": {Every: 100 * time.Millisecond}, "1ms": {Every: time.Millisecond}} {
		var got SyncMode
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want || got.String() != text {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "never", "0s", "-1s", "999us"} {
		if err := new(SyncMode).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q: got a mode; want an error", text)
		}
	}
}
