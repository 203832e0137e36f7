// A ring of bytes between one producer and one consumer: copy in, copy out, in
// chunks of one size, without message bounds.
#include "yard.hpp"
using namespace yard;

template <size_t cap> struct Ring {
  alignas(kLine) std::atomic<uint64_t> head{0};
  alignas(kLine) std::atomic<uint64_t> tail{0};
  alignas(kLine) char data[cap];
};

// The private memory that a side copies from or to moves on, as a program's
// would, within what a cache holds.
template <size_t chunk> constexpr size_t kPrivate = std::max<size_t>(256 << 10, chunk);

template <size_t cap, size_t chunk> void write(Page &, int, void *arg) {
  auto &r = *static_cast<Ring<cap> *>(arg);
  std::vector<char> from(kPrivate<chunk>, 1);
  for (uint64_t h = 0, t = 0, at = 0;; at = (at + chunk) % kPrivate<chunk>) {
    while (h - t + chunk > cap) t = r.tail.load(std::memory_order_acquire);
    memcpy(r.data + h % cap, from.data() + at, chunk);
    r.head.store(h += chunk, std::memory_order_release);
  }
}

template <size_t cap, size_t chunk> void read(Page &p, int id, void *arg) {
  auto &r = *static_cast<Ring<cap> *>(arg);
  std::vector<char> to(kPrivate<chunk>, 1);
  uint64_t n = 0;
  for (uint64_t h = 0, t = 0, at = 0;; at = (at + chunk) % kPrivate<chunk>) {
    while (h - t < chunk) h = r.head.load(std::memory_order_acquire);
    memcpy(to.data() + at, r.data + t % cap, chunk);
    asm volatile("" ::: "memory");
    r.tail.store(t += chunk, std::memory_order_release);
    p.counters[id].n.store(++n, std::memory_order_relaxed);
  }
}

template <size_t cap, size_t chunk> void stream(const Options &o) {
  throughput(o, {read<cap, chunk>, write<cap, chunk>}, shared<Ring<cap>>());
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "64B") stream<256 << 10, 64>(o);
  else if (o.name == "1KiB") stream<1 << 20, 1 << 10>(o);
  else if (o.name == "64KiB") stream<4 << 20, 64 << 10>(o);
  else if (o.name == "1MiB") stream<8 << 20, 1 << 20>(o);
  else unknown(o);
}
