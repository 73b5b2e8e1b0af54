package ledger

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"time"

	"github.com/dchest/siphash"

	"herald.example/internal/link"
)

// salt keys the visitor hash for one day (UTC). Its file holds the day and the
// key, so that a restart goes on with the same one; the next day's key is
// written over it, and from then on nobody can hash yesterday's visitors again.
type salt struct {
	day    int64 // days since 1970
	k0, k1 uint64
}

const saltSize = 8 + 16

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// openSalt returns the salt in the file at path when it is of the day of now,
// and otherwise makes and stores a new one.
func openSalt(path string, now time.Time) (*salt, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return newSalt(now), fmt.Errorf("open salt: %w", err)
	}
	var raw [saltSize]byte
	if _, err := f.ReadAt(raw[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return newSalt(now), errors.Join(fmt.Errorf("read salt: %w", err), f.Close())
	}
	s := &salt{
		day: int64(binary.LittleEndian.Uint64(raw[:])),
		k0:  binary.LittleEndian.Uint64(raw[8:]),
		k1:  binary.LittleEndian.Uint64(raw[16:]),
	}
	if s.day == dayOf(now) && s.k0|s.k1 != 0 {
		return s, f.Close()
	}
	s = newSalt(now)
	binary.LittleEndian.PutUint64(raw[:], uint64(s.day))
	binary.LittleEndian.PutUint64(raw[8:], s.k0)
	binary.LittleEndian.PutUint64(raw[16:], s.k1)
	_, err = f.WriteAt(raw[:], 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return s, fmt.Errorf("store salt: %w", err)
	}
	return s, nil
}

func newSalt(now time.Time) *salt {
	var key [16]byte
	if _, err := rand.Read(key[:]); err != nil {
		panic("BUG: crypto/rand never fails: " + err.Error())
	}
	return &salt{dayOf(now), binary.LittleEndian.Uint64(key[:]), binary.LittleEndian.Uint64(key[8:])}
}

// visitor is the keyed hash of the full address, never 0; 0 stands for a visitor
// who asked not to be recognised. It is the first half of the visitor hash: the
// second, over the agent, is taken behind the answer by withAgent.
func (s *salt) visitor(h *link.Hit) uint64 {
	if h.Flags&link.FlagPrivate != 0 {
		return 0
	}
	// An IPv4 address is hashed as its four bytes: half the work, and SipHash
	// keeps inputs of different lengths apart.
	if addr := h.Addr.Unmap(); addr.Is4() {
		a := addr.As4()
		return max(siphash.Hash(s.k0, s.k1, a[:]), 1)
	}
	a := h.Addr.As16()
	return max(siphash.Hash(s.k0, s.k1, a[:]), 1)
}

// agentHash is the second half of the visitor hash, the same for all visitors
// with the agent; it needs no key of its own.
func agentHash(agent []byte) uint64 { return siphash.Hash(0, 0, agent) }

// withAgent joins both halves: the agent's under the address's as key.
func withAgent(visitor, agent uint64) uint64 {
	if visitor == 0 {
		return 0
	}
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], agent)
	return max(siphash.Hash(visitor, ^visitor, b[:]), 1)
}

// stamp makes of a hit what the ledger keeps. full leaves the address whole;
// otherwise only its network remains: 24 bits of IPv4, 48 of IPv6.
func (s *salt) stamp(dst *stamped, h *link.Hit, full bool) {
	dst.link = h.Link
	dst.time = h.Time.UnixMilli()
	dst.flags = h.Flags
	dst.agent = h.Agent[:min(len(h.Agent), maxAgent)]
	dst.referrer = h.Referrer[:min(len(h.Referrer), maxReferrer)]
	dst.visitor = s.visitor(h)
	addr := h.Addr.Unmap()
	switch {
	case addr.Is4():
		a := addr.As4()
		copy(dst.addr[:], a[:])
		dst.addrLen = 3
		if full {
			dst.addrLen = 4
		}
	case addr.Is6():
		dst.addr = addr.As16()
		dst.addrLen = 6
		if full {
			dst.addrLen = 16
		}
	default:
		dst.addrLen = 0
	}
}

// address is the inverse of the cut in stamp: what was cut off is zero.
func address(kept []byte) netip.Addr {
	switch {
	case len(kept) == 3 || len(kept) == 4:
		var a [4]byte
		copy(a[:], kept)
		return netip.AddrFrom4(a)
	case len(kept) == 6 || len(kept) == 16:
		var a [16]byte
		copy(a[:], kept)
		return netip.AddrFrom16(a)
	}
	return netip.Addr{}
}
