package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"interop/pb"
)

const emptyPath = `{"Index":0,"PathSegments":null}`

// client asks a manager for a vWire into a namespace, refreshes it once, and closes it at the end.
func client(ctx context.Context, me *identity, o *options) error {
	conn, err := o.dial(me)
	if err != nil {
		return err
	}
	defer conn.Close()
	key, err := statInode(o.netns)
	if err != nil {
		return err
	}
	id := o.name + "-0"
	events, err := pb.NewMonitorConnectionClient(conn).MonitorConnections(ctx,
		&pb.MonitorScopeSelector{PathSegments: []*pb.PathSegment{{Id: id}}})
	if err != nil {
		return err
	}
	if first, err := events.Recv(); err != nil || first.GetType() != pb.ConnectionEventType_INITIAL_STATE_TRANSFER {
		return fmt.Errorf("no initial event: %v %w", first, err)
	}
	request := &pb.NetworkServiceRequest{
		Connection: &pb.Connection{
			Id: id, NetworkService: o.service,
			Path: &pb.Path{PathSegments: []*pb.PathSegment{{Name: o.name, Id: id}}},
		},
		MechanismPreferences: []*pb.Mechanism{{Cls: "LOCAL", Type: "KERNEL", Parameters: map[string]string{
			inodeURL: key.url(), "name": o.iface}}},
	}
	for round := 0; round < 2; round++ {
		answer, err := pb.NewNetworkServiceClient(conn).Request(carrying(ctx, o.netns), request)
		if err != nil {
			return err
		}
		if answer.GetId() != id || answer.GetPath().GetIndex() != 0 {
			return fmt.Errorf("answer carries id %s index %d", answer.GetId(), answer.GetPath().GetIndex())
		}
		say("connected", describe(answer))
		request.Connection = answer
	}
	event, err := events.Recv()
	if err != nil {
		return err
	}
	for key, connection := range event.GetConnections() {
		say("watched", map[string]any{"key": key, "index": connection.GetPath().GetIndex(), "type": event.GetType().String()})
	}
	<-ctx.Done()
	closing, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = pb.NewNetworkServiceClient(conn).Close(carrying(closing, o.netns), request.Connection)
	say("closed", map[string]any{"ok": err == nil})
	return err
}

func describe(conn *pb.Connection) map[string]any {
	names, expiring := []string{}, 0
	for _, s := range conn.GetPath().GetPathSegments() {
		names = append(names, s.GetName())
		if s.GetExpires() != nil {
			expiring++
		}
	}
	ip := conn.GetContext().GetIpContext()
	return map[string]any{"path": names, "expiring": expiring, "src": ip.GetSrcIpAddrs(), "dst": ip.GetDstIpAddrs(),
		"endpoint": conn.GetNetworkServiceEndpointName(), "mechanism": conn.GetMechanism().GetType(),
		"inode": conn.GetMechanism().GetParameters()[inodeURL], "state": conn.GetState().String()}
}

// serving is an endpoint that gives every client the same pair of addresses.
type serving struct {
	pb.UnimplementedNetworkServiceServer
	pb.UnimplementedMonitorConnectionServer
	me   *identity
	o    *options
	stop context.Context
}

