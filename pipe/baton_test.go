package pipe_test

import (
	"context"
	"io"
	"sync"
	"testing"
	"time"
)

// One goroutine that sends, or receives, all the time leaves the others their turns.
func TestNobodyStarves(t *testing.T) {
	for _, size := range []int{64, 10000} {
		a, b := newPipe(t, 0)
		ctx, cancel := context.WithCancel(bg)
		var wg sync.WaitGroup
		wg.Go(func() {
			for buf := make([]byte, size); ; {
				if _, err := b.RecvBytes(ctx, buf); err != nil {
					return
				}
			}
		})
		wg.Go(func() {
			for p := make([]byte, size); ctx.Err() == nil; {
				_ = a.SendBytes(ctx, p)
			}
		})
		soon, done := context.WithTimeout(bg, 20*time.Second)
		for n := range 3000 {
			if err := a.SendBytes(soon, make([]byte, size)); err != nil {
				t.Errorf("%d bytes: after %d sends %v", size, n, err)
				break
			}
		}
		done()
		cancel()
		wg.Wait()
	}
}

// Who waits for long and gives up, or finds the end closed, leaves nothing behind that others would wait for.
func TestOldWaiterGivesUp(t *testing.T) {
	a, b := newPipe(t, 4096)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(bg, time.Duration(i%5)*time.Millisecond)
				_ = a.SendBytes(ctx, noise(500))
				cancel()
			}
		})
	}
	over := make(chan error)
	go func() {
		for err := error(nil); err == nil; {
			if _, err = b.RecvBytes(bg, nil); err != nil {
				over <- err
			}
		}
	}()
	time.Sleep(500 * time.Millisecond)
	close(stop)
	wg.Wait()
	if err := a.SendBytes(soon(t), nil); err != nil {
		t.Error(err)
	}
	a.Close()
	if err := <-over; err != io.EOF {
		t.Error(err)
	}
}
