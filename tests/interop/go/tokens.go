package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
)

const (
	tokenHeader   = "nsm-client-token"
	expiresHeader = "nsm-client-token-expires"
)

// token signs who asks whom: ES256, one audience, no longer good than our certificate.
func (i *identity) token(audience string) (string, time.Time, error) {
	svid, err := i.source.GetX509SVID()
	if err != nil {
		return "", time.Time{}, err
	}
	expires := time.Now().Add(i.o.lifetime)
	if last := svid.Certificates[0].NotAfter; last.Before(expires) {
		expires = last
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: svid.PrivateKey}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", time.Time{}, err
	}
	claims := map[string]any{"sub": svid.ID.String(), "aud": []string{audience}, "exp": expires.Unix()}
	text, err := jwt.Signed(signer).Claims(claims).Serialize()
	return text, expires, err
}

// claimed is what the token of an RPC says, once its signature fits the peer's certificate.
func claimed(ctx context.Context, auth peerInfo) (map[string]any, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	texts, moments := headers.Get(tokenHeader), headers.Get(expiresHeader)
	if len(texts) != 1 || len(moments) != 1 {
		return nil, fmt.Errorf("%d tokens and %d expiries", len(texts), len(moments))
	}
	reported, err := time.Parse(time.RFC3339Nano, moments[0])
	if err != nil {
		return nil, err
	}
	read, err := jwt.ParseSigned(texts[0], []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return nil, err
	}
	var claims struct {
		Subject  string `json:"sub"`
		Audience any    `json:"aud"` // a list, or else policies do not find it
	}
	if err := read.Claims(auth.State.PeerCertificates[0].PublicKey, &claims); err != nil {
		return nil, err
	}
	return map[string]any{"subject": claims.Subject, "audience": claims.Audience, "expires": reported}, nil
}

// perCall puts a fresh token, and the files the call carries, on every RPC.
type perCall struct{ *identity }

func (p perCall) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	request, _ := credentials.RequestInfoFromContext(ctx)
	auth, ok := request.AuthInfo.(peerInfo)
	if !ok {
		return nil, fmt.Errorf("%T is no proof of who the peer is", request.AuthInfo)
	}
	for _, path := range filesOf(ctx) {
		if auth.files == nil {
			break
		}
		if _, err := auth.files.send(path); err != nil {
			return nil, err
		}
	}
	text, expires, err := p.token(auth.id())
	if err != nil {
		return nil, err
	}
	return map[string]string{tokenHeader: text, expiresHeader: expires.Format(time.RFC3339Nano)}, nil
}

func (p perCall) RequireTransportSecurity() bool { return true }

type carried struct{}

// carrying is a context whose call takes files along.
func carrying(ctx context.Context, paths ...string) context.Context {
	return context.WithValue(ctx, carried{}, paths)
}

func filesOf(ctx context.Context) []string {
	paths, _ := ctx.Value(carried{}).([]string)
	return paths
}
