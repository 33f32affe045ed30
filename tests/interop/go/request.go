package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"interop/pb"
)

// request opens connections side by side and makes calls on each, passing a file each way.
func request(ctx context.Context, me *identity, o *options) error {
	var group errgroup.Group
	took := make([][]time.Duration, o.connections)
	began := time.Now()
	for number := range o.connections {
		group.Go(func() (err error) {
			took[number], err = callMany(ctx, me, o, number)
			return err
		})
	}
	err := group.Wait()
	seconds := time.Since(began).Seconds()
	each := slices.Concat(took...)
	slices.Sort(each)
	done := map[string]any{"connections": o.connections, "calls": len(each), "seconds": seconds}
	if len(each) > 0 {
		done["median"] = each[len(each)/2].Seconds()
	}
	say("called", done)
	return err
}

func callMany(ctx context.Context, me *identity, o *options, number int) ([]time.Duration, error) {
	conn, err := me.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	var group errgroup.Group
	if !o.together {
		group.SetLimit(1)
	}
	took := make([]time.Duration, o.calls)
	for i := range o.calls {
		group.Go(func() error {
			began := time.Now()
			err := callOnce(ctx, conn, o.with(i), fmt.Sprintf("%s-%d-%d", o.name, number, i))
			took[i] = time.Since(began)
			return err
		})
	}
	return took, group.Wait()
}

// with is what the options come to for the call of this number.
func (o *options) with(number int) *options {
	own := *o
	if o.together && o.file != "" {
		own.file = fmt.Sprintf("%s.%d", o.file, number)
	}
	return &own
}

func callOnce(ctx context.Context, conn *grpc.ClientConn, o *options, id string) error {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	asked := question(o.service, o.name, id)
	if o.file != "" {
		key, err := inodeAt(o.file)
		if err != nil {
			return err
		}
		asked.Connection.Mechanism = kernel(key, "")
		ctx = carrying(ctx, o.file)
	}
	var from peer.Peer
	answer, err := pb.NewNetworkServiceClient(conn).Request(ctx, asked, grpc.Peer(&from))
	if err != nil {
		return err
	}
	return check(ctx, o, id, answer, from.AuthInfo.(peerInfo))
}

// check compares an answer with its question, and reads the file that came with it.
func check(ctx context.Context, o *options, id string, answer *pb.Connection, from peerInfo) error {
	if answer.GetId() != id || answer.GetPath().GetIndex() != 0 {
		return fmt.Errorf("%s was answered with id %q, index %d", id, answer.GetId(), answer.GetPath().GetIndex())
	}
	if o.file == "" && o.calls > 1 {
		return nil
	}
	said := map[string]any{"id": answer.GetId(), "labels": answer.GetLabels(), "peer": from.id()}
	if o.file != "" {
		text, err := contents(ctx, o, from.files, answer.GetMechanism())
		if err != nil {
			return err
		}
		said["file"] = text
	}
	say("answer", said)
	return nil
}

// contents is what stands in the file a mechanism names, once it has come.
func contents(ctx context.Context, o *options, files *fileConn, mechanism *pb.Mechanism) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
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

// question asks for a connection as one who stands first in its path.
func question(service, name, id string) *pb.NetworkServiceRequest {
	return &pb.NetworkServiceRequest{Connection: &pb.Connection{
		Id: id, NetworkService: service, Labels: map[string]string{"größe": "ünïcode"},
		Path: &pb.Path{PathSegments: []*pb.PathSegment{{Name: name, Id: id}}},
	}}
}

func kernel(netns inode, name string) *pb.Mechanism {
	return &pb.Mechanism{Cls: "LOCAL", Type: "KERNEL", Parameters: map[string]string{inodeURL: netns.url(), "name": name}}
}
