"""shmkit for Python: attach, read and write what shmkit's Go and C programs share. One file, standard library
only; numpy is used when it is there. Linux on amd64 and arm64, CPython 3.8 or later.

    import shmkit
    with shmkit.attach("app.stats") as s:
        print(shmkit.Value(s).load())           # a number, or a dict by field name
    a = shmkit.Array(shmkit.attach("grid"))
    a.view()                                    # memoryview, or numpy array of the right dtype
    for message in shmkit.Reader(shmkit.attach("log")):
        ...

What it cannot do by itself is in docs/other-languages.md: pure Python has no compare-and-swap and no ordered store.
Both are borrowed from libatomic (gcc's run-time library; the package is libatomic1), by ctypes. Without it segments
can be attached and their bytes looked at, and everything that takes part in a protocol raises NoAtomics.

The file is mapped here and not by multiprocessing.shared_memory: before 3.13 that module's resource tracker removes
the name of a segment that it has merely opened when Python exits. Nor by module mmap, which keeps a duplicate of the
descriptor, so that a forked child would prolong this process's life in the eyes of the others.
"""
import ctypes
import ctypes.util
import fcntl
import os
import re
import secrets
import stat
import struct
import threading
import time

try:
    import numpy
except ImportError:
    numpy = None

__all__ = ["attach", "attach_text", "Segment", "Value", "Array", "Mutex", "Reader", "Writer", "Error", "NotFound", "Foreign",
           "Truncated", "Mismatch", "Corrupt", "Claimed", "Taken", "TooLarge", "Closed", "NoAtomics", "Empty", "Full", "Timeout"]

VERSION, FEATURES = 1, 0
KINDS = {1: "segment", 2: "var", 3: "spsc", 4: "mpmc", 5: "broadcast", 6: "value", 7: "array", 8: "queue", 9: "simple queue",
         10: "joinable queue", 11: "pipe"}
_HEADER = struct.Struct("=8sIIQII16sQQQQ4Q16s128x")
_PAGE, _MOST = 4096, (1 << 40) - 65536
_LIVENESS, _MASK = 1 << 40, (1 << 29) - 1
_M64 = (1 << 64) - 1
_SLICE = 0.045


class Error(Exception):
    """Base of what is wrong with a segment or a call."""


class NotFound(Error, FileNotFoundError):
    """There is no object of that name."""


class Foreign(Error):
    """The file is not a segment of shmkit, or not this user's."""


class Truncated(Error):
    """The file is shorter than its header says."""


class Corrupt(Error):
    """The header, or the words behind it, contradict themselves."""


class Mismatch(Error):
    """Byte order, version, features, id, kind or form are not what this program means: .what, .have, .want."""

    def __init__(self, what, have, want):
        super().__init__("%s is %s there, %s here" % (what, have, want))
        self.what, self.have, self.want = what, have, want


class Taken(Error):
    """Another process in this segment has drawn the same id, or bars all."""


class Claimed(Error):
    """A live process, perhaps this one, has that end of the ring."""


class TooLarge(Error):
    """A message that never fits into the ring."""


class Closed(Error):
    """The handle is closed; or nobody will take what is written."""


class NoAtomics(Error):
    """libatomic is not there: install the package libatomic1 (Debian) or libatomic (Fedora, Alpine)."""


class Empty(Error):
    """Nothing to take at this moment."""


class Full(Error):
    """No room at this moment."""


class Timeout(Error, TimeoutError):
    """The time is over, and nothing has happened."""


# ------------------------------------------------------------------ atomics and system calls

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.syscall.restype = ctypes.c_long

_machine = os.uname().machine
_FUTEX, _MEMBARRIER = {"x86_64": (202, 324), "aarch64": (98, 283)}.get(_machine, (None, None))


def _find_atomics():
    for name in ("libatomic.so.1", ctypes.util.find_library("atomic")):
        try:
            lib = ctypes.PyDLL(name) if name else None  # PyDLL: the calls are too short to give the GIL away
        except OSError:
            continue
        if lib is not None:
            for size, kind in ((1, ctypes.c_uint8), (2, ctypes.c_uint16), (4, ctypes.c_uint32), (8, ctypes.c_uint64)):
                f = getattr(lib, "__atomic_load_%d" % size)
                f.restype, f.argtypes = kind, [ctypes.c_void_p, ctypes.c_int]
                f = getattr(lib, "__atomic_store_%d" % size)
                f.restype, f.argtypes = None, [ctypes.c_void_p, kind, ctypes.c_int]
                f = getattr(lib, "__atomic_compare_exchange_%d" % size)
                f.restype, f.argtypes = ctypes.c_bool, [ctypes.c_void_p, ctypes.c_void_p, kind, ctypes.c_int, ctypes.c_int]
            return lib
    return None


