package process

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/shm"
)

var nothing = Register("nothing", func(context.Context, struct{}) error { return nil })

func TestStartAndJoin(t *testing.T) {
	p := launched(t, nothing, struct{}{})
	if p.PID() == 0 || p.PID() == os.Getpid() {
		t.Errorf("pid %d", p.PID())
	}
	for range 2 {
		if err := joined(t, p); err != nil {
			t.Error(err)
		}
	}
	select {
	case <-p.Done():
	default:
		t.Error("Done is open after Join")
	}
}

type greeting struct {
	Words []string
	More  map[string]any
	Out   *shm.Var[[2]int64]
}

var greet = Register("greet", func(_ context.Context, g greeting) error {
	if strings.Join(g.Words, " ") != "hello there" || g.More["n"] != int64(11) {
		return errors.New("got " + strings.Join(g.Words, ","))
	}
	*g.Out.Ptr() = [2]int64{int64(os.Getpid()), int64(os.Getppid())}
	return nil
})

func TestArgument(t *testing.T) {
	v, err := shm.New[[2]int64]()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	p := launched(t, greet, greeting{[]string{"hello", "there"}, map[string]any{"n": 11}, v})
	if err := joined(t, p); err != nil {
		t.Fatal(err)
	}
	if got := *v.Ptr(); got != [2]int64{int64(p.PID()), int64(os.Getpid())} {
		t.Errorf("the child was %v", got)
	}
}
