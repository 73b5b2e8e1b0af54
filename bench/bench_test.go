//go:build linux

package bench

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	linksFlag    = flag.String("links", "10000,1000000", "numbers of links, separated by commas")
	ratesFlag    = flag.String("rates", "30000", "requests per second of the open loops, separated by commas")
	serversFlag  = flag.String("servers", ".", "measure only servers whose name matches this expression, and bare")
	argsFlag     = flag.String("args", "", "arguments for every shortener beside those of its row, separated by spaces")
	connsFlag    = flag.Int("conns", 64, "connections of the load")
	pairsFlag    = flag.Int("pairs", 2, "rounds, each measuring every server once; take 10 for a result to be kept")
	secondsFlag  = flag.Duration("seconds", time.Second, "length of one measurement")
	foreignFlag  = flag.Float64("foreign", 0.08, "share of the machine that others may use during a measurement")
	patienceFlag = flag.Duration("patience", 20*time.Second, "what each table may spend on waiting for quiet seconds and on repeating disturbed runs; take 1h for a result to be kept, 0 for no care at all")
)

// dataDir holds the link sets, the program and what the servers write. It is kept
// between runs; remove it to begin anew.
const dataDir = "data"

// tables are printed when all benchmarks are done.
var tables []interface{ Print(io.Writer) error }

