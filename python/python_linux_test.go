package python_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/ringbuf"
	"github.com/shmkit/shmkit/sem"
	"github.com/shmkit/shmkit/shm"
	"github.com/shmkit/shmkit/value"
)

// messages is how many go each way: SHMKIT_KILLS=1000000 is the long form.
func messages() uint64 { return uint64(max(killstep.Budget(100_000), 10_000)) }

func newRing(t testing.TB) *ringbuf.SPSC[[]byte] {
	t.Helper()
	r, err := ringbuf.NewSPSC[[]byte](1 << 14)
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return r
}

func TestMessagesToPython(t *testing.T) {
	r := newRing(t)
	c := start(t, "read", text(t, r))
	c.Expect("ready")
	p, err := r.Producer()
	must(t, err)
	d, ctx := newDigest(), within(t)
	for i := range messages() {
		must(t, p.Put(ctx, message(i)))
		d.add(message(i))
	}
	must(t, r.Shutdown())
	c.Expect(d.String())
	c.Wait()
}

func TestMessagesFromPython(t *testing.T) {
	r := newRing(t)
	n := messages()
	p := start(t, "write", text(t, r), strconv.FormatUint(n, 10))
	c, err := r.Consumer()
	must(t, err)
	d, ctx := newDigest(), within(t)
	for m, err := c.Get(ctx); err != io.EOF; m, err = c.Get(ctx) {
		must(t, err)
		d.add(m)
	}
	p.Expect(d.String())
	if d.n != n {
		t.Errorf("%d messages of %d", d.n, n)
	}
	p.Wait()
}

func TestEndsInPython(t *testing.T) {
	r := newRing(t)
	c := start(t, "ends", text(t, r))
	c.Expect("True Claimed Claimed Mismatch Mismatch Empty Timeout TooLarge None b'abc' Full Timeout True TypeError Closed Closed")
	c.Wait()
	if s := r.Stats(); s.Producer != 0 || s.Consumer != 0 {
		t.Errorf("%+v after both ends were closed", s)
	}
}

// A Python process that is killed with an end in hand, or asleep, leaves it to the next.
func TestEndsOfDeadPython(t *testing.T) {
	r := newRing(t)
	c := start(t, "read", text(t, r))
	c.Expect("ready")
	if _, err := r.Consumer(); err == nil {
		t.Fatal("taken from the living")
	}
	c.Kill()
	mine, err := r.Consumer()
	must(t, err)
	p, err := r.Producer()
	must(t, err)
	must(t, p.TryPut([]byte("x")))
	if m, err := mine.TryGet(); err != nil || string(m) != "x" {
		t.Errorf("%q, %v", m, err)
	}
}

type pair struct {
	Mu   sem.Mutex
	A, B uint64
}

func TestMutexBetweenPythonAndGo(t *testing.T) {
	const each = 5000
	v, err := shm.New[pair]()
	must(t, err)
	defer v.Close()
	c := start(t, "mutex", text(t, v), strconv.Itoa(each))
	c.Expect("ready")
	c.Send("go")
	p := v.Ptr()
	for range each {
		p.Mu.Lock()
		p.A++
		p.B++
		p.Mu.Unlock()
	}
	c.Expect("0 torn")
	c.Wait()
	if p.A != 2*each || p.B != 2*each {
		t.Errorf("%d and %d of %d", p.A, p.B, 2*each)
	}
}

func TestPythonHolderDies(t *testing.T) {
	v, err := shm.New[pair]()
	must(t, err)
	defer v.Close()
	a := start(t, "hold", text(t, v))
	a.Expect("ready")
	a.Expect("held False")
	b := start(t, "hold", text(t, v))
	b.Expect("ready")
	a.Kill()
	b.Expect("held True")
	b.Kill()
	mu := &v.Ptr().Mu
	must(t, mu.LockContext(within(t)))
	if !mu.Abandoned() {
		t.Error("not abandoned")
	}
	mu.Repaired()
	mu.Unlock()
}

