package main

import (
	"net"
	"os"

	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// agent serves the Workload API at a socket, to whoever comes there.
type agent struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	path      string
	ids       []string
	authority *authority
	server    *grpc.Server
}

func (a *agent) listen() error {
	listener, err := net.Listen("unix", a.path)
	if err != nil {
		return err
	}
	a.server = grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(a.server, a)
	go a.server.Serve(listener)
	return nil
}

// vanish ends every stream and removes the socket.
func (a *agent) vanish() {
	a.server.Stop()
	os.Remove(a.path)
}

func (a *agent) FetchX509SVID(_ *workload.X509SVIDRequest, stream workload.SpiffeWorkloadAPI_FetchX509SVIDServer) error {
	said, _ := metadata.FromIncomingContext(stream.Context())
	if header := said.Get("workload.spiffe.io"); len(header) != 1 || header[0] != "true" {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	for {
		answer, news, err := a.svids()
		if err != nil {
			return err
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
		select {
		case <-stream.Context().Done():
			return stream.Context().Err()
		case <-news:
		}
	}
}

func (a *agent) svids() (*workload.X509SVIDResponse, chan struct{}, error) {
	a.authority.mutex.Lock()
	defer a.authority.mutex.Unlock()
	if !a.authority.entries {
		return nil, nil, status.Error(codes.PermissionDenied, "no identity issued")
	}
	answer := &workload.X509SVIDResponse{}
	for at, id := range a.ids {
		chain, key, err := a.authority.leaf(id, at == 0)
		if err != nil {
			return nil, nil, err
		}
		answer.Svids = append(answer.Svids, &workload.X509SVID{
			SpiffeId: id, X509Svid: chain, X509SvidKey: key, Bundle: a.authority.bundle(),
		})
	}
	return answer, a.authority.news, nil
}
