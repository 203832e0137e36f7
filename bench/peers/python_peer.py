"""Python's multiprocessing: python_peer.py CASE WARM_MS WINDOW_MS CPU0 CPU1

Prints the values of one sample, a metric and a number a line, separated by a
tab. The parent runs on CPU0 and consumes or asks, the child on CPU1."""
import multiprocessing as mp
import os
import sys
import time

CASE, (WARM, WINDOW, CPU0, CPU1) = sys.argv[1], map(int, sys.argv[2:])
BYTES = {'8B': 8, '64B': 64, '1KiB': 1 << 10, '64KiB': 64 << 10, '1MiB': 1 << 20}


def pin(cpu):
    if cpu >= 0:
        os.sched_setaffinity(0, {cpu})


def child(work, *args):
    def body():
        pin(CPU1)
        work(*args)
    mp.Process(target=body, daemon=True).start()  # killed when the parent ends


def forever(step, *args):
    while True:
        step(*args)


def rate(step, most=64):
    """Steps per second over the window, after warming up. A look at the clock
    is dear here, so there are up to `most` steps between two."""
    for ms in (WARM, WINDOW):
        n, begin, burst = 0, time.perf_counter(), 1
        while (gone := time.perf_counter() - begin) < ms / 1000:
            for _ in range(burst):
                step()
            n += burst
            burst = min(burst * 2, most)
    return n / gone


def throughput(step):
    print(f'throughput\t{rate(step):.9g}')


def cost(step):
    print(f'time\t{1e9 / rate(step, 1024):.9g}')


def roundtrip(step, pause=0):
    """The distribution of a step's times; before each it pauses for some ns."""
    ns, begin = [], time.perf_counter_ns()
    until = begin + (WARM + WINDOW) * 1_000_000
    while (t := time.perf_counter_ns()) < until or not ns:
        end = t + pause
        while t < end:
            t = time.perf_counter_ns()
        step()
        if t > begin + WARM * 1_000_000:
            ns.append(time.perf_counter_ns() - t)
    ns.sort()
    for name, q in (('p50', .5), ('p99', .99), ('p99.9', .999)):
        print(f'{name}\t{ns[min(len(ns) - 1, int(q * len(ns)))]}')
    print(f'max\t{ns[-1]}\ntrips\t{len(ns)}')


def queue(size):
    q = mp.Queue(256)
    child(forever, q.put, bytes(size))
    throughput(q.get)


def queue_rtt(size):
    there, back, message = mp.Queue(256), mp.Queue(256), bytes(size)
    child(forever, lambda: back.put(there.get()))
    roundtrip(lambda: (there.put(message), back.get()))


def queue_of(what):
    item = {'int': 123456789, 'dict': {
        'id': 123456789, 'name': 'report.txt', 'path': '/home/lily/reports/2026/report.txt',
        'size': 4096, 'owner': 'lily', 'mode': 0o644}}.get(what) or bytes(what)
    q = mp.Queue(64 if what == BYTES['1MiB'] else 1024)
    child(forever, q.put, item)
    throughput(q.get)


def simple_queue(_):
    q = mp.SimpleQueue()
    child(forever, q.put, 123456789)
    throughput(q.get)


def joinable_queue(_):
    q = mp.JoinableQueue(1024)
    child(forever, q.put, 123456789)
    throughput(lambda: (q.get(), q.task_done()))


def queue_crowd(_):
    """Twenty processes put 10^4 items each and twenty get as many each; a
    short window says that this is but a test."""
    side, each = 20, 10_000 if WINDOW >= 100 else 10
    q, go, ready, home = mp.Queue(1024), mp.Event(), mp.Semaphore(0), mp.Semaphore(0)

    def body(i):
        pin((CPU0, CPU1)[i % 2])
        ready.release()
        go.wait()
        if i < side:
            for _ in range(each):
                q.get()
            home.release()
        else:
            for n in range(each):
                q.put(n)
    ps = [mp.Process(target=body, args=(i,), daemon=True) for i in range(2 * side)]
    for p in ps:
        p.start()
    for _ in ps:
        ready.acquire()
    begin = time.perf_counter()
    go.set()
    for _ in range(side):
        home.acquire()
    gone = time.perf_counter() - begin
    for p in ps:
        p.join()
    print(f'time\t{gone * 1e9:.9g}\nthroughput\t{side * each / gone:.9g}')


def pipe(size):
    a, b = mp.Pipe()
    child(forever, b.send_bytes, bytes(size))
    throughput(a.recv_bytes)


def pipe_rtt(size):
    a, b = mp.Pipe()
    message = bytes(size)
    child(forever, lambda: b.send_bytes(b.recv_bytes()))
    roundtrip(lambda: (a.send_bytes(message), a.recv_bytes()))


def lock(name):
    x = getattr(mp, name)()
    cost(lambda: (x.acquire(), x.release()))


def contended(name):
    x, n = getattr(mp, name)(), mp.RawValue('q', 0)

    def step():
        x.acquire()
        x.release()

    def count():
        for _ in range(16):
            step()
        n.value += 16
    child(forever, count)
    while n.value == 0:
        pass
    before, begin = n.value, time.perf_counter()
    mine = rate(step)
    theirs = (n.value - before) / (time.perf_counter() - begin)
    print(f'throughput\t{mine + theirs:.9g}')
    print(f'fairness\t{min(mine, theirs) / max(mine, theirs):.9g}')


def signal(name):
    """notify wants the lock to be held, so it is, all the while."""
    x = getattr(mp, name)()
    with x:
        cost(x.notify)


def event(name):
    e = mp.Event()
    if name == 'isset':
        e.set()
        cost(e.is_set)
    else:
        cost(lambda: (e.set(), e.clear()))


def barrier(_):
    cost(mp.Barrier(1).wait)


def value(how):
    """+= is two steps there, so it needs the value's lock; reading takes it by itself."""
    v = mp.Value('q')

    def add():
        with v.get_lock():
            v.value += 1
    cost(add if how == 'add' else lambda: v.value)


def array(how):
    a = mp.Array('q', 1024)

    def store():
        a[512] = 1
    cost(store if how == 'store' else lambda: a[512])


def signal_rtt(name):
    there, back = getattr(mp, name)(0), getattr(mp, name)(0)
    child(forever, lambda: (there.acquire(), back.release()))
    roundtrip(lambda: (there.release(), back.acquire()))


def cond_rtt(_):
    lock, asked = mp.Lock(), mp.RawValue('i', 0)
    there, back = mp.Condition(lock), mp.Condition(lock)

    def ask():
        with lock:
            asked.value = 1
            there.notify()
            while asked.value:
                back.wait()

    def answer():
        with lock:
            while not asked.value:
                there.wait()
            asked.value = 0
            back.notify()
    child(forever, answer)
    roundtrip(ask)


def event_rtt(how):
    there, back = mp.Event(), mp.Event()
    child(forever, lambda: (there.wait(), there.clear(), back.set()))
    roundtrip(lambda: (there.set(), back.wait(), back.clear()), 200_000 if how == 'wake' else 0)


def barrier_rtt(_):
    b = mp.Barrier(2)
    child(forever, b.wait)
    roundtrip(b.wait)


def nothing():
    pass


def start(method):
    context = mp.get_context(method)

    def once():
        p = context.Process(target=nothing)
        p.start()
        p.join()
    print(f'time\t{1e9 / rate(once, 1):.9g}')


if __name__ == '__main__':
    mp.set_start_method('fork')
    pin(CPU0)
    what, _, arg = CASE.partition('/')
    globals()[what](BYTES.get(arg, arg))
