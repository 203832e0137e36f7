package queue_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// roundTrip puts all, then gets all.
func roundTrip[T any](t *testing.T, want ...T) {
	t.Helper()
	q, err := queue.New[T](len(want))
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for _, v := range want {
		if err := q.Put(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.TryPut(want[0]); err != queue.ErrFull {
		t.Errorf("a put into the full queue: %v", err)
	}
	if q.Len() != len(want) {
		t.Errorf("Len %d of %d", q.Len(), len(want))
	}
	for _, v := range want {
		got, err := q.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(v, got); d != "" {
			t.Error(d)
		}
	}
	if _, err := q.TryGet(); err != queue.ErrEmpty {
		t.Errorf("a get from the empty queue: %v", err)
	}
	if s := q.Stats(); s.Writing+s.Leased+s.Ready+s.Returned != 0 {
		t.Errorf("%+v", s)
	}
}

type order struct {
	ID    int
	Name  string
	Lines []string
	Price map[string]float64
}

func TestItemsOfEveryKind(t *testing.T) {
	roundTrip(t, "", "a", strings.Repeat("long", 1000))
	roundTrip(t, []byte{}, []byte("b"), bytes.Repeat([]byte("long"), 100_000))
	roundTrip(t, order{}, order{1, "x", []string{"a", "b"}, map[string]float64{"a": 1}}, order{2, strings.Repeat("y", 300), nil, nil})
	roundTrip(t, []any{int64(11), nil, "lily"}, []any{true, 1.5, []any{"x"}})
	roundTrip(t, [2]int{1, 2}, [2]int{3, 4})
}

// What an any holds has no type to go by.
func TestMixedList(t *testing.T) {
	q, err := queue.New[[]any](0)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if err := q.TryPut([]any{11, nil, "lily"}); err != nil {
		t.Fatal(err)
	}
	got, err := q.TryGet()
	if d := cmp.Diff([]any{int64(11), nil, "lily"}, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

// Messages from one byte to some megabytes, through the cell and through the tail; at the end the memory is as it was.
func TestSizes(t *testing.T) {
	q, err := queue.Config[[]byte]{Cap: 4, Inline: 100}.New()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	before := queue.Used(q)
	dst := make([]byte, 0, 8<<20)
	for _, n := range []int{0, 1, 99, 100, 101, 4095, 4096, 4097, 1 << 20, 5<<20 + 3} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte(i*7 + n)
		}
		for range 3 {
			if err := q.TryPut(want); err != nil {
				t.Fatal(n, err)
			}
		}
		got, err := q.TryGet()
		if err != nil || !bytes.Equal(got, want) || got == nil {
			t.Errorf("%d bytes: got %d, %v", n, len(got), err)
		}
		if got, err = queue.GetBytes(t.Context(), q, dst); err != nil || !bytes.Equal(got, want) || &got[:1][0] != &dst[:1][0] {
			t.Errorf("%d bytes into a buffer: got %d, %v", n, len(got), err)
		}
		batch := [][]byte{dst, nil}
		if k, err := q.GetBatch(t.Context(), batch); k != 1 || err != nil || !bytes.Equal(batch[0], want) {
			t.Errorf("%d bytes in a batch: %d, %v", n, k, err)
		}
	}
	if after := queue.Used(q); after != before {
		t.Errorf("the queue takes %d bytes, and took %d", after, before)
	}
}

func TestBatches(t *testing.T) {
	q, err := queue.New[string](3)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	n, err := q.PutBatch(t.Context(), []string{"a", "b", "c", "d"})
	if n != 3 || err != nil {
		t.Error(n, err)
	}
	dst := make([]string, 5)
	n, err = q.GetBatch(t.Context(), dst)
	if n != 3 || err != nil || strings.Join(dst, "") != "abc" {
		t.Error(n, err, dst)
	}
}

// What cannot be encoded is the caller's error, and nothing is in the queue.
func TestEncodeFails(t *testing.T) {
	q, err := queue.New[any](4)
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	err = q.Put(t.Context(), map[string]any{"a": func() {}})
	if err == nil || !strings.Contains(err.Error(), "nothing was put") {
		t.Error(err)
	}
	if n, err := q.PutBatch(t.Context(), []any{1, func() {}, 2}); n != 1 || err != nil {
		t.Errorf("a batch: %d, %v", n, err)
	}
	if s := q.Stats(); q.Len() != 1 || s.Writing != 0 || s.Put != 1 {
		t.Errorf("Len %d, %+v", q.Len(), s)
	}
	if _, err := queue.New[func()](1); err == nil {
		t.Error("a queue of functions")
	}
	if _, err := queue.New[struct{ C chan int }](1); err == nil || !strings.Contains(err.Error(), ".C") {
		t.Error(err)
	}
}

// A reader with another codec is told so; one codec's garbage is the next one's item.
func TestGarbage(t *testing.T) {
	raw, err := queue.Config[[]byte]{Cap: 8, Codec: named{name: "cbor"}}.Create("garbage")
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	defer raw.Unlink()
	q, err := queue.Open[order]("garbage")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	good, _ := queue.CBOR.Append(nil, order{ID: 7})
	for _, b := range [][]byte{{}, {0xff}, []byte("text"), bytes.Repeat([]byte{0x81}, 1000), good} {
		if err := raw.TryPut(b); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		v, err := q.TryGet()
		if !errors.Is(err, queue.ErrMessage) || !strings.Contains(err.Error(), `"garbage"`) || v.ID != 0 {
			t.Errorf("message %d: %v, %v", i, v, err)
		}
	}
	if v, err := q.TryGet(); err != nil || v.ID != 7 {
		t.Error(v, err)
	}
	if s := q.Stats(); s.Garbled != 4 || s.Leased != 0 || s.Free != 8+64 {
		t.Errorf("%+v", s)
	}
	for _, b := range [][]byte{{0xff}, good} {
		if err := raw.TryPut(b); err != nil {
			t.Fatal(err)
		}
	}
	raw.Shutdown()
	var said []string
	for v, err := range q.All(t.Context()) {
		said = append(said, fmt.Sprint(v.ID, err != nil))
	}
	if d := cmp.Diff([]string{"0 true", "7 false"}, said); d != "" {
		t.Error(d)
	}
	if _, err := q.TryGet(); err != io.EOF {
		t.Error(err)
	}
}

// named is JSON by another name, or bytes as they are.
type named struct {
	name string
	json bool
}

func (c named) Name() string { return c.name }
func (c named) Append(b []byte, v any) ([]byte, error) {
	if !c.json {
		return append(b, v.([]byte)...), nil
	}
	m, err := json.Marshal(v)
	return append(b, m...), err
}
func (c named) Decode(b []byte, v any) error {
	if !c.json {
		*v.(*[]byte) = bytes.Clone(b)
		return nil
	}
	return json.Unmarshal(b, v)
}

func TestCodecs(t *testing.T) {
	c := queue.Config[int]{Codec: named{"json", true}, Inline: 8}
	q, err := c.Create("codecs")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	defer q.Unlink()
	if err := q.Put(t.Context(), 123456789012); err != nil {
		t.Fatal(err)
	}
	o, err := c.Open("codecs")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if v, err := o.Get(t.Context()); v != 123456789012 || err != nil {
		t.Error(v, err)
	}
	var m *shm.MismatchError
	if _, err := queue.Open[int]("codecs"); !errors.As(err, &m) || m.What != "codec" || m.Have != `"json"` {
		t.Error(err)
	}
	if _, err := (queue.Config[int]{Codec: named{"yaml", true}}).Open("codecs"); !errors.As(err, &m) || m.What != "codec" {
		t.Error(err)
	}
	if _, err := (queue.Config[string]{Inline: 9}).OpenOrCreate("codecs"); !errors.As(err, &m) {
		t.Error(err)
	}
	if _, err := (queue.Config[int]{Inline: 9, Codec: c.Codec}).Open("codecs"); !errors.As(err, &m) || m.What != "inline" {
		t.Error(err)
	}
	if _, err := (queue.Config[int]{Inline: 9}).New(); err == nil {
		t.Error("Inline of plain data")
	}
	if _, err := (queue.Config[int]{Codec: named{"", true}}).New(); err == nil {
		t.Error("a codec without a name")
	}
	for _, c := range []queue.Config[string]{{Cap: -1}, {Inline: -1}, {Cap: 1 << 30}, {Inline: 1 << 40}} {
		if _, err := c.New(); err == nil {
			t.Errorf("%+v", c)
		}
	}
}

// A handle inside a message is open at the far side.
func TestHandlesInMessages(t *testing.T) {
	type job struct {
		Name  string
		Reply *queue.Queue[int]
	}
	jobs, err := queue.New[job](1)
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	reply, err := queue.New[int](1)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Close()
	if err := jobs.TryPut(job{"a", reply}); err != nil {
		t.Fatal(err)
	}
	j, err := jobs.TryGet()
	if err != nil {
		t.Fatal(err)
	}
	defer j.Reply.Close()
	if err := j.Reply.TryPut(5); err != nil {
		t.Error(err)
	}
	if v, err := reply.TryGet(); v != 5 || err != nil {
		t.Error(v, err)
	}
}
