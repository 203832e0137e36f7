/* The other side of the tests of shmkit.h: does one thing, named by its first argument, and says what became of it, a
   line at a time. */
#include "shmkit.h"
#include <signal.h>

static struct shmkit_error e;

static void die(int code, const char *what)
{
	printf("%s: %s: %s\n", what, shmkit_code_name(code), e.text);
	exit(1);
}

static void check(int code, const char *what)
{
	if (code)
		die(code, what);
}

static void say(const char *line)
{
	puts(line);
	fflush(stdout);
}

static void hear(void)
{
	char c = 0;
	while (c != '\n')
		if (read(0, &c, 1) <= 0)
			exit(86);
}

static struct shmkit_segment *attach(const char *text)
{
	struct shmkit_segment *s;
	check(strchr(text, '#') ? shmkit_attach_text(&s, text, &e) : shmkit_attach(&s, text, &e), "attach");
	return s;
}

/* FNV-1a. */
static uint64_t hash(uint64_t h, const void *p, size_t n)
{
	const unsigned char *b = p;
	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3;
	return h;
}

#define SEED 0xcbf29ce484222325

struct item {
	uint64_t seq, sum;
};

static struct item make(uint64_t i) { return (struct item){i, i * 0x9e3779b97f4a7c15}; }

/* Items go one by one, and every other run of 64 in place. */
static void put(const char *text, uint64_t n)
{
	struct shmkit_producer p;
	uint64_t h = SEED;
	check(shmkit_producer_open(&p, attach(text), sizeof(struct item), &e), "producer");
	for (uint64_t i = 0; i < n;) {
		void *slots;
		uint64_t got = 1;
		if (i / 64 % 2) {
			check(shmkit_reserve(&p, 64 - i % 64 < n - i ? 64 - i % 64 : n - i, &slots, &got, -1), "reserve");
			for (uint64_t k = 0; k < got; k++)
				((struct item *)slots)[k] = make(i + k);
			shmkit_commit(&p, got);
		} else {
			struct item v = make(i);
			check(shmkit_put(&p, &v, sizeof v, -1), "put");
		}
		for (; got; got--, i++) {
			struct item v = make(i);
			h = hash(h, &v, sizeof v);
		}
	}
	shmkit_shutdown(&p);
	shmkit_producer_close(&p);
	printf("%llu %016llx\n", (unsigned long long)n, (unsigned long long)h);
}

static void get(const char *text)
{
	struct shmkit_consumer c;
	uint64_t h = SEED, n = 0;
	int code = 0;
	check(shmkit_consumer_open(&c, attach(text), sizeof(struct item), &e), "consumer");
	say("ready");
	while (!code) {
		if (n / 64 % 2) {
			void *items;
			uint64_t got;
			if (!(code = shmkit_next(&c, 64, &items, &got, -1))) {
				h = hash(h, items, got * sizeof(struct item));
				n += got;
				shmkit_release(&c, got);
			}
		} else {
			struct item v;
			if (!(code = shmkit_get(&c, &v, sizeof v, -1))) {
				h = hash(h, &v, sizeof v);
				n++;
			}
		}
	}
	if (code != SHMKIT_EOF)
		die(code, "get");
	shmkit_consumer_close(&c);
	printf("%llu %016llx\n", (unsigned long long)n, (unsigned long long)h);
}

/* Message i has (i * 7919) % 300 bytes. */
static void writes(const char *text, uint64_t n)
{
	struct shmkit_producer p;
	uint64_t h = SEED;
	unsigned char b[300];
	check(shmkit_producer_open(&p, attach(text), 0, &e), "producer");
	for (uint64_t i = 0; i < n; i++) {
		size_t size = i * 7919 % 300;
		for (size_t k = 0; k < size; k++)
			b[k] = (unsigned char)(i + k);
		check(shmkit_write(&p, b, size, -1), "write");
		h = hash(hash(h, &size, 8), b, size);
	}
	if (shmkit_write(&p, b, shmkit_largest(&p) + 1, -1) != SHMKIT_E_TOO_LARGE)
		die(-1, "too large");
	if (shmkit_put(&p, b, 1, 0) != SHMKIT_E_INVALID)
		die(-1, "an item into a ring of messages");
	shmkit_shutdown(&p);
	if (shmkit_write(&p, b, 1, -1) != SHMKIT_CLOSED)
		die(-1, "write after shutdown");
	printf("%llu %016llx\n", (unsigned long long)n, (unsigned long long)h);
}

