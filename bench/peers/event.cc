// An event made of one futex word, as good as one makes it by hand: nobody
// calls the kernel unless somebody sleeps. It sleeps at once, or spins for a
// while first.
#include "futex.hpp"
#include "yard.hpp"
using namespace yard;

enum State : uint32_t { kClear, kSet, kAwaited }; // kAwaited: clear, and somebody may sleep

constexpr uint64_t kSpins = 50 * 1000;  // ns: about what a wake-up takes
constexpr uint64_t kPause = 200 * 1000; // ns: nobody spins for so long

struct Event {
  alignas(kLine) Word w{kClear};

  bool is_set() const { return w.load(std::memory_order_acquire) == kSet; }
  void set() { if (w.exchange(kSet) == kAwaited) futex_wake(w, INT_MAX); }
  void clear() { uint32_t old = kSet; w.compare_exchange_strong(old, kClear); }
  void spin() const {
    for (uint64_t until = now() + kSpins; now() < until;)
      for (int i = 0; i < 16; i++) { if (is_set()) return; relax(); }
  }
  template <bool spins> void wait() {
    if (spins && !is_set()) spin();
    while (!is_set()) {
      uint32_t old = kClear;
      if (w.compare_exchange_strong(old, kAwaited) || old == kAwaited) futex_wait(w, kAwaited);
    }
  }
};

struct Events { Event there, back; };

static void look(Page &p, int id, void *arg) {
  Events &e = *static_cast<Events *>(arg);
  uint64_t seen = 0;
  for (uint64_t i = 1;; i++) {
    seen += e.there.is_set();
    if (i % kMany == 0) p.counters[id].n.store(i, std::memory_order_relaxed), keep(seen);
  }
}

static void flip(Page &p, int id, void *arg) {
  Events &e = *static_cast<Events *>(arg);
  for (uint64_t i = 1;; i++) {
    e.there.set();
    e.there.clear();
    if (i % 32 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

template <bool spins, uint64_t pause = 0> void ask(Page &p, int, void *arg) {
  Events &e = *static_cast<Events *>(arg);
  trips(p, [&] { e.there.set(); e.back.wait<spins>(); e.back.clear(); }, pause);
}

template <bool spins> void answer(Page &, int, void *arg) {
  Events &e = *static_cast<Events *>(arg);
  for (;;) { e.there.wait<spins>(); e.there.clear(); e.back.set(); }
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  Events *e = shared<Events>();
  if (o.name == "isset") e->there.set(), cost(o, look, e);
  else if (o.name == "setclear") cost(o, flip, e);
  else if (o.name == "pingpong") roundtrip(o, ask<false>, answer<false>, e);
  else if (o.name == "pingpong/spin") roundtrip(o, ask<true>, answer<true>, e);
  else if (o.name == "wake") roundtrip(o, ask<false, kPause>, answer<false>, e);
  else if (o.name == "wake/spin") roundtrip(o, ask<true, kPause>, answer<true>, e);
  else unknown(o);
}
