package pipe_test

import (
	"net"
	"testing"

	"golang.org/x/net/nettest"

	"github.com/shmkit/shmkit/pipe"
)

func TestNetConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		a, b, err := pipe.Config{Cap: 4096}.New()
		if err != nil {
			return nil, nil, nil, err
		}
		return a, b, func() { a.Close(); b.Close() }, nil
	})
}
