// The C library's locks between processes: the mutex, the robust mutex, which
// survives its holder, and the semaphore.
#include "yard.hpp"
#include <pthread.h>
#include <semaphore.h>
using namespace yard;

struct Locks {
  alignas(kLine) pthread_mutex_t mutex;
  alignas(kLine) sem_t there, back;
  alignas(kLine) volatile uint64_t data;
};

static Locks *make(bool robust) {
  Locks *l = shared<Locks>();
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  if (robust) pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  if (pthread_mutex_init(&l->mutex, &a) || sem_init(&l->there, 1, 0) || sem_init(&l->back, 1, 0)) die("init");
  return l;
}

static void lock(Page &p, int id, void *arg) {
  Locks &l = *static_cast<Locks *>(arg);
  for (uint64_t i = 1;; i++) {
    pthread_mutex_lock(&l.mutex);
    l.data = l.data + 1;
    pthread_mutex_unlock(&l.mutex);
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

static void post(Page &p, int id, void *arg) {
  Locks &l = *static_cast<Locks *>(arg);
  for (uint64_t i = 1;; i++) {
    sem_post(&l.there);
    sem_wait(&l.there);
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

static void ask(Page &p, int, void *arg) {
  Locks &l = *static_cast<Locks *>(arg);
  trips(p, [&] { sem_post(&l.there); sem_wait(&l.back); });
}

static void answer(Page &, int, void *arg) {
  Locks &l = *static_cast<Locks *>(arg);
  for (;;) { sem_wait(&l.there); sem_post(&l.back); }
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "mutex") cost(o, lock, make(false));
  else if (o.name == "robust") cost(o, lock, make(true));
  else if (o.name == "mutex/contended") contention(o, {lock, lock}, make(false));
  else if (o.name == "robust/contended") contention(o, {lock, lock}, make(true));
  else if (o.name == "sem") cost(o, post, make(false));
  else if (o.name == "sem/rtt") roundtrip(o, ask, answer, make(false));
  else unknown(o);
}
