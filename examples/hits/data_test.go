package main

import (
	"context"
	"testing"

	"github.com/shmkit/shmkit/array"
	"github.com/shmkit/shmkit/value"
)

type Row struct{ Hits, Last int64 }

// The README's lines about data that is shared.
func TestData(t *testing.T) {
	ctx, now, rows := context.Background(), int64(1), make([]Row, 5)
	other, err := value.OpenOrCreate("app.limit", int64(40))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	defer other.Unlink()
	func() {
		//lint:ignore SA4006 the README shows no more
		limit, err := value.OpenOrCreate("app.limit", int64(10))
		limit.Wait(ctx, func(n int64) bool { return n > 20 }) // shmkit set app.limit 40
		table, err := array.Config[Row]{Len: 1000, Stripes: 8}.OpenOrCreate("app.rows")
		table.Update(7, func(r *Row) { r.Hits++; r.Last = now })
		table.WriteAt(rows, 100) // all of them, or none
		if err != nil || table.Load(7) != (Row{1, 1}) {
			t.Error(err, table.Load(7))
		}
		table.Unlink()
		table.Close()
		limit.Close()
	}()
}
