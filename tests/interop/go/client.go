package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"

	"interop/pb"
)

// client asks a manager for a vWire into a namespace, refreshes it once, and closes it at the end.
func client(ctx context.Context, me *identity, o *options) error {
	conn, err := me.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	events, err := watch(context.WithoutCancel(ctx), conn, o)
	if err != nil {
		return err
	}
	key, err := inodeAt(o.netns)
	if err != nil {
		return err
	}
	asked := question(o.service, o.name, o.name+"-0")
	asked.Connection.Labels = nil
	asked.MechanismPreferences = []*pb.Mechanism{kernel(key, o.iface)}
	asking := &wire{pb.NewNetworkServiceClient(conn), o}
	for range 2 {
		if asked.Connection, err = asking.request(ctx, asked); err != nil {
			return err
		}
	}
	told := make(chan struct{})
	go func() { tell(events); close(told) }()
	<-ctx.Done()
	err = asking.close(asked.Connection)
	select {
	case <-told:
	case <-time.After(o.timeout):
	}
	return err
}

// wire is how one connection is asked for and closed: with its namespace's file, within a time.
type wire struct {
	manager pb.NetworkServiceClient
	o       *options
}

func (w *wire) request(ctx context.Context, asked *pb.NetworkServiceRequest) (*pb.Connection, error) {
	ctx, cancel := context.WithTimeout(carrying(ctx, w.o.netns), w.o.timeout)
	defer cancel()
	began := time.Now()
	answer, err := w.manager.Request(ctx, asked)
	if err != nil {
		return nil, err
	}
	said := describe(answer)
	said["seconds"] = time.Since(began).Seconds()
	said["asked inode"] = asked.GetMechanismPreferences()[0].GetParameters()[inodeURL]
	say("connected", said)
	return answer, nil
}

func (w *wire) close(conn *pb.Connection) error {
	ctx, cancel := context.WithTimeout(carrying(context.Background(), w.o.netns), w.o.timeout)
	defer cancel()
	_, err := w.manager.Close(ctx, conn)
	say("closed", map[string]any{"ok": err == nil})
	return err
}

// watch opens a monitor stream on our own connections; its first event must come at once.
func watch(ctx context.Context, conn *grpc.ClientConn, o *options) (pb.MonitorConnection_MonitorConnectionsClient, error) {
	selector := &pb.MonitorScopeSelector{PathSegments: []*pb.PathSegment{{Name: o.name}}}
	events, err := pb.NewMonitorConnectionClient(conn).MonitorConnections(ctx, selector)
	if err != nil {
		return nil, err
	}
	first, err := events.Recv()
	if err != nil {
		return nil, err
	}
	if first.GetType() != pb.ConnectionEventType_INITIAL_STATE_TRANSFER {
		return nil, fmt.Errorf("the first event is %s", first.GetType())
	}
	return events, nil
}

// tell says every event until our connection is deleted, or the stream ends.
func tell(events pb.MonitorConnection_MonitorConnectionsClient) {
	for {
		event, err := events.Recv()
		if err != nil {
			say("unwatched", map[string]any{"error": err.Error()})
			return
		}
		for key, conn := range event.GetConnections() {
			said := describe(conn)
			said["key"], said["type"] = key, event.GetType().String()
			say("watched", said)
		}
		if event.GetType() == pb.ConnectionEventType_DELETE {
			return
		}
	}
}

// describe is a connection in the words of our JSON lines.
func describe(conn *pb.Connection) map[string]any {
	names, ids, expiring := []string{}, []string{}, 0
	for _, s := range conn.GetPath().GetPathSegments() {
		names, ids = append(names, s.GetName()), append(ids, s.GetId())
		if s.GetExpires() != nil {
			expiring++
		}
	}
	ip, mechanism := conn.GetContext().GetIpContext(), conn.GetMechanism()
	return map[string]any{
		"id": conn.GetId(), "index": conn.GetPath().GetIndex(), "path": names, "ids": ids, "expiring": expiring,
		"src": ip.GetSrcIpAddrs(), "dst": ip.GetDstIpAddrs(), "endpoint": conn.GetNetworkServiceEndpointName(),
		"mechanism": mechanism.GetType(), "inode": mechanism.GetParameters()[inodeURL],
		"interface": mechanism.GetParameters()["name"], "state": conn.GetState().String(),
	}
}