static void reads(const char *text)
{
	struct shmkit_consumer c;
	uint64_t h = SEED, n = 0, size;
	unsigned char b[300];
	int code;
	check(shmkit_consumer_open(&c, attach(text), 0, &e), "consumer");
	say("ready");
	for (; !(code = shmkit_read(&c, b, n % 2 ? 300 : 20, &size, -1)) || code == SHMKIT_E_TOO_LARGE;) {
		if (code && (code = shmkit_read(&c, b, 300, &size, 0)))
			break;
		h = hash(hash(h, &size, 8), b, size);
		if (shmkit_get(&c, b, 1, 0) != SHMKIT_E_INVALID)
			die(-1, "an item out of a ring of messages");
		n++;
	}
	if (code != SHMKIT_EOF)
		die(code, "read");
	printf("%llu %016llx\n", (unsigned long long)n, (unsigned long long)h);
}

/* What a var of struct { Mu sem.Mutex; A, B uint64 } is: whoever holds Mu sees A equal B. */
struct pair {
	uint32_t mu, pad;
	uint64_t a, b;
};

static struct pair *pair_of(struct shmkit_segment *s)
{
	struct pair *v = shmkit_var(s, "<T{T{I:mutex:}:Mu:4xQ:A:Q:B:}", sizeof *v, &e);
	if (!v)
		die(e.code, "var");
	return v;
}

static int lock(struct shmkit_segment *s, struct pair *v)
{
	int code = shmkit_mutex_lock(s, &v->mu, -1);
	if (code == SHMKIT_ABANDONED) {
		v->b = v->a;
		check(shmkit_mutex_repaired(s, &v->mu), "repaired");
	} else {
		check(code, "lock");
	}
	return code;
}

static void count(const char *text, uint64_t n)
{
	struct shmkit_segment *s = attach(text);
	struct pair *v = pair_of(s);
	uint64_t repairs = 0, torn = 0;
	say("ready");
	hear();
	for (uint64_t i = 0; i < n; i++) {
		repairs += lock(s, v) == SHMKIT_ABANDONED;
		torn += v->a != v->b;
		v->a++;
		__asm__ volatile("" ::: "memory");
		v->b++;
		check(shmkit_mutex_unlock(s, &v->mu), "unlock");
	}
	printf("%llu repairs, %llu torn\n", (unsigned long long)repairs, (unsigned long long)torn);
}

static void hold(const char *text)
{
	struct shmkit_segment *s = attach(text);
	struct pair *v = pair_of(s);
	say("ready");
	say(shmkit_code_name(shmkit_mutex_lock(s, &v->mu, -1)));
	hear();
	say(shmkit_code_name(shmkit_mutex_unlock(s, &v->mu)));
	hear();
}

/* Goes on and on, whoever dies beside it; what it sees torn without being told is its end. */
static void rounds(const char *text)
{
	struct shmkit_segment *s = attach(text);
	struct pair *v = pair_of(s);
	say("ready");
	for (;;) {
		if (lock(s, v) != SHMKIT_ABANDONED && v->a != v->b)
			die(-1, "torn");
		__atomic_fetch_add(&v->a, 1, __ATOMIC_RELAXED);
		__asm__ volatile("" ::: "memory");
		v->b++;
		check(shmkit_mutex_unlock(s, &v->mu), "unlock");
		shmkit_pause_(20);
	}
}

/* Everything that can be refused or not be had, in one process. */
static void mutex(const char *text)
{
	struct shmkit_segment *s = attach(text);
	struct pair *v = pair_of(s);
	printf("%s", shmkit_code_name(shmkit_mutex_unlock(s, &v->mu)));
	printf(" %s", shmkit_code_name(shmkit_mutex_repaired(s, &v->mu)));
	printf(" %s", shmkit_code_name(shmkit_mutex_trylock(s, &v->mu)));
	printf(" %s", shmkit_code_name(shmkit_mutex_trylock(s, &v->mu)));
	printf(" %s", shmkit_code_name(shmkit_mutex_lock(s, &v->mu, 0)));
	printf(" %s", shmkit_code_name(shmkit_mutex_lock(s, &v->mu, 20000000)));
	printf(" %s", shmkit_code_name(shmkit_mutex_unlock(s, &v->mu)));
	printf(" %u\n", v->mu);
}

