package main

import (
	"context"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"interop/pb"
)

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
	serving, one := grpc.NewServer(grpc.Creds(me.server())), &responder{me: me, o: o, stop: ctx}
	pb.RegisterNetworkServiceServer(serving, one)
	pb.RegisterMonitorConnectionServer(serving, one)
	go func() { _ = serving.Serve(listener) }()
	defer serving.Stop()

	conn, err := me.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	known := &registration{conn: conn, o: o, socket: socket}
	if err := known.register(ctx); err != nil {
		return err
	}
	if err := known.watch(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	return known.unregister()
}

// registration is how an endpoint is known to a manager.
type registration struct {
	conn   *grpc.ClientConn
	o      *options
	socket string
	record *pb.NetworkServiceEndpoint
}

func (r *registration) calling(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx = metadata.AppendToOutgoingContext(carrying(ctx, r.socket), "path", emptyPath)
	return context.WithTimeout(ctx, r.o.timeout)
}

func (r *registration) register(ctx context.Context) error {
	ctx, cancel := r.calling(ctx)
	defer cancel()
	service := &pb.NetworkService{Name: r.o.service, Payload: "IP"}
	if _, err := pb.NewNetworkServiceRegistryClient(r.conn).Register(ctx, service); err != nil {
		return err
	}
	key, err := inodeAt(r.socket)
	if err != nil {
		return err
	}
	asked := &pb.NetworkServiceEndpoint{Name: r.o.name, NetworkServiceNames: []string{r.o.service}, Url: key.url(),
		NetworkServiceLabels: map[string]*pb.NetworkServiceLabels{r.o.service: {}}}
	var header metadata.MD
	r.record, err = pb.NewNetworkServiceEndpointRegistryClient(r.conn).Register(ctx, asked, grpc.Header(&header))
	say("registered", map[string]any{"asked url": asked.GetUrl(), "url": r.record.GetUrl(),
		"expires": r.record.GetExpirationTime().AsTime(), "ids": r.record.GetPathIds(), "path": header.Get("path")})
	return err
}

// watch says what becomes of our own record.
func (r *registration) watch(ctx context.Context) error {
	stream, err := pb.NewNetworkServiceEndpointRegistryClient(r.conn).Find(ctx, &pb.NetworkServiceEndpointQuery{
		Watch: true, NetworkServiceEndpoint: &pb.NetworkServiceEndpoint{Name: r.o.name}})
	if err != nil {
		return err
	}
	go func() {
		for {
			seen, err := stream.Recv()
			if err != nil {
				say("unwatched", map[string]any{"error": err.Error()})
				return
			}
			say("seen", map[string]any{"name": seen.GetNetworkServiceEndpoint().GetName(), "deleted": seen.GetDeleted()})
		}
	}()
	return nil
}

func (r *registration) unregister() error {
	ctx, cancel := r.calling(context.Background())
	defer cancel()
	_, err := pb.NewNetworkServiceEndpointRegistryClient(r.conn).Unregister(ctx, r.record)
	say("unregistered", map[string]any{"ok": err == nil})
	return err
}
