// Names shows what processes are called: by whoever starts them, or else by number.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/shmkit/shmkit/process"
)

var greet = process.Register("greet", func(_ context.Context, to string) error {
	fmt.Printf("hello %s, from %s, child of %s\n", to, process.Current().Name, process.Parent().Name)
	return nil
})

// family starts a child of its own.
var family = process.Register("family", func(ctx context.Context, to string) error {
	p, err := greet.Start(ctx, to)
	if err != nil {
		return err
	}
	return p.Join(ctx)
})

func main() {
	process.Main()
	ctx := context.Background()
	named := greet.Command(ctx, "Paul") // prepared, so that its fields can be set
	named.Name = "greeter"
	if err := named.Start(); err != nil {
		log.Fatal(err)
	}
	second, err := greet.Start(ctx, "Ann")
	if err != nil {
		log.Fatal(err)
	}
	third, err := family.Start(ctx, "Lily")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range []*process.Process{named, second, third} {
		if err := p.Join(ctx); err != nil {
			log.Fatal(err)
		}
	}
}