static void ends(const char *text)
{
	struct shmkit_segment *s = attach(text), *again = attach(text);
	struct shmkit_producer p, q;
	struct shmkit_consumer c;
	struct item v = make(1);
	uint64_t n = 0;
	printf("%d", s == again);
	shmkit_detach(again);
	check(shmkit_producer_open(&p, s, sizeof v, &e), "producer");
	printf(" %s", shmkit_code_name(shmkit_producer_open(&q, s, sizeof v, &e)));
	printf(" %s", shmkit_code_name(shmkit_producer_open(&q, s, 8, &e)));
	printf(" %s", shmkit_code_name(shmkit_producer_open(&q, s, 0, &e)));
	printf(" %s", shmkit_code_name(shmkit_put(&p, &v, 8, 0)));
	while (!shmkit_put(&p, &v, sizeof v, 0))
		n++;
	printf(" %llu %s", (unsigned long long)n, shmkit_code_name(shmkit_put(&p, &v, sizeof v, 20000000)));
	check(shmkit_consumer_open(&c, s, sizeof v, &e), "consumer");
	while (!shmkit_get(&c, &v, sizeof v, 0))
		n--;
	printf(" %llu %s", (unsigned long long)n, shmkit_code_name(shmkit_get(&c, &v, sizeof v, 20000000)));
	shmkit_consumer_close(&c);
	for (n = 0; n < 200 && !shmkit_put(&p, &v, sizeof v, -1);)
		n++;
	printf(" %d %s", n < 200, shmkit_code_name(shmkit_put(&p, &v, sizeof v, -1)));
	shmkit_producer_close(&p);
	printf(" %s %s\n", shmkit_code_name(shmkit_put(&p, &v, sizeof v, -1)), shmkit_code_name(shmkit_get(&c, &v, sizeof v, -1)));
	shmkit_detach(s);
}

/* A forked child has none of the parent's memory, attaches anew and counts as another. */
static void forks(const char *text)
{
	struct shmkit_segment *s = attach(text);
	struct pair *v = pair_of(s);
	check(shmkit_mutex_lock(s, &v->mu, -1), "lock");
	fflush(stdout);
	if (!fork()) {
		shmkit_detach(s);
		struct shmkit_segment *t = attach(text);
		struct pair *w = pair_of(t);
		printf("%d %s\n", t->me_ != s->me_, shmkit_code_name(shmkit_mutex_trylock(t, &w->mu)));
		say("child");
		hear();
		say(shmkit_code_name(shmkit_mutex_lock(t, &w->mu, -1)));
		exit(0);
	}
	raise(SIGSTOP);
}

/* What a value of seven words is: all of them equal. */
struct seven {
	uint64_t w[7];
};

static void step(void *x, void *torn)
{
	struct seven *v = x;
	for (int i = 0; i < 7; i++) {
		*(uint64_t *)torn += v->w[i] != v->w[0];
		if (i)
			v->w[i]++;
	}
	v->w[0]++;
}

static void bump(void *x, void *arg)
{
	(void)arg;
	++*(uint64_t *)x;
}

static void values(const char *large, uint64_t n, const char *small)
{
	struct shmkit_segment *s = attach(large), *t = attach(small);
	struct seven x;
	uint64_t w, torn = 0;
	for (uint64_t i = 0; i < n; i++) {
		check(shmkit_value_update(s, &x, sizeof x, step, &torn, -1), "update");
		check(shmkit_value_load(s, &x, sizeof x), "load");
		for (int k = 1; k < 7; k++)
			torn += x.w[k] != x.w[0];
		check(shmkit_value_update(t, &w, 8, bump, NULL, -1), "update");
		check(shmkit_value_load(t, &w, 8), "load");
	}
	printf("%llu torn %s\n", (unsigned long long)torn, shmkit_code_name(shmkit_value_load(t, &w, 4)));
}

/* An array of triples, all elements of which are equal whenever nobody writes. */
struct triple {
	uint64_t w[3];
};

