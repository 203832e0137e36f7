package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/queue"
	"github.com/shmkit/shmkit/shm"
)

// boxes gives a test a directory of names in a tmpfs: of a queue whose messages may be long the file is terabytes long, of
// which next to nothing is there.
func boxes(t *testing.T) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "shmkit-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	t.Setenv("SHMKIT_DIR", dir)
}

// puts runs put with that input.
func puts(t *testing.T, input string, status int, args ...string) (log string) {
	t.Helper()
	p := start(t, append([]string{"put"}, args...)...)
	if _, err := io.WriteString(p.in, input); err != nil && status == 0 {
		t.Fatal(err)
	}
	p.in.Close()
	p.ends(status)
	return p.log.String()
}

// gets runs get, and fails unless it prints that.
func gets(t *testing.T, want string, args ...string) {
	t.Helper()
	out, log := does(t, 0, append([]string{"get"}, args...)...)
	if out != want || log != "" {
		t.Errorf("get %q prints %q and says %q, want %q", args, out, log, want)
	}
}

func TestPutAndGet(t *testing.T) {
	boxes(t)
	in := `{"url":"https://go.dev/?a<b","depth":2,"tags":["x",null,true,1.5]}
11

"lily"
12345678901234567890123
[11,null,"lily"]
`
	puts(t, in, 0, "--create", "jobs")
	puts(t, " 7 ", 0, "jobs")
	sorted := `{"depth":2,"tags":["x",null,true,1.5],"url":"https://go.dev/?a<b"}`
	gets(t, sorted, "--count", "1", "jobs")
	gets(t, "11\n\"lily\"\n12345678901234567890123\n[11,null,\"lily\"]\n7", "jobs")
	gets(t, "", "jobs")
	p := start(t, "put", "--shutdown", "jobs")
	go func() {
		for i := range 3000 {
			fmt.Fprintln(p.in, i)
		}
		p.in.Close()
	}()
	out, _ := does(t, 0, "get", "--follow", "jobs")
	if lines := strings.Fields(out); len(lines) != 3000 || lines[2999] != "2999" {
		t.Errorf("of 3000 items %d come", len(lines))
	}
	p.ends(0)
}