_atomic = None if _FUTEX is None else _find_atomics()
_SEQ = 5  # __ATOMIC_SEQ_CST: on amd64 a store of it is an XCHG, a full fence, and needs no membarrier of the other side


def _need_atomics():
    if _atomic is None:
        raise NoAtomics("shmkit: libatomic.so.1 is not here, and Python has no compare-and-swap of its own; install libatomic1")


def _load(at, size):
    return getattr(_atomic, "__atomic_load_%d" % size)(at, _SEQ)


def _load4(at):
    return _atomic.__atomic_load_4(at, _SEQ)


def _load8(at):
    return _atomic.__atomic_load_8(at, _SEQ)


def _store4(at, x):
    _atomic.__atomic_store_4(at, x, _SEQ)


def _store8(at, x):
    _atomic.__atomic_store_8(at, x & _M64, _SEQ)


def _cas4(at, old, new):
    return _atomic.__atomic_compare_exchange_4(at, ctypes.byref(ctypes.c_uint32(old)), new, _SEQ, _SEQ)


def _cas8(at, old, new):
    return _atomic.__atomic_compare_exchange_8(at, ctypes.byref(ctypes.c_uint64(old)), new, _SEQ, _SEQ)


class _Timespec(ctypes.Structure):
    _fields_ = [("sec", ctypes.c_long), ("nsec", ctypes.c_long)]


def _sleep(at, old, seconds):
    """FUTEX_WAIT. CDLL gives the GIL away meanwhile. True when it was woken."""
    ts = _Timespec(int(seconds), int(seconds % 1 * 1e9))
    return _libc.syscall(ctypes.c_long(_FUTEX), ctypes.c_void_p(at), ctypes.c_int(0), ctypes.c_uint32(old), ctypes.byref(ts), None, ctypes.c_uint32(0)) == 0


def _wake(at, n=(1 << 31) - 1):
    return _libc.syscall(ctypes.c_long(_FUTEX), ctypes.c_void_p(at), ctypes.c_int(1), ctypes.c_int(n), None, None, ctypes.c_uint32(0))


def _membarrier():
    """On amd64 publishers store plainly: whoever is about to sleep asks for a fence in all of them."""
    if _machine != "x86_64":
        return True
    return _libc.syscall(ctypes.c_long(_MEMBARRIER), ctypes.c_int(2), ctypes.c_int(0), ctypes.c_int(0)) == 0


def _flock(fd, command, start):
    l = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, 1, 0)
    return struct.unpack("hhqqi4x", fcntl.fcntl(fd, command, l))


_SETLK, _GETLK = 37, 36  # F_OFD_SETLK and F_OFD_GETLK


# ------------------------------------------------------------------ segments

class _Process:
    """What a process has one of: its id, and its mappings by device and inode."""
    lock = threading.RLock()
    id = 0
    open = {}


def _draw():
    return 1 + secrets.randbelow(_MASK)


def _forked():
    """In a forked child none of the mappings are there (MADV_DONTFORK), and the id is the parent's."""
    _Process.lock = threading.RLock()
    for s in _Process.open.values():
        os.close(s._query)
        s._query, s._at, s._refs = -1, None, 0
    _Process.open, _Process.id = {}, 0


os.register_at_fork(after_in_child=_forked)


