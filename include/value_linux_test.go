package include_test

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/internal/killstep"
	"github.com/shmkit/shmkit/value"
)

type seven [7]uint64

func (v *seven) whole() bool {
	for _, w := range v {
		if w != v[0] {
			return false
		}
	}
	return true
}

func TestValuesBetweenCAndGo(t *testing.T) {
	const each = 20_000
	large, err := value.New(seven{})
	must(t, err)
	defer large.Close()
	small, err := value.New(uint64(0))
	must(t, err)
	defer small.Close()
	c := start(t, "value", text(t, large), strconv.Itoa(each), text(t, small))
	torn := 0
	for range each {
		large.Update(func(v *seven) {
			if !v.whole() {
				torn++
			}
			for i := range v {
				v[i]++
			}
		})
		if v := large.Load(); !v.whole() {
			torn++
		}
		value.Add(small, 1)
	}
	c.Expect("0 torn FORMAT")
	c.Wait()
	if got := large.Load(); torn != 0 || got[0] != 2*each || small.Load() != 2*each {
		t.Errorf("%d torn, %d and %d of %d", torn, got[0], small.Load(), 2*each)
	}
}

type triple [3]uint64

func TestArrayBetweenCAndGo(t *testing.T) {
	const each = 4000
	for _, stripes := range []int{1, 4} {
		a, err := array.Config[triple]{Len: 100, Stripes: stripes}.New()
		must(t, err)
		c := start(t, "array", text(t, a), strconv.Itoa(each))
		all := make([]triple, 100)
		torn := 0
		for i := range uint64(each) {
			if i%2 == 1 {
				_, err := a.ReadAt(all, 0)
				must(t, err)
				for _, x := range all {
					if x != all[0] {
						torn++
					}
				}
				continue
			}
			for k := range all {
				all[k] = triple{2*i + 1, 2*i + 1, 2*i + 1}
			}
			_, err := a.WriteAt(all, 0)
			must(t, err)
		}
		c.Expect("0 torn INVALID")
		c.Wait()
		if torn != 0 {
			t.Errorf("%d torn", torn)
		}
		a.Close()
	}
}

// An element that is stored by one step is read whole by C, wherever it is read to.
func TestCellsBetweenCAndGo(t *testing.T) {
	a, err := array.New[uint64](1000)
	must(t, err)
	defer a.Close()
	var over atomic.Bool
	var g sync.WaitGroup
	g.Go(func() {
		for x := ^uint64(0); !over.Load(); x = ^x {
			for i := range a.Len() {
				a.Store(i, x)
			}
		}
	})
	defer g.Wait()
	defer over.Store(true)
	c := start(t, "cells", text(t, a), "100000")
	c.Expect("0 torn")
	c.Wait()
}

func TestKillUpdater(t *testing.T) {
	var v *value.Value[seven]
	sweep(t, "value", func() string {
		if v != nil {
			v.Close()
		}
		var err error
		v, err = value.New(seven{})
		must(t, err)
		t.Cleanup(func() { v.Close() })
		return text(t, v)
	}, func(at killstep.Point) error {
		x := v.Load()
		if !x.whole() || x[0] > 1 || at.Ended && x[0] != 1 {
			return fmt.Errorf("%v", x)
		}
		ctx, cancel := soon()
		defer cancel()
		if err := v.UpdateContext(ctx, func(x *seven) { x[0] += 5 }); err != nil {
			return err
		}
		if y := v.Load(); y[0] != x[0]+5 {
			return fmt.Errorf("%v behind %v", y, x)
		}
		return nil
	}, some(6))
}

func TestKillArrayWriter(t *testing.T) {
	const byWriter = 0x0101010101010101
	var a *array.Array[triple]
	sweep(t, "array", func() string {
		if a != nil {
			a.Close()
		}
		var err error
		a, err = array.Config[triple]{Len: 100, Stripes: 3}.New()
		must(t, err)
		t.Cleanup(func() { a.Close() })
		return text(t, a)
	}, func(at killstep.Point) error {
		all := make([]triple, 100)
		if _, err := a.ReadAt(all, 0); err != nil {
			return err
		}
		if w := all[0][0]; w != 0 && w != byWriter || at.Ended && w != byWriter {
			return fmt.Errorf("%#x", w)
		}
		for i, x := range all {
			if x != (triple{all[0][0], all[0][0], all[0][0]}) {
				return fmt.Errorf("element %d is %v, element 0 %v", i, x, all[0])
			}
		}
		all[0][0] = 7
		if _, err := a.WriteAt(all[:1], 0); err != nil {
			return err
		}
		if x := a.Load(0); x[0] != 7 {
			return errors.New("what is written afterwards is not there")
		}
		return nil
	}, some(7))
}
