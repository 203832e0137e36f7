// A lock that two processes want, or many more than there are CPUs: each holds
// it for a microsecond, keeps off it for another, and wants it again.
#include "yard.hpp"
#include <pthread.h>
using namespace yard;

constexpr uint64_t kHeld = 1000; // ns

struct Guarded {
  alignas(kLine) pthread_mutex_t mutex;
  alignas(kLine) volatile uint64_t data;
};

static Guarded *make(int type, bool robust) {
  Guarded *g = shared<Guarded>();
  pthread_mutexattr_t a;
  pthread_mutexattr_init(&a);
  pthread_mutexattr_settype(&a, type);
  pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
  if (robust) pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
  if (pthread_mutex_init(&g->mutex, &a)) die("pthread_mutex_init");
  return g;
}

static void want(Page &p, int id, void *arg) {
  Guarded &g = *static_cast<Guarded *>(arg);
  turns(p, id, kHeld, [&] { pthread_mutex_lock(&g.mutex); g.data = g.data + 1; }, [&] { pthread_mutex_unlock(&g.mutex); });
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "mutex/2") take_turns(o, 2, want, make(PTHREAD_MUTEX_NORMAL, false));
  else if (o.name == "adaptive/2") take_turns(o, 2, want, make(PTHREAD_MUTEX_ADAPTIVE_NP, false));
  else if (o.name == "robust/2") take_turns(o, 2, want, make(PTHREAD_MUTEX_NORMAL, true));
  else if (o.name == "mutex/16") take_turns(o, 16, want, make(PTHREAD_MUTEX_NORMAL, false));
  else if (o.name == "adaptive/16") take_turns(o, 16, want, make(PTHREAD_MUTEX_ADAPTIVE_NP, false));
  else if (o.name == "robust/16") take_turns(o, 16, want, make(PTHREAD_MUTEX_NORMAL, true));
  else unknown(o);
}
