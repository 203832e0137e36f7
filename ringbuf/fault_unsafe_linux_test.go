package ringbuf_test

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

// nowhere is memory of the caller that may not be touched, as that of a file which is cut short.
func nowhere(t *testing.T, n int) []byte {
	t.Helper()
	b, err := unix.Mmap(-1, 0, n, unix.PROT_NONE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(b) })
	return b
}

// faults runs f, which touches such memory, and recovers.
func faults(t *testing.T, f func()) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if recover() == nil {
			t.Error("no fault")
		}
	}()
	f()
}

// A caller that survives the fault of its own memory has put nothing, taken nothing, and left nothing claimed.
func TestFaultsOfTheCaller(t *testing.T) {
	ctx := context.Background()
	bad := nowhere(t, 4096)
	t.Run("Put of a long message", func(t *testing.T) {
		m := newMail(t, 8<<10, 1<<10)
		for range 20 {
			faults(t, func() { m.TryPut(bad[:1024]) })
		}
		if n := ringbuf.BlocksInUse(m); n != 0 {
			t.Errorf("%d blocks are in use", n)
		}
		if err := m.TryPut(make([]byte, 1024)); err != nil {
			t.Error(err)
		}
	})
	t.Run("GetBytes of a long message", func(t *testing.T) {
		m := newMail(t, 8<<10, 1<<10)
		if err := m.TryPut(make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		faults(t, func() { _, _ = ringbuf.GetBytes(ctx, m, bad[:1024]) })
		if b, err := m.TryGet(); err != nil || len(b) != 1000 || m.Stats().Redelivered != 1 {
			t.Errorf("%d bytes, %v, redelivered %d", len(b), err, m.Stats().Redelivered)
		}
	})
	t.Run("GetBytes of a short message", func(t *testing.T) {
		for _, guard := range []bool{false, true} { // where nothing waits, and where each call takes the long way
			m, err := ringbuf.MPMCConfig[[]byte]{Cap: 8 << 10, Mem: shm.Mem{Guard: guard}}.Create("fault")
			if err != nil {
				t.Fatal(err)
			}
			for n := range uint64(3) {
				if err := m.TryPut(letter(n, 100)); err != nil {
					t.Fatal(err)
				}
			}
			for range 3 {
				faults(t, func() { _, _ = ringbuf.GetBytes(ended(), m, bad[:112]) })
				faults(t, func() { _, _ = m.GetBatch(ended(), [][]byte{bad[3900:]}) })
			}
			for n := range uint64(3) {
				b, err := ringbuf.GetBytes(within(t), m, make([]byte, 112))
				if err != nil || !bytes.Equal(b, letter(n, 100)) {
					t.Errorf("message %d: %d bytes, %v", n, len(b), err)
				}
			}
			if s := m.Stats(); s.Got != 3 || s.Redelivered != 0 || s.Reading != 0 {
				t.Errorf("%+v", s)
			}
			if err := errors.Join(m.Unlink(), m.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("PutBatch", func(t *testing.T) {
		m, err := ringbuf.NewMPMC[uint64](8)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		for range 3 {
			faults(t, func() { _, _ = m.PutBatch(ctx, unsafe.Slice((*uint64)(unsafe.Pointer(&bad[0])), 4)) })
		}
		if err := m.Put(within(t), 7); err != nil {
			t.Error(err)
		}
		if v, err := m.Get(within(t)); v != 7 || err != nil || m.Stats().Writing != 0 {
			t.Errorf("%d, %v; %+v", v, err, m.Stats())
		}
	})
}
