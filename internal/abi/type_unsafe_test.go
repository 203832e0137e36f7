package abi

import (
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

type inner struct {
	X int8
	Y float64
}

type all struct {
	A    bool
	B    int8
	C    uint16
	D    int32
	E    uint64
	F    float32
	G    float64
	H    complex64
	I    complex128
	J    int
	K    uint
	L    uintptr
	M    [4]byte
	N    [2][3]inner
	O    inner
	_    uint32
	P    atomic.Int64
	Q    struct{}
	R    byte
	wide [1 << 20]int16
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		t    reflect.Type
		want Type
	}{
		{reflect.TypeFor[int64](), Type{"<q", 8, 8}},
		{reflect.TypeFor[int](), Type{"<q", 8, 8}},
		{reflect.TypeFor[uint](), Type{"<Q", 8, 8}},
		{reflect.TypeFor[time.Duration](), Type{"<q", 8, 8}},
		{reflect.TypeFor[[3]uint16](), Type{"<(3)H", 6, 2}},
		{reflect.TypeFor[[2][3]bool](), Type{"<(2,3)?", 6, 1}},
		{reflect.TypeFor[inner](), Type{"<T{b:X:7xd:Y:}", 16, 8}},
		{reflect.TypeFor[[2]inner](), Type{"<(2)T{b:X:7xd:Y:}", 32, 8}},
		{reflect.TypeFor[struct {
			A int16
			B int8
		}](), Type{"<T{h:A:b:B:x}", 4, 2}},
		{reflect.TypeFor[struct {
			inner
			_ int32
			C uint32
		}](), Type{"<T{T{b:X:7xd:Y:}:inner:4xI:C:}", 24, 8}},
		{reflect.TypeFor[atomic.Bool](), Type{"<T{I:v:}", 4, 4}},
		{reflect.TypeFor[all](), Type{"<T{?:A:b:B:H:C:i:D:Q:E:f:F:4xd:G:Zf:H:Zd:I:q:J:Q:K:Q:L:(4)B:M:4x(2,3)T{b:X:7xd:Y:}:N:" +
			"T{b:X:7xd:Y:}:O:8xT{q:v:}:P:B:R:x(1048576)h:wide:6x}", uint64(unsafe.Sizeof(all{})), 8}},
	} {
		got, err := Shareable(c.t)
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%v: %v, %s", c.t, err, diff)
		}
	}
}

// What the format says must be what the compiler does: sizes and offsets, read back from the string.
func TestFormatOffsets(t *testing.T) {
	ty, err := Shareable(reflect.TypeFor[all]())
	if err != nil {
		t.Fatal(err)
	}
	s, err := parse(ty.Format)
	if err != nil {
		t.Fatal(err)
	}
	if s.size != uint64(unsafe.Sizeof(all{})) {
		t.Errorf("size %d, want %d", s.size, unsafe.Sizeof(all{}))
	}
	offs := map[string]uint64{}
	for _, f := range s.fields {
		offs[f.path] = f.off
	}
	for path, want := range map[string]uintptr{
		"A": 0, "C": unsafe.Offsetof(all{}.C), "I": unsafe.Offsetof(all{}.I), "N": unsafe.Offsetof(all{}.N),
		"N[].Y": unsafe.Offsetof(all{}.N) + 8, "O.Y": unsafe.Offsetof(all{}.O) + 8, "P.v": unsafe.Offsetof(all{}.P),
		"R": unsafe.Offsetof(all{}.R), "wide": unsafe.Offsetof(all{}.wide),
	} {
		if got, ok := offs[path]; !ok || got != uint64(want) {
			t.Errorf("%s at %d (%t), want %d", path, got, ok, want)
		}
	}
}

type withMutex struct {
	N    int
	Deep [2]struct{ Mu sync.Mutex }
}

type stats struct {
	Name string
}

