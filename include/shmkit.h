/*
 * shmkit.h: the objects of shmkit for C11 and C++17, in one header, with nothing but libc and Linux (amd64, arm64)
 * behind it. gcc or clang. docs/other-languages.md explains every function, docs/layout.md the memory.
 *
 *	#include "shmkit.h"                        // before other headers, or with _GNU_SOURCE defined
 *
 *	struct shmkit_error e;
 *	struct shmkit_segment *s;
 *	struct shmkit_consumer c;
 *	if (shmkit_attach(&s, "md.trades", &e) || shmkit_consumer_open(&c, s, sizeof(struct trade), &e))
 *		errx(1, "%s", e.text);
 *	struct trade t;
 *	while (shmkit_get(&c, &t, sizeof t, -1) == SHMKIT_OK)
 *		use(&t);
 *
 * What a function returns: SHMKIT_OK (0); a positive result of a call that has done nothing (SHMKIT_EMPTY,
 * SHMKIT_TIMEOUT …), or has (SHMKIT_ABANDONED); a negative SHMKIT_E_… where something is wrong. A timeout is in
 * nanoseconds; 0 does not wait, a negative one waits for ever. Whoever may wait spins for some ten microseconds
 * first. Nothing here allocates but shmkit_attach…, nothing installs a signal handler, nothing starts a thread.
 *
 * Killed between any two instructions: each function that claims something says in its comment who repairs that.
 *
 * Threads: attach, detach and the mutex functions may be called by any; an end of a ring belongs to one thread at
 * a time. fork: the child has none of the parent's segments, and attaches anew.
 */
#ifndef SHMKIT_H
#define SHMKIT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef F_OFD_SETLK
#error "define _GNU_SOURCE before the first #include, or include shmkit.h first"
#endif
#if !defined(__linux__) || !(defined(__x86_64__) || defined(__aarch64__)) || !defined(__LP64__)
#error "shmkit.h is for Linux on amd64 and arm64"
#endif
#ifdef __cplusplus
#define SHMKIT_ASSERT_(what) static_assert(what, #what)
extern "C" {
#else
#define SHMKIT_ASSERT_(what) _Static_assert(what, #what)
#endif
#define SHMKIT_SLOW_ static __attribute__((noinline, unused))
#define SHMKIT_FAST_ static inline __attribute__((always_inline, unused))

/* ---------------------------------------------------------------- the layout */

#define SHMKIT_MAGIC "SHMKIT\r\n"
#define SHMKIT_VERSION 1u
#define SHMKIT_ORDER 0x01020304u
#define SHMKIT_FEATURES UINT64_C(0) /* the bits of features that this header understands */
#define SHMKIT_PAGE UINT64_C(4096)
#define SHMKIT_MAX_HEADER UINT64_C(65536)
#define SHMKIT_MAX_FORMAT (SHMKIT_MAX_HEADER - 256)
#define SHMKIT_MAX_SIZE ((UINT64_C(1) << 40) - SHMKIT_MAX_HEADER)
#define SHMKIT_LIVENESS (INT64_C(1) << 40) /* the first liveness byte; + id */
#define SHMKIT_ID_MASK ((1u << 29) - 1)

enum shmkit_kind {
	SHMKIT_SEGMENT = 1,
	SHMKIT_VAR,
	SHMKIT_SPSC,
	SHMKIT_MPMC,
	SHMKIT_BROADCAST,
	SHMKIT_VALUE,
	SHMKIT_ARRAY,
	SHMKIT_QUEUE,
	SHMKIT_SIMPLE_QUEUE,
	SHMKIT_JOINABLE_QUEUE,
	SHMKIT_PIPE,
	SHMKIT_BOUNDED
};

struct shmkit_header {
	char magic[8];
	uint32_t order, version;
	uint64_t features;
	uint32_t kind, format_length;
	uint8_t id[16];
	uint64_t payload_offset, payload_size, element_size, element_align;
	uint64_t shape[4];
	char codec[16], reserved[128];
};

/* The control block of a ring with one producer and one consumer; the slots follow it. */
struct shmkit_spsc {
	uint64_t tail, puts;
	uint8_t pad0_[112];
	uint64_t head, gets;
	uint8_t pad1_[112];
	uint64_t limit;
	uint8_t pad2_[120];
	uint64_t not_empty; /* event words: waiting << 32 | seq */
	uint8_t pad3_[120];
	uint64_t not_full;
	uint8_t pad4_[120];
	uint32_t producer, consumer, shut, takeovers;
	uint64_t put_waits, put_parks;
	uint8_t pad5_[96];
	uint64_t get_waits, get_parks;
	uint8_t pad6_[112];
};

/* The control block of a value; its copies, if any, follow it. */
struct shmkit_value {
	uint64_t word;
	uint8_t pad0_[120];
	uint32_t mutex, changed;
	uint8_t pad1_[120];
};

/* What guards a run of an array's elements. */
struct shmkit_stripe {
	uint64_t version;
	uint8_t pad0_[120];
	uint32_t mutex, state;
	uint64_t root, from, to, done;
	uint8_t unused[88];
};

#define SHMKIT_FORM_ITEMS 1u
#define SHMKIT_FORM_BYTES 2u
#define SHMKIT_END_CLOSED 1u           /* in an end's word */
#define SHMKIT_RECORD_HEADER UINT64_C(8)
#define SHMKIT_RECORD_SKIP UINT64_C(0xffffffff)

/* Bits of a mutex's word, below owner << 3. */
#define SHMKIT_MUTEX_ABANDONED 1u
#define SHMKIT_MUTEX_WAITING 2u
#define SHMKIT_MUTEX_HANDOFF 4u

SHMKIT_ASSERT_(sizeof(struct shmkit_header) == 256);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, order) == 8);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, version) == 12);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, features) == 16);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, kind) == 24);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, format_length) == 28);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, id) == 32);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, payload_offset) == 48);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, payload_size) == 56);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, element_size) == 64);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, element_align) == 72);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, shape) == 80);
SHMKIT_ASSERT_(offsetof(struct shmkit_header, codec) == 112);
SHMKIT_ASSERT_(sizeof(struct shmkit_spsc) == 896);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, head) == 128);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, limit) == 256);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, not_empty) == 384);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, not_full) == 512);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, producer) == 640);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, put_waits) == 656);
SHMKIT_ASSERT_(offsetof(struct shmkit_spsc, get_waits) == 768);
SHMKIT_ASSERT_(sizeof(struct shmkit_value) == 256);
SHMKIT_ASSERT_(offsetof(struct shmkit_value, mutex) == 128);
SHMKIT_ASSERT_(offsetof(struct shmkit_value, changed) == 132);
SHMKIT_ASSERT_(sizeof(struct shmkit_stripe) == 256);
SHMKIT_ASSERT_(offsetof(struct shmkit_stripe, mutex) == 128);
SHMKIT_ASSERT_(offsetof(struct shmkit_stripe, root) == 136);
SHMKIT_ASSERT_(offsetof(struct shmkit_stripe, done) == 160);

/* ---------------------------------------------------------------- results */

enum shmkit_code {
	SHMKIT_OK = 0,
	SHMKIT_EMPTY = 1,     /* nothing to take at this moment */
	SHMKIT_FULL = 2,      /* no room at this moment */
	SHMKIT_EOF = 3,       /* the ring is shut down and drained, for ever */
	SHMKIT_CLOSED = 4,    /* nobody will take: the ring is shut down, or its consumer has closed */
	SHMKIT_TIMEOUT = 5,   /* and nothing has happened */
	SHMKIT_BUSY = 6,      /* somebody holds it */
	SHMKIT_ABANDONED = 7, /* held by the caller, after a holder's death: repair, then shmkit_mutex_repaired */

	SHMKIT_E_INVALID = -1,    /* an argument: a name, a handle text, a size */
	SHMKIT_E_SYSTEM = -2,     /* a system call: see shmkit_error.sys */
	SHMKIT_E_NOT_FOUND = -3,  /* no such name */
	SHMKIT_E_PERMISSION = -4, /* the file cannot be opened for reading and writing */
	SHMKIT_E_FOREIGN = -5,    /* not a segment of shmkit, or not this user's */
	SHMKIT_E_TRUNCATED = -6,  /* the file is shorter than its header says */
	SHMKIT_E_ORDER = -7,      /* the header: the other byte order */
	SHMKIT_E_VERSION = -8,    /* the header: another version of the layout */
	SHMKIT_E_FEATURES = -9,   /* the header: a feature that is not known here */
	SHMKIT_E_CORRUPT = -10,   /* the header, or the words behind it, contradict themselves */
	SHMKIT_E_ID = -11,        /* the handle text stands for another object */
	SHMKIT_E_KIND = -12,      /* another kind of object */
	SHMKIT_E_FORMAT = -13,    /* another element type */
	SHMKIT_E_CODEC = -14,     /* items are encoded */
	SHMKIT_E_TAKEN = -15,     /* the liveness byte is taken */
	SHMKIT_E_CLAIMED = -16,   /* a live process has that end of the ring */
	SHMKIT_E_TOO_LARGE = -17, /* the message never fits into the ring; or not into the caller's buffer */
	SHMKIT_E_NOT_HELD = -18,  /* this process does not hold the mutex */
	SHMKIT_E_REMOTE = -19,    /* the directory is on a network file system */
	SHMKIT_E_MEMORY = -20     /* no memory for the handle */
};

/* shmkit_error explains a negative code: text is a sentence for people. */
struct shmkit_error {
	int code;
	int sys; /* errno, with SHMKIT_E_SYSTEM, SHMKIT_E_NOT_FOUND and SHMKIT_E_PERMISSION */
	char text[256];
};

/* shmkit_code_name is the code's name without SHMKIT_ or SHMKIT_E_. */
SHMKIT_SLOW_ const char *shmkit_code_name(int code)
{
	static const char *const good[] = {"OK", "EMPTY", "FULL", "EOF", "CLOSED", "TIMEOUT", "BUSY", "ABANDONED"};
	static const char *const bad[] = {"OK", "INVALID", "SYSTEM", "NOT_FOUND", "PERMISSION", "FOREIGN", "TRUNCATED", "ORDER",
		"VERSION", "FEATURES", "CORRUPT", "ID", "KIND", "FORMAT", "CODEC", "TAKEN", "CLAIMED", "TOO_LARGE", "NOT_HELD",
		"REMOTE", "MEMORY"};
	if (code >= 0 && code < (int)(sizeof good / sizeof *good))
		return good[code];
	if (code < 0 && -code < (int)(sizeof bad / sizeof *bad))
		return bad[-code];
	return "UNKNOWN";
}

__attribute__((format(printf, 3, 4), unused)) static int shmkit_fail_(struct shmkit_error *e, int code, const char *format, ...)
{
	if (e) {
		va_list args;
		va_start(args, format);
		e->code = code;
		e->sys = code == SHMKIT_E_SYSTEM || code == SHMKIT_E_NOT_FOUND || code == SHMKIT_E_PERMISSION ? errno : 0;
		vsnprintf(e->text, sizeof e->text, format, args);
		va_end(args);
	}
	return code;
}

SHMKIT_SLOW_ int shmkit_fail_sys_(struct shmkit_error *e, const char *what, const char *name)
{
	int code = errno == ENOENT ? SHMKIT_E_NOT_FOUND : errno == EACCES || errno == EPERM ? SHMKIT_E_PERMISSION : SHMKIT_E_SYSTEM;
	return shmkit_fail_(e, code, "shmkit: %s %s: %s", what, name, strerror(errno));
}

/* ---------------------------------------------------------------- memory, time, sleep */

/* Acquire loads, release stores; on arm64 LDAR and STLR, whose order among each other is kept. */
SHMKIT_FAST_ uint64_t shmkit_load64_(const uint64_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }
SHMKIT_FAST_ uint32_t shmkit_load32_(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_SEQ_CST); }

