package command

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// Exit codes of a program.
const (
	Done   = 0
	Failed = 1
	Usage  = 2
)

// Program is one of Herald's programs.
type Program struct {
	Name        string
	Description string
	// Grammar returns a fresh pointer to the struct that kong reads the command line
	// into. The commands in it have a method Run(*Call) error.
	Grammar func() any
}

// Main executes the command line of this process and ends it with the exit code.
// The first SIGINT or SIGTERM asks the command to stop in order; a second one
// ends the process at once.
func (p Program) Main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(p.Report(p.Run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// Call is one execution of a command.
type Call struct {
	Context context.Context // done when the process shall stop
	Stdout  io.Writer       // answers
	Stderr  io.Writer       // the log, progress
	Flags   *kong.Context   // how the command line was understood
	Version string          // of the program
}

// Run executes one command line, without the program's name. It returns when
// the command is done or, after ctx is done, when it has stopped in order.
func (p Program) Run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags, err := p.Parse(args, stdout, stderr)
	if err != nil || flags == nil {
		return err
	}
	err = flags.Run(&Call{Context: ctx, Stdout: stdout, Stderr: stderr, Flags: flags, Version: version(p.Name)})
	if _, ok := errors.AsType[usageError](err); ok {
		return usageError{err, commandOf(flags)}
	}
	return err
}

// Parse reads the command line and the environment. It returns nil without an
// error when there is nothing left to do, as after --help.
func (p Program) Parse(args []string, stdout, stderr io.Writer) (flags *kong.Context, err error) {
	parser, err := kong.New(p.Grammar(),
		kong.Name(p.Name),
		kong.Description(p.Description),
		kong.Vars{"version": version(p.Name)},
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
		bad := usageError{error: err}
		if failed, ok := errors.AsType[*kong.ParseError](err); ok && failed.Context != nil {
			bad.command = commandOf(failed.Context)
		}
		return nil, bad
	}
	return flags, nil
}

// parsed is what ends the parsing after --help and --version.
type parsed struct{}

// commandOf is the command that a command line names, with the program's name; empty
// when it names none.
func commandOf(flags *kong.Context) string {
	if selected := flags.Selected(); selected != nil {
		return selected.FullPath()
	}
	return ""
}

// usageError is a command line that cannot be understood.
type usageError struct {
	error
	command string // whose --help says more; empty: the program's
}

// Unwrap is the cause.
func (e usageError) Unwrap() error { return e.error }

// Usagef makes the error of a command line that cannot be understood: the exit
// code is Usage, and the user is told of the command's --help.
func Usagef(format string, args ...any) error { return usageError{error: fmt.Errorf(format, args...)} }

// Report tells the user why a command failed, on one line, and returns the exit
// code.
func (p Program) Report(err error, stderr io.Writer) int {
	if err == nil {
		return Done
	}
	code, hint := Failed, ""
	if bad, ok := errors.AsType[usageError](err); ok {
		code, hint = Usage, " ("+cmp.Or(bad.command, p.Name)+" --help says more)"
	}
	fmt.Fprintf(stderr, "%s: %s%s\n", p.Name, OneLine(err.Error()), hint)
	return code
}

// OneLine replaces what would break a line or move a terminal's cursor.
func OneLine(s string) string {
	s = strings.ReplaceAll(s, "\n", "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
}

// PrintJSON prints one indented value. URLs keep their ampersands.
func (c *Call) PrintJSON(v any) error {
	e := json.NewEncoder(c.Stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
