// A ring of one producer and one consumer that each remember the other's index:
// as fast as the best public ones. It spins, and a death leaves it stuck.
#include "queue.hpp"
using namespace yard;

template <class T, size_t n> struct Ring {
  using value_type = T;
  alignas(kLine) std::atomic<uint64_t> head{0};
  uint64_t seen_tail{0};
  alignas(kLine) std::atomic<uint64_t> tail{0};
  uint64_t seen_head{0};
  alignas(kLine) T slots[n];

  bool push(const T &v) {
    uint64_t h = head.load(std::memory_order_relaxed);
    if (h - seen_tail >= n) {
      seen_tail = tail.load(std::memory_order_acquire);
      if (h - seen_tail >= n) return false;
    }
    slots[h % n] = v;
    head.store(h + 1, std::memory_order_release);
    return true;
  }
  bool pop(T &v) {
    uint64_t t = tail.load(std::memory_order_relaxed);
    if (t == seen_head) {
      seen_head = head.load(std::memory_order_acquire);
      if (t == seen_head) return false;
    }
    v = slots[t % n];
    tail.store(t + 1, std::memory_order_release);
    return true;
  }
};

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "8B") stream<Ring<Block<8>, 1024>>(o);
  else if (o.name == "64B") stream<Ring<Block<64>, 1024>>(o);
  else if (o.name == "8B/rtt") echo<Ring<Block<8>, 1024>>(o);
  else if (o.name == "64B/rtt") echo<Ring<Block<64>, 1024>>(o);
  else unknown(o);
}