static void array(const char *text, uint64_t n)
{
	struct shmkit_array a;
	check(shmkit_array_open(&a, attach(text), sizeof(struct triple), &e), "array");
	struct triple *all = calloc(a.length, sizeof *all), one;
	uint64_t torn = 0;
	for (uint64_t i = 0; i < n; i++) {
		if (i % 2) {
			check(shmkit_array_read(&a, 0, a.length, all), "read");
			for (uint64_t k = 0; k < a.length; k++)
				torn += memcmp(&all[k], &all[0], sizeof *all) != 0;
			check(shmkit_array_load(&a, i % a.length, &one), "load");
			torn += one.w[0] != one.w[1] || one.w[0] != one.w[2];
		} else {
			for (uint64_t k = 0; k < a.length; k++)
				all[k].w[0] = all[k].w[1] = all[k].w[2] = 2 * i;
			check(shmkit_array_write(&a, 0, a.length, all, -1), "write");
		}
	}
	free(all);
	printf("%llu torn %s\n", (unsigned long long)torn, shmkit_code_name(shmkit_array_load(&a, a.length, &one)));
}

/* Elements of 8 bytes, each 0 or all ones whenever one looks, read to where they are not aligned. */
static void cells(const char *text, uint64_t n)
{
	struct shmkit_array a;
	check(shmkit_array_open(&a, attach(text), 8, &e), "array");
	uint8_t *to = malloc(a.length * 8 + 4);
	uint64_t torn = 0, x;
	for (uint64_t i = 0; i < n; i++) {
		check(shmkit_array_read(&a, 0, a.length, to + 4), "read");
		for (uint64_t k = 0; k < a.length; k++) {
			memcpy(&x, to + 4 + 8 * k, 8);
			torn += x && ~x;
		}
	}
	free(to);
	printf("%llu torn\n", (unsigned long long)torn);
}

/* The marks of package killstep. */
static void mark(int tid, unsigned long which) { syscall(SYS_tgkill, getpid(), tid, SIGSTKFLT, which, 0, 0); }

static int begin(void)
{
	int tid = (int)syscall(SYS_gettid);
	printf("\001begin %d\n", tid);
	fflush(stdout);
	hear();
	for (int i = 0; i < 4; i++)
		mark(tid, 0x4b530001);
	return tid;
}

static void end(int tid) { mark(tid, 0x4b530002); }

static void victim(const char *what, const char *text)
{
	struct shmkit_segment *s = attach(text);
	struct shmkit_producer p;
	struct shmkit_consumer c;
	struct item v = make(0);
	int tid;
	if (!strcmp(what, "mutex")) {
		struct pair *w = pair_of(s);
		tid = begin();
		lock(s, w);
		w->a++;
		__asm__ volatile("" ::: "memory");
		w->b++;
		shmkit_mutex_unlock(s, &w->mu);
	} else if (!strcmp(what, "value")) {
		struct seven x;
		uint64_t torn = 0;
		tid = begin();
		check(shmkit_value_update(s, &x, sizeof x, step, &torn, -1), "update");
	} else if (!strcmp(what, "array")) {
		struct shmkit_array a;
		struct triple all[100];
		memset(all, 1, sizeof all);
		check(shmkit_array_open(&a, s, sizeof *all, &e), "array");
		tid = begin();
		check(shmkit_array_write(&a, 0, a.length, all, -1), "write");
	} else if (!strcmp(what, "put")) {
		tid = begin();
		check(shmkit_producer_open(&p, s, sizeof v, &e), "producer");
		for (uint64_t i = 0; i < 3; i++) {
			v = make(i);
			check(shmkit_put(&p, &v, sizeof v, -1), "put");
		}
		shmkit_producer_close(&p);
	} else if (!strcmp(what, "get")) {
		tid = begin();
		check(shmkit_consumer_open(&c, s, sizeof v, &e), "consumer");
		for (uint64_t i = 0; i < 3; i++)
			check(shmkit_get(&c, &v, sizeof v, -1), "get");
		shmkit_consumer_close(&c);
	} else if (!strcmp(what, "write")) {
		tid = begin();
		check(shmkit_producer_open(&p, s, 0, &e), "producer");
		for (uint64_t i = 0; i < 3; i++)
			check(shmkit_write(&p, "0123456789abcdefghijklmnopqrstuvwxyz", 12 + 8 * i, -1), "write");
		shmkit_producer_close(&p);
	} else {
		tid = begin();
		uint64_t n;
		char b[64];
		check(shmkit_consumer_open(&c, s, 0, &e), "consumer");
		for (uint64_t i = 0; i < 3; i++)
			check(shmkit_read(&c, b, sizeof b, &n, -1), "read");
		shmkit_consumer_close(&c);
	}
	end(tid);
}

