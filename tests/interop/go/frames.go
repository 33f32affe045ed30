package main

import (
	"encoding/binary"
	"net"
	"sync"
)

const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

var kinds = [...]string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"}

// frames counts the HTTP/2 frames a client sends, and says so when the connection closes.
type frames struct {
	net.Conn
	mu     sync.Mutex
	skip   int
	header []byte
	counts map[string]any
	once   sync.Once
}

func (f *frames) Read(b []byte) (int, error) {
	n, err := f.Conn.Read(b)
	f.mu.Lock()
	f.count(b[:n])
	f.mu.Unlock()
	return n, err
}

func (f *frames) count(b []byte) {
	for len(b) > 0 {
		if f.skip > 0 {
			gone := min(f.skip, len(b))
			f.skip, b = f.skip-gone, b[gone:]
			continue
		}
		taken := min(9-len(f.header), len(b))
		f.header, b = append(f.header, b[:taken]...), b[taken:]
		if len(f.header) == 9 {
			f.note(f.header[3], f.header[4])
			f.skip = int(binary.BigEndian.Uint32(f.header) >> 8)
			f.header = f.header[:0]
		}
	}
}

func (f *frames) note(kind, flags byte) {
	name := "other"
	if int(kind) < len(kinds) {
		name = kinds[kind]
	}
	if name == "PING" && flags&1 == 1 {
		name = "PING ACK"
	}
	if f.counts == nil {
		f.counts = map[string]any{}
	}
	before, _ := f.counts[name].(int)
	f.counts[name] = before + 1
}

func (f *frames) Close() error {
	f.once.Do(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.counts != nil {
			say("frames", f.counts)
		}
	})
	return f.Conn.Close()
}
