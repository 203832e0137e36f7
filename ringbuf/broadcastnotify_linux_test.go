package ringbuf_test

import (
	"io"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

func TestBroadcastNotify(t *testing.T) {
	a := newAir[int](t, 8, false)
	subs := []*ringbuf.Subscriber[int]{a.subscribe(t, ringbuf.Latest), a.subscribe(t, ringbuf.Latest)}
	chans := []chan struct{}{make(chan struct{}, 1), make(chan struct{}, 1)}
	for i, s := range subs {
		defer s.Notify(chans[i])()
	}
	for n := range 100 {
		if err := a.p.Put(within(t), n); err != nil {
			t.Fatal(err)
		}
		for i, s := range subs {
			token(t, chans[i])
			if v, err := s.TryGet(); v != n || err != nil {
				t.Fatal(i, v, err)
			}
		}
	}
	a.b.Shutdown()
	for i, s := range subs {
		token(t, chans[i])
		if _, err := s.TryGet(); err != io.EOF {
			t.Error(err)
		}
	}
}
