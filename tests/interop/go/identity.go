package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc/credentials"
)

// identity is who we are, from the Workload API at SPIFFE_ENDPOINT_SOCKET.
type identity struct{ source *workloadapi.X509Source }

func newIdentity(ctx context.Context) (*identity, error) {
	source, err := workloadapi.NewX509Source(ctx)
	return &identity{source}, err
}

func (i *identity) id() string {
	svid, err := i.source.GetX509SVID()
	if err != nil {
		return err.Error()
	}
	return svid.ID.String()
}

func (i *identity) client() credentials.TransportCredentials {
	return below{credentials.NewTLS(tlsconfig.MTLSClientConfig(i.source, i.source, tlsconfig.AuthorizeAny()))}
}

func (i *identity) server() credentials.TransportCredentials {
	return below{credentials.NewTLS(tlsconfig.MTLSServerConfig(i.source, i.source, tlsconfig.AuthorizeAny()))}
}

// token signs who asks whom: ES256, one audience.
func (i *identity) token(audience string) (string, time.Time, error) {
	svid, err := i.source.GetX509SVID()
	if err != nil {
		return "", time.Time{}, err
	}
	key, ok := svid.PrivateKey.(*ecdsa.PrivateKey)
	if !ok {
		return "", time.Time{}, errors.New("the SVID's key is not ECDSA")
	}
	expires := time.Now().Add(10 * time.Minute)
	if leaf := svid.Certificates[0].NotAfter; leaf.Before(expires) {
		expires = leaf
	}
	header, _ := json.Marshal(map[string]string{"alg": "ES256", "typ": "JWT"})
	claims, _ := json.Marshal(map[string]any{"sub": svid.ID.String(), "aud": []string{audience}, "exp": expires.Unix()})
	encode := base64.RawURLEncoding.EncodeToString
	text := encode(header) + "." + encode(claims)
	digest := sha256.Sum256([]byte(text))
	r, s, err := ecdsa.Sign(rand.Reader, key, digest[:])
	if err != nil {
		return "", time.Time{}, err
	}
	signature := make([]byte, 64)
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return text + "." + encode(signature), expires, nil
}

// perCall puts a fresh token, and the files the call carries, on every RPC.
type perCall struct{ *identity }

func peerID(auth credentials.AuthInfo) string {
	tls, ok := auth.(fileInfo)
	if !ok || len(tls.State.PeerCertificates) == 0 {
		return ""
	}
	id, err := x509svid.IDFromCert(tls.State.PeerCertificates[0])
	if err != nil {
		return ""
	}
	return id.String()
}

func (p perCall) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	request, _ := credentials.RequestInfoFromContext(ctx)
	if auth, ok := request.AuthInfo.(fileInfo); ok && auth.files != nil {
		for _, path := range filesOf(ctx) {
			if _, err := auth.files.send(path); err != nil {
				return nil, err
			}
		}
	}
	text, expires, err := p.token(peerID(request.AuthInfo))
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"nsm-client-token":         text,
		"nsm-client-token-expires": expires.Format(time.RFC3339Nano),
	}, nil
}

func (p perCall) RequireTransportSecurity() bool { return true }

type carried struct{}

func carrying(ctx context.Context, paths ...string) context.Context {
	return context.WithValue(ctx, carried{}, paths)
}

func filesOf(ctx context.Context) []string {
	paths, _ := ctx.Value(carried{}).([]string)
	return paths
}
