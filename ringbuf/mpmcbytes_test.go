package ringbuf_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/shm"
)

func newMail(t testing.TB, capacity, limit int) *ringbuf.MPMC[[]byte] {
	t.Helper()
	r, err := ringbuf.MPMCConfig[[]byte]{Cap: capacity, MaxMessage: limit}.New()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil && err != os.ErrClosed {
			t.Error(err)
		}
	})
	return r
}

// letter is a message of n bytes that follow from its number.
func letter(number uint64, n int) []byte {
	b := make([]byte, n)
	fillLetter(b, number)
	return b
}

func fillLetter(b []byte, number uint64) {
	x := number*0x9e3779b97f4a7c15 + uint64(len(b))
	for i := range b {
		b[i] = byte(x >> (i & 7 * 8))
		if i&7 == 7 {
			x = x*6364136223846793005 + 1442695040888963407
		}
	}
}

// mailSizes are around every bound: of a slot, of classes, of the limit.
func mailSizes(limit int) (sizes []int) {
	for _, n := range []int{0, 1, 7, 8, 64, 111, 112, 113, 128, 255, 256, 257, limit / 16, limit / 4, limit/4 + 1, limit - 1, limit} {
		if n <= limit {
			sizes = append(sizes, n)
		}
	}
	return sizes
}