func TestForkInPython(t *testing.T) {
	v, err := shm.New[pair]()
	must(t, err)
	defer v.Close()
	c := start(t, "fork", text(t, v))
	c.Expect("child True")
	c.Expect("busy")
	c.Expect("done")
	if !v.Ptr().Mu.TryLock() {
		t.Error("held")
	}
	v.Ptr().Mu.Unlock()
}

func TestValuesBetweenPythonAndGo(t *testing.T) {
	const each = 2000
	large, err := value.New([7]int64{})
	must(t, err)
	defer large.Close()
	small, err := value.New(float64(0))
	must(t, err)
	defer small.Close()
	c := start(t, "value", text(t, large), text(t, small), strconv.Itoa(each))
	for range each {
		large.Update(func(v *[7]int64) {
			for i := range v {
				v[i]++
			}
		})
		value.Add(small, 1)
	}
	c.Expect("0 torn (7)q float")
	c.Wait()
	if v := large.Load(); v[0] != 2*each || v[6] != 2*each || small.Load() != 2*each {
		t.Errorf("%v and %v, want %d", v, small.Load(), 2*each)
	}
}

func TestStructInPython(t *testing.T) {
	type stats struct {
		Hits int64
		On   bool
		Grid [2][2]float32
		Z    complex64
	}
	v, err := value.New(stats{Hits: 41, Z: 1i})
	must(t, err)
	defer v.Close()
	c := start(t, "structure", text(t, v))
	c.Expect("{'Hits': 41, 'On': False, 'Grid': [[0.0, 0.0], [0.0, 0.0]], 'Z': 1j}")
	c.Wait()
	if x := v.Load(); x != (stats{42, true, [2][2]float32{{1.5, 2.5}, {3.5, 4.5}}, 1i}) {
		t.Errorf("%+v", x)
	}
}

func TestArrayInPython(t *testing.T) {
	xs := make([]int32, 1000)
	sum := 0
	for i := range xs {
		xs[i] = int32(i) - 300
		sum += i - 300
	}
	a, err := array.From(xs)
	must(t, err)
	defer a.Close()
	c := start(t, "array", text(t, a), "0")
	got := c.Recv()
	c.Wait()
	want := strings.Join([]string{"1000", strconv.Itoa(sum), strconv.Itoa(2 * sum), strconv.Itoa(2 * 699)}, " ")
	if got != want+" memoryview" && got != want+" ndarray" {
		t.Errorf("%s, want %s", got, want)
	}
	for i, x := range a.All() {
		if x != 2*xs[i] {
			t.Fatalf("element %d is %d", i, x)
		}
	}
}

func TestSnapshotsInPython(t *testing.T) {
	type triple [3]uint64
	a, err := array.Config[triple]{Len: 50, Stripes: 2}.New()
	must(t, err)
	defer a.Close()
	c := start(t, "snapshots", text(t, a), "300")
	c.Expect("ready")
	all := make([]triple, 50)
	for i := range uint64(20_000) {
		for k := range all {
			all[k] = triple{i, i, i}
		}
		_, err := a.WriteAt(all, 0)
		must(t, err)
	}
	c.Expect("0 torn")
	c.Wait()
}

// Python may end, and the name stays.
func TestPythonLeavesNames(t *testing.T) {
	v, err := shm.Config[pair]{}.Create("kept")
	must(t, err)
	defer v.Close()
	c := start(t, "keep", "kept")
	c.Expect("24 <T{T{I:mutex:}:Mu:4xQ:A:Q:B:}")
	if code := c.Wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	w, err := shm.Open[pair]("kept")
	must(t, err)
	must(t, w.Close())
	must(t, v.Unlink())
}

// A segment that Python's multiprocessing made has no header of ours: OpenRaw maps it.
func TestRawFromPython(t *testing.T) {
	name := "shmkit-test-" + strconv.Itoa(os.Getpid())
	c := start(t, "shared", name)
	if got := c.Recv(); got != "5000" {
		t.Fatal(got)
	}
	s, err := shm.OpenRaw("/dev/shm/" + name)
	must(t, err)
	if got := string(s.Bytes()[:5]); got != "hello" || len(s.Bytes()) != 5000 {
		t.Errorf("%q, %d bytes", got, len(s.Bytes()))
	}
	copy(s.Bytes()[5:], "you")
	c.Send("done")
	c.Expect("you")
	c.Wait()
	must(t, s.Close())
}

