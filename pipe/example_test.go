package pipe_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/shmkit/shmkit/pipe"
)

// Two ends, each of which sends and receives. The other one may be another process's: see examples/pipeecho.
func ExampleNew() {
	ctx := context.Background()
	a, b, err := pipe.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer a.Close()
	go func() { // echo
		defer b.Close()
		for {
			var v any
			if err := b.Recv(ctx, &v); err != nil {
				return
			}
			b.Send(ctx, v)
		}
	}()
	a.Send(ctx, []any{11, nil, "lily"})
	var v any
	a.Recv(ctx, &v)
	fmt.Println(v)
	// Output: [11 <nil> lily]
}

// A sender that closes, and a receiver that is told.
func ExampleNewOneWay() {
	ctx := context.Background()
	r, w, err := pipe.NewOneWay()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	go func() {
		for _, word := range []string{"a", "b", "c"} {
			w.SendBytes(ctx, []byte(word))
		}
		w.Close()
	}()
	for {
		m, err := r.RecvBytes(ctx, nil)
		if err == io.EOF {
			break
		}
		fmt.Println(string(m), err)
	}
	// Output:
	// a <nil>
	// b <nil>
	// c <nil>
}

func ExampleListen() {
	ctx := context.Background()
	l, err := pipe.Listen("example.greeter")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				name := make([]byte, 100)
				n, _ := c.Read(name)
				fmt.Fprintf(c, "hello, %s", name[:n])
			}()
		}
	}()
	c, err := pipe.Dial(ctx, "example.greeter")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Fprint(c, "lily")
	answer, err := io.ReadAll(c)
	fmt.Println(string(answer), err)
	// Output: hello, lily <nil>
}

// A web server that no network reaches.
func ExampleDial() {
	l, err := pipe.Listen("example.web")
	if err != nil {
		fmt.Println(err)
		return
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "at ", r.URL.Path) })}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return pipe.Dial(ctx, "example.web") },
	}}
	r, err := client.Get("http://localhost/hello")
	if err != nil {
		fmt.Println(err)
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	fmt.Println(string(body))
	client.CloseIdleConnections()
	s.Close()
	fmt.Println(<-served)
	// Output:
	// at /hello
	// http: Server closed
}
