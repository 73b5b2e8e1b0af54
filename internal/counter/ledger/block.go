package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"net/netip"

	"herald.example/internal/link"
	"herald.example/internal/varint"
)

// A block holds the hits of one drain, at most blockHits, with each agent and
// referrer once. Integers are little-endian; uvarint and varint are those of
// encoding/binary.
//
//	header   0  uint32 magic
//	         4  uint32 check: CRC-32C of bytes 8 to 40, seeded by the ledger's source, so that
//	            nobody can smuggle a block into the text of a referrer
//	         8  uint64 ordinal of the first hit
//	        16  uint32 number of hits, uint32 length of the payload
//	        24  uint32 CRC-32C of the payload, uint32 unused
//	        32  int64 time of the first hit (Unix ms)
//	payload  uvarint number of agents, each uvarint length and bytes; referrers the same;
//	         then each hit: uvarint link, varint ms since the hit before, flags byte,
//	         uvarint agent, uvarint referrer (indexes), byte length of the address and
//	         the address, byte 1 and uint64 visitor or byte 0
const (
	blockMagic  = 0x4b4c4248 // "HBLK"
	blockHeader = 40
	blockHits   = 1024 // what one flipped bit can cost
	maxPayload  = blockHits * maxRecord
)

// errBlock is returned for bytes that are no block.
var errBlock = errors.New("damaged block")

// Record is one hit as the ledger keeps it.
type Record struct {
	Link     uint64
	Time     int64 // Unix ms
	Visitor  uint64
	Flags    link.Flags
	Agent    int // index into Block.Agents
	Referrer int // index into Block.Referrers
	Addr     netip.Addr
}

// Block is a run of hits with consecutive ordinals. A Reader owns it and fills
// it anew with every call.
type Block struct {
	First     uint64 // ordinal of Records[0]
	Agents    [][]byte
	Referrers [][]byte
	Records   []Record
}

// header is the parsed header of a block.
type header struct {
	first   uint64
	count   uint32
	payload uint32
	crc     uint32
	time    int64
}

func (h *header) end() uint64 { return h.first + uint64(h.count) }

func parseHeader(b []byte, seed uint32) (h header, ok bool) {
	if len(b) < blockHeader || binary.LittleEndian.Uint32(b) != blockMagic ||
		binary.LittleEndian.Uint32(b[4:]) != crc32.Update(seed, castagnoli, b[8:blockHeader]) {
		return header{}, false
	}
	h = header{
		first:   binary.LittleEndian.Uint64(b[8:]),
		count:   binary.LittleEndian.Uint32(b[16:]),
		payload: binary.LittleEndian.Uint32(b[20:]),
		crc:     binary.LittleEndian.Uint32(b[24:]),
		time:    int64(binary.LittleEndian.Uint64(b[32:])),
	}
	return h, h.count > 0 && h.count <= blockHits && h.payload <= maxPayload
}

// texts numbers strings in order of appearance within a block. The table of
// known strings outlives the block, so that a string seen before costs a lookup
// and no allocation.
type texts struct {
	known map[string]*text
	block uint64 // number of the block being built
	bytes []byte // the block's strings, each with its length
	count int
}

type text struct {
	block uint64
	index int
	hash  uint64 // agentHash
}

// maxTexts bounds the table; when it is full it is begun anew.
const maxTexts = 4096

func (t *texts) reset() {
	if t.known == nil || len(t.known) > maxTexts {
		t.known = make(map[string]*text, 64)
	}
	t.block++
	t.bytes, t.count = t.bytes[:0], 0
}

func (t *texts) index(s []byte) *text {
	e := t.known[string(s)]
	if e == nil {
		e = &text{hash: agentHash(s)}
		t.known[string(s)] = e
	}
	if e.block != t.block {
		e.block, e.index = t.block, t.count
		t.count++
		t.bytes = append(binary.AppendUvarint(t.bytes, uint64(len(s))), s...)
	}
	return e
}

// builder encodes blocks.
type builder struct {
	agents, referrers texts
	hits              []byte
	first             uint64
	count             int
	start, last       int64 // times of the first and the latest hit
}