func TestMain(m *testing.M) {
	RunChild()
	code := m.Run()
	if len(tables) > 0 {
		fmt.Printf("\n%s\n", Machine())
	}
	for _, table := range tables {
		if err := table.Print(os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// BenchmarkClosedLoop sends as fast as the servers answer.
func BenchmarkClosedLoop(b *testing.B) {
	for _, set := range sets(b) {
		climb(b, &Ladder{Title: title(set), Rungs: rungs(b, set)})
	}
}

// BenchmarkOpenLoop sends at fixed rates, whether the servers keep up or not.
func BenchmarkOpenLoop(b *testing.B) {
	set := largest(b)
	for _, rate := range numbers(b, *ratesFlag) {
		climb(b, &Ladder{Title: title(set), Rungs: rungs(b, set), Rate: float64(rate)})
	}
}

// BenchmarkGrowth compares sets of different sizes at the highest rate.
func BenchmarkGrowth(b *testing.B) {
	rates := numbers(b, *ratesFlag)
	l := &Ladder{Title: "growth with the number of links", Rate: float64(rates[len(rates)-1])}
	folders := folders{}
	for _, set := range sets(b) {
		l.Rungs = append(l.Rungs, shortener(b, folders, set, "complete, "+set.String()+" links", Uniform, true))
	}
	if len(l.Rungs) < 2 {
		b.Skip("one size only: give more with -links")
	}
	climb(b, l)
}

// BenchmarkBusyDisk measures beside a process that keeps the disk busy.
func BenchmarkBusyDisk(b *testing.B) {
	for _, kind := range []Neighbour{Sequential, Pages} {
		besideNeighbour(b, kind)
	}
}

func besideNeighbour(b *testing.B, kind Neighbour) {
	set := largest(b)
	rates := numbers(b, *ratesFlag)
	rungs := []Rung{bare(set), shortener(b, folders{}, set, "complete", Uniform, true)}
	neighbour, err := StartNeighbour(kind, dataDir)
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := neighbour.Kill(); err != nil {
			b.Error(err)
		}
	}()
	climb(b, &Ladder{
		Title:   fmt.Sprintf("%s, beside a neighbour on the disk: %s", title(set), kind),
		Rungs:   rungs,
		Rate:    float64(rates[len(rates)-1]),
		Foreign: 1, // what the kernel does for the neighbour is nobody's
		Beside:  []*Process{neighbour},
	})
}

// BenchmarkStart measures the time from the start of the process to the first
// redirect, after the server before was stopped and after it was killed.
func BenchmarkStart(b *testing.B) {
	set := largest(b)
	complete := shortener(b, folders{}, set, "complete", Uniform, false)
	patience := *patienceFlag
	table := &StartTable{Title: fmt.Sprintf("start to first redirect, %s, %d rounds", title(set), *pairsFlag)}
	for _, start := range []struct {
		name string
		rung Rung
		end  func(*Process) error
	}{
		{"bare", bare(set), (*Process).Stop},
		{"complete, after a stop", complete, (*Process).Stop},
		{"complete, after a kill under load", complete, (*Process).Kill},
	} {
		var times []float64
		for range *pairsFlag {
			began := time.Now()
			if err := awaitQuiet(*foreignFlag, patience); err != nil {
				b.Fatal(err)
			}
			patience -= time.Since(began) - quietSpan
			took, err := FirstRedirect(start.rung, *secondsFlag, *connsFlag, start.end)
			if err != nil {
				b.Fatalf("%s: %v", start.name, err)
			}
			times = append(times, took.Seconds()*1e3)
		}
		row := StartRow{start.name, NewSpread(times)}
		table.Rows = append(table.Rows, row)
		report(b, row.Name, map[string]float64{"ms": row.Took.Median})
	}
	tables = append(tables, table)
}

// climb runs a ladder with the settings of the flags and reports its table.
func climb(b *testing.B, l *Ladder) {
	b.Helper()
	l.Conns, l.Pairs, l.Duration, l.Patience = *connsFlag, *pairsFlag, *secondsFlag, *patienceFlag
	if l.Foreign == 0 {
		l.Foreign = *foreignFlag
	}
	l.Log = func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	table, err := l.Run()
	if err != nil {
		b.Fatalf("%s: %v", l.Title, err)
	}
	tables = append(tables, table)
	name := l.Title
	if l.Rate > 0 {
		name += fmt.Sprintf("/%.0f per s", l.Rate)
	}
	for _, row := range table.Rows {
		report(b, name+"/"+row.Name, map[string]float64{
			"cpu-µs/request": row.CPU.Median,
			"x-first":        row.CPURatio.Median,
			"requests/s":     row.Rate.Median,
			"p99.9-µs":       row.P999.Median,
			"allocs/request": row.Allocs.Median,
		})
	}
}

// report writes figures as a benchmark's line, for benchstat.
func report(b *testing.B, name string, figures map[string]float64) {
	b.Run(name, func(b *testing.B) {
		b.ReportMetric(0, "ns/op") // says nothing here, so it is left out
		for unit, figure := range figures {
			b.ReportMetric(figure, unit)
		}
	})
}

func title(set Set) string { return set.String() + " links" }

// sets are the link sets of the flag.
func sets(b *testing.B) []Set {
	b.Helper()
	var sets []Set
	for _, n := range numbers(b, *linksFlag) {
		sets = append(sets, Set(n))
	}
	return sets
}

// largest is the last link set of the flag.
func largest(b *testing.B) Set {
	b.Helper()
	all := sets(b)
	return all[len(all)-1]
}

// numbers reads a flag's list.
func numbers(b *testing.B, list string) []uint64 {
	b.Helper()
	var values []uint64
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 {
			b.Fatalf("%q: want numbers above zero, separated by commas", list)
		}
		values = append(values, n)
	}
	return values
}

// Settings of the shortener that make its cache hold all of a set, or next to
// nothing. An entry holds a slug and a target.
const (
	entryBytes   = 256 // more than it takes
	defaultCache = 128 << 20
	noCache      = "--cache-size=64KiB"
	noLedger     = "--no-ledger"
	always       = "--ledger-sync=always"
)

// rungs are the servers of a ladder: the parts of the redirect, one by one.
func rungs(b *testing.B, set Set) []Rung {
	b.Helper()
	wide := fmt.Sprintf("--cache-size=%dKiB", max(1<<10, set*entryBytes>>10))
	choose := regexp.MustCompile(*serversFlag)
	rungs := []Rung{bare(set)}
	folders := folders{}
	for _, r := range []struct {
		name   string
		choice Choice
		touch  bool
		args   []string
	}{
		{"cached, no ledger", Uniform, true, []string{wide, noLedger}},
		{"missing, no ledger", Uniform, false, []string{noCache, noLedger}},
		{"complete", Uniform, true, nil},
		{"complete, cached", Uniform, true, []string{wide}},
		{"complete, missing", Uniform, false, []string{noCache}},
		{"complete, zipf", Zipf, true, nil},
		{"always", Uniform, false, []string{wide, always}},
	} {
		if r.name == "complete, cached" && set*entryBytes <= defaultCache {
			continue // that is complete already
		}
		if choose.MatchString(r.name) {
			rungs = append(rungs, shortener(b, folders, set, r.name, r.choice, r.touch, r.args...))
		}
	}
	return rungs
}

// bare is the rung of the bare server.
func bare(set Set) Rung {
	return Rung{Name: "bare", Server: Bare(), Set: set, Choice: Uniform, Constant: BareTarget}
}

// touched is how many links are asked for before the first run, at most.
const touched = 2_000_000

// shortenerProgram and sharingProgram are the programs, built once.
var (
	shortenerProgram = sync.OnceValues(func() (string, error) { return buildProgram("shortener") })
	sharingProgram   = sync.OnceValues(func() (string, error) { return buildProgram("sharing-api") })
)

// buildProgram builds a program into the data folder.
func buildProgram(name string) (string, error) {
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return "", err
	}
	return Build(dataDir, name)
}

// folders counts the data folders that a ladder uses of each set: a folder has one
// owner.
type folders map[Set]int

// shortener is a rung of the shortener with args.
func shortener(b *testing.B, folders folders, set Set, name string, choice Choice, touch bool, args ...string) Rung {
	b.Helper()
	program, err := shortenerProgram()
	if err != nil {
		b.Fatal(err)
	}
	dir, err := Folder(dataDir, set, folders[set])
	if err != nil {
		b.Fatal(err)
	}
	folders[set]++
	release, err := Hold(filepath.Join(dir, linksFile))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := release(); err != nil {
			b.Error(err)
		}
	})
	r := Rung{Name: name, Server: Shortener(program, dir, append(args, strings.Fields(*argsFlag)...)...), Set: set, Choice: choice}
	if touch {
		r.Touch = touched
	}
	return r
}
