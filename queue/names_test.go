package queue_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/shmkit/shmkit/internal/codec"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// object is what every queue is.
type object interface {
	Name() string
	MarshalText() ([]byte, error)
	UnmarshalText([]byte) error
	Close() error
	Unlink() error
}

var (
	_ object = (*queue.Queue[int])(nil)
	_ object = (*queue.SimpleQueue[int])(nil)
)

func TestNames(t *testing.T) {
	q, err := queue.OpenOrCreate[int32]("names", 10)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.Unlink()
	if q.Cap() != 10 || q.Name() != "names" || q.Len() != 0 {
		t.Errorf("Cap %d, Name %q, Len %d", q.Cap(), q.Name(), q.Len())
	}
	if _, err := queue.Open[int32]("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such name: %v", err)
	}
	if _, err := (queue.Config[int32]{}).Create("names"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create: %v", err)
	}
	if _, err := (queue.Config[int32]{}).Create(""); !errors.Is(err, fs.ErrInvalid) {
		t.Errorf("Create without a name: %v", err)
	}
	mismatch := func(what string, _ any, err error) {
		t.Helper()
		var m *shm.MismatchError
		if !errors.As(err, &m) || m.What != what || m.Name != "names" {
			t.Errorf("got %v, want a mismatch of %s", err, what)
		}
	}
	_, err = queue.OpenOrCreate[int32]("names", 11)
	mismatch("capacity", nil, err)
	_, err = queue.Open[uint32]("names")
	mismatch("T", nil, err)
	_, err = queue.OpenSimple[int32]("names")
	mismatch("kind", nil, err)
	o, err := queue.Open[int32]("names")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if err := o.TryPut(7); err != nil {
		t.Error(err)
	}
	if q.Len() != 1 {
		t.Errorf("Len %d behind a put through another handle", q.Len())
	}
	if err := q.Unlink(); err != nil {
		t.Error(err)
	}
	if err := o.Unlink(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a second Unlink: %v", err)
	}
	if v, err := q.TryGet(); v != 7 || err != nil {
		t.Errorf("after Unlink it gets %d, %v", v, err)
	}
	if _, err := q.TryGet(); err != queue.ErrEmpty {
		t.Error(err)
	}
}

// A handle goes through every codec that a program may use.
func TestHandleText(t *testing.T) {
	type args struct {
		Jobs *queue.Queue[int]
		Log  *queue.SimpleQueue[int]
	}
	jobs, err := queue.New[int](0)
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	log, err := queue.NewSimple[int]()
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if jobs.Cap() != 1024 || !log.Empty() {
		t.Errorf("Cap %d, Empty %v", jobs.Cap(), log.Empty())
	}
	for name, trip := range map[string]func(in, out *args) error{
		"json": func(in, out *args) error {
			b, err := json.Marshal(in)
			return errors.Join(err, json.Unmarshal(b, out))
		},
		"cbor": func(in, out *args) error {
			b, err := codec.CBOR.Append(nil, in)
			return errors.Join(err, codec.CBOR.Decode(b, out))
		},
	} {
		var out args
		if err := trip(&args{jobs, log}, &out); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := errors.Join(out.Jobs.TryPut(1), out.Log.Put(t.Context(), 2)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if v, err := jobs.TryGet(); v != 1 || err != nil {
			t.Errorf("%s: %d, %v", name, v, err)
		}
		if v, err := log.Get(t.Context()); v != 2 || err != nil {
			t.Errorf("%s: %d, %v", name, v, err)
		}
		text, err := jobs.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Jobs.UnmarshalText(text); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("into an open handle: %v", err)
		}
		if err := out.Log.UnmarshalText(text); !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("into an open handle: %v", err)
		}
		if err := errors.Join(out.Jobs.Close(), out.Log.Close()); err != nil {
			t.Error(err)
		}
		var m *shm.MismatchError
		if err := out.Log.UnmarshalText(text); !errors.As(err, &m) || m.What != "kind" {
			t.Errorf("into a queue of another kind: %v", err)
		}
	}
}

func TestClosedHandles(t *testing.T) {
	var q queue.Queue[int]
	var s queue.SimpleQueue[int]
	ctx := t.Context()
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	check("Put", q.Put(ctx, 1))
	check("TryPut", q.TryPut(1))
	_, err := q.Get(ctx)
	check("Get", err)
	_, err = q.TryGet()
	check("TryGet", err)
	_, err = q.PutBatch(ctx, []int{1})
	check("PutBatch", err)
	_, err = q.GetBatch(ctx, []int{1})
	check("GetBatch", err)
	check("Shutdown", q.Shutdown())
	check("Unlink", q.Unlink())
	check("Close", q.Close())
	_, err = q.MarshalText()
	check("MarshalText", err)
	check("Clone", q.Clone().TryPut(1))
	check("SimpleQueue.Put", s.Put(ctx, 1))
	_, err = s.Get(ctx)
	check("SimpleQueue.Get", err)
	q.Notify(make(chan struct{}, 1))()
	for _, err := range q.All(ctx) {
		check("All", err)
	}
	if q.Len() != 0 || q.Cap() != 0 || q.Name() != "" || q.Stats() != (queue.Stats{}) || !s.Empty() {
		t.Error("a closed handle has something")
	}
}

func TestStream(t *testing.T) {
	q, err := queue.New[int](4)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	n, err := q.PutBatch(t.Context(), []int{0, 1, 2, 3, 4})
	if n != 4 || err != nil {
		t.Fatal(n, err)
	}
	if err := q.TryPut(4); err != queue.ErrFull {
		t.Error(err)
	}
	token := make(chan struct{}, 1)
	defer q.Notify(token)()
	<-token
	c := q.Clone()
	defer c.Close()
	if err := c.Shutdown(); err != nil {
		t.Error(err)
	}
	if err := q.TryPut(4); err != io.ErrClosedPipe {
		t.Error(err)
	}
	want := 0
	for v, err := range c.All(t.Context()) {
		if v != want || err != nil {
			t.Errorf("got %d, %v, want %d", v, err, want)
		}
		want++
	}
	if _, err := q.TryGet(); err != io.EOF || want != 4 {
		t.Errorf("%v behind %d items", err, want)
	}
	if s := q.Stats(); s.Put != 4 || s.Got != 4 {
		t.Errorf("%+v", s)
	}
}
