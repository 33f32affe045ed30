package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"interop/pb"
)

const emptyPath = `{"Index":0,"PathSegments":null}`

// once makes one connection, and says how what is asked on it ends.
func once(ctx context.Context, me *identity, o *options, ask func(context.Context, *grpc.ClientConn) error) error {
	conn, err := me.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	began := time.Now()
	ended := status.Convert(ask(ctx, conn))
	say("status", map[string]any{"code": ended.Code().String(), "message": ended.Message(),
		"seconds": time.Since(began).Seconds()})
	return nil
}

func askFor(service string, o *options) func(context.Context, *grpc.ClientConn) error {
	return func(ctx context.Context, conn *grpc.ClientConn) error {
		_, err := pb.NewNetworkServiceClient(conn).Request(ctx, question(service, o.name, "c"))
		return err
	}
}

func deadline(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, askFor("slow", o))
}

func refused(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		var trailer metadata.MD
		_, err := pb.NewNetworkServiceClient(conn).Request(ctx, question("denied", o.name, "c"), grpc.Trailer(&trailer))
		say("trailer", map[string]any{"trailer": trailer})
		return err
	})
}

// big asks with 3 MB in a label, and wants them back.
func big(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		asked, size := question(o.service, o.name, "c"), 3_000_000
		asked.Connection.Labels["big"] = strings.Repeat("x", size)
		answer, err := pb.NewNetworkServiceClient(conn).Request(ctx, asked)
		say("answer", map[string]any{"size": len(answer.GetLabels()["big"])})
		return err
	})
}

// gzipped asks in a way that we are not told anyone understands.
func gzipped(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		_, err := pb.NewNetworkServiceClient(conn).Request(ctx, question(o.service, o.name, "c"), grpc.UseCompressor(gzip.Name))
		return err
	})
}

func health(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		answer, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: o.service})
		say("answer", map[string]any{"health": answer.GetStatus().String()})
		return err
	})
}

// monitor reads events until there were as many as we want, or until the stream ends.
func monitor(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		selector := &pb.MonitorScopeSelector{PathSegments: []*pb.PathSegment{{Name: o.name}}}
		stream, err := pb.NewMonitorConnectionClient(conn).MonitorConnections(ctx, selector)
		if err != nil {
			return err
		}
		order, count := true, 0
		for ; count < o.calls; count++ {
			event, err := stream.Recv()
			if err != nil {
				break
			}
			time.Sleep(o.pause)
			order = order && event.GetConnections()[number(count)].GetId() == number(count)
		}
		say("watched", map[string]any{"events": count, "in order": order})
		return nil
	})
}

func register(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		var header metadata.MD
		path := emptyPath
		if o.size > 0 {
			path = fmt.Sprintf(`{"Index":0,"PathSegments":[{"token":"%s"}]}`, strings.Repeat("t", o.size))
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "path", path)
		answer, err := pb.NewNetworkServiceRegistryClient(conn).Register(ctx, &pb.NetworkService{Name: o.service}, grpc.Header(&header))
		say("registered", map[string]any{"name": answer.GetName(), "payload": answer.GetPayload(), "path": header.Get("path")})
		return err
	})
}

// find reads all endpoints of a service, to the end of the stream.
func find(ctx context.Context, me *identity, o *options) error {
	return once(ctx, me, o, func(ctx context.Context, conn *grpc.ClientConn) error {
		like := &pb.NetworkServiceEndpoint{NetworkServiceNames: []string{o.service}}
		stream, err := pb.NewNetworkServiceEndpointRegistryClient(conn).Find(ctx, &pb.NetworkServiceEndpointQuery{NetworkServiceEndpoint: like})
		if err != nil {
			return err
		}
		names := []string{}
		for {
			answer, err := stream.Recv()
			if err != nil {
				say("found", map[string]any{"names": names})
				return unless(io.EOF, err)
			}
			names = append(names, answer.GetNetworkServiceEndpoint().GetName())
		}
	})
}

func unless(expected, err error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
