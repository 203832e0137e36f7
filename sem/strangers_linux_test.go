package sem_test

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/park"
	"github.com/shmkit/shmkit/internal/proctest"
	"github.com/shmkit/shmkit/shm"
)

func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may make a PID namespace or become another user")
	}
}

// named makes a lab with a name, which reaches other namespaces.
func named(t *testing.T, perm os.FileMode) (*lab, string) {
	t.Helper()
	slice(t, short)
	c := shm.Config[lab]{Mem: shm.Mem{Perm: perm}}
	v, err := c.Create("lab")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Unlink(); err != nil {
			t.Error(err)
		}
		v.Close()
	})
	return v.Ptr(), "lab"
}

// keeper opens a lab by name and does as it is told.
var _ = proctest.Register("keeper", func(args []string) int {
	park.SetSlice(short)
	v, err := shm.Open[lab](args[0])
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	l := v.Ptr()
	for {
		switch proctest.Hear() {
		case "lock":
			l.Mu.Lock()
			if l.Mu.Abandoned() {
				proctest.Say("abandoned")
			} else {
				proctest.Say("locked")
			}
		case "unlock":
			l.Mu.Repaired()
			l.Mu.Unlock()
			proctest.Say("unlocked")
		case "respect":
			if err := respect(l); err != nil {
				proctest.Say(err.Error())
			}
			proctest.Say("respected")
		}
	}
})

// Three PID namespaces share a lock: each takes over from each, and none robs a live one.
func TestPIDNamespaces(t *testing.T) {
	needRoot(t)
	_, name := named(t, 0)
	start := func(flags uintptr) *proctest.Proc {
		return proctest.StartWith(t, proctest.Attr{SysProcAttr: &syscall.SysProcAttr{Cloneflags: flags}}, "keeper", name)
	}
	for _, c := range [][2]uintptr{{0, unix.CLONE_NEWPID}, {unix.CLONE_NEWPID, 0}, {unix.CLONE_NEWPID, unix.CLONE_NEWPID}} {
		victim, survivor := start(c[0]), start(c[1])
		victim.Send("lock")
		victim.Expect("locked")
		survivor.Send("respect")
		survivor.Expect("respected")
		survivor.Send("lock")
		time.Sleep(2 * short)
		victim.Kill()
		survivor.Expect("abandoned")
		survivor.Send("unlock")
		survivor.Expect("unlocked")
		survivor.Kill()
	}
}

// stranger has a descriptor of the segment that it can read, and tries to make others believe that
// somebody has died.
var _ = proctest.Register("stranger", func([]string) int {
	whole := func(kind int16) error {
		l := unix.Flock_t{Type: kind, Whence: io.SeekStart}
		return unix.FcntlFlock(3, unix.F_OFD_SETLK, &l)
	}
	say := func(err error) {
		if err == nil {
			proctest.Say("could")
			return
		}
		proctest.Say(err.Error())
	}
	say(whole(unix.F_UNLCK))
	say(whole(unix.F_WRLCK))
	_, err := unix.Mmap(3, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	say(err)
	_, err = unix.Open("/proc/self/fd/3", unix.O_RDWR, 0)
	say(err)
	for proctest.Hear() == "deny" {
		say(whole(unix.F_RDLCK))
	}
	return 0
})

// Who can read the file cannot fake a death. It can deny a recovery for as long as it lives, by a lock on
// the byte of the dead: then survivors wait.
func TestStrangerCannotFakeDeath(t *testing.T) {
	needRoot(t)
	l, name := named(t, 0o644)
	f, err := os.Open(filepath.Join(os.Getenv("SHMKIT_DIR"), name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	holder := proctest.Start(t, "keeper", name)
	holder.Send("lock")
	holder.Expect("locked")
	other := proctest.StartWith(t, proctest.Attr{
		SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 12345}},
		Files:       []*os.File{f},
	}, "stranger")
	other.Expect("could") // it unlocks what it has locked: nothing
	other.Expect(unix.EBADF.Error())
	other.Expect(unix.EACCES.Error())
	other.Expect(unix.EACCES.Error())
	if err := respect(l); err != nil {
		t.Error(err)
	}
	other.Send("deny")
	other.Expect(unix.EAGAIN.Error()) // the holder lives
	other.Kill()
	var p pace
	holder.Kill()
	if err := p.survive(l); err != nil {
		t.Error(err)
	}
	p.judge(t)
}
