package main

import (
	"context"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"interop/pb"
)

// echo answers with what was asked, says who asked, and passes a file back.
type echo struct {
	pb.UnimplementedNetworkServiceServer
	pb.UnimplementedMonitorConnectionServer
	pb.UnimplementedNetworkServiceEndpointRegistryServer
	o *options
}

func serve(ctx context.Context, me *identity, o *options) error {
	listener, err := listen(o.listen)
	if err != nil {
		return err
	}
	aging := keepalive.ServerParameters{MaxConnectionAge: o.age, MaxConnectionAgeGrace: o.timeout}
	serving, one := grpc.NewServer(grpc.Creds(me.server()), grpc.KeepaliveParams(aging)), &echo{o: o}
	pb.RegisterNetworkServiceServer(serving, one)
	pb.RegisterMonitorConnectionServer(serving, one)
	pb.RegisterNetworkServiceRegistryServer(serving, services{})
	pb.RegisterNetworkServiceEndpointRegistryServer(serving, one)
	go func() { <-ctx.Done(); serving.Stop() }()
	say("listening", map[string]any{"at": listener.Addr().String()})
	return serving.Serve(listener)
}

func (e *echo) Request(ctx context.Context, request *pb.NetworkServiceRequest) (*pb.Connection, error) {
	conn := request.GetConnection()
	switch conn.GetNetworkService() {
	case "slow":
		<-ctx.Done()
		say("gave up", map[string]any{"why": ctx.Err().Error()})
		return nil, ctx.Err()
	case "denied":
		return nil, status.Error(codes.PermissionDenied, "not for you: ünïcode, 100 %")
	case "quiet":
		return conn, nil
	}
	who := asking(ctx)
	token, err := claimed(ctx, who)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	said := map[string]any{"id": conn.GetId(), "peer": who.id(), "token": token}
	if conn.GetMechanism() != nil && who.files != nil {
		if said["file"], err = e.exchange(ctx, who, conn); err != nil {
			return nil, err
		}
	}
	say("request", said)
	return conn, nil
}

// exchange reads the file that came with a connection, and sends ours in its place.
func (e *echo) exchange(ctx context.Context, who peerInfo, conn *pb.Connection) (string, error) {
	text, err := contents(ctx, e.o, who.files, conn.GetMechanism())
	if err != nil {
		return "", err
	}
	key, err := who.files.send(e.o.file)
	if err == nil {
		conn.Mechanism.Parameters[inodeURL] = key.url()
	}
	return text, err
}

func (e *echo) Close(_ context.Context, conn *pb.Connection) (*emptypb.Empty, error) {
	say("close", map[string]any{"id": conn.GetId()})
	return &emptypb.Empty{}, nil
}

func (e *echo) MonitorConnections(_ *pb.MonitorScopeSelector, stream pb.MonitorConnection_MonitorConnectionsServer) error {
	padding := map[string]string{"padding": strings.Repeat("x", e.o.size)}
	for i := range e.o.calls {
		conns := map[string]*pb.Connection{number(i): {Id: number(i), Labels: padding}}
		if err := stream.Send(&pb.ConnectionEvent{Type: pb.ConnectionEventType_UPDATE, Connections: conns}); err != nil {
			return err
		}
	}
	return nil
}

func number(i int) string { return strconv.Itoa(i) }

// Find says that a watcher has left whenever it leaves, also before all was sent.
func (e *echo) Find(query *pb.NetworkServiceEndpointQuery, stream pb.NetworkServiceEndpointRegistry_FindServer) error {
	if query.GetWatch() {
		defer say("unwatched", map[string]any{})
	}
	for i := range e.o.calls {
		record := &pb.NetworkServiceEndpoint{Name: number(i), NetworkServiceNames: query.GetNetworkServiceEndpoint().GetNetworkServiceNames()}
		if err := stream.Send(&pb.NetworkServiceEndpointResponse{NetworkServiceEndpoint: record}); err != nil {
			return err
		}
	}
	if query.GetWatch() {
		<-stream.Context().Done()
	}
	return nil
}

// services stands apart because its methods are named like those of the endpoints.
type services struct {
	pb.UnimplementedNetworkServiceRegistryServer
}

func (services) Register(ctx context.Context, service *pb.NetworkService) (*pb.NetworkService, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	say("register", map[string]any{"name": service.GetName(), "path": headers.Get("path")})
	answer := metadata.Pairs("path", `{"Index":0,"PathSegments":[{"token":"a"},{"token":"b"}]}`)
	return service, grpc.SetHeader(ctx, answer)
}
