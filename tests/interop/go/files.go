package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

const inodeURL = "inodeURL"

// inode is what a passed file is known by on both sides of a socket.
type inode struct{ dev, ino uint64 }

func (i inode) url() string { return fmt.Sprintf("inode://%d/%d", i.dev, i.ino) }

func parseInode(url string) (inode, error) {
	var i inode
	if _, err := fmt.Sscanf(url, "inode://%d/%d", &i.dev, &i.ino); err != nil {
		return i, fmt.Errorf("%q is not inode://dev/ino: %w", url, err)
	}
	return i, nil
}

func inodeAt(path string) (inode, error) {
	var stat unix.Stat_t
	err := unix.Stat(path, &stat)
	return inode{uint64(stat.Dev), stat.Ino}, err
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
	leaving := c.queue[:min(len(c.queue), len(b))]
	c.queue = c.queue[len(leaving):]
	c.mu.Unlock()
	defer closeAll(leaving)
	for i, fd := range leaving {
		if _, _, err := c.WriteMsgUnix(b[i:i+1], unix.UnixRights(fd), nil); err != nil {
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
	return max(n, 0), err // it says -1 beside an error
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
	closeAll(c.queue)
	c.queue = nil
	for key, fd := range c.received {
		_ = unix.Close(fd)
		delete(c.received, key)
	}
	c.mu.Unlock()
	return c.UnixConn.Close()
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = unix.Close(fd)
	}
}
