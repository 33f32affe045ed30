// An independent peer for the wire: grpc-go and go-spiffe, messages from our own .proto files, file
// passing written from its description. It says what it sees as JSON lines on standard output, and
// ends when its standard input does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// role is something this program can be told to be.
type role func(context.Context, *identity, *options) error

var roles = map[string]role{
	"request":  request,
	"deadline": deadline,
	"refused":  refused,
	"big":      big,
	"gzipped":  gzipped,
	"health":   health,
	"monitor":  monitor,
	"register": register,
	"find":     find,
	"serve":    serve,
	"client":   client,
	"endpoint": endpoint,
}

type options struct {
	to, listen, file, name, service, netns, iface string
	calls, connections, size                      int
	timeout, lifetime, age, pause                 time.Duration
	tls12, together                               bool
}

func flags(name string, arguments []string) (*options, error) {
	o, f := &options{}, flag.NewFlagSet(name, flag.ContinueOnError)
	f.StringVar(&o.to, "to", "", "whom to call: unix:///path or tcp://host:port")
	f.StringVar(&o.listen, "listen", "", "where to serve")
	f.StringVar(&o.file, "file", "", "a file to pass")
	f.StringVar(&o.name, "name", "go", "our name in paths")
	f.StringVar(&o.service, "service", "", "the network service")
	f.StringVar(&o.netns, "netns", "/proc/thread-self/ns/net", "the namespace to plug into")
	f.StringVar(&o.iface, "iface", "nsm-1", "the interface's name")
	f.IntVar(&o.calls, "calls", 1, "calls a connection, or events of a stream")
	f.IntVar(&o.size, "size", 0, "bytes that pad each event of a stream")
	f.IntVar(&o.connections, "connections", 1, "connections, side by side")
	f.DurationVar(&o.timeout, "timeout", 15*time.Second, "how long one call may take")
	f.DurationVar(&o.lifetime, "lifetime", 10*time.Minute, "how long a token is good")
	f.DurationVar(&o.age, "age", time.Hour, "how old a connection we serve may become")
	f.DurationVar(&o.pause, "pause", 0, "how long to think about each event")
	f.BoolVar(&o.together, "together", false, "all calls of a connection at once, each with a file of its own: FILE.NUMBER")
	f.BoolVar(&o.tls12, "tls12", false, "speak TLS 1.2 and nothing newer")
	return o, f.Parse(arguments)
}

var speaking sync.Mutex

// say tells whoever started us; one line each, however many speak at once.
func say(event string, fields map[string]any) {
	fields["event"] = event
	speaking.Lock()
	defer speaking.Unlock()
	_ = json.NewEncoder(os.Stdout).Encode(fields)
}

func main() {
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		known := slices.Sorted(maps.Keys(roles))
		fmt.Fprintf(os.Stderr, "usage: gopeer %s [flags]\n", strings.Join(known, "|"))
		os.Exit(2)
	}
	o, err := flags(os.Args[1], os.Args[2:])
	if err != nil {
		os.Exit(2)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := play(ctx, o, roles[os.Args[1]]); err != nil && !errors.Is(err, context.Canceled) {
		say("failed", map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}

func play(ctx context.Context, o *options, part role) error {
	me, err := newIdentity(ctx, o)
	if err != nil {
		return err
	}
	defer me.source.Close()
	say("identity", map[string]any{"id": me.id()})
	return part(ctx, me, o)
}
