// Command shortener redirects short URLs and counts their visitors, and talks
// to a shortener that does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(report(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// program is what the commands share.
type program struct {
	ctx    context.Context // done when the process shall stop
	stdout io.Writer       // answers
	stderr io.Writer       // the log, progress
	flags  *kong.Context   // how the command line was understood
}

// commands is the grammar of the command line.
type commands struct {
	Serve  serveCommand  `cmd:"" help:"Redirect short URLs and count their visitors."`
	Link   linkCommands  `cmd:"" help:"Make, read and change links of a running shortener."`
	Stats  statsCommand  `cmd:"" help:"Print what was counted for a link."`
	Verify verifyCommand `cmd:"" help:"Recount the ledger of a running shortener and compare; exit 1 on a difference."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// run executes one command line, without the program's name. It returns when
// the command is done or, after ctx is done, when it has stopped in order.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags, err := parse(args, stdout, stderr)
	if err != nil || flags == nil {
		return err
	}
	return flags.Run(&program{ctx: ctx, stdout: stdout, stderr: stderr, flags: flags})
}

// parse reads the command line and the environment. It returns nil without an
// error when there is nothing left to do, as after --help.
func parse(args []string, stdout, stderr io.Writer) (flags *kong.Context, err error) {
	parser, err := kong.New(&commands{},
		kong.Name("shortener"),
		kong.Description("Herald's redirect that counts. A setting is a flag or, with the same value, the environment variable named beside it."),
		kong.Vars{"version": version()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { panic(parsed{}) }), // kong's only way to end the parsing
	)
	if err != nil {
		panic("BUG: grammar of the command line: " + err.Error())
	}
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(parsed); !ok {
				panic(p)
			}
			flags = nil
		}
	}()
	if flags, err = parser.Parse(args); err != nil {
		return nil, usageError{err}
	}
	return flags, nil
}

// parsed is what ends the parsing after --help and --version.
type parsed struct{}

// usageError is a command line that cannot be understood.
type usageError struct{ error }

// Unwrap is the cause.
func (e usageError) Unwrap() error { return e.error }

// usage makes a usageError.
func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// report tells the user why a command failed, on one line, and returns the exit
// code.
func report(err error, stderr io.Writer) int {
	if err == nil {
		return exitDone
	}
	code, hint := exitFailed, ""
	if _, ok := errors.AsType[usageError](err); ok {
		code, hint = exitUsage, " (shortener --help says more)"
	}
	fmt.Fprintf(stderr, "shortener: %s%s\n", oneLine(err.Error()), hint)
	return code
}

// oneLine replaces what would break a line or move a terminal's cursor.
func oneLine(s string) string {
	s = strings.ReplaceAll(s, "\n", "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}
