package main

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"os"

	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// identity is who we are, from the Workload API at SPIFFE_ENDPOINT_SOCKET.
type identity struct {
	source *workloadapi.X509Source
	o      *options
}

func newIdentity(ctx context.Context, o *options) (*identity, error) {
	source, err := workloadapi.NewX509Source(ctx)
	return &identity{source, o}, err
}

func (i *identity) id() string {
	svid, err := i.source.GetX509SVID()
	if err != nil {
		return err.Error()
	}
	return svid.ID.String()
}

func (i *identity) client() credentials.TransportCredentials {
	return i.limited(tlsconfig.MTLSClientConfig(i.source, i.source, tlsconfig.AuthorizeAny()))
}

func (i *identity) server() credentials.TransportCredentials {
	return i.limited(tlsconfig.MTLSServerConfig(i.source, i.source, tlsconfig.AuthorizeAny()))
}

// limited is TLS as new as we were told, with files below it where the socket can carry them.
func (i *identity) limited(config *tls.Config) credentials.TransportCredentials {
	if i.o.tls12 {
		config.MaxVersion = tls.VersionTLS12
	}
	return above{credentials.NewTLS(config)}
}

func (i *identity) dial() (*grpc.ClientConn, error) {
	target := i.o.to
	if parsed, err := url.Parse(target); err == nil && parsed.Scheme == "tcp" {
		target = "passthrough:///" + parsed.Host
	}
	return grpc.NewClient(target,
		grpc.WithTransportCredentials(i.client()),
		grpc.WithPerRPCCredentials(perCall{i}))
}

func listen(where string) (net.Listener, error) {
	parsed, err := url.Parse(where)
	if err != nil {
		return nil, err
	}
	if parsed.Scheme != "unix" {
		return net.Listen("tcp", parsed.Host)
	}
	if err := os.Remove(parsed.Path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return net.Listen("unix", parsed.Path)
}
