package peers

// python is the one program that is not compiled.
const python = "python_peer.py"

// peer is a line of the list: what to run to sample whom, for which group.
type peer struct{ name, group, program, arg string }

// The names of those that appear in several groups.
const (
	cppRing   = "C++ ring"
	byteRing  = "C++ byte ring"
	boostSPSC = "boost::lockfree::spsc_queue"
	boostMQ   = "boost::interprocess::message_queue"
	pyQueue   = "multiprocessing.Queue"

	vyukovPacked = "C++ Vyukov queue, packed"
	vyukovPadded = "C++ Vyukov queue, padded"
	boostQueue   = "boost::lockfree::queue"
	posixMQ      = "POSIX mq"
	camel        = "moodycamel::ConcurrentQueue, one process"
	beam         = "crossbeam ArrayQueue, one process"

	pyPipe = "multiprocessing.Pipe"

	libcMutex     = "glibc mutex"
	libcAdaptive  = "glibc adaptive mutex"
	libcRobust    = "glibc robust mutex"
	libcRecursive = "glibc recursive robust mutex"
	libcRWLock    = "glibc rwlock"
	libcBarrier   = "glibc barrier"
	futexEvent    = "C++ event on a futex"
	spinningEvent = "C++ event on a futex, spins 50 µs"
	pyRLock       = "multiprocessing.RLock"
	pyBounded     = "multiprocessing.BoundedSemaphore"
	pyCondition   = "multiprocessing.Condition"
	pyEvent       = "multiprocessing.Event"
	pyBarrier     = "multiprocessing.Barrier"
	pyValue       = "multiprocessing.Value"
	pyArray       = "multiprocessing.Array"
)