// Every size, by every call, in order, for many laps; and no block is lost on the way.
func TestMailOrder(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {100, 100}, {113, 113}, {200, 200}, {4096, 4096}, {5000, 700}, {64 << 10, 8 << 10}, {0, 0}} {
		r := newMail(t, shape[0], shape[1])
		limit := shape[1]
		if limit == 0 {
			limit = 8 << 10
		}
		sizes := mailSizes(limit)
		number, want := uint64(0), uint64(0)
		sent := map[uint64]int{}
		size := func() int { return sizes[int(number*7+number/13)%len(sizes)] }
		get := func() bool {
			t.Helper()
			b, err := r.TryGet()
			if err == ringbuf.ErrEmpty {
				return false
			}
			if err != nil || !bytes.Equal(b, letter(want, sent[want])) {
				t.Fatalf("%v: message %d: %d bytes, want %d: %v", shape, want, len(b), sent[want], err)
			}
			want++
			return true
		}
		for range 2000 {
			n := size()
			err := r.TryPut(letter(number, n))
			for err == ringbuf.ErrFull {
				if !get() {
					t.Fatalf("%v: %d bytes do not fit into an empty ring", shape, n)
				}
				err = r.TryPut(letter(number, n))
			}
			if err != nil {
				t.Fatal(err)
			}
			sent[number] = n
			number++
			if number%3 == 0 {
				get()
			}
		}
		for get() {
		}
		if used := ringbuf.BlocksInUse(r); want != number || used != 0 || r.Len() != 0 {
			t.Errorf("%v: %d of %d; %d blocks in use", shape, want, number, used)
		}
		if s := r.Stats(); s.Put != number || s.Got != number || s.Skipped != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// What the documentation promises of the capacity, for messages of one size.
func TestMailCapacity(t *testing.T) {
	const limit, capacity = 4096, 32 << 10
	for size, atLeast := range map[int]int{4096: 8, 4000: 8, 1024: 8 + 16, 1025: 8, 256: 8 + 16 + 32, 112: 8 + 16 + 32 + 64, 0: 8 + 16 + 32 + 64} {
		r := newMail(t, capacity, limit)
		n := 0
		for r.TryPut(make([]byte, size)) == nil {
			n++
		}
		if n != atLeast {
			t.Errorf("%d messages of %d bytes, want %d", n, size, atLeast)
		}
		for range n {
			if b, err := r.TryGet(); len(b) != size || err != nil {
				t.Fatal(len(b), err)
			}
		}
		if ringbuf.BlocksInUse(r) != 0 {
			t.Error("blocks are in use")
		}
	}
}

func TestMailInPlace(t *testing.T) {
	r := newMail(t, 2000, 1000)
	ctx := within(t)
	slot := func(n int) ringbuf.BytesSlot {
		t.Helper()
		s, err := ringbuf.ReserveSlot(ctx, r, n)
		if err != nil || len(s.B) != n || cap(s.B) != n {
			t.Fatal(len(s.B), err)
		}
		fillLetter(s.B, uint64(n))
		return s
	}
	a, b, c := slot(1000), slot(900), slot(30)
	if err := r.TryPut(make([]byte, 1000)); err != ringbuf.ErrFull {
		t.Error(err)
	}
	if err := r.TryPut(letter(100, 100)); err != nil {
		t.Error(err)
	}
	c.Commit()
	if _, err := r.TryGet(); err != ringbuf.ErrEmpty { // the oldest is under way
		t.Error(err)
	}
	a.Commit()
	a.Abort() // too late
	b.Abort()
	b.Commit() // too late
	take := func(n int, number uint64) ringbuf.BytesTaken {
		t.Helper()
		x, err := ringbuf.TakeBytes(ctx, r)
		if err != nil || !bytes.Equal(x.B, letter(number, n)) || x.Redelivered() {
			t.Fatal(len(x.B), err)
		}
		return x
	}
	x, y, z := take(1000, 1000), take(30, 30), take(100, 100)
	if n := ringbuf.BlocksInUse(r); n != 1 {
		t.Errorf("%d blocks are in use", n)
	}
	if s := r.Stats(); s.Reading != 3 || s.Skipped != 1 {
		t.Errorf("%+v", s)
	}
	y.Release()
	z.Release()
	x.Release()
	x.Release()
	if n := ringbuf.BlocksInUse(r); n != 0 {
		t.Errorf("%d blocks are in use", n)
	}
	ringbuf.BytesSlot{}.Commit()
	ringbuf.BytesSlot{}.Abort()
	ringbuf.BytesTaken{}.Release()
}

func TestMailBatch(t *testing.T) {
	r := newMail(t, 4096, 1024)
	ctx := within(t)
	var vs [][]byte
	for i := range 20 {
		vs = append(vs, letter(uint64(i), i*100%1025))
	}
	dst := make([][]byte, 7)
	for i := range dst {
		dst[i] = make([]byte, 0, 1024)
	}
	for got := 0; got < len(vs); {
		if left := vs[min(got+r.Len(), len(vs)):]; len(left) > 0 {
			if n, err := r.PutBatch(ctx, left); n == 0 || err != nil {
				t.Fatal(n, err)
			}
		}
		n, err := r.GetBatch(ctx, dst)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range dst[:n] {
			if !bytes.Equal(b, vs[got]) || cap(b) != 1024 {
				t.Fatalf("message %d: %d bytes, capacity %d", got, len(b), cap(b))
			}
			got++
		}
	}
	large := [][]byte{letter(1, 5), make([]byte, 1025), letter(2, 5)}
	if n, err := r.PutBatch(ctx, large); n != 1 || err != nil {
		t.Error(n, err)
	}
	if n, err := r.PutBatch(ctx, large[1:]); n != 0 || !errors.Is(err, ringbuf.ErrTooLarge) {
		t.Error(n, err)
	}
}

func TestMailGetBytes(t *testing.T) {
	r := newMail(t, 4096, 1024)
	ctx := within(t)
	buf := make([]byte, 3, 500)
	for _, n := range []int{0, 30, 500} {
		r.TryPut(letter(9, n))
		b, err := ringbuf.GetBytes(ctx, r, buf)
		if err != nil || !bytes.Equal(b, letter(9, n)) || &b[:1][0] != &buf[0] {
			t.Error(n, len(b), err)
		}
	}
	r.TryPut(letter(9, 501))
	if b, err := ringbuf.GetBytes(ctx, r, buf); err != nil || !bytes.Equal(b, letter(9, 501)) {
		t.Error(len(b), err)
	}
	r.Shutdown()
	if b, err := ringbuf.GetBytes(ctx, r, buf); err != io.EOF || len(b) != 3 {
		t.Error(len(b), err)
	}
	if b, err := r.TryGet(); err != io.EOF || b != nil {
		t.Error(b, err)
	}
	for b, err := range r.All(ctx) {
		t.Error(b, err)
	}
	if err := r.TryPut(make([]byte, 600)); err != io.ErrClosedPipe {
		t.Error(err)
	}
	if _, err := ringbuf.ReserveSlot(ctx, r, 600); err != io.ErrClosedPipe {
		t.Error(err)
	}
	if _, err := ringbuf.TakeBytes(ctx, r); err != io.EOF {
		t.Error(err)
	}
}

func TestMailRefuses(t *testing.T) {
	r := newMail(t, 4096, 1000)
	ctx := within(t)
	for _, err := range []error{
		r.TryPut(make([]byte, 1001)),
		r.Put(ctx, make([]byte, 1001)),
		func() error { _, err := ringbuf.ReserveSlot(ctx, r, 1001); return err }(),
	} {
		if !errors.Is(err, ringbuf.ErrTooLarge) {
			t.Error(err)
		} else if s := err.Error(); !bytes.Contains([]byte(s), []byte("1001")) || !bytes.Contains([]byte(s), []byte("1000")) {
			t.Error("does not name both numbers:", s)
		}
	}
	_, e1 := r.Reserve(ctx)
	_, e2 := r.Take(ctx)
	_, e3 := ringbuf.ReserveSlot(ctx, r, -1)
	for i, err := range []error{e1, e2, e3} {
		if !errors.Is(err, fs.ErrInvalid) {
			t.Error(i, err)
		}
	}
	for _, c := range []ringbuf.MPMCConfig[[]byte]{
		{Cap: -1}, {MaxMessage: -1}, {Cap: 10, MaxMessage: 11}, {Cap: 1 << 39}, {Cap: 1 << 38, MaxMessage: 1}, {Cap: 1 << 38, MaxMessage: 1 << 32},
	} {
		if x, err := c.New(); err == nil {
			t.Errorf("%+v", c)
			x.Close()
		}
	}
	if _, err := (ringbuf.MPMCConfig[int]{MaxMessage: 5}).New(); !errors.Is(err, fs.ErrInvalid) {
		t.Error(err)
	}
	var z ringbuf.MPMC[[]byte]
	_, e1 = ringbuf.ReserveSlot(ctx, &z, 1)
	_, e2 = ringbuf.TakeBytes(ctx, &z)
	_, e3 = ringbuf.GetBytes(ctx, &z, nil)
	_, e4 := z.Get(ctx)
	for i, err := range []error{e1, e2, e3, e4, z.Put(ctx, nil)} {
		if err != os.ErrClosed {
			t.Error(i, err)
		}
	}
	if z.Cap() != 0 || z.MaxMessage() != 0 {
		t.Error("a zero handle has properties")
	}
}

func TestMailNames(t *testing.T) {
	r, err := ringbuf.MPMCConfig[[]byte]{Cap: 10_000, MaxMessage: 3000}.OpenOrCreate("mail")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink()
	if r.Cap() != 10_000 || r.MaxMessage() != 3000 || r.Name() != "mail" {
		t.Errorf("Cap %d, MaxMessage %d, Name %q", r.Cap(), r.MaxMessage(), r.Name())
	}
	var m *shm.MismatchError
	for what, c := range map[string]ringbuf.MPMCConfig[[]byte]{"capacity": {Cap: 9999}, "longest message": {MaxMessage: 2999}} {
		if _, err := c.Open("mail"); !errors.As(err, &m) || m.What != what {
			t.Errorf("another %s: %v", what, err)
		}
	}
	if _, err := ringbuf.OpenMPMC[int64]("mail"); !errors.As(err, &m) {
		t.Errorf("another form: %v", err)
	}
	if _, err := ringbuf.OpenSPSC[[]byte]("mail"); !errors.As(err, &m) {
		t.Errorf("another kind: %v", err)
	}
	if _, err := (ringbuf.MPMCConfig[[]byte]{}).Create("mail"); !errors.Is(err, fs.ErrExist) {
		t.Error(err)
	}
	o, err := ringbuf.OpenOrCreateMPMC[[]byte]("mail", 0)
	if err != nil || o.MaxMessage() != 3000 {
		t.Fatal(err)
	}
	defer o.Close()
	text, err := r.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var u ringbuf.MPMC[[]byte]
	if err := u.UnmarshalText(text); err != nil || u.Cap() != 10_000 {
		t.Fatal(err)
	}
	defer u.Close()
	c := u.Clone()
	defer c.Close()
	if err := c.TryPut(letter(1, 2500)); err != nil {
		t.Error(err)
	}
	if b, err := o.TryGet(); err != nil || !bytes.Equal(b, letter(1, 2500)) {
		t.Error(err)
	}
}

func TestMailAllocations(t *testing.T) {
	r := newMail(t, 64<<10, 8<<10)
	ctx := context.Background()
	small, large := letter(1, 64), letter(2, 5000)
	buf := make([]byte, 8<<10)
	vs, dst := [][]byte{small, large, small}, [][]byte{nil, nil, nil}
	for name, f := range map[string]func(){
		"small":   func() { r.Put(ctx, small); buf, _ = ringbuf.GetBytes(ctx, r, buf) },
		"large":   func() { r.Put(ctx, large); buf, _ = ringbuf.GetBytes(ctx, r, buf) },
		"TryPut":  func() { r.TryPut(large); buf, _ = ringbuf.GetBytes(ctx, r, buf) },
		"batches": func() { r.PutBatch(ctx, vs); r.GetBatch(ctx, dst) },
		"in place": func() {
			for _, n := range []int{64, 5000} {
				s, _ := ringbuf.ReserveSlot(ctx, r, n)
				s.B[0] = 1
				s.Commit()
				x, _ := ringbuf.TakeBytes(ctx, r)
				x.Release()
			}
		},
		"full, empty": func() {
			for r.TryPut(large) == nil {
			}
			for r.Len() > 0 {
				buf, _ = ringbuf.GetBytes(ctx, r, buf)
			}
			r.TryGet()
		},
		"Len": func() { r.Len(); r.Stats() },
	} {
		f() // GetBatch's buffers
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
