package owner_test

import (
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

func living(t *testing.T, r *room) []uint32 {
	t.Helper()
	ids, err := owner.Living(r.query)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

func inUse(t *testing.T, r *room) bool {
	t.Helper()
	used, err := owner.InUse(r.query)
	if err != nil {
		t.Fatal(err)
	}
	return used
}

// freed waits until id's byte is free: the kernel tears a killed process down in its own time.
func (r *room) freed(t *testing.T, id uint32) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); r.alive(id); time.Sleep(100 * time.Microsecond) {
		if time.Now().After(end) {
			t.Fatal("the dead one is alive")
		}
	}
}

func TestID(t *testing.T) {
	if id := owner.ID(); id == 0 || id > owner.Mask {
		t.Errorf("id %#x", id)
	}
	if owner.Word != owner.ID()<<3 {
		t.Errorf("word %#x, id %#x", owner.Word, owner.ID())
	}
}

func TestLivingSeesEveryMember(t *testing.T) {
	r := newRoom(t)
	if inUse(t, r) || len(living(t, r)) != 0 {
		t.Error("an empty room is in use")
	}
	var want []uint32
	var all []*proctest.Proc
	for range 5 {
		p, id := r.member(t, proctest.Attr{})
		all, want = append(all, p), append(want, id)
	}
	mem, err := sit(r.path) // this process asks through a description without claims, so it sees itself
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, owner.ID())
	slices.Sort(want)
	if got := living(t, r); !slices.Equal(got, want) || !inUse(t, r) {
		t.Errorf("living %v, want %v", got, want)
	}
	for _, id := range want {
		if !r.alive(id) {
			t.Errorf("%d is dead", id)
		}
	}
	all[1].Send(strconv.Itoa(int(want[0]))) // they see each other, and us
	all[1].Expect("true")
	all[1].Send(strconv.Itoa(int(owner.ID())))
	all[1].Expect("true")
	all[1].Send("12345")
	all[1].Expect("false")
	unix.Munmap(mem)
	all[1].Send(strconv.Itoa(int(owner.ID())))
	all[1].Expect("false")
	for _, p := range all {
		p.Kill()
	}
	for _, id := range want {
		if id != owner.ID() {
			r.freed(t, id)
		}
	}
	if inUse(t, r) {
		t.Error("in use by nobody")
	}
}

// The member has closed its descriptor before it says its id: the mapping alone holds the byte.
func TestTheByteIsTheMappings(t *testing.T) {
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{})
	if fds, err := os.ReadDir("/proc/" + strconv.Itoa(p.PID()) + "/fd"); err != nil || !r.alive(id) {
		t.Fatalf("not alive: %v, %v", fds, err)
	}
	f, err := os.Open(r.path) // any open and close of the file, by anybody, changes nothing
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	p.Send("1")
	p.Expect("false")
	if !r.alive(id) {
		t.Fatal("a close of another description has freed it")
	}
	p.Send("unmap")
	p.Expect("unmapped")
	if r.alive(id) {
		t.Error("alive without a mapping")
	}
	p.Send("exit")
	p.Wait()
}

func TestExitFrees(t *testing.T) {
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{})
	p.Send("exit")
	p.Wait()
	if r.alive(id) {
		t.Error("alive after exit")
	}
}

func TestZombieIsDead(t *testing.T) {
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{})
	start := time.Now()
	p.Zombie()
	if r.alive(id) {
		t.Error("a zombie is alive")
	}
	t.Logf("SIGKILL to free: below %v", time.Since(start))
	if err := unix.Kill(p.PID(), 0); err != nil {
		t.Errorf("it was no zombie: %v", err)
	}
}

func TestStoppedIsAlive(t *testing.T) {
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{})
	p.Stop()
	for range 20 {
		if !r.alive(id) {
			t.Fatal("a stopped process is dead")
		}
		time.Sleep(time.Millisecond)
	}
	if !slices.Contains(living(t, r), id) {
		t.Error("not among the living")
	}
	p.Kill() // also of the stopped
	r.freed(t, id)
}

func TestAcrossPIDNamespaces(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a PID namespace of one's own needs root")
	}
	r := newRoom(t)
	p, id := r.member(t, proctest.Attr{SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}})
	mem, err := sit(r.path)
	if err != nil {
		t.Fatal(err)
	}
	if !r.alive(id) || !slices.Contains(living(t, r), id) {
		t.Error("a member in another namespace is dead")
	}
	p.Send(strconv.Itoa(int(owner.ID())))
	p.Expect("true")
	unix.Munmap(mem)
	p.Send(strconv.Itoa(int(owner.ID())))
	p.Expect("false")
	p.Kill()
	r.freed(t, id)
}

// A description asks about others' locks only: through the one that holds a claim its own byte is free.
// So queries go through another one; this is why.
func TestAClaimDoesNotSeeItself(t *testing.T) {
	path := newFile(t)
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := owner.Claim(fd); err != nil {
		t.Fatal(err)
	}
	if ids, err := owner.Living(fd); err != nil || len(ids) != 0 {
		t.Errorf("living %v, %v", ids, err)
	}
	if err := owner.Claim(fd); err != nil {
		t.Errorf("a second claim through the same description: %v", err)
	}
}

func TestErrors(t *testing.T) {
	closed, err := unix.Open(newFile(t), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Claim(closed); err == nil { // a write lock needs a writable description
		t.Error("claimed through a read-only description")
	}
	if used, err := owner.InUse(closed); err != nil || used {
		t.Errorf("asked through a read-only description: %v, %v", used, err)
	}
	unix.Close(closed)
	if err := owner.Claim(closed); err == nil {
		t.Error("claimed through a closed descriptor")
	}
	if _, err := owner.Living(closed); err == nil {
		t.Error("asked through a closed descriptor")
	}
	if _, err := owner.InUse(closed); err == nil {
		t.Error("asked through a closed descriptor")
	}
	if _, err := owner.Attach(make([]byte, 8), closed); err == nil {
		t.Error("attached with a closed descriptor")
	}
}