SHMKIT_FAST_ void shmkit_store64_(uint64_t *p, uint64_t v)
{
#if defined(__x86_64__)
	__atomic_store_n((volatile uint64_t *)p, v, __ATOMIC_RELEASE); /* a plain MOV: whoever sleeps calls membarrier */
#else
	__atomic_store_n(p, v, __ATOMIC_SEQ_CST);
#endif
}

/* shmkit_asleep_ loads the word by which the far side says that it may sleep, behind a store of shmkit_store64_: on
   amd64 the compiler keeps two volatile accesses in order, and membarrier the CPU. */
SHMKIT_FAST_ int shmkit_asleep_(const uint32_t *p)
{
#if defined(__x86_64__)
	return (int)__builtin_expect(__atomic_load_n((const volatile uint32_t *)p, __ATOMIC_RELAXED) != 0, 0);
#else
	return (int)__builtin_expect(__atomic_load_n(p, __ATOMIC_SEQ_CST) != 0, 0);
#endif
}

/* shmkit_count_ adds one to a statistic that this side alone writes. */
SHMKIT_FAST_ void shmkit_count_(uint64_t *p)
{
	__atomic_store_n(p, __atomic_load_n(p, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

SHMKIT_FAST_ int shmkit_cas32_(uint32_t *p, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(p, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

SHMKIT_FAST_ int shmkit_cas64_(uint64_t *p, uint64_t from, uint64_t to)
{
	return __atomic_compare_exchange_n(p, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

SHMKIT_FAST_ void shmkit_pause_(unsigned n)
{
	for (; n; n--)
#if defined(__x86_64__)
		__builtin_ia32_pause();
#else
		__asm__ volatile("isb" ::: "memory");
#endif
}

SHMKIT_SLOW_ int64_t shmkit_now_(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

#define SHMKIT_SLICE_ INT64_C(45000000) /* every sleep ends after so many ns at the latest */
#define SHMKIT_AGED_ INT64_C(10000000)  /* who has waited so long sets H */
#define SHMKIT_SPIN_ 1024u              /* pauses; about the cost of a sleep and its wake-up */

/* A wait: when it gives up, and when it is to look again although nobody has woken it. */
struct shmkit_wait_ {
	int64_t since, end, due;
};

SHMKIT_SLOW_ struct shmkit_wait_ shmkit_wait_begin_(int64_t timeout)
{
	struct shmkit_wait_ w;
	w.since = shmkit_now_();
	w.end = timeout < 0 || timeout > INT64_MAX - w.since ? INT64_MAX : w.since + timeout;
	w.due = w.since + SHMKIT_SLICE_;
	return w;
}

/* shmkit_sleep_ sleeps while *p is old. It returns 1 when the slice is over, else 0, for whatever reason; *woken says
   that it has slept and was woken. */
SHMKIT_SLOW_ int shmkit_sleep_(uint32_t *p, uint32_t old, struct shmkit_wait_ *w, int *woken)
{
	int64_t t = shmkit_now_(), until = w->due < w->end ? w->due : w->end, d = until > t ? until - t : 1;
	struct timespec ts;
	ts.tv_sec = d / 1000000000;
	ts.tv_nsec = d % 1000000000;
	*woken = syscall(SYS_futex, p, FUTEX_WAIT, old, &ts, NULL, 0) == 0;
	if ((t = shmkit_now_()) < w->due)
		return 0;
	w->due = t + SHMKIT_SLICE_;
	return 1;
}

SHMKIT_SLOW_ long shmkit_wake_(uint32_t *p, int n) { return syscall(SYS_futex, p, FUTEX_WAKE, n, NULL, NULL, 0); }

/* ---------------------------------------------------------------- the process, its segments */

/* shmkit_segment is an attached object. The first four fields are for reading. */
struct shmkit_segment {
	uint8_t *payload;            /* good until detach; peers write there at any moment */
	uint64_t size;               /* of the payload, in bytes */
	struct shmkit_header header; /* a private copy, checked */
	char *format;                /* of the element type, PEP 3118, with a terminating zero */

	uint32_t me_; /* owner << 3 */
	int ordered_; /* whether a plain store and a load behind it are in order for a sleeper that has called membarrier */
	int query_;   /* a description without a claim */
	int refs_;
	pid_t pid_;
	dev_t dev_;
	ino_t ino_;
	uint8_t *map_;
	size_t map_size_;
	uint32_t ends_; /* bits: ends of a ring that this process has open */
	struct shmkit_segment *next_;
};

/* What a process has one of, however many source files include this header (the linker keeps one). A library that
   does not share symbols with the rest has its own, and is a participant of its own. */
struct shmkit_process_ {
	uint32_t lock, id;
	pid_t pid;
	int cpus, ordered;
	struct shmkit_segment *open;
};
__attribute__((weak)) struct shmkit_process_ shmkit_process_;

/* membarrier(2): GLOBAL_EXPEDITED is 2, and 4 registers for it. */
SHMKIT_SLOW_ int shmkit_membarrier_(int command)
{
#if defined(__x86_64__)
	return syscall(SYS_membarrier, command, 0, 0) == 0;
#else
	(void)command;
	return 1;
#endif
}

SHMKIT_SLOW_ uint32_t shmkit_draw_(void)
{
	uint32_t id = 0;
	while (!(id &= SHMKIT_ID_MASK))
		if (syscall(SYS_getrandom, &id, sizeof id, 0) != (long)sizeof id)
			id = (uint32_t)shmkit_now_() ^ (uint32_t)getpid() << 16;
	return id;
}

SHMKIT_SLOW_ struct shmkit_process_ *shmkit_enter_(void)
{
	struct shmkit_process_ *p = &shmkit_process_;
	pid_t pid = getpid();
	if (__atomic_load_n(&p->pid, __ATOMIC_ACQUIRE) != pid && p->pid) {
		/* A forked child: none of the mappings are here, and the id is the parent's. */
		for (; p->open; p->open = p->open->next_)
			close(p->open->query_);
		p->id = 0, p->lock = 0;
		__atomic_store_n(&p->pid, pid, __ATOMIC_RELEASE);
	}
	while (__atomic_exchange_n(&p->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
	p->pid = pid;
	if (!p->id) {
		cpu_set_t set;
		p->id = shmkit_draw_();
		p->ordered = shmkit_membarrier_(4);
		p->cpus = sched_getaffinity(0, sizeof set, &set) ? 2 : CPU_COUNT(&set);
	}
	return p;
}

SHMKIT_SLOW_ void shmkit_leave_(struct shmkit_process_ *p) { __atomic_store_n(&p->lock, 0, __ATOMIC_RELEASE); }

/* shmkit_flock_ is a lock, or a question, about one liveness byte. */
SHMKIT_SLOW_ int shmkit_flock_(int fd, int command, uint32_t id, struct flock *l)
{
	int r;
	do {
		memset(l, 0, sizeof *l);
		l->l_type = F_WRLCK, l->l_whence = SEEK_SET, l->l_start = SHMKIT_LIVENESS + id, l->l_len = 1;
	} while ((r = fcntl(fd, command, l)) && errno == EINTR);
	return r;
}

SHMKIT_SLOW_ int shmkit_free_(struct shmkit_segment *s, uint32_t id)
{
	struct flock l;
	return !shmkit_flock_(s->query_, F_OFD_GETLK, id, &l) && l.l_type == F_UNLCK;
}

SHMKIT_SLOW_ int shmkit_shown_(struct shmkit_segment *s)
{
	struct stat st;
	return !fstat(s->query_, &st) && st.st_dev == s->dev_ && st.st_ino == s->ino_;
}

/* shmkit_alive says whether the process of that id lives in the segment. It errs to the side of life: a death counts
   only between two looks at what the descriptor shows, for somebody may have closed it under us. */
SHMKIT_SLOW_ int shmkit_alive(struct shmkit_segment *s, uint32_t id)
{
	if (!id || id == s->me_ >> 3 || !shmkit_free_(s, id))
		return 1;
	return !(shmkit_shown_(s) && shmkit_free_(s, id) && shmkit_shown_(s));
}

/* shmkit_claim_ locks this process's byte through fd, before the memory is touched. */
SHMKIT_SLOW_ int shmkit_claim_(struct shmkit_process_ *p, int fd, const char *name, struct shmkit_error *e)
{
	struct flock l;
	for (int i = 0; i < 8; i++) {
		if (!shmkit_flock_(fd, F_OFD_SETLK, p->id, &l))
			return SHMKIT_OK;
		if (errno != EAGAIN && errno != EACCES)
			return shmkit_fail_sys_(e, "lock the liveness byte of", name);
		if (p->open)
			break; /* the id is in lock words by now */
		p->id = shmkit_draw_();
	}
	return shmkit_fail_(e, SHMKIT_E_TAKEN,
		"shmkit: %s: another process in this segment has drawn the same id, or bars all: start this process again; see /proc/locks", name);
}

/* shmkit_map_ opens the file anew, claims it, maps it through that description and closes the descriptor: from then on
   the mapping alone holds the claim. Killed anywhere: the kernel frees the byte. */
SHMKIT_SLOW_ int shmkit_map_(struct shmkit_process_ *p, struct shmkit_segment *s, const char *name, struct shmkit_error *e)
{
	char path[40];
	snprintf(path, sizeof path, "/proc/self/fd/%d", s->query_);
	int fd = open(path, O_RDWR | O_CLOEXEC), code;
	if (fd < 0)
		return shmkit_fail_sys_(e, "reopen (is /proc mounted?)", name);
	if (!(code = shmkit_claim_(p, fd, name, e))) {
		void *m = mmap(NULL, s->map_size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (m == MAP_FAILED) {
			code = shmkit_fail_sys_(e, "map", name);
		} else if (madvise(m, s->map_size_, MADV_DONTFORK)) {
			code = shmkit_fail_sys_(e, "madvise", name);
			munmap(m, s->map_size_);
		} else {
			s->map_ = (uint8_t *)m;
		}
	}
	if (!code)
		lseek(s->query_, SHMKIT_LIVENESS + p->id, SEEK_SET); /* for people: see /proc/PID/fdinfo */
	close(fd);
	return code;
}

/* shmkit_printable_ keeps terminal escapes, and what is not UTF-8, out of texts. */
SHMKIT_SLOW_ int shmkit_printable_(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i++];
		int more = c < 0x80 ? 0 : c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : -1;
		if (c < 0x20 || c == 0x7f || more < 0 || i + (size_t)more > n)
			return 0;
		if (c == 0xc2 && (unsigned char)s[i] < 0xa0)
			return 0;
		for (; more > 0; more--)
			if (((unsigned char)s[i++] & 0xc0) != 0x80)
				return 0;
	}
	return 1;
}

SHMKIT_SLOW_ uint64_t shmkit_pages_(uint64_t n) { return (n + SHMKIT_PAGE - 1) & ~(SHMKIT_PAGE - 1); }

/* shmkit_check_ holds a private copy of a header against its ranges. Until byte order and version are known to be ours
   no other field means anything. */
SHMKIT_SLOW_ int shmkit_check_(const struct shmkit_header *h, const char *name, struct shmkit_error *e)
{
	const char *field = NULL;
	uint64_t align = h->element_align;
	size_t codec = strnlen(h->codec, sizeof h->codec);
	if (h->order == __builtin_bswap32(SHMKIT_ORDER))
		return shmkit_fail_(e, SHMKIT_E_ORDER, "shmkit: %s: it has the other byte order", name);
	if (h->order != SHMKIT_ORDER)
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: %s: the header's byte order mark is %#x", name, h->order);
	if (h->version != SHMKIT_VERSION)
		return shmkit_fail_(e, SHMKIT_E_VERSION, "shmkit: %s: its layout has version %u, this program %u", name, h->version, SHMKIT_VERSION);
	if (h->features & ~SHMKIT_FEATURES)
		return shmkit_fail_(e, SHMKIT_E_FEATURES, "shmkit: %s: its features are %#llx, this program knows %#llx", name,
			(unsigned long long)h->features, (unsigned long long)SHMKIT_FEATURES);
	if (!h->kind)
		field = "kind";
	else if (h->format_length > SHMKIT_MAX_FORMAT)
		field = "format length";
	else if (h->payload_offset != shmkit_pages_(256 + (uint64_t)h->format_length))
		field = "payload offset";
	else if (!h->payload_size || h->payload_size > SHMKIT_MAX_SIZE)
		field = "payload size";
	else if (h->element_size > h->payload_size)
		field = "element size";
	else if (align > SHMKIT_PAGE || (align & (align - 1)) || !align != !h->element_size)
		field = "element alignment";
	else if (!shmkit_printable_(h->codec, codec))
		field = "codec";
	if (field)
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: %s: the header's %s cannot be what it is; unlink it and create it anew", name, field);
	return SHMKIT_OK;
}

SHMKIT_SLOW_ ssize_t shmkit_pread_(int fd, void *to, size_t n, off_t at)
{
	size_t have = 0;
	while (have < n) {
		ssize_t k = pread(fd, (char *)to + have, n - have, at + (off_t)have);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (!k)
			break;
		have += (size_t)k;
	}
	return (ssize_t)have;
}

/* shmkit_header_ reads and checks the header by pread: nothing is mapped yet. */
SHMKIT_SLOW_ int shmkit_header_(struct shmkit_segment *s, uint64_t length, const char *name, struct shmkit_error *e)
{
	struct shmkit_header *h = &s->header;
	ssize_t n = shmkit_pread_(s->query_, h, sizeof *h, 0);
	int code;
	if (n < 0)
		return shmkit_fail_sys_(e, "read the header of", name);
	if (n < 8 || memcmp(h->magic, SHMKIT_MAGIC, 8))
		return shmkit_fail_(e, SHMKIT_E_FOREIGN, "shmkit: %s: it does not begin as a segment of shmkit; choose another name", name);
	if (n < (ssize_t)sizeof *h)
		return shmkit_fail_(e, SHMKIT_E_TRUNCATED, "shmkit: %s: it ends inside the header", name);
	if ((code = shmkit_check_(h, name, e)))
		return code;
	if (!(s->format = (char *)calloc(1, (size_t)h->format_length + 1)))
		return shmkit_fail_(e, SHMKIT_E_MEMORY, "shmkit: %s: no memory", name);
	if ((n = shmkit_pread_(s->query_, s->format, h->format_length, 256)) < 0)
		return shmkit_fail_sys_(e, "read the format string of", name);
	uint64_t need = h->payload_offset + shmkit_pages_(h->payload_size);
	if ((size_t)n < h->format_length || length < need)
		return shmkit_fail_(e, SHMKIT_E_TRUNCATED, "shmkit: %s: the file has %llu bytes of %llu; unlink it and create it anew", name,
			(unsigned long long)length, (unsigned long long)need);
	if (!shmkit_printable_(s->format, h->format_length))
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: %s: the format string has bytes that cannot be printed", name);
	s->map_size_ = (size_t)need;
	s->size = h->payload_size;
	return SHMKIT_OK;
}

/* shmkit_inspect_ asks the kernel about the file before a byte of it is believed. */
SHMKIT_SLOW_ int shmkit_inspect_(int fd, int sealed, const char *name, struct stat *st, struct shmkit_error *e)
{
	static const uint32_t remote[] = {0x6969, 0x517b, 0xfe534d42, 0xff534d42, 0x65735546, 0x01021997, 0x00c36400, 0x5346414f,
		0x6b414653, 0x73757245, 0x564c, 0x0bd00bd0, 0x47504653, 0x7461636f, 0x01161970};
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	struct statfs fs;
	if (fstat(fd, st))
		return shmkit_fail_sys_(e, "stat", name);
	if (!S_ISREG(st->st_mode))
		return shmkit_fail_(e, SHMKIT_E_FOREIGN, "shmkit: %s: it is not a regular file", name);
	if (st->st_uid != geteuid())
		return shmkit_fail_(e, SHMKIT_E_FOREIGN, "shmkit: %s: it belongs to uid %u, this process is %u", name, (unsigned)st->st_uid, (unsigned)geteuid());
	if (sealed) {
		int have = fcntl(fd, F_GET_SEALS);
		if (have < 0 || (have & seals) != seals)
			return shmkit_fail_(e, SHMKIT_E_FOREIGN, "shmkit: %s: it is not a sealed memfd; ask for a new handle", name);
		return SHMKIT_OK;
	}
	if (fstatfs(fd, &fs))
		return shmkit_fail_sys_(e, "statfs", name);
	for (size_t i = 0; i < sizeof remote / sizeof *remote; i++)
		if ((uint32_t)fs.f_type == remote[i])
			return shmkit_fail_(e, SHMKIT_E_REMOTE, "shmkit: %s: it is on a network file system, which shares neither memory nor locks", name);
	return SHMKIT_OK;
}

SHMKIT_SLOW_ void shmkit_drop_(struct shmkit_segment *s)
{
	if (s->query_ >= 0)
		close(s->query_);
	free(s->format);
	free(s);
}

/* shmkit_adopt_ makes a segment of the file open at fd, which it owns; or counts one more user of the mapping that this
   process has of it already. */
SHMKIT_SLOW_ int shmkit_adopt_(struct shmkit_segment **out, int fd, int sealed, const char *name, const uint8_t *id, struct shmkit_error *e)
{
	struct shmkit_segment *s = (struct shmkit_segment *)calloc(1, sizeof *s), *old;
	struct stat st;
	int code;
	if (!s) {
		close(fd);
		return shmkit_fail_(e, SHMKIT_E_MEMORY, "shmkit: %s: no memory", name);
	}
	s->query_ = fd, s->refs_ = 1;
	if (!(code = shmkit_inspect_(fd, sealed, name, &st, e)))
		code = shmkit_header_(s, (uint64_t)st.st_size, name, e);
	if (!code && id && memcmp(id, s->header.id, 16))
		code = shmkit_fail_(e, SHMKIT_E_ID, "shmkit: %s: it stands for another object by now; ask for a new handle", name);
	if (code) {
		shmkit_drop_(s);
		return code;
	}
	struct shmkit_process_ *p = shmkit_enter_();
	for (old = p->open; old; old = old->next_)
		if (old->dev_ == st.st_dev && old->ino_ == st.st_ino)
			break;
	if (old) { /* what counts is its private copy of the header */
		old->refs_++;
		shmkit_leave_(p);
		shmkit_drop_(s);
		*out = old;
		return SHMKIT_OK;
	}
	if (!(code = shmkit_map_(p, s, name, e))) {
		s->payload = s->map_ + s->header.payload_offset;
		s->me_ = p->id << 3, s->pid_ = p->pid, s->ordered_ = p->ordered;
		s->dev_ = st.st_dev, s->ino_ = st.st_ino;
		s->next_ = p->open, p->open = s;
		*out = s;
	}
	shmkit_leave_(p);
	if (code)
		shmkit_drop_(s);
	return code;
}

SHMKIT_SLOW_ int shmkit_attach_path_(struct shmkit_segment **out, const char *path, const uint8_t *id, struct shmkit_error *e)
{
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		return shmkit_adopt_(out, fd, 0, path, id, e);
	if (errno == ELOOP || errno == EISDIR || errno == ENXIO || errno == ENODEV)
		return shmkit_fail_(e, SHMKIT_E_FOREIGN, "shmkit: %s: it is a link, a directory, a socket or a device", path);
	return shmkit_fail_sys_(e, "open", path);
}

SHMKIT_SLOW_ int shmkit_name_ok_(const char *name, size_t n)
{
	return n >= 1 && n <= 255 && !memchr(name, '/', n) && !(n == 1 && name[0] == '.') && !(n == 2 && !memcmp(name, "..", 2));
}

/* shmkit_attach_in attaches the object of that name in a directory. NULL: that of the environment variable SHMKIT_DIR,
   or /dev/shm. */
SHMKIT_SLOW_ int shmkit_attach_in(struct shmkit_segment **out, const char *dir, const char *name, struct shmkit_error *e)
{
	char path[PATH_MAX];
	*out = NULL;
	if (!shmkit_name_ok_(name, strnlen(name, 256)))
		return shmkit_fail_(e, SHMKIT_E_INVALID, "shmkit: the name is not one path element of 1 to 255 bytes");
	if (!dir)
		dir = getenv("SHMKIT_DIR");
	if (!dir || !*dir)
		dir = "/dev/shm";
	if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path)
		return shmkit_fail_(e, SHMKIT_E_INVALID, "shmkit: the path is too long");
	return shmkit_attach_path_(out, path, NULL, e);
}

/* shmkit_attach attaches the object of that name: checks its header, claims this process's liveness byte, maps it. A
   second attach of the same object gives the same segment; each wants its own detach. */
SHMKIT_SLOW_ int shmkit_attach(struct shmkit_segment **out, const char *name, struct shmkit_error *e)
{
	return shmkit_attach_in(out, NULL, name, e);
}

SHMKIT_SLOW_ int shmkit_proc_ok_(const char *path)
{
	unsigned pid, fd;
	char again[48];
	if (sscanf(path, "/proc/%10u/fd/%10u", &pid, &fd) != 2 || !pid || pid > INT_MAX || fd > INT_MAX)
		return 0;
	snprintf(again, sizeof again, "/proc/%u/fd/%u", pid, fd);
	return !strcmp(again, path);
}

SHMKIT_SLOW_ int shmkit_clean_(const char *path)
{
	if (path[0] != '/')
		return 0;
	for (const char *p = path; p;) {
		const char *q = strchr(p + 1, '/');
		if (!shmkit_name_ok_(p + 1, q ? (size_t)(q - p - 1) : strlen(p + 1)))
			return 0;
		p = q;
	}
	return 1;
}

/* shmkit_attach_text attaches the object that a handle text stands for: what MarshalText of a Go handle has written. */
SHMKIT_SLOW_ int shmkit_attach_text(struct shmkit_segment **out, const char *text, struct shmkit_error *e)
{
	char path[PATH_MAX], link[40];
	const char *hash = strrchr(text, '#');
	uint8_t id[16];
	struct stat st;
	*out = NULL;
	if (!hash || strlen(hash) != 33 || strspn(hash + 1, "0123456789abcdef") != 32 || (size_t)(hash - text) >= sizeof path)
		return shmkit_fail_(e, SHMKIT_E_INVALID, "shmkit: the handle text does not end in # and 32 hexadecimal digits");
	for (int i = 0; i < 16; i++) {
		char two[3] = {hash[1 + 2 * i], hash[2 + 2 * i], 0};
		id[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	memcpy(path, text, (size_t)(hash - text));
	path[hash - text] = 0;
	if (!shmkit_clean_(path) || (!strncmp(path, "/proc/", 6) && !shmkit_proc_ok_(path)))
		return shmkit_fail_(e, SHMKIT_E_INVALID, "shmkit: the handle text's path is not absolute and clean, or not of the form /proc/PID/fd/N");
	if (strncmp(path, "/proc/", 6))
		return shmkit_attach_path_(out, path, id, e);
	/* The number may stand for a terminal by now, which does things when it is opened: look first. */
	int fd = open(path, O_PATH | O_CLOEXEC), own;
	if (fd < 0)
		return shmkit_fail_sys_(e, "open (its sender has closed it, or is in another PID namespace)", path);
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		close(fd);
		return shmkit_fail_(e, SHMKIT_E_FOREIGN, "shmkit: %s: it is no object of this user by now; ask for a new handle", path);
	}
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	own = open(link, O_RDWR | O_CLOEXEC);
	close(fd);
	if (own < 0)
		return shmkit_fail_sys_(e, "reopen", path);
	return shmkit_adopt_(out, own, 1, path, id, e);
}

/* shmkit_detach gives one attach back. The last one unmaps, and what this process still holds in the segment then counts
   as held by the dead: close ends and unlock mutexes before. */
SHMKIT_SLOW_ void shmkit_detach(struct shmkit_segment *s)
{
	struct shmkit_segment **at;
	if (s->pid_ != getpid()) /* a forked child, where nothing of it is */
		return;
	struct shmkit_process_ *p = shmkit_enter_();
	if (--s->refs_ == 0) {
		for (at = &p->open; *at && *at != s; at = &(*at)->next_) {
		}
		if (*at)
			*at = s->next_;
		munmap(s->map_, s->map_size_);
		shmkit_drop_(s);
	}
	shmkit_leave_(p);
}

/* shmkit_expect checks that an object is what the caller means: kind, and unless it is NULL the format string, and unless
   it is 0 the element's size in bytes. Encoded items are refused. */
SHMKIT_SLOW_ int shmkit_expect(struct shmkit_segment *s, uint32_t kind, const char *format, uint64_t size, struct shmkit_error *e)
{
	if (s->header.kind != kind)
		return shmkit_fail_(e, SHMKIT_E_KIND, "shmkit: it is of kind %u there, %u here", s->header.kind, kind);
	if (s->header.codec[0])
		return shmkit_fail_(e, SHMKIT_E_CODEC, "shmkit: its items are encoded (%.16s)", s->header.codec);
	if (format && strcmp(format, s->format))
		return shmkit_fail_(e, SHMKIT_E_FORMAT, "shmkit: its elements are %.80s there, %.80s here", s->format, format);
	if (size && s->header.element_size != size)
		return shmkit_fail_(e, SHMKIT_E_FORMAT, "shmkit: its elements have %llu bytes there, %llu here",
			(unsigned long long)s->header.element_size, (unsigned long long)size);
	return SHMKIT_OK;
}

/* shmkit_var is the element of a var (shm.Var of Go), or NULL: see shmkit_expect. */
SHMKIT_SLOW_ void *shmkit_var(struct shmkit_segment *s, const char *format, uint64_t size, struct shmkit_error *e)
{
	if (shmkit_expect(s, SHMKIT_VAR, format, size, e))
		return NULL;
	if (s->header.element_size != s->size || s->header.shape[0] | s->header.shape[1] | s->header.shape[2] | s->header.shape[3]) {
		shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: the header's payload size or shape is not that of a var");
		return NULL;
	}
	return s->payload;
}

/* ---------------------------------------------------------------- mutex */

/* shmkit_mutex_wake_ wakes one sleeper. If there was none while H bars newcomers from the free word, one of them may be
   between announcing itself and sleeping on it: H and W go, and it is woken, or finds the word changed. */
SHMKIT_SLOW_ void shmkit_mutex_wake_(uint32_t *m)
{
	while (shmkit_wake_(m, 1) <= 0) {
		uint32_t w = shmkit_load32_(m);
		if (w >> 3 || !(w & SHMKIT_MUTEX_HANDOFF))
			return;
		if (shmkit_cas32_(m, w, w & ~(SHMKIT_MUTEX_HANDOFF | SHMKIT_MUTEX_WAITING)) && !(w & SHMKIT_MUTEX_WAITING))
			return;
	}
}

/* shmkit_mutex_take_ tries to make the word this process's, and returns 1; else 0, and *word is what to sleep on, announced. */
SHMKIT_SLOW_ int shmkit_mutex_take_(struct shmkit_segment *s, uint32_t *m, uint32_t *word, int slept, int look, int aged)
{
	for (;;) {
		uint32_t w = shmkit_load32_(m), to;
		int held = 1;
		if (!(w >> 3) && (!(w & SHMKIT_MUTEX_HANDOFF) || slept)) {
			to = s->me_ | (w & 7) | (slept ? SHMKIT_MUTEX_WAITING : 0);
			if (slept && aged)
				to &= ~SHMKIT_MUTEX_HANDOFF;
		} else if (look && w >> 3 && !shmkit_alive(s, w >> 3)) {
			to = s->me_ | (w & SHMKIT_MUTEX_HANDOFF) | SHMKIT_MUTEX_WAITING | SHMKIT_MUTEX_ABANDONED;
		} else {
			to = w | SHMKIT_MUTEX_WAITING | (aged ? SHMKIT_MUTEX_HANDOFF : 0);
			held = 0;
		}
		if ((to == w && !held) || shmkit_cas32_(m, w, to)) {
			*word = to;
			return held;
		}
	}
}

SHMKIT_SLOW_ int shmkit_mutex_spin_(struct shmkit_segment *s, uint32_t *m, uint32_t *word)
{
	for (unsigned n = 0, away = 1; shmkit_process_.cpus > 1 && n < SHMKIT_SPIN_; n += away, away = away < 64 ? 2 * away : 64) {
		uint32_t w = shmkit_load32_(m);
		if (!(w >> 3) && !(w & SHMKIT_MUTEX_HANDOFF) && shmkit_cas32_(m, w, s->me_ | w)) {
			*word = s->me_ | w;
			return 1;
		}
		shmkit_pause_(away);
	}
	return 0;
}

SHMKIT_SLOW_ int shmkit_mutex_lock_slow_(struct shmkit_segment *s, uint32_t *m, int64_t timeout)
{
	struct shmkit_wait_ t = shmkit_wait_begin_(timeout);
	int slept = 0, look = 1, woken;
	uint32_t word;
	if (timeout && shmkit_mutex_spin_(s, m, &word))
		return word & SHMKIT_MUTEX_ABANDONED ? SHMKIT_ABANDONED : SHMKIT_OK;
	for (;;) {
		int64_t now = shmkit_now_();
		if (shmkit_mutex_take_(s, m, &word, slept, look, now - t.since > SHMKIT_AGED_))
			return word & SHMKIT_MUTEX_ABANDONED ? SHMKIT_ABANDONED : SHMKIT_OK;
		if (now >= t.end) { /* pass on what it may have been woken for */
			uint32_t w = shmkit_load32_(m);
			if (slept || w != word || !(w >> 3))
				shmkit_mutex_wake_(m);
			return SHMKIT_TIMEOUT;
		}
		look = shmkit_sleep_(m, word, &t, &woken);
		slept |= look | woken;
	}
}

/* shmkit_mutex_lock locks a mutex (sem.Mutex of Go) in the segment s. SHMKIT_ABANDONED: held, but a holder has died, and
   what the mutex guards is to be repaired. A holder that lives, stopped or slow, is never overtaken.
   Killed while it holds: whoever waits, in any language, finds the liveness byte free within a slice and takes over. */
SHMKIT_FAST_ int shmkit_mutex_lock(struct shmkit_segment *s, uint32_t *m, int64_t timeout)
{
	return shmkit_cas32_(m, 0, s->me_) ? SHMKIT_OK : shmkit_mutex_lock_slow_(s, m, timeout);
}

/* shmkit_mutex_trylock locks if nobody holds the mutex, or the holder is dead; else SHMKIT_BUSY. */
SHMKIT_SLOW_ int shmkit_mutex_trylock(struct shmkit_segment *s, uint32_t *m)
{
	for (;;) {
		uint32_t w = shmkit_load32_(m), to = s->me_ | (w & 7);
		if (w >> 3 && shmkit_alive(s, w >> 3))
			return SHMKIT_BUSY;
		if (w >> 3)
			to |= SHMKIT_MUTEX_WAITING | SHMKIT_MUTEX_ABANDONED;
		if (shmkit_cas32_(m, w, to))
			return to & SHMKIT_MUTEX_ABANDONED ? SHMKIT_ABANDONED : SHMKIT_OK;
	}
}

SHMKIT_SLOW_ int shmkit_mutex_unlock_slow_(struct shmkit_segment *s, uint32_t *m)
{
	uint32_t w;
	do {
		if ((w = shmkit_load32_(m)) >> 3 != s->me_ >> 3)
			return SHMKIT_E_NOT_HELD;
	} while (!shmkit_cas32_(m, w, w & (SHMKIT_MUTEX_ABANDONED | SHMKIT_MUTEX_HANDOFF)));
	/* Killed here, before the wake-up: the word is not the one that they sleep on, which a slice sees. */
	if (w & SHMKIT_MUTEX_HANDOFF)
		shmkit_mutex_wake_(m);
	else if (w & SHMKIT_MUTEX_WAITING)
		shmkit_wake_(m, 1);
	return SHMKIT_OK;
}

/* shmkit_mutex_unlock unlocks what this process holds, by whichever thread; else SHMKIT_E_NOT_HELD. */
SHMKIT_FAST_ int shmkit_mutex_unlock(struct shmkit_segment *s, uint32_t *m)
{
	return shmkit_cas32_(m, s->me_, 0) ? SHMKIT_OK : shmkit_mutex_unlock_slow_(s, m);
}

/* shmkit_mutex_repaired says, by the holder, that what the mutex guards is whole again. */
SHMKIT_SLOW_ int shmkit_mutex_repaired(struct shmkit_segment *s, uint32_t *m)
{
	uint32_t w;
	do {
		if ((w = shmkit_load32_(m)) >> 3 != s->me_ >> 3)
			return SHMKIT_E_NOT_HELD;
	} while (!shmkit_cas32_(m, w, w & ~SHMKIT_MUTEX_ABANDONED));
	return SHMKIT_OK;
}

/* ---------------------------------------------------------------- events */

SHMKIT_FAST_ uint32_t *shmkit_seq_(uint64_t *event) { return (uint32_t *)(void *)event; }
SHMKIT_FAST_ uint32_t *shmkit_waiting_(uint64_t *event) { return (uint32_t *)(void *)event + 1; }

/* shmkit_signal_ wakes all who wait, if anybody does. Killed before the CAS, or before the wake-up: the sleepers' slices. */
SHMKIT_SLOW_ void shmkit_signal_(uint64_t *event)
{
	for (;;) {
		uint64_t v = shmkit_load64_(event);
		if (!(v >> 32))
			return;
		if (shmkit_cas64_(event, v, (uint32_t)(v + 1))) {
			shmkit_wake_(shmkit_seq_(event), INT_MAX);
			return;
		}
	}
}

SHMKIT_SLOW_ uint32_t shmkit_announce_(uint64_t *event)
{
	const uint64_t waiting = UINT64_C(1) << 32;
	for (;;) {
		uint64_t v = shmkit_load64_(event);
		if (v & waiting || shmkit_cas64_(event, v, v | waiting))
			return (uint32_t)v;
	}
}

/* shmkit_await_ sleeps until ready says so: 0; or until the time is over: SHMKIT_TIMEOUT. */
SHMKIT_SLOW_ int shmkit_await_(uint64_t *event, struct shmkit_wait_ *t, int (*ready)(void *), void *arg)
{
	const struct timespec nap = {0, 1000000};
	int woken;
	for (;;) {
		uint32_t seq = shmkit_announce_(event);
		int sure = shmkit_membarrier_(2);
		if (ready(arg))
			return SHMKIT_OK;
		if (shmkit_now_() >= t->end)
			return SHMKIT_TIMEOUT;
		if (sure)
			shmkit_sleep_(shmkit_seq_(event), seq, t, &woken);
		else
			nanosleep(&nap, NULL); /* a publisher may have missed us */
	}
}

/* shmkit_spin_ polls ready for as long as has paid off lately; budget, in pauses, is private and begins at 0, which is all. */
SHMKIT_SLOW_ int shmkit_spin_(unsigned *saved, unsigned apart, int (*ready)(void *), void *arg)
{
	unsigned budget = SHMKIT_SPIN_ - *saved;
	for (unsigned n = 0; shmkit_process_.cpus > 1 && n < budget; n += apart) {
		shmkit_pause_(apart);
		if (ready(arg)) {
			unsigned need = 4 * n + 32;
			*saved = need < SHMKIT_SPIN_ ? SHMKIT_SPIN_ - need : 0;
			return 1;
		}
	}
	*saved = SHMKIT_SPIN_ - (budget / 2 > 32 ? budget / 2 : 32);
	return 0;
}

/* ---------------------------------------------------------------- the ring of one producer and one consumer */

#define SHMKIT_TURN_ 64u /* how many items may go by before a call looks at the far side */

/* What both ends of a ring have: the first lines are all that a fast path touches. */
struct shmkit_end_ {
	uint64_t pos, end; /* the next position; up to where nothing needs to be looked at: of messages always pos */
	uint64_t mask, elem;
	uint8_t *slots;
	uint64_t *mine;  /* tail of the producer, head of the consumer */
	uint32_t *sleep; /* not 0 while the far side may sleep; or always not */
	struct shmkit_spsc *ring;
	struct shmkit_segment *seg;
	uint64_t room, count, far; /* places that may be in use; of slots; the far side's position, or limit, as last seen */
	uint64_t given, every;     /* consumer: up to where space was handed back, and how often */
	uint64_t messages, next;   /* ring of messages: puts or gets; where pos goes with the message in hand */
	uint64_t need;
	unsigned saved, lull, polls, left;
	int bytes, open;
};

/* The ends of a ring. Their fields are private. */
struct shmkit_producer {
	struct shmkit_end_ e;
};
struct shmkit_consumer {
	struct shmkit_end_ e;
};

static __attribute__((unused)) uint32_t shmkit_always_ = 1;

/* shmkit_shape_ checks the ring's geometry, once, and copies it: it is never read again. */
SHMKIT_SLOW_ int shmkit_shape_(struct shmkit_end_ *x, struct shmkit_segment *s, uint64_t size, struct shmkit_error *e)
{
	const uint64_t *shape = s->header.shape, most = UINT64_C(1) << 38;
	uint64_t slots = 1, elem = size ? size : 1, form = size ? SHMKIT_FORM_ITEMS : SHMKIT_FORM_BYTES;
	int code = shmkit_expect(s, SHMKIT_SPSC, size ? NULL : "", 0, e);
	memset(x, 0, sizeof *x);
	if (code)
		return code;
	if (shape[2] != form)
		return shmkit_fail_(e, SHMKIT_E_FORMAT, "shmkit: the ring's form is %llu there, %llu here (1 items, 2 messages)",
			(unsigned long long)shape[2], (unsigned long long)form);
	if (size && (code = shmkit_expect(s, SHMKIT_SPSC, NULL, size, e)))
		return code;
	if (shape[0] && shape[0] <= most / elem)
		while (slots < shape[0])
			slots *= 2;
	if (!size)
		slots = slots < 32 ? 64 : 2 * slots;
	if (!shape[0] || shape[0] > most / elem || shape[1] != slots || shape[3] || s->size != sizeof(struct shmkit_spsc) + slots * elem)
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: the ring's shape contradicts itself; unlink it and create it anew");
	x->seg = s, x->ring = (struct shmkit_spsc *)(void *)s->payload, x->slots = s->payload + sizeof(struct shmkit_spsc);
	x->mask = slots - 1, x->count = slots, x->elem = elem, x->bytes = !size, x->room = size ? shape[0] : slots;
	x->every = shape[0] / 4 < SHMKIT_TURN_ ? shape[0] / 4 : SHMKIT_TURN_;
	if (!x->every)
		x->every = 1;
	return SHMKIT_OK;
}

/* shmkit_end_claim_ takes an end's word: from nobody, from the dead, or a leftover of this very process. bit says which
   end, in the process's own list. Killed behind the CAS: the word names a dead process, and the next one takes it. */
SHMKIT_SLOW_ int shmkit_end_claim_(struct shmkit_segment *s, uint32_t *word, uint32_t bit, uint32_t *takeovers, struct shmkit_error *e)
{
	struct shmkit_process_ *p = shmkit_enter_();
	int mine = !(s->ends_ & bit);
	s->ends_ |= bit;
	shmkit_leave_(p);
	if (!mine)
		return shmkit_fail_(e, SHMKIT_E_CLAIMED, "shmkit: this process has that end of the ring");
	for (;;) {
		uint32_t w = shmkit_load32_(word), id = w >> 3;
		if (id && id != s->me_ >> 3 && shmkit_alive(s, id)) {
			__atomic_fetch_and(&s->ends_, ~bit, __ATOMIC_SEQ_CST);
			return shmkit_fail_(e, SHMKIT_E_CLAIMED, "shmkit: process %#x has that end of the ring", id);
		}
		if (!shmkit_cas32_(word, w, s->me_))
			continue;
		if (id)
			__atomic_fetch_add(takeovers, 1, __ATOMIC_SEQ_CST);
		return SHMKIT_OK;
	}
}

SHMKIT_SLOW_ void shmkit_end_leave_(struct shmkit_end_ *x, uint32_t *word, uint32_t bit, uint32_t to)
{
	shmkit_cas32_(word, x->seg->me_, to);
	__atomic_fetch_and(&x->seg->ends_, ~bit, __ATOMIC_SEQ_CST);
	x->open = 0, x->end = x->far = x->next = x->pos, x->left = 0;
	shmkit_signal_(&x->ring->not_full);
	shmkit_signal_(&x->ring->not_empty);
}

/* shmkit_fence_ stands between a publication and the load of waiting where this process may not call membarrier. */
SHMKIT_FAST_ void shmkit_fence_(struct shmkit_end_ *x)
{
	if (!x->seg->ordered_)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

SHMKIT_SLOW_ int shmkit_shut_(struct shmkit_end_ *x)
{
	return shmkit_load32_(&x->ring->shut) || shmkit_load32_(&x->ring->consumer) & SHMKIT_END_CLOSED;
}

/* shmkit_producer_open claims the producer's end of the ring s: items of size bytes, or messages if size is 0. It goes on
   behind the last item that was published, by whomever. SHMKIT_E_CLAIMED while a live process has the end. */
SHMKIT_SLOW_ int shmkit_producer_open(struct shmkit_producer *p, struct shmkit_segment *s, uint64_t size, struct shmkit_error *e)
{
	struct shmkit_end_ *x = &p->e;
	int code = shmkit_shape_(x, s, size, e);
	if (code || (code = shmkit_end_claim_(s, &x->ring->producer, 1, &x->ring->takeovers, e)))
		return code;
	x->pos = x->end = x->far = x->next = shmkit_load64_(&x->ring->tail);
	x->mine = &x->ring->tail, x->messages = shmkit_load64_(&x->ring->puts);
	x->sleep = s->ordered_ ? shmkit_waiting_(&x->ring->not_empty) : &shmkit_always_;
	x->open = 1;
	if (x->pos - shmkit_load64_(&x->ring->head) > x->count || (x->bytes && x->pos % 8)) {
		shmkit_end_leave_(x, &x->ring->producer, 1, 0);
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: the ring's tail cannot be where it is; unlink it and create it anew");
	}
	return SHMKIT_OK;
}

/* shmkit_producer_close gives the end up; what was published stays in the ring. */
SHMKIT_SLOW_ void shmkit_producer_close(struct shmkit_producer *p)
{
	if (p->e.open)
		shmkit_end_leave_(&p->e, &p->e.ring->producer, 1, 0);
}

/* shmkit_shutdown ends the stream for ever: the consumer drains the ring and is told SHMKIT_EOF. Killed before the
   wake-up: the consumer's slice sees the mark. */
SHMKIT_SLOW_ void shmkit_shutdown(struct shmkit_producer *p)
{
	if (!p->e.open)
		return;
	__atomic_store_n(&p->e.ring->shut, 1, __ATOMIC_SEQ_CST);
	shmkit_signal_(&p->e.ring->not_empty);
	p->e.end = p->e.pos, p->e.left = 0;
}

/* shmkit_space_ is how many places there are behind pos: as the consumer has last handed back, or, if that is not
   enough and exact is asked for, as its position says. */
SHMKIT_SLOW_ int shmkit_space_(struct shmkit_end_ *x, uint64_t need, int exact, uint64_t *n)
{
	*n = shmkit_load64_(&x->ring->limit) - x->pos;
	if ((int64_t)*n < (int64_t)need && exact)
		*n = shmkit_load64_(&x->ring->head) + x->room - x->pos;
	else if ((int64_t)*n < 0)
		*n = 0;
	return *n > x->room ? SHMKIT_E_CORRUPT : SHMKIT_OK;
}

SHMKIT_SLOW_ int shmkit_roomy_(void *arg)
{
	struct shmkit_end_ *x = (struct shmkit_end_ *)arg;
	uint64_t n;
	return shmkit_shut_(x) || shmkit_space_(x, x->need, 1, &n) || n >= x->need;
}

/* A producer that spins looks mostly at the line that the consumer writes now and then. */
SHMKIT_SLOW_ int shmkit_roomy_spin_(void *arg)
{
	struct shmkit_end_ *x = (struct shmkit_end_ *)arg;
	if (++x->polls % 16 == 0)
		return shmkit_roomy_(arg);
	return (int64_t)(shmkit_load64_(&x->ring->limit) - x->pos) >= (int64_t)x->need;
}

/* shmkit_room_ waits until need places are free, and returns in *n how many are. */
SHMKIT_SLOW_ int shmkit_room_(struct shmkit_end_ *x, uint64_t need, int64_t timeout, uint64_t *n)
{
	struct shmkit_wait_ t = {0, 0, 0};
	int code, first = 1;
	if (!x->open)
		return SHMKIT_E_INVALID;
	for (;;) {
		if (shmkit_shut_(x))
			return SHMKIT_CLOSED;
		if ((code = shmkit_space_(x, need, !first || timeout == 0, n)))
			return code;
		if (*n >= need)
			return SHMKIT_OK;
		if (timeout == 0)
			return SHMKIT_FULL;
		if (first)
			shmkit_count_(&x->ring->put_waits);
		else if (t.end && shmkit_now_() >= t.end)
			return SHMKIT_TIMEOUT;
		first = 0, x->need = need;
		if (shmkit_spin_(&x->saved, 8, shmkit_roomy_spin_, x))
			continue;
		shmkit_count_(&x->ring->put_parks);
		if (!t.end)
			t = shmkit_wait_begin_(timeout);
		if ((code = shmkit_await_(&x->ring->not_full, &t, shmkit_roomy_, x)))
			return code;
	}
}

SHMKIT_SLOW_ void shmkit_published_(struct shmkit_end_ *x)
{
	shmkit_fence_(x);
	shmkit_signal_(&x->ring->not_empty);
}

/* shmkit_reserve makes room for up to n items in a row, in place, and returns in *got how many: at least one. What is
   written there is in the ring after shmkit_commit. A peer may change it until the consumer has read it. */
SHMKIT_SLOW_ int shmkit_reserve(struct shmkit_producer *p, uint64_t n, void **slots, uint64_t *got, int64_t timeout)
{
	struct shmkit_end_ *x = &p->e;
	uint64_t space = x->far - x->pos, at = x->pos & x->mask;
	if (!n || x->bytes)
		return SHMKIT_E_INVALID;
	if (x->end - x->pos < n || x->end == x->pos) {
		int code = SHMKIT_OK;
		if (!x->open)
			return SHMKIT_E_INVALID;
		if (!space)
			code = shmkit_room_(x, 1, timeout, &space);
		else if (shmkit_shut_(x))
			code = SHMKIT_CLOSED;
		if (code)
			return code;
		x->far = x->pos + space;
		if (space > n && space > SHMKIT_TURN_)
			space = n > SHMKIT_TURN_ ? n : SHMKIT_TURN_;
		x->end = x->pos + space;
	}
	*got = x->end - x->pos;
	if (*got > n)
		*got = n;
	if (*got > x->count - at)
		*got = x->count - at;
	*slots = x->slots + at * x->elem;
	return SHMKIT_OK;
}

/* shmkit_commit publishes the first n of the reserved items with one store. Killed before it: they never were.
   Killed before the wake-up: the consumer's slice looks at tail. */
SHMKIT_FAST_ void shmkit_commit(struct shmkit_producer *p, uint64_t n)
{
	p->e.pos += n;
	shmkit_store64_(p->e.mine, p->e.pos);
	if (shmkit_asleep_(p->e.sleep))
		shmkit_published_(&p->e);
}

/* shmkit_put_room_ makes room for one item. It does not see the item: one whose address goes to no function that is
   not inlined may stay in registers, and a loop that puts what it computes writes it once, into the ring. */
SHMKIT_SLOW_ int shmkit_put_room_(struct shmkit_producer *p, size_t size, int64_t timeout)
{
	void *slot;
	uint64_t got;
	return size != p->e.elem ? SHMKIT_E_INVALID : shmkit_reserve(p, 1, &slot, &got, timeout);
}

/* shmkit_put puts one item of size bytes into the ring: SHMKIT_OK, or SHMKIT_TIMEOUT, SHMKIT_FULL (timeout 0),
   SHMKIT_CLOSED, and the item is not in the ring. size is that of the ring's items, at best a constant. */
SHMKIT_FAST_ int shmkit_put(struct shmkit_producer *p, const void *item, size_t size, int64_t timeout)
{
	if (__builtin_expect(p->e.pos == p->e.end || size != p->e.elem, 0)) {
		int code = shmkit_put_room_(p, size, timeout);
		if (code)
			return code;
	}
	memcpy(p->e.slots + (p->e.pos & p->e.mask) * size, item, size);
	shmkit_commit(p, 1);
	return SHMKIT_OK;
}

/* shmkit_consumer_open claims the consumer's end, as shmkit_producer_open the other. It begins at the oldest item that
   has not been taken. */
SHMKIT_SLOW_ int shmkit_consumer_open(struct shmkit_consumer *c, struct shmkit_segment *s, uint64_t size, struct shmkit_error *e)
{
	struct shmkit_end_ *x = &c->e;
	int code = shmkit_shape_(x, s, size, e);
	if (code || (code = shmkit_end_claim_(s, &x->ring->consumer, 2, &x->ring->takeovers, e)))
		return code;
	x->pos = x->end = x->far = x->given = x->next = shmkit_load64_(&x->ring->head);
	x->mine = &x->ring->head, x->messages = shmkit_load64_(&x->ring->gets);
	x->sleep = s->ordered_ ? shmkit_waiting_(&x->ring->not_full) : &shmkit_always_;
	x->open = 1;
	if (shmkit_load64_(&x->ring->tail) - x->pos > x->count || (x->bytes && x->pos % 8)) {
		shmkit_end_leave_(x, &x->ring->consumer, 2, 0);
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: the ring's head cannot be where it is; unlink it and create it anew");
	}
	shmkit_store64_(&x->ring->limit, x->pos + x->room); /* what the last holder took and did not hand back */
	shmkit_fence_(x);
	shmkit_signal_(&x->ring->not_full);
	return SHMKIT_OK;
}

/* shmkit_consumer_close gives the end up; until somebody claims it the producer is told SHMKIT_CLOSED. */
SHMKIT_SLOW_ void shmkit_consumer_close(struct shmkit_consumer *c)
{
	if (c->e.open)
		shmkit_end_leave_(&c->e, &c->e.ring->consumer, 2, SHMKIT_END_CLOSED);
}

SHMKIT_SLOW_ int shmkit_arrived_(void *arg)
{
	struct shmkit_end_ *x = (struct shmkit_end_ *)arg;
	/* The place of the next item is loaded together with the tail that says whether it is there: both lines are then on
	   their way at once. */
	(void)*(volatile uint8_t *)(x->slots + (x->pos & x->mask) * x->elem);
	return shmkit_load64_(&x->ring->tail) != x->pos || shmkit_load32_(&x->ring->shut);
}

/* shmkit_hand_back_ lets the producer have everything that was taken. */
SHMKIT_SLOW_ void shmkit_hand_back_(struct shmkit_end_ *x)
{
	x->given = x->pos;
	shmkit_store64_(&x->ring->limit, x->pos + x->room);
}

/* shmkit_tail_ brings the producer's position up to date and waits until there is something before it.
   In a stream the consumer would find the ring empty after every item or two, and each look takes the line away that
   the producer is about to write. So it keeps off for a lull, which adapts. */
SHMKIT_SLOW_ int shmkit_tail_(struct shmkit_end_ *x, int64_t timeout)
{
	struct shmkit_wait_ t = {0, 0, 0};
	int code, first = 1;
	if (!x->open)
		return SHMKIT_E_INVALID;
	if (x->given != x->pos)
		shmkit_hand_back_(x);
	if (timeout && x->lull)
		shmkit_pause_(x->lull);
	for (;;) {
		(void)*(volatile uint8_t *)(x->slots + (x->pos & x->mask) * x->elem);
		uint64_t n = shmkit_load64_(&x->ring->tail) - x->pos;
		if (n > x->count)
			return SHMKIT_E_CORRUPT;
		if (n) {
			uint64_t items = x->bytes ? n / 64 : n, lull = x->lull;
			x->far = x->pos + n;
			if (n >= x->room / 2 || items <= lull / 2)
				x->lull /= 2;
			else if (items > (lull ? lull : 1))
				x->lull = lull ? (2 * lull < 64 ? (unsigned)(2 * lull) : 64) : 1;
			return SHMKIT_OK;
		}
		if (shmkit_load32_(&x->ring->shut)) { /* set behind the last item: one more look sees that */
			if (shmkit_load64_(&x->ring->tail) == x->pos)
				return SHMKIT_EOF;
			continue;
		}
		if (timeout == 0)
			return SHMKIT_EMPTY;
		if (first)
			shmkit_count_(&x->ring->get_waits);
		else if (t.end && shmkit_now_() >= t.end)
			return SHMKIT_TIMEOUT;
		first = 0;
		if (shmkit_spin_(&x->saved, 1, shmkit_arrived_, x))
			continue;
		shmkit_count_(&x->ring->get_parks);
		if (!t.end)
			t = shmkit_wait_begin_(timeout);
		if ((code = shmkit_await_(&x->ring->not_empty, &t, shmkit_arrived_, x)))
			return code;
	}
}

SHMKIT_SLOW_ void shmkit_released_(struct shmkit_end_ *x)
{
	shmkit_hand_back_(x);
	shmkit_fence_(x);
	shmkit_signal_(&x->ring->not_full);
}

/* shmkit_next returns up to n items in a row, in place, oldest first, and in *got how many: at least one. They stay in
   the ring until shmkit_release. A peer may still be writing there: read each byte once, and check it before use. */
SHMKIT_SLOW_ int shmkit_next(struct shmkit_consumer *c, uint64_t n, void **items, uint64_t *got, int64_t timeout)
{
	struct shmkit_end_ *x = &c->e;
	uint64_t at = x->pos & x->mask, have;
	int code;
	if (!n || x->bytes)
		return SHMKIT_E_INVALID;
	if (x->end - x->pos < n || x->end == x->pos) {
		if (!x->open)
			return SHMKIT_E_INVALID;
		if (x->given != x->pos)
			shmkit_hand_back_(x);
		if (x->far == x->pos && (code = shmkit_tail_(x, timeout)))
			return code;
		have = n > x->every ? n : x->every;
		if (have > x->far - x->pos)
			have = x->far - x->pos;
		x->end = x->pos + have;
	}
	*got = x->end - x->pos;
	if (*got > n)
		*got = n;
	if (*got > x->count - at)
		*got = x->count - at;
	*items = x->slots + at * x->elem;
	return SHMKIT_OK;
}

SHMKIT_SLOW_ void shmkit_release_message_(struct shmkit_end_ *x)
{
	if (x->next == x->pos)
		return;
	x->pos = x->end = x->next;
	shmkit_store64_(&x->ring->gets, ++x->messages);
	shmkit_store64_(&x->ring->head, x->pos);
	if (x->pos - x->given >= x->count / 8 || shmkit_asleep_(x->sleep))
		shmkit_released_(x);
}

/* shmkit_release takes the first n of what shmkit_next has returned out of the ring; or the message of
   shmkit_next_message. Killed before: the next holder sees them again. Killed before the wake-up: the producer's slice
   looks at head, which is exact. */
SHMKIT_FAST_ void shmkit_release(struct shmkit_consumer *c, uint64_t n)
{
	if (c->e.bytes) {
		shmkit_release_message_(&c->e);
		return;
	}
	c->e.pos += n;
	shmkit_store64_(c->e.mine, c->e.pos);
	if (shmkit_asleep_(c->e.sleep))
		shmkit_released_(&c->e);
}

/* shmkit_get_item_ waits for an item. It does not see where it is to go: see shmkit_put_room_. */
SHMKIT_SLOW_ int shmkit_get_item_(struct shmkit_consumer *c, size_t size, int64_t timeout)
{
	void *slot;
	uint64_t got;
	return size != c->e.elem ? SHMKIT_E_INVALID : shmkit_next(c, 1, &slot, &got, timeout);
}

/* shmkit_get takes the oldest item: SHMKIT_OK, or SHMKIT_TIMEOUT, SHMKIT_EMPTY (timeout 0), SHMKIT_EOF, and nothing was
   taken. */
SHMKIT_FAST_ int shmkit_get(struct shmkit_consumer *c, void *item, size_t size, int64_t timeout)
{
	if (__builtin_expect(c->e.pos == c->e.end || size != c->e.elem, 0)) {
		int code = shmkit_get_item_(c, size, timeout);
		if (code)
			return code;
	}
	memcpy(item, c->e.slots + (c->e.pos & c->e.mask) * size, size);
	c->e.pos++;
	shmkit_store64_(c->e.mine, c->e.pos);
	if (shmkit_asleep_(c->e.sleep))
		shmkit_released_(&c->e);
	return SHMKIT_OK;
}

/* ---------------------------------------------------------------- messages */

SHMKIT_FAST_ uint64_t shmkit_record_(uint64_t n) { return (SHMKIT_RECORD_HEADER + n + 7) & ~UINT64_C(7); }

/* shmkit_largest is the longest message that a ring of messages takes. */
SHMKIT_FAST_ uint64_t shmkit_largest(const struct shmkit_producer *p)
{
	uint64_t n = p->e.count / 2 - SHMKIT_RECORD_HEADER;
	return n < SHMKIT_RECORD_SKIP ? n : SHMKIT_RECORD_SKIP - 1;
}

/* shmkit_reserve_message makes room for a message of n bytes, in place; shmkit_commit_message puts it into the ring. */
SHMKIT_SLOW_ int shmkit_reserve_message(struct shmkit_producer *p, uint64_t n, void **to, int64_t timeout)
{
	struct shmkit_end_ *x = &p->e;
	uint64_t at = x->pos & x->mask, size = shmkit_record_(n), skip = 0, space;
	int code;
	if (!x->bytes)
		return SHMKIT_E_INVALID;
	if (n > shmkit_largest(p))
		return SHMKIT_E_TOO_LARGE;
	if (at + size > x->count)
		skip = x->count - at;
	if (!x->left || x->far - x->pos < skip + size) {
		if ((code = shmkit_room_(x, skip + size, timeout, &space)))
			return code;
		x->far = x->pos + space, x->left = SHMKIT_TURN_;
	}
	x->left--;
	if (skip) {
		*(uint64_t *)(void *)(x->slots + at) = SHMKIT_RECORD_SKIP;
		at = 0;
	}
	*(uint64_t *)(void *)(x->slots + at) = n;
	x->next = x->pos + skip + size;
	*to = x->slots + at + SHMKIT_RECORD_HEADER;
	return SHMKIT_OK;
}

/* shmkit_commit_message publishes the reserved message, and what was skipped before it, with one store of tail. */
SHMKIT_SLOW_ void shmkit_commit_message(struct shmkit_producer *p)
{
	struct shmkit_end_ *x = &p->e;
	if (x->next == x->pos)
		return;
	x->pos = x->end = x->next;
	shmkit_store64_(&x->ring->puts, ++x->messages);
	shmkit_store64_(&x->ring->tail, x->pos);
	if (shmkit_asleep_(x->sleep))
		shmkit_published_(x);
}

/* shmkit_write puts a message of n bytes into a ring of messages. Results as of shmkit_put, and SHMKIT_E_TOO_LARGE. */
SHMKIT_SLOW_ int shmkit_write(struct shmkit_producer *p, const void *message, uint64_t n, int64_t timeout)
{
	void *to;
	int code = shmkit_reserve_message(p, n, &to, timeout);
	if (code)
		return code;
	memcpy(to, message, n);
	shmkit_commit_message(p);
	return SHMKIT_OK;
}

/* shmkit_next_message returns the oldest message in place, and its length in *n; it stays in the ring until
   shmkit_release(c, 1). The record's header is loaded once and checked before it is used. */
SHMKIT_SLOW_ int shmkit_next_message(struct shmkit_consumer *c, const void **message, uint64_t *n, int64_t timeout)
{
	struct shmkit_end_ *x = &c->e;
	uint64_t pos = x->pos, at = pos & x->mask, most = x->count / 2 - SHMKIT_RECORD_HEADER, left, size;
	int code;
	if (!x->bytes)
		return SHMKIT_E_INVALID;
	if (x->far == pos && (code = shmkit_tail_(x, timeout)))
		return code;
	size = __atomic_load_n((uint64_t *)(void *)(x->slots + at), __ATOMIC_RELAXED);
	if (size == SHMKIT_RECORD_SKIP) {
		pos += x->count - at, at = 0;
		if (x->far - pos > x->count || x->far == pos)
			return SHMKIT_E_CORRUPT;
		size = __atomic_load_n((uint64_t *)(void *)x->slots, __ATOMIC_RELAXED);
	}
	left = x->far - pos < x->count - at ? x->far - pos : x->count - at;
	if (size > most || size >= SHMKIT_RECORD_SKIP || shmkit_record_(size) > left)
		return SHMKIT_E_CORRUPT;
	*message = x->slots + at + SHMKIT_RECORD_HEADER, *n = size;
	x->next = pos + shmkit_record_(size);
	return SHMKIT_OK;
}

/* shmkit_read takes the oldest message into a buffer of most bytes, and its length into *n. One that does not fit stays:
   SHMKIT_E_TOO_LARGE, and *n is what it needs. Other results as of shmkit_get. */
SHMKIT_SLOW_ int shmkit_read(struct shmkit_consumer *c, void *buffer, uint64_t most, uint64_t *n, int64_t timeout)
{
	const void *message;
	int code = shmkit_next_message(c, &message, n, timeout);
	if (code)
		return code;
	if (*n > most)
		return SHMKIT_E_TOO_LARGE;
	memcpy(buffer, message, *n);
	shmkit_release(c, 1);
	return SHMKIT_OK;
}

/* ---------------------------------------------------------------- value */

/* shmkit_copies_ checks the geometry of a value of size bytes; *stride is 0 where it is one word. */
SHMKIT_SLOW_ int shmkit_copies_(struct shmkit_segment *s, uint64_t size, uint64_t *copies, uint64_t *stride)
{
	const uint64_t *shape = s->header.shape;
	struct shmkit_error *none = NULL;
	int code = size ? shmkit_expect(s, SHMKIT_VALUE, NULL, size, none) : SHMKIT_E_INVALID;
	if (code)
		return code;
	*copies = shape[1], *stride = shape[2];
	if (size <= 8)
		return shape[0] == 1 && !shape[1] && !shape[2] && !shape[3] && s->size == 256 ? SHMKIT_OK : SHMKIT_E_CORRUPT;
	if (shape[0] != 2 || shape[1] < 2 || shape[1] > 64 || shape[2] != ((size + 127) & ~UINT64_C(127)) || shape[3] ||
		s->size != 256 + shape[1] * shape[2])
		return SHMKIT_E_CORRUPT;
	return SHMKIT_OK;
}

/* shmkit_ring_ wakes those who wait for a change. Killed before it: their slices. */
SHMKIT_SLOW_ void shmkit_ring_(uint32_t *bell)
{
	uint32_t w;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while ((w = shmkit_load32_(bell)) & 1)
		if (shmkit_cas32_(bell, w, (w & ~1u) + 2)) {
			shmkit_wake_(bell, INT_MAX);
			return;
		}
}

/* shmkit_quiet_lock_ locks a mutex whose guarded data need no repair. */
SHMKIT_SLOW_ int shmkit_quiet_lock_(struct shmkit_segment *s, uint32_t *m, int64_t timeout)
{
	int code = shmkit_mutex_lock(s, m, timeout);
	return code == SHMKIT_ABANDONED ? shmkit_mutex_repaired(s, m) : code;
}

/* shmkit_value_load copies the value (package value of Go), of size bytes, to x: whole, as it was at one moment. */
SHMKIT_SLOW_ int shmkit_value_load(struct shmkit_segment *s, void *x, uint64_t size)
{
	struct shmkit_value *v = (struct shmkit_value *)(void *)s->payload;
	uint64_t copies, stride, n, w;
	int code = shmkit_copies_(s, size, &copies, &stride);
	if (code)
		return code;
	if (!stride) {
		w = shmkit_load64_(&v->word);
		memcpy(x, &w, size);
		return SHMKIT_OK;
	}
	for (int i = 0; i < 16; i++) {
		n = shmkit_load64_(&v->word);
		memcpy(x, s->payload + 256 + n % copies * stride, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (shmkit_load64_(&v->word) - n <= copies - 2)
			return SHMKIT_OK;
	}
	if ((code = shmkit_quiet_lock_(s, &v->mutex, -1))) /* lapped again and again: read in peace */
		return code;
	n = shmkit_load64_(&v->word);
	memcpy(x, s->payload + 256 + n % copies * stride, size);
	return shmkit_mutex_unlock(s, &v->mutex);
}

/* shmkit_value_update lets f change a copy of the value, under the lock, in x, which has size bytes of the caller's. What x
   holds when f returns is the value then; killed before, the old one stays, and nobody has to repair anything. */
SHMKIT_SLOW_ int shmkit_value_update(struct shmkit_segment *s, void *x, uint64_t size, void (*f)(void *x, void *arg), void *arg, int64_t timeout)
{
	struct shmkit_value *v = (struct shmkit_value *)(void *)s->payload;
	uint64_t copies, stride, n, w, to;
	int code = shmkit_copies_(s, size, &copies, &stride);
	if (code || (code = shmkit_quiet_lock_(s, &v->mutex, timeout)))
		return code;
	if (!stride) {
		do { /* stores go on without the lock */
			w = shmkit_load64_(&v->word), to = 0;
			memcpy(x, &w, size);
			f(x, arg);
			memcpy(&to, x, size);
		} while (!shmkit_cas64_(&v->word, w, to));
	} else {
		n = shmkit_load64_(&v->word);
		memcpy(x, s->payload + 256 + n % copies * stride, size);
		f(x, arg);
		memcpy(s->payload + 256 + (n + 1) % copies * stride, x, size);
		shmkit_store64_(&v->word, n + 1);
	}
	code = shmkit_mutex_unlock(s, &v->mutex);
	shmkit_ring_(&v->changed);
	return code;
}

/* shmkit_value_store makes x the value: at once, or, if it has more than 8 bytes, under the lock. */
SHMKIT_SLOW_ int shmkit_value_store(struct shmkit_segment *s, const void *x, uint64_t size, int64_t timeout)
{
	struct shmkit_value *v = (struct shmkit_value *)(void *)s->payload;
	uint64_t copies, stride, n, w = 0;
	int code = shmkit_copies_(s, size, &copies, &stride);
	if (!code && !stride) {
		memcpy(&w, x, size);
		__atomic_store_n(&v->word, w, __ATOMIC_SEQ_CST);
		shmkit_ring_(&v->changed);
		return SHMKIT_OK;
	}
	if (code || (code = shmkit_quiet_lock_(s, &v->mutex, timeout)))
		return code;
	n = shmkit_load64_(&v->word);
	memcpy(s->payload + 256 + (n + 1) % copies * stride, x, size);
	shmkit_store64_(&v->word, n + 1);
	code = shmkit_mutex_unlock(s, &v->mutex);
	shmkit_ring_(&v->changed);
	return code;
}

/* ---------------------------------------------------------------- array */

/* shmkit_array is an array (package array of Go) in an attached segment. */
struct shmkit_array {
	uint64_t length, size; /* elements, and bytes of one */
	uint8_t *elements;     /* flat; to be changed in place only between shmkit_array_lock and shmkit_array_unlock */

	struct shmkit_segment *seg;
	struct shmkit_stripe *stripe;
	uint8_t *log;
	uint64_t stripes, block;
};

SHMKIT_SLOW_ uint64_t shmkit_gcd_(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t t = a % b;
		a = b, b = t;
	}
	return a;
}

/* shmkit_array_open checks the geometry of an array of elements of size bytes. There is nothing to close. */
SHMKIT_SLOW_ int shmkit_array_open(struct shmkit_array *a, struct shmkit_segment *s, uint64_t size, struct shmkit_error *e)
{
	const uint64_t *shape = s->header.shape, most = SHMKIT_MAX_SIZE;
	uint64_t n = shape[0], k = shape[1], align, log, block;
	int code = size ? shmkit_expect(s, SHMKIT_ARRAY, NULL, size, e) : shmkit_fail_(e, SHMKIT_E_INVALID, "shmkit: elements of 0 bytes");
	if (code)
		return code;
	align = 128 / shmkit_gcd_(128, size);
	if (!n || n > most / size || !k || k > 1024)
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: the array's shape is impossible; unlink it and create it anew");
	block = ((n + k - 1) / k + align - 1) / align * align;
	log = (n * size + 127) & ~UINT64_C(127);
	if (shape[2] != block || shape[3] != 256 * k + log || s->size != shape[3] + n * size)
		return shmkit_fail_(e, SHMKIT_E_CORRUPT, "shmkit: the array's shape contradicts itself; unlink it and create it anew");
	a->length = n, a->size = size, a->seg = s, a->stripes = k, a->block = block;
	a->stripe = (struct shmkit_stripe *)(void *)s->payload, a->log = s->payload + 256 * k, a->elements = s->payload + shape[3];
	return SHMKIT_OK;
}

SHMKIT_SLOW_ void shmkit_bump_(struct shmkit_stripe *p, int odd)
{
	if ((int)(p->version & 1) != odd)
		__atomic_store_n(&p->version, p->version + 1, __ATOMIC_SEQ_CST);
	if (odd)
		__atomic_thread_fence(__ATOMIC_SEQ_CST); /* before the elements change */
}

SHMKIT_SLOW_ void shmkit_stripes_unlock_(struct shmkit_array *a, uint64_t lo, uint64_t hi)
{
	while (hi-- > lo)
		shmkit_mutex_unlock(a->seg, &a->stripe[hi].mutex);
}

/* shmkit_carry_ copies what a record says from the log to the elements, and finishes it: steps 4 to 6 of docs/layout.md. */
SHMKIT_SLOW_ int shmkit_carry_(struct shmkit_array *a, uint64_t root)
{
	struct shmkit_stripe *r = &a->stripe[root];
	uint64_t from = r->from, to = r->to, at = r->done, i, z = a->size, first, last;
	if (from >= to || to > a->length * z || at < from || at > to || from % z || to % z || at % z || from / z / a->block != root)
		return SHMKIT_E_CORRUPT;
	first = from / z / a->block, last = (to - 1) / z / a->block;
	for (i = first; i <= last; i++)
		shmkit_bump_(&a->stripe[i], 1);
	for (; at < to; at += z) {
		uint8_t *e = a->elements + at;
		const uint8_t *l = a->log + at;
		switch (z) {
		case 1: __atomic_store_n(e, *l, __ATOMIC_RELAXED); break;
		case 2: __atomic_store_n((uint16_t *)(void *)e, *(const uint16_t *)(const void *)l, __ATOMIC_RELAXED); break;
		case 4: __atomic_store_n((uint32_t *)(void *)e, *(const uint32_t *)(const void *)l, __ATOMIC_RELAXED); break;
		case 8: __atomic_store_n((uint64_t *)(void *)e, *(const uint64_t *)(const void *)l, __ATOMIC_RELAXED); break;
		default: memcpy(e, l, z); break;
		}
		__atomic_store_n(&r->done, at + z, __ATOMIC_RELEASE);
	}
	for (i = first; i <= last; i++)
		shmkit_bump_(&a->stripe[i], 0);
	__atomic_store_n(&r->state, 0, __ATOMIC_RELEASE);
	for (i = first + 1; i <= last; i++)
		__atomic_store_n(&a->stripe[i].root, 0, __ATOMIC_RELEASE);
	return SHMKIT_OK;
}

/* shmkit_mend_ repairs what the dead have left, all stripes locked. Killed meanwhile: A stays, and the next one does it all
   once more. */
SHMKIT_SLOW_ int shmkit_mend_(struct shmkit_array *a, int64_t timeout)
{
	uint64_t i, held;
	int code = SHMKIT_OK;
	for (held = 0; held < a->stripes; held++)
		if ((code = shmkit_mutex_lock(a->seg, &a->stripe[held].mutex, timeout)) && code != SHMKIT_ABANDONED) {
			shmkit_stripes_unlock_(a, 0, held);
			return code;
		}
	for (i = 0, code = SHMKIT_OK; i < a->stripes && !code; i++)
		if (a->stripe[i].mutex & SHMKIT_MUTEX_ABANDONED && a->stripe[i].state == 1)
			code = shmkit_carry_(a, i);
	for (i = 0; i < a->stripes && !code; i++)
		if (a->stripe[i].mutex & SHMKIT_MUTEX_ABANDONED) {
			__atomic_store_n(&a->stripe[i].root, 0, __ATOMIC_RELEASE);
			shmkit_bump_(&a->stripe[i], 0);
		}
	for (i = 0; i < a->stripes && !code; i++)
		if (a->stripe[i].mutex & SHMKIT_MUTEX_ABANDONED)
			shmkit_mutex_repaired(a->seg, &a->stripe[i].mutex);
	shmkit_stripes_unlock_(a, 0, a->stripes);
	return code;
}

/* shmkit_stripes_lock_ locks the stripes lo … hi-1, in ascending order, mended. */
SHMKIT_SLOW_ int shmkit_stripes_lock_(struct shmkit_array *a, uint64_t lo, uint64_t hi, int64_t timeout)
{
	for (;;) {
		uint64_t i = lo;
		int code = SHMKIT_OK;
		for (; i < hi; i++)
			if ((code = shmkit_mutex_lock(a->seg, &a->stripe[i].mutex, timeout)))
				break;
		if (!code)
			return SHMKIT_OK;
		shmkit_stripes_unlock_(a, lo, code == SHMKIT_ABANDONED ? i + 1 : i);
		if (code != SHMKIT_ABANDONED || (code = shmkit_mend_(a, timeout)))
			return code;
	}
}

/* shmkit_array_lock locks the whole array for changes in place; what a death leaves of those is the caller's to repair, for
   nobody is told. The timeout counts for each stripe. */
SHMKIT_SLOW_ int shmkit_array_lock(struct shmkit_array *a, int64_t timeout)
{
	int code = shmkit_stripes_lock_(a, 0, a->stripes, timeout);
	for (uint64_t i = 0; !code && i < a->stripes; i++)
		shmkit_bump_(&a->stripe[i], 1);
	return code;
}

/* shmkit_array_unlock ends what shmkit_array_lock began. */
SHMKIT_SLOW_ void shmkit_array_unlock(struct shmkit_array *a)
{
	for (uint64_t i = 0; i < a->stripes; i++)
		shmkit_bump_(&a->stripe[i], 0);
	shmkit_stripes_unlock_(a, 0, a->stripes);
}

/* shmkit_array_write writes n elements from off on, all or nothing: killed anywhere, the next one who locks finishes what was
   committed, and drops what was not. The timeout counts for each stripe. */
SHMKIT_SLOW_ int shmkit_array_write(struct shmkit_array *a, uint64_t off, uint64_t n, const void *from, int64_t timeout)
{
	uint64_t first = off / a->block, last;
	struct shmkit_stripe *r;
	int code;
	if (off > a->length || n > a->length - off)
		return SHMKIT_E_INVALID;
	if (!n)
		return SHMKIT_OK;
	last = (off + n - 1) / a->block, r = &a->stripe[first];
	if ((code = shmkit_stripes_lock_(a, first, last + 1, timeout)))
		return code;
	memcpy(a->log + off * a->size, from, n * a->size);
	for (uint64_t i = first + 1; i <= last; i++)
		__atomic_store_n(&a->stripe[i].root, first + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&r->from, off * a->size, __ATOMIC_RELEASE);
	__atomic_store_n(&r->to, (off + n) * a->size, __ATOMIC_RELEASE);
	__atomic_store_n(&r->done, off * a->size, __ATOMIC_RELEASE);
	__atomic_store_n(&r->state, 1, __ATOMIC_SEQ_CST);
	code = shmkit_carry_(a, first);
	shmkit_stripes_unlock_(a, first, last + 1);
	return code;
}

/* shmkit_versions_ is the sum of the stripes' versions, which only grow; 0 if one is odd. */
SHMKIT_SLOW_ int shmkit_versions_(struct shmkit_array *a, uint64_t first, uint64_t last, uint64_t *sum)
{
	for (*sum = 0; first <= last; first++) {
		uint64_t v = shmkit_load64_(&a->stripe[first].version);
		if (v & 1)
			return 0;
		*sum += v;
	}
	return 1;
}

/* shmkit_elements_ copies n elements from off on, each of 1, 2, 4 or 8 bytes by one load: memcpy may take it in parts, when the
   destination is not aligned. */
SHMKIT_SLOW_ void shmkit_elements_(struct shmkit_array *a, uint64_t off, uint64_t n, void *to)
{
	uint8_t *e = a->elements + off * a->size, *p = (uint8_t *)to;
	switch (a->size) {
	case 1: for (; n; n--, e++, p++) *p = __atomic_load_n(e, __ATOMIC_RELAXED); break;
	case 2: for (; n; n--, e += 2, p += 2) { uint16_t v = __atomic_load_n((uint16_t *)(void *)e, __ATOMIC_RELAXED); memcpy(p, &v, 2); } break;
	case 4: for (; n; n--, e += 4, p += 4) { uint32_t v = __atomic_load_n((uint32_t *)(void *)e, __ATOMIC_RELAXED); memcpy(p, &v, 4); } break;
	case 8: for (; n; n--, e += 8, p += 8) { uint64_t v = __atomic_load_n((uint64_t *)(void *)e, __ATOMIC_RELAXED); memcpy(p, &v, 8); } break;
	default: memcpy(p, e, n * a->size); break;
	}
}

/* shmkit_array_read copies n elements from off on as they were at one moment; those that others store one by one (of 1, 2, 4
   or 8 bytes) are each whole, no more. */
SHMKIT_SLOW_ int shmkit_array_read(struct shmkit_array *a, uint64_t off, uint64_t n, void *to)
{
	uint64_t first = off / a->block, last, before, after;
	int code;
	if (off > a->length || n > a->length - off)
		return SHMKIT_E_INVALID;
	if (!n)
		return SHMKIT_OK;
	last = (off + n - 1) / a->block;
	for (int i = 0; i < 32; i++) {
		if (!shmkit_versions_(a, first, last, &before)) {
			shmkit_pause_(32);
			continue;
		}
		shmkit_elements_(a, off, n, to);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (shmkit_versions_(a, first, last, &after) && after == before)
			return SHMKIT_OK;
	}
	if ((code = shmkit_stripes_lock_(a, first, last + 1, -1)))
		return code;
	shmkit_elements_(a, off, n, to);
	shmkit_stripes_unlock_(a, first, last + 1);
	return SHMKIT_OK;
}

/* shmkit_array_load copies element i to x. One of 1, 2, 4 or 8 bytes is one load. */
SHMKIT_SLOW_ int shmkit_array_load(struct shmkit_array *a, uint64_t i, void *x)
{
	uint8_t *e = a->elements + i * a->size;
	if (i >= a->length)
		return SHMKIT_E_INVALID;
	switch (a->size) {
	case 1: *(uint8_t *)x = __atomic_load_n(e, __ATOMIC_ACQUIRE); return SHMKIT_OK;
	case 2: { uint16_t v = __atomic_load_n((uint16_t *)(void *)e, __ATOMIC_ACQUIRE); memcpy(x, &v, 2); return SHMKIT_OK; }
	case 4: { uint32_t v = __atomic_load_n((uint32_t *)(void *)e, __ATOMIC_ACQUIRE); memcpy(x, &v, 4); return SHMKIT_OK; }
	case 8: { uint64_t v = __atomic_load_n((uint64_t *)(void *)e, __ATOMIC_ACQUIRE); memcpy(x, &v, 8); return SHMKIT_OK; }
	}
	return shmkit_array_read(a, i, 1, x);
}

/* shmkit_array_store makes x element i. One of 1, 2, 4 or 8 bytes is one store; others are written under their stripe's lock. */
SHMKIT_SLOW_ int shmkit_array_store(struct shmkit_array *a, uint64_t i, const void *x, int64_t timeout)
{
	uint8_t *e = a->elements + i * a->size;
	if (i >= a->length)
		return SHMKIT_E_INVALID;
	switch (a->size) {
	case 1: __atomic_store_n(e, *(const uint8_t *)x, __ATOMIC_SEQ_CST); return SHMKIT_OK;
	case 2: { uint16_t v; memcpy(&v, x, 2); __atomic_store_n((uint16_t *)(void *)e, v, __ATOMIC_SEQ_CST); return SHMKIT_OK; }
	case 4: { uint32_t v; memcpy(&v, x, 4); __atomic_store_n((uint32_t *)(void *)e, v, __ATOMIC_SEQ_CST); return SHMKIT_OK; }
	case 8: { uint64_t v; memcpy(&v, x, 8); __atomic_store_n((uint64_t *)(void *)e, v, __ATOMIC_SEQ_CST); return SHMKIT_OK; }
	}
	return shmkit_array_write(a, i, 1, x, timeout);
}

#ifdef __cplusplus
}
#endif
#endif
