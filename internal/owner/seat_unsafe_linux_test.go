package owner_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/owner"
	"github.com/shmkit/shmkit/internal/proctest"
)

// The other process: a member of the file named by its argument, until told otherwise.
var _ = proctest.Register("member", func(args []string) int {
	mem, err := sit(args[0])
	if err != nil {
		proctest.Say(err.Error())
		return 1
	}
	proctest.Say(strconv.Itoa(int(owner.ID())))
	for {
		switch order := proctest.Hear(); order {
		case "unmap":
			unix.Munmap(mem)
			proctest.Say("unmapped")
		case "exit":
			return 0
		default: // an id to ask about
			id, _ := strconv.Atoi(order)
			query, err := unix.Open(args[0], unix.O_RDWR|unix.O_CLOEXEC, 0)
			if err != nil {
				proctest.Say(err.Error())
				return 1
			}
			r, _ := owner.Attach(mem, query)
			proctest.Say(strconv.FormatBool(r.Alive(uint32(id))))
			r.Detach()
			unix.Close(query)
		}
	}
})

// sit joins a file as a segment does: claims through a description of its own, maps, closes.
func sit(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	if err := owner.Claim(fd); err != nil {
		return nil, err
	}
	return unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// newFile makes a file to be members of.
func newFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "segment")
	if err := os.WriteFile(path, make([]byte, 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// room is a file with this process's mapping in the process table, claimed or not.
type room struct {
	path   string
	query  int
	mem    []byte
	region *owner.Region
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{path: newFile(t)}
	var err error
	if r.query, err = unix.Open(r.path, unix.O_RDWR|unix.O_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	if r.mem, err = unix.Mmap(r.query, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		t.Fatal(err)
	}
	if r.region, err = owner.Attach(r.mem, r.query); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.region.Detach()
		unix.Munmap(r.mem)
		unix.Close(r.query)
	})
	return r
}

func (r *room) word() unsafe.Pointer { return unsafe.Pointer(&r.mem[64]) }

func (r *room) alive(id uint32) bool { return owner.Alive(r.word(), id) }

// member starts another process in the room.
func (r *room) member(t *testing.T, a proctest.Attr) (*proctest.Proc, uint32) {
	t.Helper()
	p := proctest.StartWith(t, a, "member", r.path)
	said := p.Recv()
	id, err := strconv.Atoi(said)
	if err != nil {
		t.Fatal(said)
	}
	return p, uint32(id)
}
