// The C library's condition variable and barrier, between processes.
#include "yard.hpp"
#include <pthread.h>
using namespace yard;

// Turn is whose turn it is, and how the two tell each other. One mutex guards
// it; each direction has a condition of its own.
struct Turn {
  alignas(kLine) pthread_mutex_t mutex;
  alignas(kLine) pthread_cond_t there;
  alignas(kLine) pthread_cond_t back;
  alignas(kLine) volatile uint64_t asked{0};
};

static Turn *make(bool robust) {
  Turn *t = shared<Turn>();
  pthread_mutexattr_t m;
  pthread_condattr_t c;
  pthread_mutexattr_init(&m), pthread_mutexattr_setpshared(&m, PTHREAD_PROCESS_SHARED);
  if (robust) pthread_mutexattr_setrobust(&m, PTHREAD_MUTEX_ROBUST);
  pthread_condattr_init(&c), pthread_condattr_setpshared(&c, PTHREAD_PROCESS_SHARED);
  if (pthread_mutex_init(&t->mutex, &m) || pthread_cond_init(&t->there, &c) || pthread_cond_init(&t->back, &c)) die("init");
  return t;
}

static void signal(Page &p, int id, void *arg) {
  Turn &t = *static_cast<Turn *>(arg);
  for (uint64_t i = 1;; i++) {
    pthread_cond_signal(&t.there);
    if (i % kMany == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

static void ask(Page &p, int, void *arg) {
  Turn &t = *static_cast<Turn *>(arg);
  trips(p, [&] {
    pthread_mutex_lock(&t.mutex);
    t.asked = 1;
    pthread_cond_signal(&t.there);
    while (t.asked) pthread_cond_wait(&t.back, &t.mutex);
    pthread_mutex_unlock(&t.mutex);
  });
}

static void answer(Page &, int, void *arg) {
  Turn &t = *static_cast<Turn *>(arg);
  for (;;) {
    pthread_mutex_lock(&t.mutex);
    while (!t.asked) pthread_cond_wait(&t.there, &t.mutex);
    t.asked = 0;
    pthread_cond_signal(&t.back);
    pthread_mutex_unlock(&t.mutex);
  }
}

static pthread_barrier_t *barrier(unsigned parties) {
  auto *b = shared<pthread_barrier_t>();
  pthread_barrierattr_t a;
  pthread_barrierattr_init(&a), pthread_barrierattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  if (pthread_barrier_init(b, &a, parties)) die("pthread_barrier_init");
  return b;
}

static void pass(Page &p, int id, void *arg) {
  auto *b = static_cast<pthread_barrier_t *>(arg);
  for (uint64_t i = 1;; i++) {
    pthread_barrier_wait(b);
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

static void meet(Page &p, int, void *arg) {
  auto *b = static_cast<pthread_barrier_t *>(arg);
  trips(p, [&] { pthread_barrier_wait(b); });
}

static void attend(Page &, int, void *arg) {
  for (;;) pthread_barrier_wait(static_cast<pthread_barrier_t *>(arg));
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "signal") cost(o, signal, make(false));
  else if (o.name == "pingpong") roundtrip(o, ask, answer, make(false));
  else if (o.name == "robust/pingpong") roundtrip(o, ask, answer, make(true));
  else if (o.name == "barrier/one") cost(o, pass, barrier(1));
  else if (o.name == "barrier/pingpong") roundtrip(o, meet, attend, barrier(2));
  else unknown(o);
}
