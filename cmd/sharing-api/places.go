package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"herald.example/internal/command"
	"herald.example/internal/operator"
	"herald.example/internal/site"
)

// placesCommands are the commands under "sharing-api site places".
type placesCommands struct {
	Set  placesSetCommand  `cmd:"" help:"Load a list of places from a file, instead of those before."`
	List placesListCommand `cmd:"" help:"Print the places of a site as a file that set takes."`
}

// placesHeader is the first line of a file of places.
var placesHeader = []string{"id", "name", "latitude", "longitude"}

// placesSetCommand loads places.
type placesSetCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
	File string `arg:"" help:"CSV file with the columns id,name,latitude,longitude under a line with these names; - is standard input. An empty file clears the list."`
}

// Run loads the places and says how many they are.
func (c *placesSetCommand) Run(call *command.Call) error {
	places, err := openPlaces(c.File)
	if err != nil {
		return err
	}
	return c.ask("set places of site "+c.Site, func(client *operator.Client) error {
		if err := client.SetPlaces(call.Context, c.Site, places); err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(struct {
				Number int `json:"num_places"`
			}{len(places)})
		}
		_, err := fmt.Fprintf(call.Stdout, "site %s has %s\n", command.OneLine(c.Site), count(len(places), "place", "places"))
		return err
	})
}

// openPlaces reads the places in a file.
func openPlaces(path string) ([]site.Place, error) {
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return nil, fmt.Errorf("read places: %w", err)
		}
		defer file.Close()
	}
	places, err := readPlaces(file)
	if err != nil {
		return nil, fmt.Errorf("read places: %s: %w", path, err)
	}
	return places, nil
}

// maxPlacesFile is the longest file of places, in bytes. The longest list that is
// taken has 6 MB, when every character is quoted.
const maxPlacesFile = 8 << 20

// readPlaces reads places from CSV. Errors name the line.
func readPlaces(r io.Reader) ([]site.Place, error) {
	limited := &io.LimitedReader{R: r, N: maxPlacesFile + 1}
	text := bufio.NewReader(limited)
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" { // as spreadsheets write it
		_, _ = text.Discard(3) // cannot fail, after Peek
	}
	rows := csv.NewReader(text)
	rows.ReuseRecord = true
	places := []site.Place{}
	lines := make(map[string]int) // by ID
	for header := true; ; header = false {
		row, err := rows.Read()
		if limited.N == 0 {
			return nil, fmt.Errorf("it is longer than %d bytes", maxPlacesFile)
		}
		if errors.Is(err, io.EOF) {
			return places, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%w; want id,name,latitude,longitude in every line, and \"...\" around what has a comma or a quote", err) // it names the line
		}
		line, _ := rows.FieldPos(0)
		if header {
			if !slices.Equal(row, placesHeader) {
				return nil, fmt.Errorf("line %d: the columns are %.80q; want id,name,latitude,longitude", line, strings.Join(row, ","))
			}
			continue
		}
		p, err := parsePlace(row)
		switch {
		case err != nil:
		case lines[p.ID] != 0:
			err = fmt.Errorf("%w: ID %s is that of line %d, too", site.ErrPlace, p.ID, lines[p.ID])
		case len(places) == site.MaxPlaces:
			err = fmt.Errorf("%w: there are more than %d", site.ErrPlace, site.MaxPlaces)
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		lines[p.ID] = line
		places = append(places, p)
	}
}

// parsePlace reads a place from the columns of placesHeader.
func parsePlace(row []string) (site.Place, error) {
	p := site.Place{ID: row[0], Name: row[1]}
	for i, degrees := range []*float64{&p.Latitude, &p.Longitude} {
		var err error
		if *degrees, err = strconv.ParseFloat(row[2+i], 64); err != nil {
			return p, fmt.Errorf("%w: its %s is %.40q; give degrees such as 48.21", site.ErrPlace, placesHeader[2+i], row[2+i])
		}
	}
	return p, p.Check()
}

// placesListCommand prints places.
type placesListCommand struct {
	remote
	Site string `arg:"" help:"Name or ID of the site."`
}

// Run prints the places.
func (c *placesListCommand) Run(call *command.Call) error {
	return c.ask("list places of site "+c.Site, func(client *operator.Client) error {
		places, err := client.Places(call.Context, c.Site)
		if err != nil {
			return err
		}
		if c.JSON {
			return call.PrintJSON(operator.NewPlaceList(places))
		}
		return writePlaces(call.Stdout, places)
	})
}

// writePlaces is the inverse of readPlaces.
func writePlaces(w io.Writer, places []site.Place) error {
	rows := csv.NewWriter(w)
	_ = rows.Write(placesHeader) // Error says it
	for _, p := range places {
		_ = rows.Write([]string{p.ID, p.Name, strconv.FormatFloat(p.Latitude, 'f', -1, 64), strconv.FormatFloat(p.Longitude, 'f', -1, 64)})
	}
	rows.Flush()
	return rows.Error()
}
