package abi

import "unsafe"

// Compile-time checks: a field that moves breaks the build, not a file on somebody's machine.
var (
	_ [HeaderSize]byte = [unsafe.Sizeof(Header{})]byte{}
	_ [offMagic]byte   = [unsafe.Offsetof(Header{}.Magic)]byte{}
	_ [offOrder]byte   = [unsafe.Offsetof(Header{}.Order)]byte{}
	_ [offVersion]byte = [unsafe.Offsetof(Header{}.Version)]byte{}
	_ [offFeat]byte    = [unsafe.Offsetof(Header{}.Features)]byte{}
	_ [offKind]byte    = [unsafe.Offsetof(Header{}.Kind)]byte{}
	_ [offFormat]byte  = [unsafe.Offsetof(Header{}.FormatLen)]byte{}
	_ [offID]byte      = [unsafe.Offsetof(Header{}.ID)]byte{}
	_ [offOffset]byte  = [unsafe.Offsetof(Header{}.Offset)]byte{}
	_ [offSize]byte    = [unsafe.Offsetof(Header{}.Size)]byte{}
	_ [offElem]byte    = [unsafe.Offsetof(Header{}.ElemSize)]byte{}
	_ [offAlign]byte   = [unsafe.Offsetof(Header{}.ElemAlign)]byte{}
	_ [offShape]byte   = [unsafe.Offsetof(Header{}.Shape)]byte{}
	_ [offCodec]byte   = [unsafe.Offsetof(Header{}.Codec)]byte{}
)

// The words of a ring: each side's on lines of their own.
var (
	_ [0]byte   = [unsafe.Offsetof(SPSC{}.Tail)]byte{}
	_ [128]byte = [unsafe.Offsetof(SPSC{}.Head)]byte{}
	_ [256]byte = [unsafe.Offsetof(SPSC{}.Limit)]byte{}
	_ [384]byte = [unsafe.Offsetof(SPSC{}.NotEmpty)]byte{}
	_ [512]byte = [unsafe.Offsetof(SPSC{}.NotFull)]byte{}
	_ [640]byte = [unsafe.Offsetof(SPSC{}.Producer)]byte{}
	_ [656]byte = [unsafe.Offsetof(SPSC{}.ProducerStats)]byte{}
	_ [768]byte = [unsafe.Offsetof(SPSC{}.ConsumerStats)]byte{}
	_ [896]byte = [unsafe.Sizeof(SPSC{})]byte{}
)

// The words of a ring of many.
var (
	_ [0]byte        = [unsafe.Offsetof(MPMC{}.NotEmpty)]byte{}
	_ [8]byte        = [unsafe.Offsetof(MPMC{}.Shut)]byte{}
	_ [128]byte      = [unsafe.Offsetof(MPMC{}.NotFull)]byte{}
	_ [136]byte      = [unsafe.Offsetof(MPMC{}.NoBlock)]byte{}
	_ [256]byte      = [unsafe.Offsetof(MPMC{}.Released)]byte{}
	_ [264]byte      = [unsafe.Offsetof(MPMC{}.Start)]byte{}
	_ [384]byte      = [unsafe.Offsetof(MPMC{}.Puts)]byte{}
	_ [512]byte      = [unsafe.Offsetof(MPMC{}.Gets)]byte{}
	_ [MPMCSize]byte = [unsafe.Sizeof(MPMC{})]byte{}
)

// The words of a broadcast.
var (
	_ [0]byte     = [unsafe.Offsetof(Broadcast{}.SPSC)]byte{}
	_ [896]byte   = [unsafe.Offsetof(Broadcast{}.Oldest)]byte{}
	_ [1024]byte  = [unsafe.Offsetof(Broadcast{}.Joins)]byte{}
	_ [1152]byte  = [unsafe.Offsetof(Broadcast{}.Last)]byte{}
	_ [1280]byte  = [unsafe.Offsetof(Broadcast{}.Places)]byte{}
	_ [128]byte   = [unsafe.Offsetof(Place{}.Pos)]byte{}
	_ [256]byte   = [unsafe.Sizeof(Place{})]byte{}
	_ [17664]byte = [unsafe.Sizeof(Broadcast{})]byte{}
)

