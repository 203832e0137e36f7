package cases

import (
	"sync/atomic"

	"github.com/shmkit/shmkit/cmd/shmkit/internal/lab"
	"github.com/shmkit/shmkit/value"
)

// eight is a T of 64 bytes.
type eight [8]int64

func shareValue[T any](s *lab.Stage) error {
	var zero T
	v, err := value.New(zero)
	return give(s, v, err)
}

// valueRole opens the value and repeats n steps on it.
func valueRole[T any](name string, n uint64, steps func(v *value.Value[T])) lab.Role {
	return lab.NewRole(name, func(w *lab.Worker) error {
		v := new(value.Value[T])
		if err := take(w, 0, v); err != nil {
			return err
		}
		for ; ; w.Add(n) {
			steps(v)
		}
	})
}

var (
	valueLoad = valueRole("value.load", many, func(v *value.Value[int64]) {
		sum := int64(0)
		for range many {
			sum += v.Load()
		}
		sink += uint64(sum)
	})
	valueAdd = valueRole("value.add", many, func(v *value.Value[int64]) {
		for range many {
			value.Add(v, 1)
		}
	})
	valueUpdate = valueRole("value.update64", burst, func(v *value.Value[eight]) {
		for range burst {
			v.Update(func(x *eight) { x[0]++ })
		}
	})
	valueStore = valueRole("value.store64", burst, func(v *value.Value[eight]) {
		var x eight
		for range burst {
			x[0]++
			v.Store(x)
		}
	})
	valueRead = valueRole("value.load64", burst, readWide)
)

func readWide(v *value.Value[eight]) {
	sum := int64(0)
	for range burst {
		x := v.Load()
		sum += x[7]
	}
	sink += uint64(sum)
}

// valueElsewhere reads as fast, but a value of its own.
var valueElsewhere = lab.NewRole("value.elsewhere", func(w *lab.Worker) error {
	v, err := value.New(eight{})
	if err != nil {
		return err
	}
	for ; ; w.Add(burst) {
		readWide(v)
	}
})

// What one process has without any of it.
var (
	atomicLoad = lab.NewRole("value.atomic-load", func(w *lab.Worker) error {
		for n := new(atomic.Int64); ; w.Add(many) {
			sum := int64(0)
			for range many {
				sum += n.Load()
			}
			sink += uint64(sum)
		}
	})
	atomicAdd = lab.NewRole("value.atomic-add", func(w *lab.Worker) error {
		for n := new(atomic.Int64); ; w.Add(many) {
			for range many {
				n.Add(1)
			}
		}
	})
)

func init() {
	askFor(lab.Cost, ourCase("value/load", shareValue[int64], valueLoad), inOneProcess("atomic.Int64", atomicLoad))
	askFor(lab.Cost, ourCase("value/add", shareValue[int64], valueAdd), inOneProcess("atomic.Int64", atomicAdd))
	askFor(lab.Cost, ourCase("value/update64", shareValue[eight], valueUpdate))
	askFor(lab.Beside, ourCase("value/store64/beside", shareValue[eight], valueStore, valueRead),
		lab.Procs{Label: "shmkit, the other one reads something else", Share: shareValue[eight], Roles: []lab.Role{valueStore, valueElsewhere}})
}
