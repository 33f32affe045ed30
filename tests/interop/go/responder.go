package main

import (
	"context"
	"slices"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"interop/pb"
)

// responder is an endpoint that gives every client the same pair of addresses.
type responder struct {
	pb.UnimplementedNetworkServiceServer
	pb.UnimplementedMonitorConnectionServer
	me   *identity
	o    *options
	stop context.Context
}

func (r *responder) Request(ctx context.Context, request *pb.NetworkServiceRequest) (*pb.Connection, error) {
	conn, who := request.GetConnection(), asking(ctx)
	if err := r.step(ctx, conn, who); err != nil {
		return nil, err
	}
	if conn.Context == nil {
		conn.Context = &pb.ConnectionContext{}
	}
	conn.Context.IpContext = &pb.IPContext{
		SrcIpAddrs: []string{"172.20.0.1/32"}, DstIpAddrs: []string{"172.20.0.0/32"},
		SrcRoutes: []*pb.Route{{Prefix: "172.20.0.0/32"}}, DstRoutes: []*pb.Route{{Prefix: "172.20.0.1/32"}}}
	if conn.GetMechanism() == nil {
		offers := request.GetMechanismPreferences()
		first := slices.IndexFunc(offers, func(m *pb.Mechanism) bool { return m.GetType() == "KERNEL" })
		if first < 0 {
			return nil, status.Error(codes.FailedPrecondition, "no KERNEL mechanism was offered")
		}
		conn.Mechanism = offers[first]
	}
	key, err := who.files.send(r.o.netns)
	if err != nil {
		return nil, err
	}
	conn.Mechanism.Parameters = kernel(key, r.o.iface).Parameters
	say("request", describe(conn))
	return conn, nil
}

// step keeps the caller's token in its segment, and puts ours behind it; the rest of the path goes.
func (r *responder) step(ctx context.Context, conn *pb.Connection, who peerInfo) error {
	headers, _ := metadata.FromIncomingContext(ctx)
	tokens, moments := headers.Get(tokenHeader), headers.Get(expiresHeader)
	path, at := conn.GetPath(), int(conn.GetPath().GetIndex())
	if _, err := claimed(ctx, who); err != nil || at >= len(path.GetPathSegments()) {
		return status.Errorf(codes.InvalidArgument, "index %d of %d, %v", at, len(path.GetPathSegments()), err)
	}
	until, err := time.Parse(time.RFC3339Nano, moments[0])
	if err != nil {
		return err
	}
	own, lasts, err := r.me.token(who.id())
	if err != nil {
		return err
	}
	before := path.PathSegments[at]
	before.Token, before.Expires = tokens[0], timestamppb.New(until)
	last := &pb.PathSegment{Name: r.o.name, Id: conn.GetId() + "-go", Token: own, Expires: timestamppb.New(lasts)}
	path.PathSegments = append(path.PathSegments[:at+1], last)
	return nil
}

func (r *responder) Close(_ context.Context, conn *pb.Connection) (*emptypb.Empty, error) {
	say("close", map[string]any{"id": conn.GetId()})
	return &emptypb.Empty{}, nil
}

func (r *responder) MonitorConnections(_ *pb.MonitorScopeSelector, stream pb.MonitorConnection_MonitorConnectionsServer) error {
	if err := stream.Send(&pb.ConnectionEvent{}); err != nil {
		return err
	}
	select {
	case <-stream.Context().Done():
	case <-r.stop.Done():
	}
	return nil
}
