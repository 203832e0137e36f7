// Single instructions on memory that processes share: what a check that a
// thing is done, or a count up and down, costs at least.
#include "yard.hpp"
using namespace yard;

struct alignas(kLine) Cell { std::atomic<uint64_t> v{0}; };

static void load(Page &p, int id, void *arg) {
  Cell &c = *static_cast<Cell *>(arg);
  uint64_t seen = 0;
  for (uint64_t i = 1;; i++) {
    seen += c.v.load(std::memory_order_acquire);
    if (i % kMany == 0) p.counters[id].n.store(i, std::memory_order_relaxed), keep(seen);
  }
}

static void count(Page &p, int id, void *arg) {
  Cell &c = *static_cast<Cell *>(arg);
  for (uint64_t i = 1;; i++) {
    c.v.fetch_add(1);
    c.v.fetch_sub(1);
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

static void add(Page &p, int id, void *arg) {
  Cell &c = *static_cast<Cell *>(arg);
  for (uint64_t i = 1;; i++) {
    c.v.fetch_add(1);
    if (i % kMany == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "load") cost(o, load, shared<Cell>());
  else if (o.name == "add") cost(o, add, shared<Cell>());
  else if (o.name == "count") cost(o, count, shared<Cell>());
  else unknown(o);
}