class Segment:
    """An attached object: .kind, .format (PEP 3118), .size and .shape as its header said when it was attached; bytes()
    is its payload. close() gives it back; the last one unmaps, and views of it must not be used any more: that would be
    a segmentation fault. Made by attach and attach_text."""

    def __init__(self, query, name, header, fmt):
        self.name, self.format, self._query, self._refs, self._ends = name, fmt, query, 1, set()
        (_, _, _, self.features, self.kind, _, self.id, self._offset, self.size, self.element_size, self.element_align, *shape,
         self.codec) = header
        self.shape, self.codec = tuple(shape), self.codec.rstrip(b"\0").decode()
        self._length = self._offset + -(-self.size // _PAGE) * _PAGE
        self._at = self._map = None

    def _attach(self):
        fd = os.open("/proc/self/fd/%d" % self._query, os.O_RDWR | os.O_CLOEXEC)
        try:
            for _ in range(8):
                if not _Process.id:
                    _Process.id = _draw()
                try:
                    _flock(fd, _SETLK, _LIVENESS + _Process.id)
                    break
                except (BlockingIOError, PermissionError):
                    if _Process.open:
                        raise Taken("%s: another process in it has drawn the same id, or bars all: start this one again" % self.name) from None
                    _Process.id = _draw()
            else:
                raise Taken("%s: no liveness byte is to be had; see /proc/locks" % self.name)
            at = _libc.mmap(None, self._length, 3, 1, fd, 0)  # PROT_READ|PROT_WRITE, MAP_SHARED
            if at in (None, ctypes.c_void_p(-1).value):
                raise OSError(ctypes.get_errno(), "map " + self.name)
            if _libc.madvise(at, self._length, 10):  # MADV_DONTFORK
                _libc.munmap(at, self._length)
                raise OSError(ctypes.get_errno(), "madvise " + self.name)
        finally:
            os.close(fd)  # the mapping alone keeps the lock
        os.lseek(self._query, _LIVENESS + _Process.id, os.SEEK_SET)  # for people
        self._map, self._at, self._me = at, at + self._offset, _Process.id << 3

    @property
    def address(self):
        """Where the payload lies."""
        if not self._refs:
            raise Closed("%s is closed, or this is a forked child: attach it anew" % self.name)
        return self._at

    def bytes(self):
        """The payload as a writable memoryview. Peers write there at any moment."""
        return memoryview((ctypes.c_char * self.size).from_address(self.address)).cast("B")

    def alive(self, id):
        """Whether the process of that id lives in the segment. Errs to the side of life."""
        if id in (0, self._me >> 3):
            return True
        st = os.fstat(self._query)
        return _flock(self._query, _GETLK, _LIVENESS + id)[0] != fcntl.F_UNLCK or (st.st_dev, st.st_ino) != self._file

    def expect(self, kind):
        """Raises Mismatch unless the object is of that kind, by number, with items as they lie in memory."""
        if self.kind != kind:
            raise Mismatch("kind", KINDS.get(self.kind, self.kind), KINDS[kind])
        if self.codec:
            raise Mismatch("codec", self.codec, "none")

    def close(self):
        """Gives one attach back."""
        with _Process.lock:
            if not self._refs:
                return
            self._refs -= 1
            if not self._refs:
                del _Process.open[self._file]
                _libc.munmap(self._map, self._length)
                os.close(self._query)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _printable(b):
    try:
        return b.decode().isprintable() or not b
    except UnicodeDecodeError:
        return False


def _check(fd, name):
    """Reads and checks the header; nothing is mapped yet."""
    b = os.pread(fd, _HEADER.size, 0)
    if b[:8] != b"SHMKIT\r\n":
        raise Foreign("%s: it does not begin as a segment of shmkit" % name)
    if len(b) < _HEADER.size:
        raise Truncated("%s: it ends inside the header" % name)
    h = _HEADER.unpack(b)
    _, order, version, features, kind, length, _, offset, size, esize, align = h[:11]
    if order == 0x04030201:
        raise Mismatch("byte order", "the other one", "this machine's")
    if order != 0x01020304:
        raise Corrupt("%s: the byte order mark is %#x" % (name, order))
    if version != VERSION:
        raise Mismatch("ABI version", version, VERSION)
    if features & ~FEATURES:
        raise Mismatch("features", hex(features), hex(FEATURES))
    for what, bad in (("kind", kind == 0), ("format length", length > 65280), ("payload offset", offset != -(-(256 + length) // _PAGE) * _PAGE),
                      ("payload size", not 0 < size <= _MOST), ("element size", esize > size),
                      ("element alignment", align > _PAGE or align & (align - 1) or (align == 0) != (esize == 0)),
                      ("codec", not _printable(h[15].split(b"\0")[0]))):
        if bad:
            raise Corrupt("%s: the header's %s cannot be what it is" % (name, what))
    fmt = os.pread(fd, length, 256)
    have, need = os.fstat(fd).st_size, offset + -(-size // _PAGE) * _PAGE
    if len(fmt) < length or have < need:
        raise Truncated("%s: the file has %d bytes of %d" % (name, have, need))
    if not _printable(fmt):
        raise Corrupt("%s: the format string has bytes that cannot be printed" % name)
    return h, fmt.decode()


def _adopt(fd, name, sealed, id=None):
    try:
        st = os.fstat(fd)
        if not stat.S_ISREG(st.st_mode):
            raise Foreign("%s: it is not a regular file" % name)
        if st.st_uid != os.geteuid():
            raise Foreign("%s: it belongs to uid %d" % (name, st.st_uid))
        if sealed:
            try:
                seals = fcntl.fcntl(fd, 1034)  # F_GET_SEALS
            except OSError:
                seals = 0
            if seals & 7 != 7:
                raise Foreign("%s: it is not a sealed memfd; ask for a new handle" % name)
        h, fmt = _check(fd, name)
        if id is not None and h[6] != id:
            raise Mismatch("id", h[6].hex(), id.hex())
        with _Process.lock:
            s = _Process.open.get((st.st_dev, st.st_ino))
            if s is not None:  # what counts is its private copy of the header
                s._refs += 1
                os.close(fd)
                return s
            s = Segment(fd, name, h, fmt)
            s._file = st.st_dev, st.st_ino
            s._attach()
            _Process.open[s._file] = s
            return s
    except BaseException:
        os.close(fd)
        raise


def _open(path, flags):
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError as e:
        raise NotFound(e.errno, "there is no object", path) from None
    except OSError as e:
        if e.errno in (40, 21, 6, 19):  # ELOOP, EISDIR, ENXIO, ENODEV
            raise Foreign("%s: it is a link, a directory, a socket or a device" % path) from None
        raise


def _name_ok(name):
    return 0 < len(os.fsencode(name)) <= 255 and "/" not in name and "\0" not in name and name not in (".", "..")


def attach(name, dir=None):
    """Attaches the object of that name in dir: that of SHMKIT_DIR, or /dev/shm."""
    if not _name_ok(name):
        raise ValueError("shmkit: a name is one path element of 1 to 255 bytes: %r" % name)
    return _path(os.path.join(dir or os.environ.get("SHMKIT_DIR") or "/dev/shm", name))


def _path(path, id=None):
    return _adopt(_open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY), path, False, id)


def attach_text(text):
    """Attaches the object that a handle text stands for: what MarshalText of a Go handle has written."""
    m = re.fullmatch(r"(?s)(/.*)#([0-9a-f]{32})", text)
    path = m and m.group(1)
    if not m or os.path.normpath(path) != path or path.startswith("//") or not _name_ok(os.path.basename(path)):
        raise ValueError("shmkit: bad handle text %.100r" % text)
    id = bytes.fromhex(m.group(2))
    if not path.startswith("/proc/"):
        return _path(path, id)
    if not re.fullmatch(r"/proc/[1-9][0-9]{0,9}/fd/(0|[1-9][0-9]{0,9})", path):
        raise ValueError("shmkit: bad handle text %.100r" % text)
    look = _open(path, os.O_PATH)  # the number may stand for a terminal by now, which does things when it is opened
    try:
        st = os.fstat(look)
        if not stat.S_ISREG(st.st_mode) or st.st_uid != os.geteuid():
            raise Foreign("%s: it is no object of this user by now; ask for a new handle" % path)
        fd = _open("/proc/self/fd/%d" % look, os.O_RDWR)
    finally:
        os.close(look)
    return _adopt(fd, path, True, id)


# ------------------------------------------------------------------ element types

_LETTERS = {"?": "?", "b": "i1", "B": "u1", "h": "i2", "H": "u2", "i": "i4", "I": "u4", "q": "i8", "Q": "u8", "f": "f4", "d": "f8", "Zf": "c8", "Zd": "c16"}
_SIZES = {k: int(v[1:]) if v != "?" else 1 for k, v in _LETTERS.items()}


class _Type:
    """A format string taken apart: code (a letter, or None for a struct), dims, members as (name, offset, type), size of all."""

    def __init__(self, text):
        self.code, self.dims, self.members, self.size = None, (), [], 0
        self.text = text

    @staticmethod
    def parse(fmt):
        if not fmt.startswith("<"):
            raise Corrupt("the format string %.60r cannot be parsed" % fmt)
        try:
            t, rest = _Type._item(fmt[1:], 0)
        except (IndexError, KeyError, ValueError):
            t, rest = None, "x"
        if rest:
            raise Corrupt("the format string %.60r cannot be parsed" % fmt)
        return t

    @staticmethod
    def _item(s, depth):
        if depth > 64:
            raise ValueError
        t, count = _Type(s), 1
        if s[0] == "(":
            dims, s = s[1:].split(")", 1)
            t.dims = tuple(int(d) for d in dims.split(","))
            for d in t.dims:
                count *= d
        if s.startswith("T{"):
            s, at = s[2:], 0
            while s[0] != "}":
                pad = re.match(r"(\d*)x", s)
                if pad:
                    at, s = at + int(pad.group(1) or 1), s[pad.end():]
                    continue
                m, s = _Type._item(s, depth + 1)
                if s[0] != ":":
                    raise ValueError
                name, s = s[1:].split(":", 1)
                t.members.append((name, at, m))
                at += m.size
            t.one, s = at, s[1:]
        else:
            t.code = s[:2] if s[0] == "Z" else s[0]
            t.one, s = _SIZES[t.code], s[len(t.code):]
        t.size = t.one * count
        return t, s

    def dtype(self):
        if self.code:
            base = numpy.dtype("<" + _LETTERS[self.code]) if self.code != "?" else numpy.dtype("?")
        else:
            base = numpy.dtype({"names": [m[0] for m in self.members], "formats": [m[2].dtype() for m in self.members],
                                "offsets": [m[1] for m in self.members], "itemsize": self.one})
        return numpy.dtype((base, self.dims)) if self.dims else base

    def _walk(self, dims, one, at):
        if not dims:
            return one(at)
        step = self.one
        for d in dims[1:]:
            step *= d
        return [self._walk(dims[1:], one, at + i * step) for i in range(dims[0])]

    def decode(self, b, at=0):
        """A number, a dict by field name, or a list."""
        def one(at):
            if self.code is None:
                return {name: m.decode(b, at + off) for name, off, m in self.members}
            if self.code[0] == "Z":
                return complex(*struct.unpack_from("<2" + self.code[1], b, at))
            return struct.unpack_from("<" + self.code, b, at)[0]
        return self._walk(self.dims, one, at)

    def encode(self, x, b, at=0):
        items = iter([x])
        if self.dims:
            def flat(x, n):
                return [x] if not n else [z for y in x for z in flat(y, n - 1)]
            items = flat(x, len(self.dims))
            if len(items) * self.one != self.size:
                raise ValueError("shmkit: %d elements where %s are" % (len(items), self.dims))
        for i, y in enumerate(items):
            p = at + i * self.one
            if self.code is None:
                for name, off, m in self.members:
                    m.encode(y[name], b, p + off)
            elif self.code[0] == "Z":
                struct.pack_into("<2" + self.code[1], b, p, complex(y).real, complex(y).imag)
            else:
                struct.pack_into("<" + self.code, b, p, y)


def _typed(s):
    t = _Type.parse(s.format)
    if t.size != s.element_size:
        raise Corrupt("%s: its elements have %d bytes, their format says %d" % (s.name, s.element_size, t.size))
    return t


# ------------------------------------------------------------------ waiting, mutex

class _Wait:
    def __init__(self, timeout):
        self.since = time.monotonic()
        self.end = float("inf") if timeout is None else self.since + timeout
        self.due = self.since + _SLICE

    def over(self):
        return time.monotonic() >= self.end

    def sleep(self, at, old):
        """(slice is over, was woken)."""
        woken = _sleep(at, old, max(min(self.due, self.end) - time.monotonic(), 1e-6))
        if time.monotonic() < self.due:
            return False, woken
        self.due = time.monotonic() + _SLICE
        return True, woken


class Mutex:
    """A mutex (sem.Mutex) at an offset of a segment's payload. The process holds it, not the thread. A dead holder is taken
    over from: then abandoned is true until repaired() says that what it guards is whole again."""

    def __init__(self, segment, offset=0):
        _need_atomics()
        if offset % 4 or not 0 <= offset <= segment.size - 4:
            raise ValueError("shmkit: no mutex can be at offset %d" % offset)
        self._s, self._off = segment, offset

    @property
    def _at(self):
        return self._s.address + self._off

    def acquire(self, timeout=None):
        """Locks; raises Timeout after so many seconds. timeout=0 only tries."""
        s, at, t, slept, look = self._s, self._at, _Wait(timeout), False, True
        while True:
            w = _load4(at)
            aged = time.monotonic() - t.since > 0.010
            held = True
            if not w >> 3 and (not w & 4 or slept or timeout == 0):
                to = s._me | w & 7 | (2 if slept else 0)
                if slept and aged:
                    to &= ~4
            elif look and w >> 3 and not s.alive(w >> 3):
                to = s._me | w & 4 | 3
            elif timeout == 0:
                raise Timeout("the mutex is held")
            else:
                to, held = w | 2 | (4 if aged else 0), False
            if (held or to != w) and not _cas4(at, w, to):
                continue
            if held:
                return
            if t.over():
                w = _load4(at)
                if slept or w != to or not w >> 3:
                    self._wake(at)
                raise Timeout("the mutex is held")
            look, woken = t.sleep(at, to)
            slept = slept or look or woken

    @staticmethod
    def _wake(at):
        while _wake(at, 1) <= 0:
            w = _load4(at)
            if w >> 3 or not w & 4 or _cas4(at, w, w & ~6) and not w & 2:
                return

    def _change(self, f):
        while True:
            w = _load4(self._at)
            if w >> 3 != self._s._me >> 3:
                raise RuntimeError("shmkit: this process does not hold the mutex")
            if _cas4(self._at, w, f(w)):
                return w

    def release(self):
        """Unlocks; RuntimeError if this process does not hold it."""
        w = self._change(lambda w: w & 5)
        if w & 4:
            self._wake(self._at)
        elif w & 2:
            _wake(self._at, 1)

    @property
    def abandoned(self):
        """Whether a holder has died and nobody has repaired since. For the holder."""
        return bool(_load4(self._at) & 1)

    def repaired(self):
        """Takes that away."""
        self._change(lambda w: w & ~1)

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *_):
        self.release()


def _quiet(m):
    m.acquire()
    if m.abandoned:
        m.repaired()


# ------------------------------------------------------------------ value

class Value:
    """A value (package value): load, store, update; never torn."""

    def __init__(self, segment):
        _need_atomics()
        segment.expect(6)
        self._s, self._t = segment, _typed(segment)
        n, shape = segment.element_size, segment.shape
        stride = -(-n // 128) * 128
        if n <= 8:
            good = shape == (1, 0, 0, 0) and segment.size == 256
        else:
            good = shape == (2, shape[1], stride, 0) and 2 <= shape[1] <= 64 and segment.size == 256 + shape[1] * stride
        if not good:
            raise Corrupt("%s: the value's shape contradicts itself" % segment.name)
        self._copies, self._stride, self._mutex = shape[1], shape[2], Mutex(segment, 128)

    def _copy(self, version):
        return self._s.address + 256 + version % self._copies * self._stride

    def _raw(self):
        at, n = self._s.address, self._s.element_size
        if not self._stride:
            return struct.pack("=Q", _load8(at))[:n]
        for _ in range(16):
            v = _load8(at)
            b = ctypes.string_at(self._copy(v), n)
            if (_load8(at) - v) & _M64 <= self._copies - 2:
                return b
        _quiet(self._mutex)
        try:
            return ctypes.string_at(self._copy(_load8(at)), n)
        finally:
            self._mutex.release()

    def load(self):
        """The value: a number, a dict by field name, a list."""
        return self._t.decode(self._raw())

    def store(self, x):
        """Makes x the value."""
        self.update(lambda _: x)

    def update(self, f):
        """Makes f(value) the value, under the lock. If f raises, or the process dies, nothing has changed."""
        at, n = self._s.address, self._s.element_size
        _quiet(self._mutex)
        try:
            while True:
                v = _load8(at)
                old = struct.pack("=Q", v)[:n] if not self._stride else ctypes.string_at(self._copy(v), n)
                b = bytearray(old)
                self._t.encode(f(self._t.decode(old)), b)
                if self._stride:
                    ctypes.memmove(self._copy(v + 1), bytes(b), n)
                    _store8(at, v + 1)
                    break
                if _cas8(at, v, struct.unpack("=Q", bytes(b).ljust(8, b"\0"))[0]):
                    break
        finally:
            self._mutex.release()
        bell = at + 132
        while True:
            w = _load4(bell)
            if not w & 1:
                return
            if _cas4(bell, w, (w & ~1) + 2 & 0xffffffff):
                _wake(bell)
                return


# ------------------------------------------------------------------ array

class Array:
    """An array (package array). len(a), a[i]; a[i] = x for elements of 1, 2, 4 and 8 bytes, each by one store; view() for all
    of them in place. Ranges that are all or nothing, and elements of other sizes, are written by Go and C: here snapshot()
    reads them."""

    def __init__(self, segment):
        segment.expect(7)
        self._s, self._t = segment, _typed(segment)
        n, k, block, off = segment.shape
        size, a, b = segment.element_size, 128, segment.element_size
        while b:
            a, b = b, a % b
        align = 128 // a
        if not (0 < n <= _MOST // size and 0 < k <= 1024 and block == -(-(-(-n // k)) // align) * align and
                off == 256 * k + -(-n * size // 128) * 128 and segment.size == off + n * size):
            raise Corrupt("%s: the array's shape contradicts itself" % segment.name)
        self._n, self._k, self._block, self._off, self._size = n, k, block, off, size

    def __len__(self):
        return self._n

    def view(self):
        """The elements in place: a numpy array of the right dtype, or without numpy a memoryview (of numbers where an element is
        one, else of bytes). Nothing is locked: what others write appears at any moment."""
        b = self._s.bytes()[self._off:self._off + self._n * self._size]
        if numpy is not None:
            return numpy.frombuffer(b, dtype=self._t.dtype())
        if self._t.code in "?bBhHiIqQfd" if self._t.code and not self._t.dims else False:
            return b.cast(self._t.code)
        return b

    def _index(self, i):
        if i < 0:
            i += self._n
        if not 0 <= i < self._n:
            raise IndexError("shmkit: index %d of an array of %d" % (i, self._n))
        return self._s.address + self._off + i * self._size

    def __getitem__(self, i):
        _need_atomics()
        at = self._index(i)
        if self._size in (1, 2, 4, 8):
            return self._t.decode(_load(at, self._size).to_bytes(self._size, "little"))
        return self.snapshot(i % self._n, 1)[0]

    def __setitem__(self, i, x):
        _need_atomics()
        at, b = self._index(i), bytearray(self._size)
        if self._size not in (1, 2, 4, 8):
            raise TypeError("shmkit: an element of %d bytes is not one store; write it in Go or C" % self._size)
        self._t.encode(x, b)
        getattr(_atomic, "__atomic_store_%d" % self._size)(at, int.from_bytes(b, "little"), _SEQ)

    def _versions(self, first, last):
        v = [_load8(self._s.address + 256 * i) for i in range(first, last + 1)]
        return None if any(x & 1 for x in v) else v

    def snapshot(self, start=0, n=None, timeout=10):
        """n elements from start on, as they were at one moment. Raises Timeout if writers never let it be, or one died midway
        and nobody has written since: whoever next locks mends that, in Go or C."""
        _need_atomics()
        n = self._n - start if n is None else n
        if start < 0 or n < 0 or start + n > self._n:
            raise IndexError("shmkit: %d elements from %d on of an array of %d" % (n, start, self._n))
        if not n:
            return []
        first, last, t = start // self._block, (start + n - 1) // self._block, _Wait(timeout)
        while True:
            before = self._versions(first, last)
            if before is not None:
                b = ctypes.string_at(self._index(start), n * self._size)
                if self._versions(first, last) == before:
                    return [self._t.decode(b, i * self._size) for i in range(n)]
            if t.over():
                raise Timeout("the array never stands still")
            time.sleep(0)


# ------------------------------------------------------------------ the ring of messages

class _End:
    _TAIL, _PUTS, _HEAD, _GETS, _LIMIT, _NOT_EMPTY, _NOT_FULL, _PRODUCER, _CONSUMER, _SHUT, _TAKEOVERS, _SLOTS = (
        0, 8, 128, 136, 256, 384, 512, 640, 644, 648, 652, 896)

    def __init__(self, segment, end):
        _need_atomics()
        segment.expect(3)
        capacity, slots, form, zero = segment.shape
        if form != 2:
            raise Mismatch("form", "items", "messages")
        want = 1
        while want < min(capacity, 1 << 38):
            want *= 2
        want = max(2 * want, 64)
        if not 0 < capacity <= 1 << 38 or slots != want or zero or segment.size != self._SLOTS + slots:
            raise Corrupt("%s: the ring's shape contradicts itself" % segment.name)
        self._s, self._slots, self._end = segment, slots, end
        self._most = min(slots // 2 - 8, (1 << 32) - 2)
        self._claim()
        self._ring, self._open = segment.address + self._SLOTS, True

    def _a(self, off):
        return self._s.address + off

    def _claim(self):
        with _Process.lock:
            if self._end in self._s._ends:
                raise Claimed("this process has that end of the ring")
            at = self._a(self._end)
            while True:
                w = _load4(at)
                if w >> 3 and w >> 3 != self._s._me >> 3 and self._s.alive(w >> 3):
                    raise Claimed("process %#x has that end of the ring" % (w >> 3))
                if _cas4(at, w, self._s._me):
                    break
            while w >> 3:
                n = _load4(self._a(self._TAKEOVERS))
                if _cas4(self._a(self._TAKEOVERS), n, n + 1 & 0xffffffff):
                    break
            self._s._ends.add(self._end)

    def _leave(self, to):
        if self._open and self._s._refs:
            self._open = False
            _cas4(self._a(self._end), self._s._me, to)
            self._s._ends.discard(self._end)
            self._signal(self._NOT_FULL)
            self._signal(self._NOT_EMPTY)

    def _check(self):
        if not self._open:
            raise Closed("that end of the ring is closed")

    def _signal(self, event):
        at = self._a(event)
        while True:
            v = _load8(at)
            if not v >> 32:
                return
            if _cas8(at, v, v + 1 & 0xffffffff):
                _wake(at)
                return

    def _await(self, event, t, ready):
        at = self._a(event)
        while True:
            v = _load8(at)
            if not v >> 32 & 1 and not _cas8(at, v, v | 1 << 32):
                continue
            sure = _membarrier()
            if ready():
                return
            if t.over():
                raise Timeout("nothing has come within the time")
            if sure:
                t.sleep(at, v & 0xffffffff)
            else:
                time.sleep(0.001)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Writer(_End):
    """The producer's end of a ring of messages (SPSC of []byte). One thread at a time."""

    def __init__(self, segment):
        super().__init__(segment, self._PRODUCER)
        self._pos, self._puts = _load8(self._a(self._TAIL)), _load8(self._a(self._PUTS))
        if (self._pos - _load8(self._a(self._HEAD))) & _M64 > self._slots or self._pos % 8:
            self._leave(0)
            raise Corrupt("%s: the ring's tail cannot be where it is" % segment.name)

    def _shut(self):
        return _load4(self._a(self._SHUT)) or _load4(self._a(self._CONSUMER)) & 1

    def _free(self):
        n = (_load8(self._a(self._HEAD)) + self._slots - self._pos) & _M64
        if n > self._slots:
            raise Corrupt("the ring's free space is %d of %d" % (n, self._slots))
        return n

    def write(self, message, timeout=None):
        """Puts a message, of bytes or whatever else has a buffer, and waits while there is no room: Timeout after so many
        seconds, Full with 0. Closed after shutdown, and when the consumer has closed. TooLarge for what never fits. In each
        case the message is not in the ring."""
        self._check()
        message = memoryview(message).tobytes()
        n = len(message)
        if n > self._most:
            raise TooLarge("a message of %d bytes: the ring takes %d" % (n, self._most))
        size, at = 8 + n + 7 & ~7, self._pos % self._slots
        skip = self._slots - at if at + size > self._slots else 0
        if self._shut():
            raise Closed("nobody will take it")
        t = None
        while self._free() < skip + size:
            if timeout == 0:
                raise Full("the ring is full")
            t = t or _Wait(timeout)
            self._await(self._NOT_FULL, t, lambda: self._shut() or self._free() >= skip + size)
            if self._shut():
                raise Closed("nobody will take it")
        if skip:
            _store8(self._ring + at, 0xffffffff)
            at = 0
        _store8(self._ring + at, n)
        ctypes.memmove(self._ring + at + 8, message, n)
        self._pos, self._puts = (self._pos + skip + size) & _M64, self._puts + 1
        _store8(self._a(self._PUTS), self._puts)
        _store8(self._a(self._TAIL), self._pos)  # this publishes
        self._signal(self._NOT_EMPTY)

    def shutdown(self):
        """Ends the stream for ever: the reader drains the ring, and ends."""
        self._check()
        _store4(self._a(self._SHUT), 1)
        self._signal(self._NOT_EMPTY)

    def close(self):
        """Gives the end up; another may claim it."""
        self._leave(0)


class Reader(_End):
    """The consumer's end of a ring of messages. One thread at a time. Iterating ends with the stream."""

    def __init__(self, segment):
        super().__init__(segment, self._CONSUMER)
        self._pos, self._gets = _load8(self._a(self._HEAD)), _load8(self._a(self._GETS))
        if (_load8(self._a(self._TAIL)) - self._pos) & _M64 > self._slots or self._pos % 8:
            self._leave(0)
            raise Corrupt("%s: the ring's head cannot be where it is" % segment.name)
        self._given = self._pos
        _store8(self._a(self._LIMIT), self._pos + self._slots)
        self._signal(self._NOT_FULL)

    def read(self, timeout=None):
        """Takes the oldest message, as bytes, and waits for it: Timeout after so many seconds, Empty with 0. EOFError once the
        ring is shut down and drained."""
        self._check()
        tail_at, t = self._a(self._TAIL), None
        while True:
            n = (_load8(tail_at) - self._pos) & _M64
            if n > self._slots:
                raise Corrupt("the ring's length is %d of %d" % (n, self._slots))
            if n:
                return self._take(n)
            if _load4(self._a(self._SHUT)):
                if _load8(tail_at) == self._pos:
                    raise EOFError("the ring is shut down and drained")
                continue
            self._hand_back()
            if timeout == 0:
                raise Empty("the ring is empty")
            t = t or _Wait(timeout)
            self._await(self._NOT_EMPTY, t, lambda: _load8(tail_at) != self._pos or _load4(self._a(self._SHUT)))

    def _take(self, n):
        at, pos = self._pos % self._slots, self._pos
        size = _load8(self._ring + at)
        if size == 0xffffffff:
            n, pos, at = n - (self._slots - at), pos + self._slots - at, 0
            if n <= 0:
                raise Corrupt("a skip goes beyond what is published")
            size = _load8(self._ring)
        record = 8 + size + 7 & ~7
        if size > self._most or record > min(n, self._slots - at):
            raise Corrupt("a message's length is %d of %d" % (size, n))
        b = ctypes.string_at(self._ring + at + 8, size)
        self._pos, self._gets = (pos + record) & _M64, self._gets + 1
        _store8(self._a(self._GETS), self._gets)
        _store8(self._a(self._HEAD), self._pos)  # this takes it
        if (self._pos - self._given) & _M64 >= self._slots // 8 or _load8(self._a(self._NOT_FULL)) >> 32:
            self._hand_back()
            self._signal(self._NOT_FULL)
        return b

    def _hand_back(self):
        if self._given != self._pos:
            self._given = self._pos
            _store8(self._a(self._LIMIT), self._pos + self._slots)

    def __iter__(self):
        return self

    def __next__(self):
        try:
            return self.read()
        except EOFError:
            raise StopIteration from None

    def close(self):
        """Gives the end up; until another claims it the producer is told that nobody takes."""
        self._leave(1)
