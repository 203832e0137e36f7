package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// twoDashes gives long flags that were written with one dash their second one,
// as Go's own commands take them: pflag would read -run as -r -u -n. Only the
// names of this program's flags are touched, and nothing after "--".
func twoDashes(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true}
	longFlags(root, known)
	out := make([]string, len(args))
	copy(out, args)
	for i, a := range out {
		if a == "--" {
			break
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(a, "-"), "=")
		if strings.HasPrefix(a, "-") && len(name) > 1 && known[name] {
			out[i] = "-" + a
		}
	}
	return out
}

// longFlags collects the names of the flags of a command and those below it.
func longFlags(c *cobra.Command, names map[string]bool) {
	c.Flags().VisitAll(func(f *pflag.Flag) { names[f.Name] = true })
	for _, sub := range c.Commands() {
		longFlags(sub, names)
	}
}
