package proctest

import (
	"os"
	"os/signal"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { Main(m) }

func TestRunGivesADirectoryAndRemovesIt(t *testing.T) {
	t.Setenv(envDir, t.TempDir())
	var seen string
	code := run(func() int {
		seen = os.Getenv(envDir)
		if st, err := os.Stat(seen); err != nil || !st.IsDir() {
			t.Errorf("%s = %s: %v", envDir, seen, err)
		}
		return 5
	})
	if code != 5 {
		t.Errorf("exit code %d of the tests was not passed on", code)
	}
	if _, err := os.Stat(seen); !os.IsNotExist(err) {
		t.Errorf("%s still exists", seen)
	}
}

// Each leak is planted in a process of its own, whose run must then fail and name it.
func TestRunFailsOnLeaks(t *testing.T) {
	if !canStop {
		t.Skip("descriptors and processes are only counted on Linux")
	}
	for leak, want := range map[string]string{
		"nothing":    "",
		"descriptor": "descriptors: 1 of /dev/null",
		"goroutine":  "proctest.init",
		"process":    "processes:",
		"orphan":     "processes:",
		"name":       "names: forgotten",
	} {
		t.Run(leak, func(t *testing.T) {
			p := Start(t, "leaker", leak)
			said := p.Recv()
			code := p.Wait()
			if want == "" && (code != 0 || said != "ok") {
				t.Errorf("a run without leaks ended with %d: %s", code, said)
			}
			if want != "" && (code != 1 || !strings.Contains(said, want)) {
				t.Errorf("exit code %d, %q; want 1 and %q", code, said, want)
			}
		})
	}
}

var (
	leaked       []*os.File
	killChildren = func() {}
)

var _ = Register("leaker", func(args []string) int {
	errs, restore := captureStderr()
	settle = 300 * time.Millisecond
	defer killChildren()
	code := run(func() int {
		switch args[0] {
		case "descriptor":
			f, _ := os.Open(os.DevNull)
			leaked = append(leaked, f)
		case "goroutine":
			go func() { select {} }()
		case "process":
			cmd := Command("idle")
			cmd.Stdin = os.Stdin
			Launch(cmd)
		case "orphan":
			cmd := Command("orphanage")
			cmd.Stdin = os.Stdin
			Launch(cmd)
			cmd.Wait()
		case "name":
			os.WriteFile(os.Getenv(envDir)+"/forgotten", nil, 0o600)
		case "nothing":
			signal.Notify(make(chan os.Signal, 1), os.Interrupt) // its goroutine stays for good
		}
		return 0
	})
	restore()
	if code == 0 {
		Say("ok")
	} else {
		Say(strings.ReplaceAll(<-errs, "\n", " "))
	}
	return code
})

var _ = Register("idle", func([]string) int { time.Sleep(time.Hour); return 0 })

// orphanage leaves a child behind that outlives it.
var _ = Register("orphanage", func([]string) int {
	cmd := Command("idle")
	cmd.SysProcAttr = nil // no death signal
	r, w, _ := os.Pipe()
	cmd.Stdin, cmd.ExtraFiles = r, []*os.File{w} // never EOF: it holds both ends
	cmd.Start()
	return 0
})

// captureStderr diverts stderr and delivers what was written when restored.
func captureStderr() (text <-chan string, restore func()) {
	r, w, _ := os.Pipe()
	old := os.Stderr
	os.Stderr = w
	c := make(chan string, 1)
	return c, func() {
		os.Stderr = old
		w.Close()
		b := make([]byte, 1<<16)
		n, _ := r.Read(b)
		r.Close()
		c <- string(b[:n])
	}
}

func TestSweepRemovesOnlyCorpses(t *testing.T) {
	if !canStop {
		t.Skip("directories are only locked on Linux")
	}
	t.Setenv(envDir, t.TempDir())
	live, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	defer live.remove()
	corpse, err := newDir()
	if err != nil {
		t.Fatal(err)
	}
	corpse.f.Close() // as if killed
	young, err := os.MkdirTemp(os.Getenv(envDir), dirPrefix)
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	os.Chtimes(live.path, past, past)
	os.Chtimes(corpse.path, past, past)

	sweep(os.Getenv(envDir))
	for path, want := range map[string]bool{live.path: true, young: true, corpse.path: false} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: exists = %v, want %v", path, err == nil, want)
		}
	}
}
