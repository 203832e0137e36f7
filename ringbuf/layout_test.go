package ringbuf_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/ringbuf"
)

// stranger is a consumer that knows docs/layout.md and nothing else: it claims the end, takes all messages
// and gives the end up. It has no atomics, so it runs while nobody else does; liveness it has to do right.
const stranger = `
import fcntl, mmap, os, random, struct, sys
F_OFD_SETLK = 37
me = random.randrange(1, 1 << 29)
fd = os.open(sys.argv[1], os.O_RDWR)
fcntl.fcntl(fd, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, (1 << 40) + me, 1, 0))
m = mmap.mmap(fd, 0)
kind, = struct.unpack_from("=I", m, 24)
base, = struct.unpack_from("=Q", m, 48)
cap, slots, form, _ = struct.unpack_from("=4Q", m, 80)
word = lambda at: struct.unpack_from("=Q", m, base + at)[0]
half = lambda at: struct.unpack_from("=I", m, base + at)[0]
print(kind, cap, slots, form, half(640) != 0, half(648), word(0) - word(128), word(8), word(256) - word(128) <= slots)
assert half(644) >> 3 == 0
struct.pack_into("=I", m, base + 644, me * 8)
head = word(128)
while head != word(0):
    at = head % slots
    n = word(896 + at)
    if n == 0xffffffff:
        head, at = head + slots - at, 0
        n = word(896)
        print("skip")
    print(n, m[base + 896 + at + 8 : base + 896 + at + 8 + n][:5].decode())
    head = (head + 8 + (n + 7) // 8 * 8) % (1 << 64)
    struct.pack_into("=Q", m, base + 128, head)
    struct.pack_into("=Q", m, base + 136, word(136) + 1)
struct.pack_into("=Q", m, base + 256, (head + slots) % (1 << 64))
struct.pack_into("=I", m, base + 644, 1)
`

func TestPythonTakesMessages(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no Python here to take messages with: ", err)
	}
	r, err := ringbuf.OpenOrCreateSPSC[[]byte]("for.python", 100)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer r.Unlink()
	p, err := r.Producer()
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	put := func(messages ...string) {
		t.Helper()
		for _, m := range messages {
			if err := p.Put(ctx, []byte(m)); err != nil {
				t.Fatal(err)
			}
		}
	}
	take := func(want string) {
		t.Helper()
		out, err := exec.Command(python, "-c", stranger, filepath.Join(os.Getenv("SHMKIT_DIR"), "for.python")).CombinedOutput()
		if err != nil || string(out) != want {
			t.Errorf("%v, got\n%s, want\n%s", err, out, want)
		}
	}

	put("hello", "", strings.Repeat("x", 90))
	take("3 100 256 2 True 0 128 3 True\n5 hello\n0 \n90 xxxxx\n")
	if r.Len() != 0 || r.Stats().Got != 3 {
		t.Errorf("%d messages left, %d taken", r.Len(), r.Stats().Got)
	}

	// The next consumer goes on where the stranger has stopped, and so does the next stranger.
	c, err := r.Consumer()
	if err != nil {
		t.Fatal(err)
	}
	put("from Go", strings.Repeat("y", 88))
	if m, err := c.TryGet(); string(m) != "from Go" || err != nil {
		t.Errorf("%q, %v", m, err)
	}
	put(strings.Repeat("z", 20)) // 16 bytes are left before the end of the slots
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	take("3 100 256 2 True 0 144 6 True\n88 yyyyy\nskip\n20 zzzzz\n")
	if r.Len() != 0 {
		t.Errorf("%d messages left", r.Len())
	}
}