func (b *builder) reset(first uint64) {
	b.agents.reset()
	b.referrers.reset()
	b.hits, b.first, b.count = b.hits[:0], first, 0
}

func (b *builder) add(h *stamped) {
	if b.count == 0 {
		b.start, b.last = h.time, h.time
	}
	b.count++
	dst := binary.AppendUvarint(b.hits, h.link)
	dst = binary.AppendVarint(dst, h.time-b.last)
	b.last = h.time
	dst = append(dst, byte(h.flags))
	agent := b.agents.index(h.agent)
	dst = binary.AppendUvarint(dst, uint64(agent.index))
	dst = binary.AppendUvarint(dst, uint64(b.referrers.index(h.referrer).index))
	dst = append(dst, h.addrLen)
	dst = append(dst, h.addr[:h.addrLen]...)
	if visitor := withAgent(h.visitor, agent.hash); visitor == 0 {
		dst = append(dst, 0)
	} else {
		dst = binary.LittleEndian.AppendUint64(append(dst, 1), visitor)
	}
	b.hits = dst
}

// appendTo appends the finished block.
func (b *builder) appendTo(dst []byte, seed uint32) []byte {
	at := len(dst)
	dst = append(dst, make([]byte, blockHeader)...)
	dst = binary.AppendUvarint(dst, uint64(b.agents.count))
	dst = append(dst, b.agents.bytes...)
	dst = binary.AppendUvarint(dst, uint64(b.referrers.count))
	dst = append(dst, b.referrers.bytes...)
	dst = append(dst, b.hits...)
	h, payload := dst[at:at+blockHeader], dst[at+blockHeader:]
	binary.LittleEndian.PutUint32(h, blockMagic)
	binary.LittleEndian.PutUint64(h[8:], b.first)
	binary.LittleEndian.PutUint32(h[16:], uint32(b.count))
	binary.LittleEndian.PutUint32(h[20:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(h[24:], crc32.Checksum(payload, castagnoli))
	binary.LittleEndian.PutUint64(h[32:], uint64(b.start))
	binary.LittleEndian.PutUint32(h[4:], crc32.Update(seed, castagnoli, h[8:]))
	return dst
}

// decode fills the block from a header and its payload, which the block's texts
// alias. It returns errBlock, wrapped, for anything but what appendTo wrote.
func (blk *Block) decode(h *header, payload []byte) error {
	if uint32(len(payload)) != h.payload || crc32.Checksum(payload, castagnoli) != h.crc {
		return fmt.Errorf("%w: checksum of hits %d to %d", errBlock, h.first, h.end())
	}
	c := varint.Reader{B: payload}
	blk.First = h.first
	blk.Agents = readTexts(&c, blk.Agents[:0])
	blk.Referrers = readTexts(&c, blk.Referrers[:0])
	blk.Records = blk.Records[:0]
	at := h.time
	for range h.count {
		var r Record
		r.Link = c.Uvarint()
		at += c.Varint()
		r.Time = at
		r.Flags = link.Flags(c.Byte())
		r.Agent = int(c.Uvarint())
		r.Referrer = int(c.Uvarint())
		r.Addr = address(c.Bytes(uint64(c.Byte())))
		if c.Byte() != 0 {
			if v := c.Bytes(8); v != nil {
				r.Visitor = binary.LittleEndian.Uint64(v)
			}
		}
		if c.Bad || uint(r.Agent) >= uint(len(blk.Agents)) || uint(r.Referrer) >= uint(len(blk.Referrers)) {
			return fmt.Errorf("%w: contents of hits %d to %d", errBlock, h.first, h.end())
		}
		blk.Records = append(blk.Records, r)
	}
	if len(c.B) != 0 {
		return fmt.Errorf("%w: %d bytes behind hit %d", errBlock, len(c.B), h.end())
	}
	return nil
}

// readTexts reads what texts built.
func readTexts(r *varint.Reader, dst [][]byte) [][]byte {
	for range min(r.Uvarint(), blockHits) {
		dst = append(dst, r.String())
	}
	return dst
}
