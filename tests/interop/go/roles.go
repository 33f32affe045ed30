package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"interop/pb"
)

const inodeURL = "inodeURL"

// caller makes `connections` connections and `calls` requests on each, passing a file each way.
func caller(ctx context.Context, me *identity, o *options) error {
	var group sync.WaitGroup
	failures := make(chan error, o.connections)
	for c := 0; c < o.connections; c++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := call(ctx, me, o, c); err != nil {
				failures <- err
			}
		}()
	}
	group.Wait()
	close(failures)
	var all []error
	for err := range failures {
		all = append(all, err)
	}
	say("called", map[string]any{"connections": o.connections, "calls": o.calls, "failed": len(all)})
	return errors.Join(all...)
}

func call(ctx context.Context, me *identity, o *options, number int) error {
	conn, err := o.dial(me)
	if err != nil {
		return err
	}
	defer conn.Close()
	for i := 0; i < o.calls; i++ {
		asked := &pb.Connection{
			Id: fmt.Sprintf("go-%d-%d", number, i), NetworkService: "echo",
			Labels: map[string]string{"number": fmt.Sprint(i)},
			Path:   &pb.Path{PathSegments: []*pb.PathSegment{{Name: o.name, Id: fmt.Sprintf("go-%d-%d", number, i)}}},
		}
		sending := ctx
		if o.file != "" {
			key, err := statInode(o.file)
			if err != nil {
				return err
			}
			asked.Mechanism = &pb.Mechanism{Cls: "LOCAL", Type: "KERNEL", Parameters: map[string]string{inodeURL: key.url()}}
			sending = carrying(ctx, o.file)
		}
		var answering peer.Peer
		answer, err := pb.NewNetworkServiceClient(conn).Request(sending, &pb.NetworkServiceRequest{Connection: asked}, grpc.Peer(&answering))
		if err != nil {
			return err
		}
		said := map[string]any{"id": answer.GetId(), "labels": answer.GetLabels(), "peer": peerID(answering.AuthInfo)}
		if o.file != "" {
			text, err := contents(ctx, answering.AuthInfo.(fileInfo).files, answer.GetMechanism())
			if err != nil {
				return err
			}
			said["file"] = text
		}
		if number == 0 {
			say("answer", said)
		}
	}
	return nil
}

func statInode(path string) (inode, error) {
	file, err := os.Open(path)
	if err != nil {
		return inode{}, err
	}
	defer file.Close()
	return inodeOf(int(file.Fd()))
}

func contents(ctx context.Context, files *fileConn, mechanism *pb.Mechanism) (string, error) {
	key, err := parseInode(mechanism.GetParameters()[inodeURL])
	if err != nil {
		return "", err
	}
	path, err := files.receive(ctx, key)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

// echo answers requests with what was asked, says who asked, and passes a file back.
type echo struct {
	pb.UnimplementedNetworkServiceServer
	pb.UnimplementedMonitorConnectionServer
	pb.UnimplementedNetworkServiceRegistryServer
	me *identity
	o  *options
}

func (e *echo) Request(ctx context.Context, request *pb.NetworkServiceRequest) (*pb.Connection, error) {
	conn := request.GetConnection()
	asking, _ := peer.FromContext(ctx)
	auth := asking.AuthInfo.(fileInfo)
	headers, _ := metadata.FromIncomingContext(ctx)
	said := map[string]any{"id": conn.GetId(), "peer": peerID(auth), "tokens": len(headers.Get("nsm-client-token"))}
	switch conn.GetNetworkService() {
	case "slow":
		<-ctx.Done()
		return nil, ctx.Err()
	case "denied":
		return nil, status.Error(codes.PermissionDenied, "not for you: ünïcode")
	}
	if conn.GetMechanism() != nil && auth.files != nil {
		text, err := contents(ctx, auth.files, conn.GetMechanism())
		if err != nil {
			return nil, status.Error(codes.DeadlineExceeded, err.Error())
		}
		said["file"] = text
		key, err := auth.files.send(e.o.file)
		if err != nil {
			return nil, err
		}
		conn.Mechanism.Parameters[inodeURL] = key.url()
	}
	say("request", said)
	return conn, nil
}

func (e *echo) Close(context.Context, *pb.Connection) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (e *echo) MonitorConnections(selector *pb.MonitorScopeSelector, stream pb.MonitorConnection_MonitorConnectionsServer) error {
	for i := 0; i < e.o.calls; i++ {
		event := &pb.ConnectionEvent{Type: pb.ConnectionEventType_UPDATE, Connections: map[string]*pb.Connection{"c": {Id: fmt.Sprint(i)}}}
		if err := stream.Send(event); err != nil {
			return err
		}
	}
	return nil
}

func (e *echo) Register(ctx context.Context, service *pb.NetworkService) (*pb.NetworkService, error) {
	headers, _ := metadata.FromIncomingContext(ctx)
	say("register", map[string]any{"name": service.GetName(), "path": headers.Get("path")})
	answer := metadata.Pairs("path", `{"Index":0,"PathSegments":[{"token":"a"},{"token":"b"}]}`)
	return service, grpc.SetHeader(ctx, answer)
}

func server(ctx context.Context, me *identity, o *options) error {
	listener, err := listen(o.listen)
	if err != nil {
		return err
	}
	serving := grpc.NewServer(grpc.Creds(me.server()))
	one := &echo{me: me, o: o}
	pb.RegisterNetworkServiceServer(serving, one)
	pb.RegisterMonitorConnectionServer(serving, one)
	pb.RegisterNetworkServiceRegistryServer(serving, one)
	go func() { <-ctx.Done(); serving.Stop() }()
	say("listening", map[string]any{"at": listener.Addr().String()})
	return serving.Serve(listener)
}

// find asks a registry for endpoints of a service, and a monitor for what there is.
func find(ctx context.Context, me *identity, o *options) error {
	conn, err := o.dial(me)
	if err != nil {
		return err
	}
	defer conn.Close()
	like := &pb.NetworkServiceEndpoint{NetworkServiceNames: []string{o.service}}
	stream, err := pb.NewNetworkServiceEndpointRegistryClient(conn).Find(ctx, &pb.NetworkServiceEndpointQuery{NetworkServiceEndpoint: like})
	if err != nil {
		return err
	}
	names := []string{}
	for {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		names = append(names, answer.GetNetworkServiceEndpoint().GetName())
	}
	say("found", map[string]any{"names": names})
	watching, err := pb.NewMonitorConnectionClient(conn).MonitorConnections(ctx, &pb.MonitorScopeSelector{})
	if err != nil {
		return err
	}
	for i := 0; i < o.calls; i++ {
		event, err := watching.Recv()
		if err != nil {
			return err
		}
		say("watched", map[string]any{"type": event.GetType().String(), "connections": len(event.GetConnections())})
	}
	return nil
}

func segment(name, id string, text string, expires *timestamppb.Timestamp) *pb.PathSegment {
	return &pb.PathSegment{Name: name, Id: id, Token: text, Expires: expires}
}
