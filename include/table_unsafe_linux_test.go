package include_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"unsafe"

	"github.com/shmkit/shmkit/internal/abi"
)

// table is what the C program's layout prints, as Go has it.
func table() string {
	var b strings.Builder
	line := func(name string, x uintptr) { fmt.Fprintf(&b, "%s %d\n", name, x) }
	var h abi.Header
	line("shmkit_header", unsafe.Sizeof(h))
	line("shmkit_header.magic", unsafe.Offsetof(h.Magic))
	line("shmkit_header.order", unsafe.Offsetof(h.Order))
	line("shmkit_header.version", unsafe.Offsetof(h.Version))
	line("shmkit_header.features", unsafe.Offsetof(h.Features))
	line("shmkit_header.kind", unsafe.Offsetof(h.Kind))
	line("shmkit_header.format_length", unsafe.Offsetof(h.FormatLen))
	line("shmkit_header.id", unsafe.Offsetof(h.ID))
	line("shmkit_header.payload_offset", unsafe.Offsetof(h.Offset))
	line("shmkit_header.payload_size", unsafe.Offsetof(h.Size))
	line("shmkit_header.element_size", unsafe.Offsetof(h.ElemSize))
	line("shmkit_header.element_align", unsafe.Offsetof(h.ElemAlign))
	line("shmkit_header.shape", unsafe.Offsetof(h.Shape))
	line("shmkit_header.codec", unsafe.Offsetof(h.Codec))
	var r abi.SPSC
	line("shmkit_spsc", unsafe.Sizeof(r))
	line("shmkit_spsc.tail", unsafe.Offsetof(r.Tail))
	line("shmkit_spsc.puts", unsafe.Offsetof(r.Puts))
	line("shmkit_spsc.head", unsafe.Offsetof(r.Head))
	line("shmkit_spsc.gets", unsafe.Offsetof(r.Gets))
	line("shmkit_spsc.limit", unsafe.Offsetof(r.Limit))
	line("shmkit_spsc.not_empty", unsafe.Offsetof(r.NotEmpty))
	line("shmkit_spsc.not_full", unsafe.Offsetof(r.NotFull))
	line("shmkit_spsc.producer", unsafe.Offsetof(r.Producer))
	line("shmkit_spsc.consumer", unsafe.Offsetof(r.Consumer))
	line("shmkit_spsc.shut", unsafe.Offsetof(r.Shut))
	line("shmkit_spsc.takeovers", unsafe.Offsetof(r.Takeovers))
	line("shmkit_spsc.put_waits", unsafe.Offsetof(r.ProducerStats)+unsafe.Offsetof(r.ProducerStats.PutWaits))
	line("shmkit_spsc.put_parks", unsafe.Offsetof(r.ProducerStats)+unsafe.Offsetof(r.ProducerStats.PutParks))
	line("shmkit_spsc.get_waits", unsafe.Offsetof(r.ConsumerStats)+unsafe.Offsetof(r.ConsumerStats.GetWaits))
	line("shmkit_spsc.get_parks", unsafe.Offsetof(r.ConsumerStats)+unsafe.Offsetof(r.ConsumerStats.GetParks))
	var v abi.Value
	line("shmkit_value", unsafe.Sizeof(v))
	line("shmkit_value.word", unsafe.Offsetof(v.Word))
	line("shmkit_value.mutex", unsafe.Offsetof(v.Mutex))
	line("shmkit_value.changed", unsafe.Offsetof(v.Changed))
	var p abi.Stripe
	line("shmkit_stripe", unsafe.Sizeof(p))
	line("shmkit_stripe.version", unsafe.Offsetof(p.Version))
	line("shmkit_stripe.mutex", unsafe.Offsetof(p.Mutex))
	line("shmkit_stripe.state", unsafe.Offsetof(p.State))
	line("shmkit_stripe.root", unsafe.Offsetof(p.Root))
	line("shmkit_stripe.from", unsafe.Offsetof(p.From))
	line("shmkit_stripe.to", unsafe.Offsetof(p.To))
	line("shmkit_stripe.done", unsafe.Offsetof(p.Done))
	line("version", abi.Version)
	line("features", abi.Features)
	line("max header", abi.MaxHeader)
	line("max size", abi.MaxSize)
	fmt.Fprintf(&b, "kinds %d %d %d %d %d %d %d %d %d %d %d %d\n", abi.KindSegment, abi.KindVar, abi.KindSPSC, abi.KindMPMC, abi.KindBroadcast,
		abi.KindValue, abi.KindArray, abi.KindQueue, abi.KindSimpleQueue, abi.KindJoinableQueue, abi.KindPipe, abi.KindBounded)
	return b.String()
}

// word is that of the mutex.
func (p *pair) word() uint32 { return atomic.LoadUint32((*uint32)(unsafe.Pointer(&p.Mu))) }