// list is everybody. A group that shmkit has no case in yet is there all the
// same: its figures are shown without a comparison.
var list = []peer{
	{cppRing, "spsc/8B", "spsc", "8B"},
	{cppRing, "spsc/64B", "spsc", "64B"},
	{boostSPSC, "spsc/8B", "boost", "spsc/8B"},
	{boostSPSC, "spsc/64B", "boost", "spsc/64B"},
	{boostMQ, "spsc/8B", "boost", "messages/8B"},
	{pyQueue, "spsc/8B", python, "queue/8B"},

	{byteRing, "bytes/64B", "bytes", "64B"},
	{byteRing, "bytes/1KiB", "bytes", "1KiB"},
	{byteRing, "bytes/64KiB", "bytes", "64KiB"},
	{byteRing, "bytes/1MiB", "bytes", "1MiB"},
	{boostMQ, "bytes/64B", "boost", "messages/64B"},
	{boostMQ, "bytes/64KiB", "boost", "messages/64KiB"},
	{pyPipe, "bytes/64B", python, "pipe/64B"},
	{pyPipe, "bytes/64KiB", python, "pipe/64KiB"},
	{pyQueue, "bytes/64KiB", python, "queue/64KiB"},

	{cppRing, "spsc/8B/rtt/busy", "spsc", "8B/rtt"},
	{cppRing, "spsc/64B/rtt/busy", "spsc", "64B/rtt"},
	{boostSPSC, "spsc/8B/rtt/busy", "boost", "spsc/8B/rtt"},
	{"cache line", "spsc/8B/rtt/busy", "limits", "line"},
	{"futex", "spsc/8B/rtt/blocking", "limits", "futex"},
	{boostMQ, "spsc/8B/rtt/blocking", "boost", "messages/8B/rtt"},
	{pyQueue, "spsc/8B/rtt/blocking", python, "queue_rtt/8B"},
	{pyPipe, "bytes/1KiB/rtt/blocking", python, "pipe_rtt/1KiB"},
	{pyPipe, "bytes/64KiB/rtt/blocking", python, "pipe_rtt/64KiB"},
	{pyPipe, "bytes/1MiB/rtt/blocking", python, "pipe_rtt/1MiB"},

	{pyPipe, "pipe/64B", python, "pipe/64B"},
	{pyPipe, "pipe/64KiB", python, "pipe/64KiB"},
	{pyPipe, "pipe/64B/rtt/blocking", python, "pipe_rtt/64B"},

	{vyukovPacked, "mpmc/8B", "mpmc", "packed"},
	{vyukovPadded, "mpmc/8B", "mpmc", "padded"},
	{boostQueue, "mpmc/8B", "boost", "mpmc/8B"},
	{boostMQ, "mpmc/8B", "boost", "messages/8B"},
	{posixMQ, "mpmc/8B", "posixmq", "8B"},
	{pyQueue, "mpmc/8B", python, "queue/8B"},
	{camel, "mpmc/8B", "moodycamel", "8B"},
	{beam, "mpmc/8B", rust, "8B"},
	{vyukovPacked, "mpmc/64B", "mpmc", "packed/64B"},
	{vyukovPadded, "mpmc/64B", "mpmc", "padded/64B"},
	{boostQueue, "mpmc/64B", "boost", "mpmc/64B"},
	{boostMQ, "mpmc/64B", "boost", "messages/64B"},
	{posixMQ, "mpmc/64B", "posixmq", "64B"},
	{pyQueue, "mpmc/64B", python, "queue/64B"},
	{camel, "mpmc/64B", "moodycamel", "64B"},
	{beam, "mpmc/64B", rust, "64B"},
	{vyukovPacked, "mpmc/1KiB-items", "mpmc", "packed/1KiB"},
	{vyukovPadded, "mpmc/1KiB-items", "mpmc", "padded/1KiB"},
	{boostQueue, "mpmc/1KiB-items", "boost", "mpmc/1KiB"},
	{boostMQ, "mpmc/1KiB-items", "boost", "messages/1KiB"},
	{posixMQ, "mpmc/1KiB-items", "posixmq", "1KiB"},
	{pyQueue, "mpmc/1KiB-items", python, "queue/1KiB"},
	{camel, "mpmc/1KiB-items", "moodycamel", "1KiB"},
	{beam, "mpmc/1KiB-items", rust, "1KiB"},
	{vyukovPacked, "mpmc/8B/2x2", "mpmc", "packed/2x2"},
	{vyukovPadded, "mpmc/8B/2x2", "mpmc", "padded/2x2"},
	{boostQueue, "mpmc/8B/2x2", "boost", "mpmc/8B/2x2"},
	{boostMQ, "mpmc/8B/2x2", "boost", "messages/8B/2x2"},
	{posixMQ, "mpmc/8B/2x2", "posixmq", "8B/2x2"},
	{camel, "mpmc/8B/2x2", "moodycamel", "8B/2x2"},
	{beam, "mpmc/8B/2x2", rust, "8B/2x2"},
	{vyukovPacked, "mpmc/8B/8x8", "mpmc", "packed/8x8"},
	{vyukovPadded, "mpmc/8B/8x8", "mpmc", "padded/8x8"},
	{boostQueue, "mpmc/8B/8x8", "boost", "mpmc/8B/8x8"},
	{vyukovPacked, "mpmc/8B/rtt/busy", "mpmc", "packed/rtt"},
	{vyukovPadded, "mpmc/8B/rtt/busy", "mpmc", "padded/rtt"},

	{byteRing, "mpmc/64B-bytes", "bytes", "64B"},
	{byteRing, "mpmc/1KiB", "bytes", "1KiB"},
	{byteRing, "mpmc/64KiB", "bytes", "64KiB"},
	{byteRing, "mpmc/1MiB", "bytes", "1MiB"},
	{boostMQ, "mpmc/64B-bytes", "boost", "messages/64B"},
	{boostMQ, "mpmc/64KiB", "boost", "messages/64KiB"},
	{boostMQ, "mpmc/1KiB", "boost", "messages/1KiB"},
	{posixMQ, "mpmc/64B-bytes", "posixmq", "64B"},
	{posixMQ, "mpmc/1KiB", "posixmq", "1KiB"},
	{pyQueue, "mpmc/64B-bytes", python, "queue/64B"},
	{pyQueue, "mpmc/1KiB", python, "queue/1KiB"},

	{pyQueue, "queue/8B", python, "queue_of/int"},
	{boostMQ, "queue/8B", "boost", "messages/8B"},
	{pyQueue, "queue/record", python, "queue_of/dict"},
	{pyQueue, "queue/1MiB", python, "queue_of/1MiB"},
	{"multiprocessing.SimpleQueue", "queue/simple", python, "simple_queue"},
	{"multiprocessing.JoinableQueue", "queue/joinable", python, "joinable_queue"},
	{pyQueue, "queue/20x20", python, "queue_crowd"},

	{libcMutex, "mutex/uncontended", "glibc", "mutex"},
	{libcRobust, "mutex/uncontended", "glibc", "robust"},
	{"multiprocessing.Lock", "mutex/uncontended", python, "lock/Lock"},
	{libcMutex, "mutex/contended", "glibc", "mutex/contended"},
	{libcAdaptive, "mutex/contended", "glibc", "adaptive/contended"},
	{libcRobust, "mutex/contended", "glibc", "robust/contended"},
	{"multiprocessing.Lock", "mutex/contended", python, "contended/Lock"},
	{libcMutex, "mutex/turns2", "turns", "mutex/2"},
	{libcAdaptive, "mutex/turns2", "turns", "adaptive/2"},
	{libcRobust, "mutex/turns2", "turns", "robust/2"},
	{libcMutex, "mutex/oversub16", "turns", "mutex/16"},
	{libcAdaptive, "mutex/oversub16", "turns", "adaptive/16"},
	{libcRobust, "mutex/oversub16", "turns", "robust/16"},

	{libcRecursive, "rmutex/pair", "glibc", "recursive"},
	{pyRLock, "rmutex/pair", python, "lock/RLock"},
	{libcRecursive, "rmutex/contended", "glibc", "recursive/contended"},
	{pyRLock, "rmutex/contended", python, "contended/RLock"},

	{libcRWLock, "rwmutex/read", "rwlock", "read"},
	{libcRWLock, "rwmutex/write", "rwlock", "write"},
	{libcRWLock, "rwmutex/readers2", "rwlock", "readers2"},
	{libcRWLock, "rwmutex/mixed2", "rwlock", "mixed2"},

	{"glibc sem_t", "semaphore/uncontended", "glibc", "sem"},
	{"multiprocessing.Semaphore", "semaphore/uncontended", python, "lock/Semaphore"},
	{"glibc sem_t", "semaphore/rtt/blocking", "glibc", "sem/rtt"},
	{"multiprocessing.Semaphore", "semaphore/rtt/blocking", python, "signal_rtt/Semaphore"},
	{"futex", "semaphore/rtt/blocking", "limits", "futex"},

	{"glibc sem_t", "bounded/pair", "glibc", "permit"},
	{pyBounded, "bounded/pair", python, "lock/BoundedSemaphore"},
	{"glibc sem_t", "bounded/contended", "glibc", "permit/contended"},
	{pyBounded, "bounded/contended", python, "contended/BoundedSemaphore"},

	{"glibc cond", "cond/signal", "cond", "signal"},
	{pyCondition, "cond/signal", python, "signal/Condition"},
	{"glibc cond, mutex", "cond/pingpong", "cond", "pingpong"},
	{"glibc cond, robust mutex", "cond/pingpong", "cond", "robust/pingpong"},
	{pyCondition, "cond/pingpong", python, "cond_rtt"},

	{futexEvent, "event/isset", "event", "isset"},
	{pyEvent, "event/isset", python, "event/isset"},
	{futexEvent, "event/setclear", "event", "setclear"},
	{pyEvent, "event/setclear", python, "event/setclear"},
	{futexEvent, "event/pingpong", "event", "pingpong"},
	{spinningEvent, "event/pingpong", "event", "pingpong/spin"},
	{pyEvent, "event/pingpong", python, "event_rtt"},
	{futexEvent, "event/wake", "event", "wake"},
	{spinningEvent, "event/wake", "event", "wake/spin"},
	{pyEvent, "event/wake", python, "event_rtt/wake"},

	{libcBarrier, "barrier/one", "cond", "barrier/one"},
	{pyBarrier, "barrier/one", python, "barrier"},
	{libcBarrier, "barrier/pingpong", "cond", "barrier/pingpong"},
	{pyBarrier, "barrier/pingpong", python, "barrier_rtt"},

	{"os/exec, an empty Go program", "process/start", "exec", "empty"},
	{"multiprocessing, spawn", "process/start", python, "start/spawn"},
	{"multiprocessing, fork", "process/start", python, "start/fork"},

	{"C++ atomic load", "once/done", "atomics", "load"},
	{"C++ atomic count", "waitgroup/pair", "atomics", "count"},
	{"C++ atomic count", "waitgroup/enter", "atomics", "count"},
	{"C++ atomic load", "waitgroup/wait", "atomics", "load"},

	{"C++ atomic load", "value/load", "atomics", "load"},
	{pyValue, "value/load", python, "value/load"},
	{"C++ atomic add", "value/add", "atomics", "add"},
	{libcRobust, "value/add", "glibc", "robust"},
	{pyValue, "value/add", python, "value/add"},
	{libcRobust, "value/update64", "glibc", "robust"},
	{pyArray, "array/load", python, "array/load"},
	{pyArray, "array/store", python, "array/store"},
}
