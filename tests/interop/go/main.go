// An independent peer for the wire: grpc-go and go-spiffe, messages from our own .proto files, file
// passing written from its description. It says what it saw as JSON lines on standard output.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
)

type options struct {
	to, listen, file, name, service, netns, iface string
	calls, connections                            int
	timeout                                       time.Duration
}

func say(what string, fields map[string]any) {
	fields["event"] = what
	_ = json.NewEncoder(os.Stdout).Encode(fields)
}

func (o *options) dial(me *identity) (*grpc.ClientConn, error) {
	target := o.to
	if parsed, err := url.Parse(target); err == nil && parsed.Scheme == "tcp" {
		target = "passthrough:///" + parsed.Host
	}
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(me.client()),
		grpc.WithPerRPCCredentials(perCall{me}))
}

func listen(where string) (net.Listener, error) {
	parsed, err := url.Parse(where)
	if err != nil {
		return nil, err
	}
	if parsed.Scheme == "unix" {
		_ = os.Remove(parsed.Path)
		return net.Listen("unix", parsed.Path)
	}
	return net.Listen("tcp", parsed.Host)
}

var roles = map[string]func(context.Context, *identity, *options) error{
	"caller":   caller,
	"server":   server,
	"client":   client,
	"endpoint": endpoint,
	"find":     find,
}

func main() {
	if len(os.Args) < 2 || roles[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: gopeer caller|server|client|endpoint|find [flags]")
		os.Exit(2)
	}
	o := &options{}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&o.to, "to", "", "whom to call: unix:///path or tcp://host:port")
	flags.StringVar(&o.listen, "listen", "", "where to serve")
	flags.StringVar(&o.file, "file", "", "a file to pass")
	flags.StringVar(&o.name, "name", "go", "our name in paths")
	flags.StringVar(&o.service, "service", "", "the network service")
	flags.StringVar(&o.netns, "netns", "/proc/thread-self/ns/net", "the namespace to plug into")
	flags.StringVar(&o.iface, "iface", "nsm-1", "the interface's name")
	flags.IntVar(&o.calls, "calls", 1, "calls a connection")
	flags.IntVar(&o.connections, "connections", 1, "connections")
	flags.DurationVar(&o.timeout, "timeout", 15*time.Second, "how long all of it may take")
	_ = flags.Parse(os.Args[2:])

	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	defer cancel()
	go func() { // whoever started us ends us by closing our standard input
		buffer := make([]byte, 64)
		for {
			if _, err := os.Stdin.Read(buffer); err != nil {
				cancel()
				return
			}
		}
	}()
	me, err := newIdentity(ctx)
	if err == nil {
		say("identity", map[string]any{"id": me.id()})
		err = roles[os.Args[1]](ctx, me, o)
	}
	if err != nil && !(strings.Contains(err.Error(), "context canceled")) {
		say("failed", map[string]any{"error": err.Error()})
		os.Exit(1)
	}
}
