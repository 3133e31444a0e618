package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Ports come from below the range that Linux and macOS give to outgoing connections. There,
// a client that dials a server which is just down may be given the server's own port,
// connect to itself, and keep the server from coming back.
const (
	lowestPort  = 15000
	highestPort = 32000
)

// FreePorts returns n different ports of 127.0.0.1 on which nobody listens. Another program
// may take one before its user does; see [PortTaken].
func FreePorts(n int) ([]int, error) {
	ports := make([]int, 0, n)
	for len(ports) < n {
		port := lowestPort + rand.IntN(highestPort-lowestPort)
		if slices.Contains(ports, port) {
			continue
		}
		free, err := listenable(port)
		if err != nil {
			return nil, fmt.Errorf("looking for a free port: %w", err)
		}
		if free {
			ports = append(ports, port)
		}
	}
	return ports, nil
}

// listenable says whether nobody listens on a port.
func listenable(port int) (bool, error) {
	listener, err := net.Listen("tcp", Loopback(port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, listener.Close()
}

// Loopback returns 127.0.0.1:port.
func Loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// PortTaken says whether the child ended because somebody else was faster to take one of
// its ports.
func (p *Process) PortTaken() bool {
	return !p.Alive() && strings.Contains(Tail(p.log, tailLines), "address already in use")
}
