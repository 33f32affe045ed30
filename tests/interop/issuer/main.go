// Issuer is a SPIFFE authority with SPIRE's habits, for tests: it does on its standard input's word
// what a real one does in its own time, and says on its standard output, line by line, what it did.
//
//	issuer DOMAIN SOCKET=ID[,ID…] …
//
// Whoever comes by a socket has its ids, the first one first. Orders: "entries on", "entries off"
// (PermissionDenied until there are some), "rotate" (new leaves), "root" (a new root, the old one
// believed beside it), "vanish" and "return" (the sockets), and the end of the input.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"strings"
)

func main() {
	authority, err := newAuthority(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var agents []*agent
	for _, word := range os.Args[2:] {
		path, ids, _ := strings.Cut(word, "=")
		agents = append(agents, &agent{path: path, ids: strings.Split(ids, ","), authority: authority})
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := obey(lines.Text(), authority, agents); err != nil {
			log.Fatal(err)
		}
		fmt.Println("done", lines.Text())
	}
}

func obey(order string, authority *authority, agents []*agent) error {
	switch order {
	case "entries on", "entries off":
		authority.change(func() error {
			authority.entries = order == "entries on"
			return nil
		})
	case "rotate":
		return authority.change(func() error { return nil })
	case "root":
		return authority.change(authority.addRoot)
	case "return":
		for _, each := range agents {
			if err := each.listen(); err != nil {
				return err
			}
		}
	case "vanish":
		for _, each := range agents {
			each.vanish()
		}
	default:
		return fmt.Errorf("no such order: %q", order)
	}
	return nil
}
