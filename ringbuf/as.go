package ringbuf

import "github.com/shmkit/shmkit/internal/annex"

// OpenAs is for package queue, whose queues of plain data are rings by another kind: nobody else can make an As.
func OpenAs[T any](as annex.As) (*MPMC[T], error) {
	sp, err := crowdSpec[T](as.Cap, 0)
	if err != nil {
		return nil, err
	}
	sp.Kind = as.Kind
	s, err := as.Open(sp)
	if err != nil {
		return nil, err
	}
	return newMPMC[T](openCrowd(s))
}