// What a Go program has put comes as JSON, and the reverse: by the T of the queue.
func TestPutAndGetFromGo(t *testing.T) {
	boxes(t)
	type job struct {
		URL   string
		Depth int
	}
	jobs, err := queue.OpenOrCreate[job]("jobs", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	if err := jobs.TryPut(job{"https://go.dev", 2}); err != nil {
		t.Fatal(err)
	}
	gets(t, `{"Depth":2,"URL":"https://go.dev"}`, "jobs")
	puts(t, `{"URL":"x","Depth":3}`, 0, "jobs")
	if j, err := jobs.TryGet(); err != nil || j != (job{"x", 3}) {
		t.Errorf("%+v, %v", j, err)
	}
	puts(t, `{"URL":3}`, 0, "jobs") // JSON says nothing of types: the program finds out
	if j, err := jobs.TryGet(); err == nil || !strings.Contains(err.Error(), "jobs") {
		t.Errorf("%+v, %v", j, err)
	}

	text, err := queue.OpenOrCreate[[]byte]("text", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	puts(t, "\"lily\"\n{\"base64\":\"/wA=\"}", 0, "text")
	gets(t, "\"lily\"\n{\"base64\":\"/wA=\"}", "text")
	if log := puts(t, "\"a\"\n7", 1, "text"); !strings.Contains(log, "line 2") || !strings.Contains(log, "bytes") {
		t.Errorf("of a number among bytes it says %q", log)
	}
	gets(t, `"a"`, "text")

	numbers, err := queue.OpenOrCreateSimple[int16]("numbers")
	if err != nil {
		t.Fatal(err)
	}
	defer numbers.Close()
	if log := puts(t, "-5\n40000", 1, "numbers"); !strings.Contains(log, "int16") {
		t.Errorf("of what is out of range it says %q", log)
	}
	gets(t, "-5", "numbers")

	plain, err := queue.OpenOrCreate[[2]int64]("plain", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if log := puts(t, "[1,2]", 1, "plain"); !strings.Contains(log, "plain data") {
		t.Errorf("of a queue of arrays it says %q", log)
	}
}

// An item of a JoinableQueue is done when it is printed.
func TestGetOfTasks(t *testing.T) {
	boxes(t)
	puts(t, "1\n2\n3\n", 0, "--create", "--joinable", "work")
	q, err := queue.OpenJoinable[any]("work")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	if q.Unfinished() != 3 {
		t.Errorf("%d of 3 tasks are unfinished", q.Unfinished())
	}
	gets(t, "1\n2", "--count", "2", "work")
	if q.Unfinished() != 1 {
		t.Errorf("%d of 1 task is unfinished", q.Unfinished())
	}
	gets(t, "3", "work")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := q.Join(ctx); err != nil {
		t.Error(err)
	}
}

func TestPutAndGetStatus(t *testing.T) {
	boxes(t)
	v, err := shm.OpenOrCreate[uint64]("number")
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	s, err := queue.OpenOrCreateSimple[int64]("simple")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	puts(t, "1\n2\n", 0, "--create", "--capacity", "2", "jobs")
	for _, c := range []struct {
		args   string
		status int
		said   string
	}{
		{"put gone", exitNotFound, "--create"},
		{"get gone", exitNotFound, "--create"},
		{"get a b", exitUsage, "arg"},
		{"put --count 0 jobs", exitUsage, "1 or more"},
		{"put --capacity 0 -c jobs", exitUsage, "1 or more"},
		{"put --joinable jobs", exitUsage, "--create"},
		{"get --capacity 7 simple", exitUsage, "simple"},
		{"put --shutdown simple", exitUsage, "no end"},
		{"put number", exitFailure, "number"},
		{"get --capacity 3 jobs", exitFailure, "capacity"},
		{"get --count 3 --timeout 10ms jobs", exitTooFew, ""},
		{"get --timeout 0 jobs", exitOK, ""},
		{"put --shutdown jobs", exitOK, ""},
		{"get --follow jobs", exitOK, ""},
		{"get --count 1 jobs", exitTooFew, ""},
	} {
		if _, log := does(t, c.status, strings.Fields(c.args)...); !strings.Contains(log, c.said) || (log == "") != (c.said == "") {
			t.Errorf("%q says %q, want %q", c.args, log, c.said)
		}
	}
	for input, said := range map[string]string{"1\nx": "line 1", "1 2": "line 1"} {
		if log := puts(t, input, exitFailure, "jobs"); !strings.Contains(log, said) {
			t.Errorf("of %q it says %q", input, log)
		}
	}
	if log := puts(t, "1", exitFailure, "jobs"); !strings.Contains(log, "shut down") || !strings.Contains(log, "shmkit rm jobs") {
		t.Errorf("of a queue that is shut down it says %q", log)
	}
	if log := puts(t, "1\n2\n3", exitTooFew, "--create", "--capacity", "2", "--timeout", ".05", "full"); log != "" {
		t.Errorf("of a full queue it says %q", log)
	}
	gets(t, "1\n2", "full")
}

// A get of tasks that is killed loses none: another one prints what it has not.
func TestKillAGetOfTasks(t *testing.T) {
	for range killstep.Budget(3) {
		boxes(t)
		puts(t, "", 0, "-c", "-j", "work")
		const n = 3000
		p := start(t, "put", "work")
		go func() {
			for i := range n {
				fmt.Fprintln(p.in, i)
			}
			p.in.Close()
		}()
		victim, other := start(t, "get", "-f", "work"), start(t, "get", "-f", "work")
		outs := []<-chan []string{victim.reads(), other.reads()}
		time.Sleep(time.Duration(rand.IntN(100)) * time.Millisecond)
		victim.signal(unix.SIGKILL)
		p.ends(0)
		puts(t, "", 0, "--shutdown", "work")
		other.ends(0)
		printed, seen, twice := <-outs[0], map[int]int{}, 0
		for i, l := range append(printed, <-outs[1]...) {
			k, err := strconv.Atoi(l)
			if err != nil && i != len(printed)-1 { // the victim's last line may be cut off
				t.Fatalf("a line is %q", l)
			}
			if seen[k]++; seen[k] > 1 {
				twice++
			}
		}
		for i := range n {
			if seen[i] == 0 {
				t.Fatalf("task %d is lost", i)
			}
		}
		if twice > mostInHand+1 {
			t.Errorf("%d lines come twice, more than one has in hand", twice)
		}
	}
}

// Of a queue show says how much is in it; of tasks whose they are, and how many were given up.
func TestShowQueues(t *testing.T) {
	boxes(t)
	q, err := queue.JoinableConfig[any]{Cap: 10, MaxAttempts: 1, Dead: "dead"}.Create("work")
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	for i := range 5 {
		if err := q.TryPut(i); err != nil {
			t.Fatal(err)
		}
	}
	var held []queue.Task[any]
	for range 3 {
		task, err := q.TryGet()
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, task)
	}
	held[0].Fail()
	show := func(name string, want ...string) {
		t.Helper()
		_, out, _ := shmkit(t, "show", name)
		for _, w := range want {
			if !strings.Contains(fields(out), w) {
				t.Errorf("show %s does not say %q:\n%s", name, w, out)
			}
		}
	}
	show("work", "kind joinable queue", "codec cbor", "capacity 10 items", "in the queue 3, of which 1", "unfinished 5", "leased 2 tasks: ", ", alive, pid", "failed 1",
		`dead letters 0, after 1 attempt, to "dead", where 0 are`)
	// The failed one is given up by the next that meets it.
	if _, err := q.TryGet(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = q.TryGet()
	}
	show("work", `dead letters 1, after 1 attempt, to "dead", where 1 are`, "unfinished 4")
	show("dead", "kind queue", "in the queue 1")

	plain, err := queue.OpenOrCreate[int64]("plain", 8)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	if err := plain.TryPut(7); err != nil {
		t.Fatal(err)
	}
	if err := plain.Shutdown(); err != nil {
		t.Fatal(err)
	}
	show("plain", "kind queue", "capacity 8 items", "in the ring 1", "shut down")
	if err := q.Shutdown(); err != nil {
		t.Fatal(err)
	}
	show("work", "shut down")
}

func TestBoxCompletion(t *testing.T) {
	boxes(t)
	puts(t, "", 0, "-c", "app.jobs")
	puts(t, "", 0, "-c", "-j", "app.work")
	for args, want := range map[string]string{
		"__complete put app":        "app.jobs queue app.work joinable queue :4",
		"__complete get -f app":     "app.jobs queue app.work joinable queue :4",
		"__complete get app.jobs a": ":4",
	} {
		var out strings.Builder
		if code := run(strings.Fields(args), &out, new(strings.Builder)); code != exitOK || fields(out.String()) != want {
			t.Errorf("%s gives %q and ends with %d, want %q", args, fields(out.String()), code, want)
		}
	}
}
