//go:build linux

package bench

import (
	"bufio"
	"fmt"
	"net"
	"time"
)

// touchBatch is how many requests Touch sends before it reads the answers.
const touchBatch = 64

// Touch asks once for each of the first n links of the target's set, many requests
// in one piece, which is several times faster than one by one. Every Location is
// compared.
func Touch(target Target, n uint64) error {
	n = min(n, uint64(target.Set))
	connection, err := net.Dial("tcp", target.Addr.String())
	if err != nil {
		return fmt.Errorf("touch links: %w", err)
	}
	defer connection.Close()
	var (
		request = requests()[0]
		batch   []byte
		want    []byte
		answers = bufio.NewReaderSize(connection, 64<<10)
	)
	for first := uint64(0); first < n; first += touchBatch {
		last := min(first+touchBatch, n)
		batch = batch[:0]
		for rank := first; rank < last; rank++ {
			target.Set.AppendSlug(request[:slugAt], rank)
			batch = append(batch, request...)
		}
		if err := connection.SetDeadline(time.Now().Add(stuck)); err != nil {
			return fmt.Errorf("touch links: %w", err)
		}
		if _, err := connection.Write(batch); err != nil {
			return fmt.Errorf("touch links: %w", err)
		}
		for rank := first; rank < last; rank++ {
			if want = append(want[:0], target.Constant...); len(want) == 0 {
				want = target.Set.AppendTarget(want, rank)
			}
			if err := readResponse(answers, want); err != nil {
				return fmt.Errorf("touch link %d: %w", rank, err)
			}
		}
	}
	return nil
}

// readResponse reads one response and compares its Location.
func readResponse(r *bufio.Reader, want []byte) error {
	for more := 1; ; more = r.Buffered() + 1 {
		if _, err := r.Peek(more); err != nil {
			return err
		}
		buffered, err := r.Peek(r.Buffered())
		if err != nil {
			return err
		}
		length, target, err := response(buffered)
		switch {
		case err != nil:
			return err
		case length > 0 && string(target) != string(want):
			return fmt.Errorf("%w: Location: got %q; want %q", errResponse, target, want)
		case length > 0:
			_, err = r.Discard(length)
			return err
		}
	}
}
