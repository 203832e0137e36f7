package ringbuf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

func message(i, n int) []byte {
	m := make([]byte, n)
	for k := range m {
		m[k] = byte(i + k*7)
	}
	return m
}

func TestMessages(t *testing.T) {
	x := newPair[[]byte](t, 4096)
	rng := rand.New(rand.NewPCG(1, 2))
	ctx := within(t)
	go func() {
		for i := range 20000 {
			n := i % 300
			if i%500 == 0 {
				n = 4000
			}
			if i%3 == 0 {
				dst, err := ringbuf.ReserveBytes(ctx, x.p, n)
				if err != nil {
					t.Error(err)
					return
				}
				copy(dst, message(i, n))
				x.p.Commit(1)
			} else if err := x.p.Put(ctx, message(i, n)); err != nil {
				t.Error(err)
				return
			}
		}
		x.r.Shutdown()
	}()
	i := 0
	check := func(m []byte) {
		n := i % 300
		if i%500 == 0 {
			n = 4000
		}
		if !bytes.Equal(m, message(i, n)) {
			t.Fatalf("message %d is wrong: %d bytes", i, len(m))
		}
		i++
	}
	for {
		if rng.IntN(2) == 0 {
			m, err := x.c.Get(ctx)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			check(m)
			continue
		}
		ms, err := x.c.Next(ctx, 1+rng.IntN(20))
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n := rng.IntN(len(ms) + 1)
		for _, m := range ms[:n] {
			check(m)
		}
		x.c.Release(n)
	}
	if i != 20000 {
		t.Errorf("%d messages", i)
	}
	if s := x.r.Stats(); s.Put != 20000 || s.Got != 20000 {
		t.Errorf("%+v", s)
	}
}

func TestMessageLimits(t *testing.T) {
	x := newPair[[]byte](t, 1000)
	most := 1024 - 8
	if err := x.p.TryPut(make([]byte, most+1)); !errors.Is(err, ringbuf.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := ringbuf.ReserveBytes(context.Background(), x.p, most+1); !errors.Is(err, ringbuf.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	for i := range 500 { // wherever the positions stand, the largest fits
		if err := x.p.TryPut(message(i, i%50)); err != nil {
			t.Fatal(i, err)
		}
		if m, err := x.c.TryGet(); err != nil || !bytes.Equal(m, message(i, i%50)) {
			t.Fatal(i, err)
		}
		if err := x.p.TryPut(message(i, most)); err != nil {
			t.Fatal(i, err)
		}
		if m, err := x.c.TryGet(); err != nil || !bytes.Equal(m, message(i, most)) {
			t.Fatal(i, err)
		}
	}
	if _, err := x.p.Reserve(context.Background(), 1); err == nil {
		t.Error("Reserve on a ring of messages")
	}
	if _, err := ringbuf.ReserveBytes(context.Background(), x.p, -1); err == nil {
		t.Error("ReserveBytes of a negative size")
	}
	n := 0
	for x.p.TryPut(nil) == nil {
		n++
	}
	if n != 2048/8 || x.r.Len() != n || x.r.Cap() != 1000 {
		t.Errorf("%d empty messages, Len %d, Cap %d", n, x.r.Len(), x.r.Cap())
	}
}

func TestMessageDropped(t *testing.T) {
	x := newPair[[]byte](t, 100)
	dst, err := ringbuf.ReserveBytes(within(t), x.p, 10)
	if err != nil || len(dst) != 10 || cap(dst) != 10 {
		t.Fatal(len(dst), cap(dst), err)
	}
	x.p.Commit(0)
	if _, err := x.c.TryGet(); err != ringbuf.ErrEmpty {
		t.Error(err)
	}
	x.p.TryPut([]byte("a"))
	if m, _ := x.c.TryGet(); string(m) != "a" {
		t.Errorf("%q", m)
	}
}
