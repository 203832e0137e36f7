// The C library's locks between processes: the mutex, the robust mutex, which
// survives its holder, that one as a recursive lock, the adaptive mutex, which
// spins before it sleeps, and the semaphore, as a signal and as a permit.
#include "yard.hpp"
#include <pthread.h>
#include <semaphore.h>
using namespace yard;

struct Locks {
  alignas(kLine) pthread_mutex_t mutex;
  alignas(kLine) sem_t there, back;
  alignas(kLine) volatile uint64_t data;
};

static Locks *make(bool robust, int type = PTHREAD_MUTEX_NORMAL, unsigned tokens = 0) {
  Locks *l = shared<Locks>();
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, type);
  pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  if (robust) pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  if (pthread_mutex_init(&l->mutex, &a) || sem_init(&l->there, 1, tokens) || sem_init(&l->back, 1, 0)) die("init");
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

// permit takes one and gives it back.
static void permit(Page &p, int id, void *arg) {
  Locks &l = *static_cast<Locks *>(arg);
  for (uint64_t i = 1;; i++) {
    sem_wait(&l.there);
    l.data = l.data + 1;
    sem_post(&l.there);
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
  else if (o.name == "adaptive/contended") contention(o, {lock, lock}, make(false, PTHREAD_MUTEX_ADAPTIVE_NP));
  else if (o.name == "recursive") cost(o, lock, make(true, PTHREAD_MUTEX_RECURSIVE));
  else if (o.name == "recursive/contended") contention(o, {lock, lock}, make(true, PTHREAD_MUTEX_RECURSIVE));
  else if (o.name == "permit") cost(o, permit, make(false, PTHREAD_MUTEX_NORMAL, 1));
  else if (o.name == "permit/contended") contention(o, {permit, permit}, make(false, PTHREAD_MUTEX_NORMAL, 1));
  else if (o.name == "sem") cost(o, post, make(false));
  else if (o.name == "sem/rtt") roundtrip(o, ask, answer, make(false));
  else unknown(o);
}
