// Pipeecho has a parent and a child talk over a pipe with two ends, as the tutorials do: what the parent sends the child
// sends back, until the parent closes its end.
package main

import (
	"context"
	"fmt"
	"io"
	"log"

	"github.com/shmkit/shmkit/pipe"
	"github.com/shmkit/shmkit/process"
)

var echo = process.Register("echo", func(ctx context.Context, end *pipe.Conn) error {
	for {
		var v any
		switch err := end.Recv(ctx, &v); {
		case err == io.EOF:
			fmt.Println("child: the end")
			return nil
		case err != nil:
			return err
		}
		if err := end.Send(ctx, v); err != nil {
			return err
		}
	}
})

func main() {
	process.Main()
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	here, there, err := pipe.New()
	if err != nil {
		return err
	}
	defer here.Close()
	child, err := echo.Start(ctx, there)
	if err != nil {
		return err
	}
	there.Close() // the child has it
	for _, v := range []any{"hello", []any{11, nil, "lily"}, map[string]any{"x": 1.5}} {
		if err := here.Send(ctx, v); err != nil {
			return err
		}
		var back any
		if err := here.Recv(ctx, &back); err != nil {
			return err
		}
		fmt.Println("parent:", back)
	}
	here.Close()
	return child.Join(ctx)
}
