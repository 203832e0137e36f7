package segment

import (
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
)

// victim makes the file of a valid object that nobody has open, and returns it with its header region.
func victim(t testing.TB, spec Spec) (f *os.File, header []byte) {
	t.Helper()
	s := mustCreate(t, "victim", spec)
	s.Close()
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	header = make([]byte, abi.PageSize)
	if _, err := f.ReadAt(header, 0); err != nil {
		t.Fatal(err)
	}
	return f, header
}

// tryVictim opens the victim and uses it, if it is served.
func tryVictim(t testing.TB, what string, spec Spec) (served bool) {
	t.Helper()
	s, err := Open("victim", spec, Mem{})
	if err != nil {
		var m *abi.MismatchError
		if !errors.Is(err, abi.ErrForeign) && !errors.Is(err, abi.ErrCorrupt) && !errors.Is(err, abi.ErrTruncated) && !errors.As(err, &m) {
			t.Fatalf("%s: unnamed error %v", what, err)
		}
		return false
	}
	p := s.Payload()
	p[0]++
	p[len(p)-1]++
	if err := s.Close(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	return true
}

var hostileType = abi.Type{Format: "<T{q:Hits:I:N:4x}", Size: 16, Align: 8}

func hostileSpec() Spec {
	spec := typed(hostileType)
	spec.Codec = "raw"
	spec.Size = func(shape [4]uint64) int64 {
		if shape[0] != 0 {
			return -1
		}
		return 16
	}
	return spec
}

func TestHostileEveryByte(t *testing.T) {
	f, good := victim(t, hostileSpec())
	step := 1
	if testing.Short() {
		step = 17
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	n, served := 0, 0
	for i := range abi.HeaderSize + len(hostileType.Format) {
		for v := 0; v < 256; v += step {
			if _, err := f.WriteAt([]byte{byte(v)}, int64(i)); err != nil {
				t.Fatal(err)
			}
			n++
			if tryVictim(t, "byte", hostileSpec()) {
				served++
			}
		}
		f.WriteAt(good[i:i+1], int64(i))
	}
	runtime.ReadMemStats(&after)
	if per := (after.TotalAlloc - before.TotalAlloc) / uint64(n); per > 2*abi.PageSize {
		t.Errorf("%d bytes allocated for each Open", per)
	}
	// Correct service is right where a byte means nothing to Open: the id, the shape that may be anything, what is reserved.
	if served < n/3 || served > n*9/10 {
		t.Errorf("%d of %d served", served, n)
	}
	if len(Held()) != 0 {
		t.Errorf("still mapped: %v", Held())
	}
}

func TestHostileFields(t *testing.T) {
	f, good := victim(t, hostileSpec())
	for off := 8; off < 112; off += 4 {
		for _, x := range []uint64{0, 1, 15, 16, 17, 255, 4095, 4096, 4097, 8192, 65280, 65536, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 32,
			abi.MaxSize, abi.MaxSize + 1, 1 << 40, 1<<63 - 1, 1 << 63, math.MaxUint64 - 4095, math.MaxUint64} {
			b := append([]byte(nil), good...)
			if off%8 == 0 && off >= 48 || off == 16 {
				binary.NativeEndian.PutUint64(b[off:], x)
			} else {
				binary.NativeEndian.PutUint32(b[off:], uint32(x))
			}
			f.WriteAt(b, 0)
			for _, size := range []int64{8192, 4096 + 16, 1 << 20} {
				f.Truncate(size)
				var m0, m1 runtime.MemStats
				runtime.ReadMemStats(&m0)
				if tryVictim(t, "field", hostileSpec()) && size < 8192 {
					t.Errorf("offset %d = %d: served from %d bytes", off, x, size)
				}
				runtime.ReadMemStats(&m1)
				if d := m1.TotalAlloc - m0.TotalAlloc; d > 4*abi.MaxHeader {
					t.Errorf("offset %d = %d: %d bytes allocated", off, x, d)
				}
			}
			f.Truncate(8192)
		}
	}
}

// Every shorter file is refused, every longer one served at the size that was agreed on.
func TestHostileLength(t *testing.T) {
	f, good := victim(t, hostileSpec())
	for _, size := range []int64{0, 1, 7, 8, 9, 100, 255, 256, 260, 272, 273, 4095, 4096, 4097, 4112, 8191} {
		f.Truncate(size)
		_, err := Open("victim", hostileSpec(), Mem{})
		want := abi.ErrTruncated
		if size < 8 {
			want = abi.ErrForeign
		}
		wantErr(t, err, want, "victim")
		f.WriteAt(good, 0)
	}
	f.Truncate(1 << 20)
	s, err := Open("victim", hostileSpec(), Mem{})
	if s = must(t, s, err); len(s.Payload()) != 16 || len(s.m.mem) != 8192 {
		t.Errorf("%d bytes, %d mapped", len(s.Payload()), len(s.m.mem))
	}
}

// A header that a peer scribbles on while we have it mapped is not read again.
func TestHostileLater(t *testing.T) {
	f, good := victim(t, hostileSpec())
	s, err := Open("victim", hostileSpec(), Mem{})
	s = must(t, s, err)
	for i := range good {
		good[i] = 0xff
	}
	f.WriteAt(good, 0)
	o, err := Open("victim", hostileSpec(), Mem{})
	if o = must(t, o, err); len(o.Payload()) != 16 || o.m != s.m {
		t.Error("the header was read again")
	}
	text, err := s.Text()
	if err != nil {
		t.Fatal(err)
	}
	o, err = FromText(text, hostileSpec())
	must(t, o, err)
}

func TestForeignFiles(t *testing.T) {
	dir := directory(t)
	clean := func(name string) string {
		p := dir + "/" + name
		t.Cleanup(func() { os.Remove(p) })
		return p
	}
	target := mustCreate(t, "target", plain(8))
	check := func(name string, word string, want error) {
		t.Helper()
		for _, open := range []func() error{
			func() error { _, err := Open(name, plain(0), Mem{}); return err },
			func() error { _, err := OpenOrCreate(name, plain(8), Mem{}); return err },
			func() error { _, err := Inspect(name, Mem{}); return err },
		} {
			wantErr(t, open(), want, name, word, "remove the file")
		}
	}
	os.Symlink(target.path, clean("link"))
	check("link", "symbolic link", abi.ErrForeign)
	os.Symlink("/nowhere", clean("dangling"))
	check("dangling", "symbolic link", abi.ErrForeign)
	os.Mkdir(clean("dir"), 0o700)
	check("dir", "directory", abi.ErrForeign)
	if err := unix.Mkfifo(clean("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	check("fifo", "fifo", abi.ErrForeign)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: clean("sock")}); err != nil {
		t.Fatal(err)
	}
	check("sock", "socket", abi.ErrForeign)
	os.WriteFile(clean("empty"), nil, 0o600)
	check("empty", "first bytes", abi.ErrForeign)
	os.WriteFile(clean("python"), make([]byte, 100000), 0o600)
	check("python", "first bytes", abi.ErrForeign)
	t.Run("device", func(t *testing.T) {
		if err := unix.Mknod(clean("dev"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3))); err != nil {
			t.Skip("making a device node is root's privilege: ", err)
		}
		if f, err := os.Open(dir + "/dev"); err != nil {
			t.Skip("devices cannot be opened on this mount: ", err)
		} else {
			f.Close()
		}
		check("dev", "device", abi.ErrForeign)
	})
}
