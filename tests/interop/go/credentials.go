package main

import (
	"context"
	"net"

	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
)

// above stands on both sides of TLS: files are passed below it, frames are counted above it.
type above struct {
	credentials.TransportCredentials
}

// peerInfo is who a peer has proved to be, and the files to and from it (nil over TCP).
type peerInfo struct {
	credentials.TLSInfo
	files *fileConn
}

func (p peerInfo) id() string {
	if len(p.State.PeerCertificates) == 0 {
		return ""
	}
	id, err := x509svid.IDFromCert(p.State.PeerCertificates[0])
	if err != nil {
		return ""
	}
	return id.String()
}

// asking is the peer of an RPC that is being served.
func asking(ctx context.Context) peerInfo {
	found, _ := peer.FromContext(ctx)
	return found.AuthInfo.(peerInfo)
}

func (a above) ClientHandshake(ctx context.Context, name string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	under, files := wrap(raw)
	conn, auth, err := a.TransportCredentials.ClientHandshake(ctx, name, under)
	if err != nil {
		return nil, nil, err
	}
	return conn, peerInfo{auth.(credentials.TLSInfo), files}, nil
}

func (a above) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	under, files := wrap(raw)
	conn, auth, err := a.TransportCredentials.ServerHandshake(under)
	if err != nil {
		say("handshake", map[string]any{"error": err.Error()})
		return nil, nil, err
	}
	return &frames{Conn: conn, skip: len(preface)}, peerInfo{auth.(credentials.TLSInfo), files}, nil
}

func (a above) Clone() credentials.TransportCredentials {
	return above{a.TransportCredentials.Clone()}
}

func wrap(raw net.Conn) (net.Conn, *fileConn) {
	if u, ok := raw.(*net.UnixConn); ok {
		files := newFileConn(u)
		return files, files
	}
	return raw, nil
}