func TestNotShareable(t *testing.T) {
	for _, c := range []struct {
		t    reflect.Type
		want []string // in the error
	}{
		{reflect.TypeFor[stats](), []string{"shm: stats.Name is a string", "queue"}},
		{reflect.TypeFor[string](), []string{"shm: string is a string"}},
		{reflect.TypeFor[struct{ A [2]struct{ B []int } }](), []string{".A[].B is a slice"}},
		{reflect.TypeFor[struct{ P *int }](), []string{".P is a pointer", "index"}},
		{reflect.TypeFor[struct{ P unsafe.Pointer }](), []string{".P is a pointer"}},
		{reflect.TypeFor[struct{ M map[int]int }](), []string{".M is a map"}},
		{reflect.TypeFor[struct{ C chan int }](), []string{".C is a chan"}},
		{reflect.TypeFor[struct{ F func() }](), []string{".F is a func"}},
		{reflect.TypeFor[struct{ I any }](), []string{".I is an interface"}},
		{reflect.TypeFor[withMutex](), []string{"withMutex.Deep[].Mu is a sync.Mutex", "use sem.Mutex"}},
		{reflect.TypeFor[struct{ W sync.WaitGroup }](), []string{"sem.WaitGroup"}},
		{reflect.TypeFor[struct{ W sync.RWMutex }](), []string{"sem.RWMutex"}},
		{reflect.TypeFor[struct{ W sync.Once }](), []string{"sem.Once"}},
		{reflect.TypeFor[struct{ W sync.Cond }](), []string{"sem.Cond"}},
		{reflect.TypeFor[struct{ W sync.Map }](), []string{"manager.Dict"}},
		{reflect.TypeFor[struct{ W sync.Pool }](), []string{"none at all"}},
		{reflect.TypeFor[struct{ P atomic.Pointer[int] }](), []string{".P is an atomic.Pointer[int]", "index"}},
		{reflect.TypeFor[struct{ V atomic.Value }](), []string{".V is an atomic.Value"}},
		{reflect.TypeFor[struct{ At time.Time }](), []string{".At is a time.Time", "UnixNano"}},
		{reflect.TypeFor[struct{}](), []string{"has no bytes"}},
		{reflect.TypeFor[[0]int](), []string{"has no bytes"}},
		{reflect.TypeFor[struct{ _ [0]func() }](), []string{"has no bytes"}},
		{reflect.ArrayOf(1<<41, reflect.TypeFor[byte]()), []string{"2199023255552 bytes, more than"}},
	} {
		for _, check := range []func(reflect.Type) (Type, error){Shareable, Copyable} {
			got, err := check(c.t)
			if err == nil || got != (Type{}) {
				t.Errorf("%v: passed as %v", c.t, got)
				continue
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%v: error %q lacks %q", c.t, err, w)
				}
			}
		}
	}
}

func TestTooManyFields(t *testing.T) {
	var fields []reflect.StructField
	for i := range 2000 {
		name := "F" + strings.Repeat("x", 40) + string(rune('A'+i%26)) + strings.Repeat("y", i/26)
		fields = append(fields, reflect.StructField{Name: name, Type: reflect.TypeFor[byte]()})
	}
	if _, err := Shareable(reflect.StructOf(fields)); err == nil || !strings.Contains(err.Error(), "too many fields") {
		t.Errorf("got %v", err)
	}
}

// An array of nothing holds no pointer; it marks its struct as not comparable.
func TestMarkers(t *testing.T) {
	type incomparable struct {
		_ [0]func()
		X int64
	}
	if ty, err := Copyable(reflect.TypeFor[incomparable]()); err != nil || ty.Format != "<T{q:X:}" {
		t.Errorf("%v, %v", ty, err)
	}
	type pinned struct {
		_ [0]sync.Mutex
		X int64
	}
	if _, err := Shareable(reflect.TypeFor[pinned]()); err != nil {
		t.Errorf("shareable: %v", err)
	}
}

//lint:ignore U1000 its size is what counts
type spin struct{ word uint32 }

func (*spin) Lock()   {}
func (*spin) Unlock() {}

var _ sync.Locker = (*spin)(nil)

type noCopy struct{}

type guarded struct {
	_ noCopy
	//lint:ignore U1000 its size is what counts
	word uint32
}

type notALock struct{ X int }

func (*notALock) Lock(int) {}
func (*notALock) Unlock()  {}
func (*notALock) Lock2()   {}

func TestCopyable(t *testing.T) {
	for _, ty := range []reflect.Type{
		reflect.TypeFor[atomic.Int64](), reflect.TypeFor[struct{ A atomic.Bool }](), reflect.TypeFor[struct{ A [2]atomic.Uint32 }](),
		reflect.TypeFor[guarded](), reflect.TypeFor[struct{ S spin }](), reflect.TypeFor[struct {
			_ [0]spin
			X int
		}](),
	} {
		if _, err := Shareable(ty); err != nil {
			t.Errorf("%v is not shareable: %v", ty, err)
		}
		if _, err := Copyable(ty); err == nil || !strings.Contains(err.Error(), "shm.Var") {
			t.Errorf("%v is copyable: %v", ty, err)
		}
	}
	for _, ty := range []reflect.Type{reflect.TypeFor[int32](), reflect.TypeFor[inner](), reflect.TypeFor[notALock](), reflect.TypeFor[[3]inner]()} {
		if _, err := Copyable(ty); err != nil {
			t.Errorf("%v is not copyable: %v", ty, err)
		}
	}
}

// A linked program has lost the methods that nothing calls through an interface.
func TestCopyableInALinkedProgram(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command here to link a program with")
	}
	out, err := exec.Command("go", "run", "./testdata/deadcode").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	wants := []string{"atomic.Int64", ".A is an atomic.Bool", ".A[].B is an atomic.Uint32", ".L._ is a main.noCopy", "._[] is a sync.Mutex", "<nil>", ".S is a main.spin"}
	if len(lines) != len(wants) {
		t.Fatalf("got %q", lines)
	}
	for i, w := range wants {
		if !strings.Contains(lines[i], w) {
			t.Errorf("line %d is %q, want %q", i, lines[i], w)
		}
	}
}