func TestWithoutAtomics(t *testing.T) {
	r := newRing(t)
	c := start(t, "no_atomics", text(t, r))
	c.Expect("3 " + strconv.Itoa(896+2<<14))
	if got := c.Recv(); !strings.Contains(got, "libatomic") {
		t.Error(got)
	}
	c.Wait()
}

func TestRefusals(t *testing.T) {
	cases := []struct {
		want  string
		spoil func(b []byte) []byte
	}{
		{"OK", func(b []byte) []byte { return b }},
		{"Foreign", func(b []byte) []byte { b[0]++; return b }},
		{"Mismatch byte order", func(b []byte) []byte { copy(b[8:], "\x01\x02\x03\x04"); return b }},
		{"Mismatch ABI version is 2 there, 1 here", func(b []byte) []byte { b[12] = 2; return b }},
		{"Mismatch features", func(b []byte) []byte { b[16] = 8; return b }},
		{"Corrupt", func(b []byte) []byte { b[24] = 0; return b }},
		{"Corrupt", func(b []byte) []byte { b[49]++; return b }},
		{"Corrupt", func(b []byte) []byte { b[72] = 3; return b }},
		{"Corrupt", func(b []byte) []byte { b[258] = 27; return b }},
		{"Truncated", func(b []byte) []byte { return b[:len(b)-1] }},
		{"Truncated", func(b []byte) []byte { return b[:255] }},
		{"Foreign", func(b []byte) []byte { return nil }},
	}
	dir, names, want := os.Getenv("SHMKIT_DIR"), []string{"refuse"}, []string{}
	for i, c := range cases {
		v, err := shm.Config[pair]{}.Create("good")
		must(t, err)
		b, err := os.ReadFile(filepath.Join(dir, "good"))
		must(t, err)
		must(t, v.Unlink())
		must(t, v.Close())
		names, want = append(names, "bad"+strconv.Itoa(i)), append(want, c.want)
		path := filepath.Join(dir, names[len(names)-1])
		must(t, os.WriteFile(path, c.spoil(b), 0o600))
		t.Cleanup(func() { os.Remove(path) })
	}
	v, err := shm.New[pair]()
	must(t, err)
	defer v.Close()
	good := text(t, v)
	names = append(names, "..", "nobody", "x#"+good[len(good)-32:], good[:len(good)-32]+"0123456789abcdef0123456789abcdef")
	want = append(want, "ValueError", "NotFound", "ValueError", "Mismatch id")
	p := start(t, names...)
	for i, w := range want {
		if got := p.Recv(); !strings.HasPrefix(got, w) {
			t.Errorf("%s: %q, want %s", names[i+1], got, w)
		}
	}
	p.Wait()
}

// Nothing is written when Python ends that has opened a segment, also with views of it: no tracker warns of what it thinks has
// leaked, no destructor complains of views that live.
func TestPythonEndsQuietly(t *testing.T) {
	a, err := array.Config[int32]{Len: 5}.Create("quiet")
	must(t, err)
	defer a.Close()
	defer a.Unlink()
	for _, program := range []string{
		"import shmkit; s = shmkit.attach('quiet'); b = s.bytes(); v = shmkit.Array(s).view(); s.close()",
		"import shmkit; v = shmkit.Array(shmkit.attach('quiet')).view(); v[1] = 2",
		"import shmkit, os; s = shmkit.attach('quiet'); os.fork() or os._exit(0); s.close(); os.wait()",
	} {
		cmd := exec.Command(needPython(t), "-W", "always", "-c", program)
		cmd.Env = environ()
		if out, err := cmd.CombinedOutput(); err != nil || len(out) != 0 {
			t.Errorf("%s: %v, %q", program, err, out)
		}
		b, err := array.Open[int32]("quiet")
		must(t, err)
		must(t, b.Close())
	}
	if a.Load(1) != 2 {
		t.Error(a.Load(1))
	}
}
