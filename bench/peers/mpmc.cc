// Vyukov's bounded queue of many producers and many consumers. Packed it has
// four slots to a cache line, padded one. A death in it leaves it stuck.
#include "queue.hpp"
#include <type_traits>
using namespace yard;

template <class T, size_t n, bool padded> struct Queue {
  using value_type = T;
  struct Packed { std::atomic<uint64_t> seq; T v; };
  struct alignas(64) Padded { std::atomic<uint64_t> seq; T v; };
  using Slot = std::conditional_t<padded, Padded, Packed>;
  alignas(kLine) std::atomic<uint64_t> head{0};
  alignas(kLine) std::atomic<uint64_t> tail{0};
  alignas(kLine) Slot slots[n];

  Queue() { for (size_t i = 0; i < n; i++) slots[i].seq = i; }

  bool push(const T &v) {
    for (uint64_t p = head.load(std::memory_order_relaxed);;) {
      Slot &s = slots[p % n];
      int64_t d = int64_t(s.seq.load(std::memory_order_acquire) - p);
      if (d < 0) return false;
      if (d > 0) { p = head.load(std::memory_order_relaxed); continue; }
      if (!head.compare_exchange_weak(p, p + 1, std::memory_order_relaxed)) continue;
      s.v = v;
      s.seq.store(p + 1, std::memory_order_release);
      return true;
    }
  }
  bool pop(T &v) {
    for (uint64_t p = tail.load(std::memory_order_relaxed);;) {
      Slot &s = slots[p % n];
      int64_t d = int64_t(s.seq.load(std::memory_order_acquire) - (p + 1));
      if (d < 0) return false;
      if (d > 0) { p = tail.load(std::memory_order_relaxed); continue; }
      if (!tail.compare_exchange_weak(p, p + 1, std::memory_order_relaxed)) continue;
      v = s.v;
      s.seq.store(p + n, std::memory_order_release);
      return true;
    }
  }
};

template <size_t size> using Packed = Queue<Block<size>, 1024, false>;
template <size_t size> using Padded = Queue<Block<size>, 1024, true>;

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "packed") stream<Packed<8>>(o);
  else if (o.name == "padded") stream<Padded<8>>(o);
  else if (o.name == "packed/64B") stream<Packed<64>>(o);
  else if (o.name == "padded/64B") stream<Padded<64>>(o);
  else if (o.name == "packed/1KiB") stream<Packed<1024>>(o);
  else if (o.name == "padded/1KiB") stream<Padded<1024>>(o);
  else if (o.name == "packed/2x2") crowd<Packed<8>>(o);
  else if (o.name == "padded/2x2") crowd<Padded<8>>(o);
  else if (o.name == "packed/8x8") throng<Packed<8>>(o);
  else if (o.name == "padded/8x8") throng<Padded<8>>(o);
  else if (o.name == "packed/rtt") echo<Packed<8>>(o);
  else if (o.name == "padded/rtt") echo<Padded<8>>(o);
  else unknown(o);
}
