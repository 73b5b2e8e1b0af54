package command

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"herald.example/internal/linkapi"
)

// Verify is the command that recounts the ledger of a running shortener.
type Verify struct{ Remote }

// Run prints the report and fails when a link's stored totals are not what the
// ledger says.
func (v *Verify) Run(call *Call) error {
	client, err := v.Dial()
	if err != nil {
		return err
	}
	defer client.Close()
	progress, finish := progressOn(call.Stderr)
	report, err := client.Verify(call.Context, progress)
	finish()
	if err != nil {
		return Explain("verify", err)
	}
	wire := linkapi.NewReport(report)
	if v.JSON {
		err = call.PrintJSON(wire)
	} else {
		err = printReport(call.Stdout, wire)
	}
	if err == nil && report.Different > 0 {
		err = fmt.Errorf("verify: %d links differ from the ledger", report.Different)
	}
	return err
}

// printReport prints a report for a person.
func printReport(w io.Writer, r linkapi.Report) error {
	fmt.Fprintf(w, "recounted %d hits of %d links", r.To-r.From, r.Links)
	if !r.Exact {
		fmt.Fprintf(w, " (hits before number %d are pruned, so sums may be larger than recounted)", r.From)
	}
	fmt.Fprintln(w)
	if r.Damaged > 0 {
		fmt.Fprintf(w, "%d hits cannot be read any more\n", r.Damaged)
	}
	for _, d := range r.Differences {
		fmt.Fprintf(w, "link %d: stored %d referrals %v, recounted %d referrals %v\n", d.Number,
			d.Stored.NumReferrals, d.Stored.NumHits, d.Recounted.NumReferrals, d.Recounted.NumHits)
	}
	if r.Different > uint64(len(r.Differences)) {
		fmt.Fprintf(w, "and %d more links\n", r.Different-uint64(len(r.Differences)))
	}
	if r.Different == 0 {
		_, err := fmt.Fprintln(w, "no difference")
		return err
	}
	return nil
}

// progressOn returns a function that shows progress when w is a terminal, and
// one that takes the display away. They are not safe for concurrent use.
func progressOn(w io.Writer) (progress func(done, total uint64), finish func()) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return nil, func() {}
	}
	bar := progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("recounting"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("hits"),
		progressbar.OptionClearOnFinish(),
	)
	// A display that fails is no reason to stop the recount.
	return func(done, total uint64) {
		bar.ChangeMax64(int64(total))
		_ = bar.Set64(int64(done))
	}, func() { _ = bar.Finish() }
}
