// The C library's lock for readers and writers, between processes.
#include "yard.hpp"
#include <pthread.h>
using namespace yard;

struct Guarded {
  alignas(kLine) pthread_rwlock_t lock;
  alignas(kLine) volatile uint64_t data;
};

static Guarded *make() {
  Guarded *g = shared<Guarded>();
  pthread_rwlockattr_t a;
  pthread_rwlockattr_init(&a);
  pthread_rwlockattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  if (pthread_rwlock_init(&g->lock, &a)) die("pthread_rwlock_init");
  return g;
}

static void read(Page &p, int id, void *arg) {
  Guarded &g = *static_cast<Guarded *>(arg);
  uint64_t sum = 0;
  for (uint64_t i = 1;; i++) {
    pthread_rwlock_rdlock(&g.lock);
    sum += g.data;
    pthread_rwlock_unlock(&g.lock);
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed), keep(sum);
  }
}

static void write(Page &p, int id, void *arg) {
  Guarded &g = *static_cast<Guarded *>(arg);
  for (uint64_t i = 1;; i++) {
    pthread_rwlock_wrlock(&g.lock);
    g.data = g.data + 1;
    pthread_rwlock_unlock(&g.lock);
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "read") cost(o, read, make());
  else if (o.name == "write") cost(o, write, make());
  else if (o.name == "readers2") contention(o, {read, read}, make());
  else if (o.name == "mixed2") contention(o, {read, write}, make());
  else unknown(o);
}
