"""The other side of the tests of shmkit.py: does one thing and says what became of it, a line at a time."""
import os
import sys
from array import array as array_of

import shmkit

SEED, PRIME = 0xcbf29ce484222325, 0x100000001b3
buffered = sys.stdin


def say(*words):
    print(*words, flush=True)


def hear():
    return buffered.readline()


def attach(text):
    return shmkit.attach_text(text) if "#" in text else shmkit.attach(text)


class Digest:
    """FNV-1a of lengths and the first eight bytes, which is what Python can do in the time."""

    def __init__(self):
        self.n, self.h = 0, SEED

    def add(self, m):
        for x in (len(m), int.from_bytes(m[:8], "little")):
            self.h = (self.h ^ x) * PRIME & 0xffffffffffffffff
        self.n += 1

    def __str__(self):
        return "%d %016x" % (self.n, self.h)


def message(i):
    n = i * 7919 % 300
    b = bytes((i + k) & 255 for k in range(min(n, 8)))
    return b + bytes(n - len(b))


def write(text, n):
    d = Digest()
    with shmkit.Writer(attach(text)) as w:
        for i in range(int(n)):
            m = message(i)
            w.write(m)
            d.add(m)
        w.shutdown()
        try:
            w.write(b"x")
        except shmkit.Closed:
            say(d)


def read(text):
    d = Digest()
    r = shmkit.Reader(attach(text))
    say("ready")
    for m in r:
        d.add(m)
    say(d)


def ends(text):
    s = attach(text)
    answers = [attach(text) is s]

    def tried(f, *a, **k):
        try:
            return f(*a, **k)
        except Exception as e:
            return type(e).__name__
    w, r = shmkit.Writer(s), shmkit.Reader(s)
    answers += [tried(shmkit.Writer, s), tried(shmkit.Reader, s), tried(shmkit.Value, s), tried(shmkit.Array, s), tried(r.read, 0), tried(r.read, .02),
                tried(w.write, bytes(20000), 0), tried(w.write, b"abc", 0), tried(r.read, 0)]
    while tried(w.write, bytes(8), 0) is None:
        pass
    answers += [tried(w.write, b"x", 0), tried(w.write, b"x", .02)]
    for _ in range(4):
        r.read()
    words = memoryview(array_of("I", [1, 2, 3, 4]))
    w.write(words[::2])  # messages are counted in bytes, whatever their items are
    while r._pos != w._pos:
        last = r.read()
    answers += [last == words[::2].tobytes(), tried(w.write, "text", 0)]
    r.close()
    answers += [tried(w.write, b"x"), tried(r.read)]
    w.close()
    say(*answers)


def mutex(text, n):
    s = attach(text)
    m, b = shmkit.Mutex(s), s.bytes().cast("Q")
    say("ready")
    hear()
    torn = 0
    for _ in range(int(n)):
        with m:
            torn += b[1] != b[2]
            b[1] += 1
            b[2] += 1
    say(torn, "torn")


def hold(text):
    m = shmkit.Mutex(attach(text))
    say("ready")
    m.acquire()
    say("held", m.abandoned)
    hear()
    m.release()
    say("free")


def value(large, small, n):
    v, w = shmkit.Value(attach(large)), shmkit.Value(attach(small))
    torn = 0
    for _ in range(int(n)):
        v.update(lambda x: [y + 1 for y in x])
        torn += len(set(v.load())) != 1
        w.update(lambda x: x + 1)
    say(torn, "torn", v._t.text, type(w.load()).__name__)


def structure(text):
    v = shmkit.Value(attach(text))
    say(v.load())
    v.update(lambda x: dict(x, Hits=x["Hits"] + 1, On=True, Grid=[[1.5, 2.5], [3.5, 4.5]]))


def array(text, n):
    a = shmkit.Array(attach(text))
    view = a.view()
    total = sum(int(x) for x in view)
    for i in range(len(a)):
        if i % 2:
            a[i] = a[i] * 2
        else:
            view[i] = int(view[i]) * 2
    say(len(a), total, sum(a.snapshot()), a[-1], type(view).__name__)


def records(text):
    """What numpy makes of elements that are structs, and writes into them."""
    a = shmkit.Array(attach(text))
    if shmkit.numpy is None:
        v = a.view()
        say("no numpy", type(v).__name__, v.format, len(v))
        return
    v = a.view()
    say(v.shape, v.dtype.itemsize, v.flags.writeable)
    say([(name, str(v.dtype.fields[name][0]), v.dtype.fields[name][1]) for name in v.dtype.names])
    say([dict(zip(v.dtype.names, map(plain, x))) == y for x, y in zip(v, a.snapshot())])
    v["N"] *= 2
    v["On"] = True
    v["Grid"][:, 1, 0] = 2.5
    v["In"]["Z"] += 1j
    v["U"][-1] = 65535
    say("done")


def plain(x):
    """A field as decode has it."""
    if isinstance(x, shmkit.numpy.void):
        return dict(zip(x.dtype.names, map(plain, x)))
    return x.tolist()


def kinds(*texts):
    """The dtype, shape and sum of arrays of every kind of number."""
    for text in texts:
        v = shmkit.Array(attach(text)).view()
        if shmkit.numpy is None:
            say(v.format, len(v))
        else:
            say(v.dtype.str, v.shape, v.sum() if v.dtype.kind != "b" else int(v.sum()))
            v[...] = v + v if v.dtype.kind != "b" else ~v


def snapshots(text, n):
    a = shmkit.Array(attach(text))
    say("ready")
    torn = sum(len(set(map(tuple, a.snapshot()))) != 1 for _ in range(int(n)))
    try:
        a[len(a)]
    except IndexError:
        say(torn, "torn")


def refuse(*names):
    for name in names:
        try:
            attach(name)
            say("OK")
        except Exception as e:
            say(type(e).__name__, e)


def keep(name):
    """A segment that was opened here is still there when Python has ended."""
    s = shmkit.attach(name)
    say(s.size, s.format)


def fork(text):
    s = attach(text)
    m = shmkit.Mutex(s)
    m.acquire()
    child = os.fork()
    if not child:
        try:
            m.acquire()
        except shmkit.Closed:
            t = attach(text)
            n = shmkit.Mutex(t)
            say("child", t._me != m._s._me)
            try:
                n.acquire(timeout=0)
            except shmkit.Timeout:
                say("busy")
        os._exit(0)
    os.waitpid(child, 0)
    m.release()
    say("done")


def shared(name):
    """A segment of Python's own, without shmkit's header."""
    from multiprocessing import resource_tracker, shared_memory
    s = shared_memory.SharedMemory(name, create=True, size=5000)
    s.buf[:5] = b"hello"
    say(s.size)
    hear()
    say(bytes(s.buf[5:8]).decode())
    s.close()
    s.unlink()


def no_atomics(text):
    shmkit._atomic = None
    s = attach(text)
    say(s.kind, len(s.bytes()))
    try:
        shmkit.Reader(s)
    except shmkit.NoAtomics as e:
        say(e)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
