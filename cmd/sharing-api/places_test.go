package main

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"herald.example/internal/site"
)

// header begins a file of places.
const header = "id,name,latitude,longitude\n"

func TestReadPlaces(t *testing.T) {
	townHall := site.Place{ID: "town-hall", Name: "Rathaus", Latitude: 48.2108, Longitude: 16.3572}
	many := new(strings.Builder)
	for n := range site.MaxPlaces {
		fmt.Fprintf(many, "%d,n,0,0\n", n)
	}
	for _, c := range []struct {
		name, text string
		want       []site.Place
	}{
		{"empty", "", []site.Place{}},
		{"header alone", header, []site.Place{}},
		{"one", header + "town-hall,Rathaus,48.2108,16.3572\n", []site.Place{townHall}},
		{"no line break at the end", header + "town-hall,Rathaus,48.2108,16.3572", []site.Place{townHall}},
		{"as a spreadsheet writes it", "\ufeff" + strings.ReplaceAll(header, "\n", "\r\n") + "\"town-hall\",\"Rathaus\",4.82108e1,+16.3572\r\n\r\n", []site.Place{townHall}},
		{"quotes", header + "a,\"b, \"\"c\"\"\",-0.5,1e2\n", []site.Place{{ID: "a", Name: `b, "c"`, Latitude: -0.5, Longitude: 100}}},
	} {
		got, err := readPlaces(strings.NewReader(c.text))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: got %+v, %v; want %+v", c.name, got, err, c.want)
		}
	}
	if got, err := readPlaces(strings.NewReader(header + many.String())); err != nil || len(got) != site.MaxPlaces {
		t.Errorf("as many as are taken: got %d, %v; want %d", len(got), err, site.MaxPlaces)
	}
	for _, c := range []struct{ name, text, want string }{
		{"no header", "town-hall,Rathaus,48.2108,16.3572\n", "line 1: the columns are \"town-hall,"},
		{"columns in another order", "id,name,longitude,latitude\n", "line 1: the columns are"},
		{"a column less", "id,name,latitude\n", "line 1: the columns are"},
		{"semicolons", "id;name;latitude;longitude\n", "line 1: the columns are"},
		{"blank lines before it", "\n\nid\n", "line 3: the columns are"},
		{"many columns", strings.Repeat("a,", 100_000), "line 1: the columns are"},
		{"a row with less", header + "a,b,1\n", "line 2: wrong number of fields; want id,name,latitude,longitude in every line"},
		{"a row with more", header + "a,b,1,2,3\n", "line 2: wrong number of fields"},
		{"a quote that does not end", header + "a,\"b,1,2\n", "line 2, column 10: extraneous or missing"},
		{"a quote inside", header + "a,b\"c,1,2\n", "line 2, column 4: bare"},
		{"no latitude", header + "a,b,,2\n", "line 2: bad place: its latitude is \"\"; give degrees"},
		{"text for a longitude", header + "a,b,1,2\u00a0E\n", "line 2: bad place: its longitude is \"2\\u00a0E\""},
		{"a latitude that overflows", header + "a,b,1e999,2\n", "line 2: bad place: its latitude is \"1e999\""},
		{"not a number", header + "a,b,NaN,2\n", "line 2: bad place: the latitude of a is NaN"},
		{"infinite", header + "a,b,1,-Inf\n", "line 2: bad place: the longitude of a is -Inf"},
		{"too far", header + "a,b,1,180.5\n", "line 2: bad place: the longitude of a is 180.5"},
		{"a name of two lines", header + "a,\"b\nc\",1,2\n", "line 2: bad place: the name of a is no line"},
		{"no name", header + "a,,1,2\n", "line 2: bad place: the name of a has 0 bytes"},
		{"invalid UTF-8", header + "a,b\xff,1,2\n", "line 2: bad place: the name of a is no line"},
		{"a blank ID", header + " ,b,1,2\n", "line 2: bad place: its ID \" \""},
		{"an ID twice", header + "a,b,1,2\nb,b,1,2\na,c,3,4\n", "line 4: bad place: ID a is that of line 2, too"},
		{"too many", header + many.String() + "more,n,0,0\n", "line 10002: bad place: there are more than 10000"},
		{"too long", header + "a,\"" + strings.Repeat("\n", maxPlacesFile), "it is longer than"},
	} {
		got, err := readPlaces(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) || len(err.Error()) > 300 || got != nil {
			t.Errorf("%s: got %d places, %.400v; want a sentence with %q", c.name, len(got), err, c.want)
		}
	}
	folder := t.TempDir()
	if _, err := openPlaces(folder); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder: got %v; want that it is one", err)
	}
	if _, err := openPlaces(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v; want %v", err, os.ErrNotExist)
	}
}

func TestPlacesFromStandardInput(t *testing.T) {
	path := filepath.Join(t.TempDir(), "places.csv")
	if err := os.WriteFile(path, []byte(header+"a,b,1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	input, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer input.Close()
	before := os.Stdin
	os.Stdin = input
	defer func() { os.Stdin = before }()
	want := []site.Place{{ID: "a", Name: "b", Latitude: 1, Longitude: 2}}
	if got, err := openPlaces("-"); err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// FuzzReadPlaces: what is taken is a list of places, and can be written and read again.
func FuzzReadPlaces(f *testing.F) {
	for _, text := range []string{
		"", header, header + "a,b,1,2\n", "\ufeff" + header + "a,\" b\"\"\",-0,1e-300\r\n", header + "a,b,0x1p-2,inf\n",
		header + "\\.,\\.,1,2\n", header + "a,\"b\n", "id;name", "\xff",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		places, err := readPlaces(bytes.NewReader(text))
		if err != nil {
			return
		}
		if err := site.CheckPlaces(places); err != nil {
			t.Fatalf("got %v; want nothing that is refused", err)
		}
		var written bytes.Buffer
		if err := writePlaces(&written, places); err != nil {
			t.Fatal(err)
		}
		same := func(a, b site.Place) bool {
			return a.ID == b.ID && a.Name == b.Name && math.Float64bits(a.Latitude) == math.Float64bits(b.Latitude) && math.Float64bits(a.Longitude) == math.Float64bits(b.Longitude)
		}
		if again, err := readPlaces(&written); err != nil || !slices.EqualFunc(again, places, same) {
			t.Errorf("got %+v, %v; want %+v again", again, err, places)
		}
	})
}