func (s *serving) Request(ctx context.Context, request *pb.NetworkServiceRequest) (*pb.Connection, error) {
	conn := request.GetConnection()
	asking, _ := peer.FromContext(ctx)
	auth := asking.AuthInfo.(fileInfo)
	headers, _ := metadata.FromIncomingContext(ctx)
	token, until := headers.Get("nsm-client-token"), headers.Get("nsm-client-token-expires")
	path := conn.GetPath()
	index := int(path.GetIndex())
	if len(token) != 1 || len(until) != 1 || index >= len(path.GetPathSegments()) {
		return nil, status.Error(codes.InvalidArgument, "no token or no segment")
	}
	expires, err := time.Parse(time.RFC3339Nano, until[0])
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	before := path.PathSegments[index]
	before.Token, before.Expires = token[0], timestamppb.New(expires)
	own, lasts, err := s.me.token(peerID(auth))
	if err != nil {
		return nil, err
	}
	path.PathSegments = append(path.PathSegments[:index+1], segment(s.o.name, conn.GetId()+"-go", own, timestamppb.New(lasts)))
	conn.Context = &pb.ConnectionContext{IpContext: &pb.IPContext{
		SrcIpAddrs: []string{"172.20.0.1/32"}, DstIpAddrs: []string{"172.20.0.0/32"},
		SrcRoutes: []*pb.Route{{Prefix: "172.20.0.0/32"}}, DstRoutes: []*pb.Route{{Prefix: "172.20.0.1/32"}}}}
	if conn.GetMechanism() == nil {
		for _, offered := range request.GetMechanismPreferences() {
			if offered.GetType() == "KERNEL" {
				conn.Mechanism = offered
			}
		}
	}
	if conn.GetMechanism() == nil {
		return nil, status.Error(codes.FailedPrecondition, "no KERNEL mechanism was offered")
	}
	key, err := auth.files.send(s.o.netns)
	if err != nil {
		return nil, err
	}
	if conn.Mechanism.Parameters == nil {
		conn.Mechanism.Parameters = map[string]string{}
	}
	conn.Mechanism.Parameters[inodeURL] = key.url()
	conn.Mechanism.Parameters["name"] = s.o.iface
	say("request", describe(conn))
	return conn, nil
}

func (s *serving) Close(_ context.Context, conn *pb.Connection) (*emptypb.Empty, error) {
	say("close", map[string]any{"id": conn.GetId()})
	return &emptypb.Empty{}, nil
}

func (s *serving) MonitorConnections(_ *pb.MonitorScopeSelector, stream pb.MonitorConnection_MonitorConnectionsServer) error {
	if err := stream.Send(&pb.ConnectionEvent{}); err != nil {
		return err
	}
	select {
	case <-stream.Context().Done():
	case <-s.stop.Done():
	}
	return nil
}

// endpoint serves a service through a manager: its own unix socket is passed as a file.
func endpoint(ctx context.Context, me *identity, o *options) error {
	folder, err := os.MkdirTemp("", "go-endpoint")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	socket := filepath.Join(folder, "listen.on")
	listener, err := listen("unix://" + socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer(grpc.Creds(me.server()))
	one := &serving{me: me, o: o, stop: ctx}
	pb.RegisterNetworkServiceServer(server, one)
	pb.RegisterMonitorConnectionServer(server, one)
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	conn, err := o.dial(me)
	if err != nil {
		return err
	}
	defer conn.Close()
	withPath := metadata.AppendToOutgoingContext(ctx, "path", emptyPath)
	services := pb.NewNetworkServiceRegistryClient(conn)
	if _, err := services.Register(withPath, &pb.NetworkService{Name: o.service, Payload: "IP"}); err != nil {
		return fmt.Errorf("register service: %w", err)
	}
	key, err := statSocket(socket)
	if err != nil {
		return err
	}
	record := &pb.NetworkServiceEndpoint{Name: o.name, NetworkServiceNames: []string{o.service}, Url: key.url(),
		NetworkServiceLabels: map[string]*pb.NetworkServiceLabels{o.service: {}}}
	endpoints := pb.NewNetworkServiceEndpointRegistryClient(conn)
	var header metadata.MD
	answer, err := endpoints.Register(carrying(withPath, socket), record, grpc.Header(&header))
	if err != nil {
		return fmt.Errorf("register endpoint: %w", err)
	}
	say("registered", map[string]any{"url": answer.GetUrl(), "expires": answer.GetExpirationTime() != nil,
		"ids": answer.GetPathIds(), "path": header.Get("path")})
	watching, err := endpoints.Find(ctx, &pb.NetworkServiceEndpointQuery{Watch: true,
		NetworkServiceEndpoint: &pb.NetworkServiceEndpoint{Name: o.name}})
	if err != nil {
		return err
	}
	go func() {
		for {
			seen, err := watching.Recv()
			if err != nil {
				if ctx.Err() == nil {
					say("watch lost", map[string]any{"error": err.Error()})
				}
				return
			}
			say("seen", map[string]any{"name": seen.GetNetworkServiceEndpoint().GetName(), "deleted": seen.GetDeleted()})
		}
	}()
	<-ctx.Done()
	leaving, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	leaving = metadata.AppendToOutgoingContext(leaving, "path", emptyPath)
	_, err = endpoints.Unregister(carrying(leaving, socket), record)
	return errors.Join(err, nil)
}
