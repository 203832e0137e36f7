package peers

import (
	"os"
	"os/exec"
	"path/filepath"
)

const (
	rust       = "crossbeam" // the folder of the one program that cargo builds
	rustBinary = "crossbeam-peer"
	rustFlags  = "--release"

	// debian is where Debian's packages of crates lie.
	debian = "/usr/share/cargo/registry"
)

// crossbeam builds what needs the crate crossbeam-queue, as Debian's librust-crossbeam-queue-dev or a cargo before has
// left it on this machine: nothing is fetched.
func (b *builder) crossbeam() Tool {
	t := Tool{Name: "crossbeam", Flags: rustFlags}
	cargo, err := exec.LookPath("cargo")
	if err != nil {
		t.Absent = "there is no cargo on this machine"
		return t
	}
	if t.Compiler, err = b.firstLine("rustc", "--version"); err != nil {
		t.Absent = err.Error()
		return t
	}
	args := []string{"build", rustFlags, "--offline", "--quiet", "--manifest-path", filepath.Join(rust, "Cargo.toml")}
	if found, err := filepath.Glob(filepath.Join(debian, "crossbeam-queue-*")); err == nil && len(found) > 0 {
		args = append(args, "--config", `source.crates-io.replace-with="debian"`, "--config", `source.debian.directory="`+debian+`"`)
	} else if !b.cached() {
		t.Absent = "its crate, crossbeam-queue, is not installed"
		return t
	}
	if err := b.run(cargo, args...); err != nil {
		t.Absent = err.Error()
		return t
	}
	b.built[rust] = true
	return t
}

// cached reports whether cargo has the crate already.
func (b *builder) cached() bool {
	home := os.Getenv("CARGO_HOME")
	if home == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			return false
		}
		home = filepath.Join(user, ".cargo")
	}
	found, err := filepath.Glob(filepath.Join(home, "registry", "cache", "*", "crossbeam-queue-*.crate"))
	return err == nil && len(found) > 0
}
