//go:build linux

package bench

import (
	"fmt"
	"os"
	"os/exec"
)

// childVar names what a process of ours is to be. The programs that a benchmark
// needs beside the shortener are the test binary itself, started once more.
const childVar = "HERALD_BENCH_CHILD"

// The kinds of children.
const (
	childBare       = "bare"
	childSequential = "sequential"
	childPages      = "pages"
)

// childCommand is the command that starts a child of the given kind.
func childCommand(kind string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), childVar+"="+kind)
	return cmd
}

// RunChild does a child's work and ends the process, if it was started as one. It
// is to be called first.
func RunChild() {
	kind := os.Getenv(childVar)
	if kind == "" {
		return
	}
	var err error
	switch kind {
	case childBare:
		err = serveBare()
	case childSequential:
		err = writeSequentially(os.Args[1])
	case childPages:
		err = commitPages(os.Args[1])
	default:
		err = fmt.Errorf("%s=%s: no such child", childVar, kind)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
