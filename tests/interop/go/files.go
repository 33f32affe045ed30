package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
	"google.golang.org/grpc/credentials"
)

// inode is what a passed file is known by on both sides of a socket.
type inode struct{ dev, ino uint64 }

func (i inode) url() string { return fmt.Sprintf("inode://%d/%d", i.dev, i.ino) }

func parseInode(url string) (inode, error) {
	dev, ino, found := strings.Cut(strings.TrimPrefix(url, "inode://"), "/")
	if !found || !strings.HasPrefix(url, "inode://") {
		return inode{}, fmt.Errorf("%q is not inode://dev/ino", url)
	}
	d, err := strconv.ParseUint(dev, 10, 64)
	if err != nil {
		return inode{}, err
	}
	i, err := strconv.ParseUint(ino, 10, 64)
	return inode{d, i}, err
}

func inodeOf(fd int) (inode, error) {
	var stat unix.Stat_t
	err := unix.Fstat(fd, &stat)
	return inode{uint64(stat.Dev), stat.Ino}, err
}

// fileConn is a unix connection that carries files below TLS: each queued file leaves with one
// payload byte of its own, and files are received in any grouping.
type fileConn struct {
	*net.UnixConn
	mu       sync.Mutex
	queue    []int
	received map[inode]int
	news     chan struct{}
}

func newFileConn(raw *net.UnixConn) *fileConn {
	return &fileConn{UnixConn: raw, received: map[inode]int{}, news: make(chan struct{})}
}

// send queues the file at path, opened without read rights, to leave with the next bytes.
func (c *fileConn) send(path string) (inode, error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return inode{}, fmt.Errorf("open %s: %w", path, err)
	}
	c.mu.Lock()
	c.queue = append(c.queue, fd)
	c.mu.Unlock()
	return inodeOf(fd)
}

// receive waits for a file and returns a path to it, good while the connection lives.
func (c *fileConn) receive(ctx context.Context, want inode) (string, error) {
	for {
		c.mu.Lock()
		fd, there := c.received[want]
		news := c.news
		c.mu.Unlock()
		if there {
			return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return "", fmt.Errorf("the file %s never came: %w", want.url(), ctx.Err())
		}
	}
}

func (c *fileConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	leaving := c.queue
	if len(leaving) > len(b) {
		leaving = leaving[:len(b)]
	}
	c.queue = c.queue[len(leaving):]
	c.mu.Unlock()
	for i, fd := range leaving {
		_, _, err := c.WriteMsgUnix(b[i:i+1], unix.UnixRights(fd), nil)
		_ = unix.Close(fd)
		if err != nil {
			return i, err
		}
	}
	n, err := c.UnixConn.Write(b[len(leaving):])
	return n + len(leaving), err
}

func (c *fileConn) Read(b []byte) (int, error) {
	oob := make([]byte, unix.CmsgSpace(4*64))
	n, oobn, _, _, err := c.ReadMsgUnix(b, oob)
	if oobn > 0 {
		c.keep(oob[:oobn])
	}
	if n == 0 && err == nil && len(b) > 0 {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *fileConn) keep(oob []byte) {
	messages, _ := unix.ParseSocketControlMessage(oob)
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, message := range messages {
		fds, _ := unix.ParseUnixRights(&message)
		for _, fd := range fds {
			key, err := inodeOf(fd)
			if _, there := c.received[key]; there || err != nil {
				_ = unix.Close(fd)
				continue
			}
			syscall.CloseOnExec(fd)
			c.received[key] = fd
		}
	}
	close(c.news)
	c.news = make(chan struct{})
}

func (c *fileConn) Close() error {
	c.mu.Lock()
	for key, fd := range c.received {
		_ = unix.Close(fd)
		delete(c.received, key)
	}
	c.mu.Unlock()
	return c.UnixConn.Close()
}

// below puts fileConn under the TLS that inner makes, where the connection is a unix one.
type below struct {
	credentials.TransportCredentials
}

type fileInfo struct {
	credentials.TLSInfo
	files *fileConn
}

func wrap(raw net.Conn) (net.Conn, *fileConn) {
	if u, ok := raw.(*net.UnixConn); ok {
		files := newFileConn(u)
		return files, files
	}
	return raw, nil
}

func info(auth credentials.AuthInfo, files *fileConn) credentials.AuthInfo {
	return fileInfo{auth.(credentials.TLSInfo), files}
}

func (b below) ClientHandshake(ctx context.Context, name string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	under, files := wrap(raw)
	conn, auth, err := b.TransportCredentials.ClientHandshake(ctx, name, under)
	if err != nil {
		return nil, nil, err
	}
	return conn, info(auth, files), nil
}

func (b below) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	under, files := wrap(raw)
	conn, auth, err := b.TransportCredentials.ServerHandshake(under)
	if err != nil {
		return nil, nil, err
	}
	return conn, info(auth, files), nil
}

func (b below) Clone() credentials.TransportCredentials {
	return below{b.TransportCredentials.Clone()}
}

func statSocket(path string) (inode, error) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return inode{uint64(stat.Dev), stat.Ino}, err
}
