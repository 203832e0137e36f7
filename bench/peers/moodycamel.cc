// moodycamel::ConcurrentQueue, between the threads of one process: it cannot lie in shared memory. Its order is first
// in, first out for each producer only, and try_enqueue refuses when what was allocated at first is full.
#if __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#elif __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#else
#include <concurrentqueue.h>
#endif
#include "queue.hpp"
#include <thread>
using namespace yard;

template <class T> struct Camel {
  using value_type = T;
  moodycamel::ConcurrentQueue<T> q;
  explicit Camel(int producers) : q(1024, 0, producers) {}
  bool push(const T &v) { return q.try_enqueue(v); }
  bool pop(T &v) { return q.try_dequeue(v); }
};

struct Setting { const Options *o; int sides; };

// all is every worker as a thread of one process. The consumers share a counter.
template <class T, Wait w> void all(Page &p, int, void *arg) {
  Setting s = *static_cast<Setting *>(arg);
  Camel<T> q(s.sides);
  std::vector<std::thread> threads;
  for (int i = 0; i < s.sides; i++) {
    threads.emplace_back([&, i] {
      pin(s.o->cpu[i % 2]);
      T v;
      for (uint64_t k = 1;; k++) {
        while (!q.pop(v)) wait<w>();
        v.use();
        if (k % 128 == 0) p.counters[0].n.fetch_add(128, std::memory_order_relaxed);
      }
    });
    threads.emplace_back([&, i] {
      pin(s.o->cpu[(i + s.sides) % 2]);
      produce<Camel<T>, w>(p, 0, &q);
    });
  }
  for (auto &t : threads) t.join();
}

template <class T> void threads(const Options &o, int sides) {
  Setting s{&o, sides};
  throughput(o, {sides > 1 ? all<T, kYield> : all<T, kSpin>}, &s);
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "8B") threads<Block<8>>(o, 1);
  else if (o.name == "64B") threads<Block<64>>(o, 1);
  else if (o.name == "1KiB") threads<Block<1024>>(o, 1);
  else if (o.name == "8B/2x2") threads<Block<8>>(o, 2);
  else unknown(o);
}
