package queue_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// touchy is a codec of strings whose Decode calls something first.
type touchy struct{ f func() }

func (touchy) Name() string                           { return "touchy" }
func (touchy) Append(b []byte, v any) ([]byte, error) { return append(b, v.(string)...), nil }
func (c touchy) Decode(b []byte, v any) error {
	*v.(*string) = string(b)
	c.f()
	return nil
}

// A task is given up as it is: the codec is not asked, for it may be what the task fails at.
func TestGraveTakesAsIs(t *testing.T) {
	long := string(make([]byte, 10_000))
	c := queue.JoinableConfig[string]{Codec: touchy{func() { panic("bug") }}, MaxAttempts: 1, Dead: "as.is"}
	q := newJoinable(t, c)
	dead, err := queue.Config[string]{Codec: touchy{func() {}}}.Open("as.is")
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	defer dead.Unlink()
	for n, v := range []string{"x", long} {
		if err := q.TryPut(v); err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if recover() != "bug" {
					t.Error("no panic")
				}
			}()
			_, err := q.TryGet()
			t.Error(err)
		}()
		if s := q.Stats(); s.Leased != 0 || s.Returned != 1 || s.Failed != uint64(n)+1 {
			t.Errorf("behind a panic: %+v", s)
		}
		if _, err := q.TryGet(); err != queue.ErrEmpty {
			t.Error(err)
		}
		if got, err := dead.TryGet(); got != v || err != nil {
			t.Error(len(got), err)
		}
		if s := q.Stats(); s.Buried != uint64(n)+1 || q.Unfinished() != 0 || s.Garbled != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// A Queue drops a message at which the codec panics, and counts it.
func TestPanicIsCounted(t *testing.T) {
	q, err := queue.Config[string]{Codec: touchy{func() { panic("bug") }}}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.TryPut("x"); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		_, err := q.TryGet()
		t.Error(err)
	}()
	if s := q.Stats(); s.Garbled != 1 || s.Leased != 0 || q.Len() != 0 {
		t.Errorf("%+v", s)
	}
}

// While the dead-letter queue is full nobody is woken for tasks that are spent.
func TestGraveFullIsQuiet(t *testing.T) {
	dead, err := queue.OpenOrCreate[string]("quiet", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer dead.Close()
	defer dead.Unlink()
	if err := dead.TryPut("full"); err != nil {
		t.Fatal(err)
	}
	q := newJoinable(t, queue.JoinableConfig[string]{Cap: 64, MaxAttempts: 1, Dead: "quiet"})
	for range 64 {
		if err := q.TryPut("x"); err != nil {
			t.Fatal(err)
		}
	}
	var all []queue.Task[string]
	for range 64 {
		all = append(all, must[queue.Task[string]](t)(q.TryGet()))
	}
	for _, x := range all {
		x.Fail()
	}
	if _, err := q.TryGet(); err != queue.ErrEmpty {
		t.Fatal(err)
	}
	said := q.Returns()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := q.Get(ctx); err != context.DeadlineExceeded {
		t.Error(err)
	}
	q.Sweep()
	if n := q.Returns() - said; n != 0 || q.Unfinished() != 64 {
		t.Errorf("said %d times, %d unfinished", n, q.Unfinished())
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	got := make(chan error, 1)
	go func() { _, err := q.Get(ctx); got <- err }()
	for n := range 65 {
		if v, err := dead.Get(ctx); err != nil || v == "full" != (n == 0) {
			t.Fatal(n, v, err)
		}
	}
	cancel()
	if err := <-got; err != context.Canceled {
		t.Error(err)
	}
}

// A dead-letter queue that cannot be opened leaves no queue of tasks.
func TestGraveFirst(t *testing.T) {
	d, err := queue.OpenOrCreate[int]("first.grave", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	defer d.Unlink()
	var m *shm.MismatchError
	if _, err := (queue.JoinableConfig[string]{MaxAttempts: 1, Dead: "first.grave"}).Create("first.jobs"); !errors.As(err, &m) {
		t.Error(err)
	}
	if _, err := queue.OpenJoinable[string]("first.jobs"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if _, err := (queue.JoinableConfig[string]{MaxAttempts: 1, Dead: "dir.grave", Mem: shm.Mem{Dir: t.TempDir()}}).New(); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := (queue.JoinableConfig[string]{Cap: -1, MaxAttempts: 1, Dead: "dir.grave"}).New(); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	if _, err := queue.Open[string]("dir.grave"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// A Get that is decoding while its handle is closed returns the task, once.
func TestCloseWhileDecoding(t *testing.T) {
	var inside atomic.Pointer[func()]
	q := newJoinable(t, queue.JoinableConfig[string]{Codec: touchy{func() {
		if f := inside.Swap(nil); f != nil {
			(*f)()
		}
	}}})
	if err := q.TryPut("x"); err != nil {
		t.Fatal(err)
	}
	c := q.Clone()
	var early error
	f := func() {
		c.Close()
		_, early = q.TryGet()
	}
	inside.Store(&f)
	if x, err := c.TryGet(); err != os.ErrClosed || x.Value != "" {
		t.Errorf("%+v, %v", x, err)
	}
	if early != queue.ErrEmpty {
		t.Errorf("while it was decoded another one got it: %v", early)
	}
	x := must[queue.Task[string]](t)(q.TryGet())
	if x.Value != "x" || x.Attempt != 2 {
		t.Errorf("%+v", x)
	}
	if err := x.Done(); err != nil {
		t.Error(err)
	}
	if s := q.Stats(); s.Failed != 1 || q.Unfinished() != 0 {
		t.Errorf("%+v", s)
	}
}

// A batch that meets a message which cannot be read ends before it, and the next call has the error.
func TestBatchTells(t *testing.T) {
	raw, err := queue.Config[[]byte]{Cap: 8, Codec: named{name: "cbor"}}.Create("batch.garbage")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	defer raw.Unlink()
	q, err := queue.Open[order]("batch.garbage")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	good, err := queue.CBOR.Append(nil, order{ID: 7})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(raw.TryPut(good), raw.TryPut([]byte{0xff}), raw.TryPut(good)); err != nil {
		t.Fatal(err)
	}
	dst := make([]order, 8)
	if n, err := q.GetBatch(t.Context(), dst); n != 1 || err != nil || dst[0].ID != 7 {
		t.Error(n, err)
	}
	if n, err := q.GetBatch(t.Context(), dst); n != 0 || !errors.Is(err, queue.ErrMessage) {
		t.Error(n, err)
	}
	if n, err := q.GetBatch(t.Context(), dst); n != 1 || err != nil {
		t.Error(n, err)
	}
}
