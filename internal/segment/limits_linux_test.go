package segment

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
)

// smallTmpfs mounts a tmpfs of its own for the test.
func smallTmpfs(t *testing.T, options string) Mem {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("shmkit-test", dir, "tmpfs", 0, options); err != nil {
		t.Skip("mounting a small tmpfs takes CAP_SYS_ADMIN: ", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
			unix.Unmount(dir, unix.MNT_DETACH)
		}
	})
	return Mem{Dir: dir}
}

// A full file system is an error when the object is made, and not a signal when it is used.
func TestNoSpace(t *testing.T) {
	mem := smallTmpfs(t, "size=1m")
	for _, size := range []uint64{1 << 20, 4 << 20, 1 << 30} {
		_, err := Create("big", plain(size), mem)
		wantErr(t, err, syscall.ENOSPC, `create "big"`, strconv.FormatUint(size+abi.PageSize, 10), "1 MiB", "ask for less")
	}
	var all []*Segment
	var err error
	for i := 0; err == nil; i++ {
		var s *Segment
		if s, err = Create(strconv.Itoa(i), plain(100<<10), mem); err == nil {
			all = append(all, s)
		}
	}
	wantErr(t, err, syscall.ENOSPC, "104 KiB")
	if len(all) != 9 {
		t.Errorf("%d segments of 104 KiB fit into 1 MiB", len(all))
	}
	for _, s := range all { // all of it, while the file system is full
		for i := range s.Payload() {
			s.Payload()[i] = 1
		}
		s.Unlink()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	s, err := Create("room", plain(900<<10), mem) // nothing of the failures takes space
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}

func TestNoInodes(t *testing.T) {
	mem := smallTmpfs(t, "nr_inodes=3")
	var all []*Segment
	var err error
	for i := 0; err == nil && i < 10; i++ {
		var s *Segment
		if s, err = Create(strconv.Itoa(i), plain(8), mem); err == nil {
			all = append(all, s)
		}
	}
	wantErr(t, err, syscall.ENOSPC, "no inode is free", mem.Dir)
	for _, s := range all {
		s.Close()
	}
}

// The kernel would kill somebody rather than refuse the memory of a memfd.
func TestAbsurdSize(t *testing.T) {
	for _, size := range []uint64{1 << 39, abi.MaxSize} {
		_, err := New(plain(size), Mem{})
		wantErr(t, err, syscall.ENOSPC, strconv.FormatUint(size+abi.PageSize, 10), "free in the memory of this machine")
		_, err = Create("absurd", plain(size), Mem{})
		wantErr(t, err, syscall.ENOSPC)
	}
}

func TestBigOne(t *testing.T) {
	const size = stride + stride/2 // more than one call of fallocate
	s, err := New(plain(size), Mem{})
	if errors.Is(err, syscall.ENOSPC) {
		t.Skip("96 MiB are not free here: ", err)
	}
	s = must(t, s, err)
	var st unix.Stat_t
	if err := unix.Fstat(s.m.query, &st); err != nil || st.Blocks*512 < size {
		t.Errorf("%d of %d bytes reserved, %v", st.Blocks*512, size, err)
	}
}

var _ = proctest.Register("file size limit", func([]string) int {
	signal.Ignore(syscall.SIGXFSZ)
	unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 1 << 20, Max: 1 << 20})
	_, err := New(plain(2<<20), Mem{})
	proctest.Say(fmt.Sprint(errors.Is(err, syscall.EFBIG), err))
	return 0
})

func TestFileSizeLimit(t *testing.T) {
	p := proctest.Start(t, "file size limit")
	if got := p.Recv(); !strings.HasPrefix(got, "true") || !strings.Contains(got, "ulimit -f") {
		t.Error(got)
	}
}

var _ = proctest.Register("descriptor limit", func(args []string) int {
	old, err := Open(args[0], plain(0), Mem{})
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	var files []*os.File
	unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 40, Max: 40})
	for {
		f, err := os.Open("/dev/null")
		if err != nil {
			break
		}
		files = append(files, f)
	}
	// Whichever step runs out, the error is the same and nothing is left open.
	for free := range 5 {
		if free > 0 {
			files[len(files)-1].Close()
			files = files[:len(files)-1]
		}
		for what, f := range map[string]func() (*Segment, error){
			"new":    func() (*Segment, error) { return New(plain(8), Mem{}) },
			"create": func() (*Segment, error) { return Create("emfile", plain(8), Mem{}) },
			"open":   func() (*Segment, error) { return Open(args[1], plain(0), Mem{}) },
		} {
			s, err := f()
			switch {
			case err == nil:
				if what == "create" {
					s.Unlink()
				}
				s.Close()
			case !errors.Is(err, syscall.EMFILE) || !strings.Contains(err.Error(), "ulimit -n") || free > 1:
				proctest.Say(fmt.Sprintf("%s with %d free: %v", what, free, err))
			}
		}
	}
	old.Payload()[0] = 7 // what is open works on
	if err := old.Close(); err != nil {
		proctest.Say(err.Error())
	}
	proctest.Say("done")
	return 0
})

func TestTooManyFiles(t *testing.T) {
	s := mustCreate(t, "files", plain(8))
	mustCreate(t, "files2", plain(8))
	p := proctest.Start(t, "descriptor limit", "files", "files2")
	p.Expect("done")
	if s.Payload()[0] != 7 {
		t.Error("the open segment did not work on")
	}
}