#define SIZE(type) printf("%s %zu\n", #type, sizeof(struct type))
#define FIELD(type, field) printf("%s.%s %zu\n", #type, #field, offsetof(struct type, field))

static void layout(void)
{
	SIZE(shmkit_header);
	FIELD(shmkit_header, magic);
	FIELD(shmkit_header, order);
	FIELD(shmkit_header, version);
	FIELD(shmkit_header, features);
	FIELD(shmkit_header, kind);
	FIELD(shmkit_header, format_length);
	FIELD(shmkit_header, id);
	FIELD(shmkit_header, payload_offset);
	FIELD(shmkit_header, payload_size);
	FIELD(shmkit_header, element_size);
	FIELD(shmkit_header, element_align);
	FIELD(shmkit_header, shape);
	FIELD(shmkit_header, codec);
	SIZE(shmkit_spsc);
	FIELD(shmkit_spsc, tail);
	FIELD(shmkit_spsc, puts);
	FIELD(shmkit_spsc, head);
	FIELD(shmkit_spsc, gets);
	FIELD(shmkit_spsc, limit);
	FIELD(shmkit_spsc, not_empty);
	FIELD(shmkit_spsc, not_full);
	FIELD(shmkit_spsc, producer);
	FIELD(shmkit_spsc, consumer);
	FIELD(shmkit_spsc, shut);
	FIELD(shmkit_spsc, takeovers);
	FIELD(shmkit_spsc, put_waits);
	FIELD(shmkit_spsc, put_parks);
	FIELD(shmkit_spsc, get_waits);
	FIELD(shmkit_spsc, get_parks);
	SIZE(shmkit_value);
	FIELD(shmkit_value, word);
	FIELD(shmkit_value, mutex);
	FIELD(shmkit_value, changed);
	SIZE(shmkit_stripe);
	FIELD(shmkit_stripe, version);
	FIELD(shmkit_stripe, mutex);
	FIELD(shmkit_stripe, state);
	FIELD(shmkit_stripe, root);
	FIELD(shmkit_stripe, from);
	FIELD(shmkit_stripe, to);
	FIELD(shmkit_stripe, done);
	printf("version %u\nfeatures %llu\nmax header %llu\nmax size %llu\n", SHMKIT_VERSION, (unsigned long long)SHMKIT_FEATURES,
		(unsigned long long)SHMKIT_MAX_HEADER, (unsigned long long)SHMKIT_MAX_SIZE);
	printf("kinds %d %d %d %d %d %d %d %d %d %d %d %d\n", SHMKIT_SEGMENT, SHMKIT_VAR, SHMKIT_SPSC, SHMKIT_MPMC, SHMKIT_BROADCAST,
		SHMKIT_VALUE, SHMKIT_ARRAY, SHMKIT_QUEUE, SHMKIT_SIMPLE_QUEUE, SHMKIT_JOINABLE_QUEUE, SHMKIT_PIPE, SHMKIT_BOUNDED);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *text = argc > 2 ? argv[2] : "";
	uint64_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	if (!strcmp(what, "layout"))
		layout();
	else if (!strcmp(what, "put"))
		put(text, n);
	else if (!strcmp(what, "get"))
		get(text);
	else if (!strcmp(what, "write"))
		writes(text, n);
	else if (!strcmp(what, "read"))
		reads(text);
	else if (!strcmp(what, "count"))
		count(text, n);
	else if (!strcmp(what, "hold"))
		hold(text);
	else if (!strcmp(what, "mutex"))
		mutex(text);
	else if (!strcmp(what, "rounds"))
		rounds(text);
	else if (!strcmp(what, "ends"))
		ends(text);
	else if (!strcmp(what, "fork"))
		forks(text);
	else if (!strcmp(what, "victim"))
		victim(argv[3], text);
	else if (!strcmp(what, "value"))
		values(text, n, argv[4]);
	else if (!strcmp(what, "array"))
		array(text, n);
	else if (!strcmp(what, "cells"))
		cells(text, n);
	else if (!strcmp(what, "attach"))
		attach(text), say("OK");
	else
		return 2;
	return 0;
}
