package segment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/abi"
	"github.com/shmkit/shmkit/internal/proctest"
)

const stranger = 12345 // a uid that is nobody's

func asStranger(t *testing.T) proctest.Attr {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can start a process of another user")
	}
	dir := directory(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	return proctest.Attr{SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: stranger, Gid: stranger}}}
}

var _ = proctest.Register("open as stranger", func(args []string) int {
	for _, name := range args {
		s, err := Open(name, plain(0), Mem{Owners: []int{0}})
		switch {
		case errors.Is(err, fs.ErrPermission):
			proctest.Say("permission " + err.Error())
		case err != nil:
			proctest.Say(err.Error())
		default:
			s.Payload()[0]++
			s.Close()
			proctest.Say("opened")
		}
	}
	_, err := Create("squat", plain(8), Mem{Perm: 0o666})
	proctest.Say(fmt.Sprint(err))
	return 0
})

func TestStrangers(t *testing.T) {
	attr := asStranger(t)
	private := mustCreate(t, "private", plain(8))
	shared, err := Create("shared", plain(8), Mem{Perm: 0o666})
	shared = must(t, shared, err)
	readable, err := Create("readable", plain(8), Mem{Perm: 0o644})
	must(t, readable, err)
	p := proctest.StartWith(t, attr, "open as stranger", "private", "shared", "readable")
	if got := p.Recv(); !strings.HasPrefix(got, "permission") || !strings.Contains(got, "ask its owner") {
		t.Error(got)
	}
	p.Expect("opened")
	if got := p.Recv(); !strings.HasPrefix(got, "permission") {
		t.Error(got)
	}
	p.Expect("<nil>")
	p.Wait()
	if private.Payload()[0] != 0 || shared.Payload()[0] != 1 {
		t.Error("a stranger changed what it may not, or could not what it may")
	}
	defer os.Remove(path(t, "squat"))
	_, err = Open("squat", plain(0), Mem{})
	wantErr(t, err, abi.ErrForeign, "uid 12345", "Mem.Owners")
	wantErr(t, err, fs.ErrPermission)
	_, err = OpenOrCreate("squat", plain(8), Mem{Owners: []int{7}})
	wantErr(t, err, abi.ErrForeign)
	s, err := Open("squat", plain(0), Mem{Owners: []int{7, stranger}})
	must(t, s, err)
}

func TestPermissions(t *testing.T) {
	p := proctest.Start(t, "umask")
	p.Expect("done")
}

var _ = proctest.Register("umask", func([]string) int {
	for _, mask := range []int{0, 0o022, 0o777} {
		unix.Umask(mask)
		for _, perm := range []fs.FileMode{0, 0o600, 0o640, 0o660, 0o666} {
			want := perm
			if perm == 0 {
				want = 0o600
			}
			u, err1 := New(plain(8), Mem{Perm: perm})
			n, err2 := Create("umask", plain(8), Mem{Perm: perm})
			if err1 != nil || err2 != nil {
				proctest.Say(fmt.Sprint(err1, err2))
				return 1
			}
			for _, s := range []*Segment{u, n} {
				var st unix.Stat_t
				if unix.Fstat(s.m.query, &st); fs.FileMode(st.Mode&0o7777) != want {
					proctest.Say(fmt.Sprintf("umask %o, perm %o: %o", mask, perm, st.Mode))
				}
			}
			n.Unlink()
			n.Close()
			u.Close()
		}
	}
	proctest.Say("done")
	return 0
})

func TestSeals(t *testing.T) {
	s, err := New(plain(5000), Mem{})
	s = must(t, s, err)
	for _, size := range []int64{0, 4096, 1 << 20} {
		if err := unix.Ftruncate(s.m.query, size); err != unix.EPERM {
			t.Errorf("truncate to %d: %v", size, err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(s.m.query), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); err != unix.EPERM {
		t.Errorf("one more seal: %v", err)
	}
	if have, err := unix.FcntlInt(uintptr(s.m.query), unix.F_GET_SEALS, 0); err != nil || have&seals != seals {
		t.Errorf("seals %#x, %v", have, err)
	}
	s.Payload()[4999] = 1
}

var _ = proctest.Register("no proc", func([]string) int {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		proctest.Say("skip " + err.Error())
		return 0
	}
	if err := unix.Mount("none", "/proc", "tmpfs", 0, ""); err != nil {
		proctest.Say("skip " + err.Error())
		return 0
	}
	for _, f := range []func() (*Segment, error){
		func() (*Segment, error) { return New(plain(8), Mem{}) },
		func() (*Segment, error) { return Create("noproc", plain(8), Mem{}) },
		func() (*Segment, error) { return Open("proc", plain(8), Mem{}) },
	} {
		_, err := f()
		proctest.Say(fmt.Sprint(errors.Is(err, errors.ErrUnsupported), err))
	}
	return 0
})

func TestNoProc(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can take /proc away from a process")
	}
	mustCreate(t, "proc", plain(8))
	p := proctest.StartWith(t, proctest.Attr{SysProcAttr: &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}}, "no proc")
	for range 3 {
		got := p.Recv()
		if strings.HasPrefix(got, "skip") {
			t.Skip("mounting in a namespace of its own: ", got)
		}
		if !strings.HasPrefix(got, "true") || !strings.Contains(got, "/proc is not mounted") {
			t.Error(got)
		}
	}
}

// The kernel before 6.3 refuses the flag, and one with seccomp the whole call.
func TestMemfdDenied(t *testing.T) {
	p := proctest.StartWith(t, proctest.Attr{Deny: []uintptr{unix.SYS_MEMFD_CREATE}}, "no memfd")
	if got := p.Recv(); !strings.HasPrefix(got, "true") {
		t.Error(got)
	}
}

var _ = proctest.Register("no memfd", func([]string) int {
	_, err := New(plain(8), Mem{})
	proctest.Say(fmt.Sprint(errors.Is(err, errors.ErrUnsupported), err))
	return 0
})

// No such file system can be mounted in a test; what statfs says of them is known.
func TestRemoteFileSystems(t *testing.T) {
	for magic, name := range map[int64]string{0x6969: "NFS", 0x517b: "SMB", 0xfe534d42: "SMB", 0xff534d42: "SMB", -0xacb2be: "SMB",
		0x65735546: "FUSE", 0x01021997: "9p", 0xc36400: "Ceph"} {
		wantErr(t, refuseRemote(magic), errors.ErrUnsupported, name, "tmpfs", "Mem.Dir")
	}
	for _, magic := range []int64{unix.TMPFS_MAGIC, unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.OVERLAYFS_SUPER_MAGIC} {
		if err := refuseRemote(magic); err != nil {
			t.Error(err)
		}
	}
}

func TestUnsuitableDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("the one directory without O_TMPFILE that is sure to exist, /proc, is writable for root only")
	}
	_, err := Create("x", plain(8), Mem{Dir: "/proc"})
	wantErr(t, err, errors.ErrUnsupported, "O_TMPFILE", "tmpfs")
}
