package report

import "github.com/shmkit/shmkit/cmd/shmkit/internal/lab"

// Check is what became of the main job.
type Check struct {
	Case     string `json:"case"`
	Check    string `json:"check"` // sha256
	OK       bool   `json:"ok"`
	Messages int64  `json:"messages"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256"`
	Files    int    `json:"files"`
}

// Peer is a rival that is not part of this program.
type Peer struct {
	Peer     string `json:"peer"`
	Compiler string `json:"compiler,omitempty"`
	Flags    string `json:"flags,omitempty"`
	Absent   string `json:"absent,omitempty"` // why it could not be measured
}

// Bench is a whole run.
type Bench struct {
	Machine Machine
	Peers   []Peer
	Checks  []Check
	Outcome *lab.Outcome
}

// Failures lists the subjects that were given up, with the reason.
func (b *Bench) Failures() []*lab.Series {
	var fs []*lab.Series
	for _, r := range b.Outcome.Results {
		for _, list := range [][]*lab.Series{r.Cases, r.Rivals} {
			for _, s := range list {
				if s.Err != nil {
					fs = append(fs, s)
				}
			}
		}
	}
	return fs
}

// Judge says of each check whether it held. A sample of the main job whose sum
// is wrong fails its subject, so what did not fail arrived whole.
func (b *Bench) Judge() {
	for i := range b.Checks {
		c := &b.Checks[i]
		for _, r := range b.Outcome.Results {
			if r.Group.Name == c.Case {
				c.OK = whole(r.Cases)
			}
		}
	}
}

// whole says that each of these was measured and none failed.
func whole(list []*lab.Series) bool {
	for _, s := range list {
		if s.Err != nil || len(s.Samples) == 0 {
			return false
		}
	}
	return len(list) > 0
}