// The slot of a ring of messages.
var (
	_ [MessageSlot - SlotWord]byte = [unsafe.Sizeof(Message{})]byte{}
	_ [8]byte                      = [unsafe.Offsetof(Message{}.Inline)]byte{}
)

// The words of a value: what readers load apart from what writers store.
var (
	_ [0]byte   = [unsafe.Offsetof(Value{}.Word)]byte{}
	_ [128]byte = [unsafe.Offsetof(Value{}.Mutex)]byte{}
	_ [132]byte = [unsafe.Offsetof(Value{}.Changed)]byte{}
	_ [256]byte = [unsafe.Sizeof(Value{})]byte{}
)

// The words of a stripe.
var (
	_ [0]byte   = [unsafe.Offsetof(Stripe{}.Version)]byte{}
	_ [128]byte = [unsafe.Offsetof(Stripe{}.Mutex)]byte{}
	_ [132]byte = [unsafe.Offsetof(Stripe{}.State)]byte{}
	_ [136]byte = [unsafe.Offsetof(Stripe{}.Root)]byte{}
	_ [144]byte = [unsafe.Offsetof(Stripe{}.From)]byte{}
	_ [152]byte = [unsafe.Offsetof(Stripe{}.To)]byte{}
	_ [160]byte = [unsafe.Offsetof(Stripe{}.Done)]byte{}
	_ [256]byte = [unsafe.Sizeof(Stripe{})]byte{}
)

// The words of a semaphore of many permits.
var (
	_ [0]byte          = [unsafe.Offsetof(Bounded{}.Bell)]byte{}
	_ [4]byte          = [unsafe.Offsetof(Bounded{}.Freed)]byte{}
	_ [boundedCtl]byte = [unsafe.Sizeof(Bounded{})]byte{}
)

// The words of a pipe, and of a listener.
var (
	_ [0]byte                     = [unsafe.Offsetof(PipeEnd{}.Word)]byte{}
	_ [16]byte                    = [unsafe.Offsetof(PipeEnd{}.Holders)]byte{}
	_ [128]byte                   = [unsafe.Sizeof(PipeEnd{})]byte{}
	_ [256]byte                   = [unsafe.Offsetof(Pipe{}.Rings)]byte{}
	_ [2048]byte                  = [unsafe.Sizeof(Pipe{})]byte{}
	_ [128]byte                   = [unsafe.Sizeof(Request{})]byte{}
	_ [0]byte                     = [unsafe.Offsetof(Listener{}.Owner)]byte{}
	_ [128]byte                   = [unsafe.Offsetof(Listener{}.Asked)]byte{}
	_ [256]byte                   = [unsafe.Offsetof(Listener{}.Answered)]byte{}
	_ [384]byte                   = [unsafe.Offsetof(Listener{}.Requests)]byte{}
	_ [384 + 128*MaxRequests]byte = [unsafe.Sizeof(Listener{})]byte{}
)

// The words of a queue's cells.
var (
	_ [0]byte        = [unsafe.Offsetof(Rack{}.Returns)]byte{}
	_ [8]byte        = [unsafe.Offsetof(Rack{}.NoCell)]byte{}
	_ [16]byte       = [unsafe.Offsetof(Rack{}.Idle)]byte{}
	_ [24]byte       = [unsafe.Offsetof(Rack{}.Watch)]byte{}
	_ [128]byte      = [unsafe.Offsetof(Rack{}.Redelivered)]byte{}
	_ [160]byte      = [unsafe.Offsetof(Rack{}.Warm)]byte{}
	_ [256]byte      = [unsafe.Offsetof(Rack{}.Dead)]byte{}
	_ [RackSize]byte = [unsafe.Sizeof(Rack{})]byte{}
	_ [CellHead]byte = [unsafe.Sizeof(Cell{})]byte{}
)
