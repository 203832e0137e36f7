// What the machine can do at best: a cache line that goes there and back, and
// two processes that wake each other by futex.
#include "yard.hpp"
#include <linux/futex.h>
#include <sys/syscall.h>
using namespace yard;

struct Words {
  alignas(kLine) std::atomic<uint32_t> there{0};
  alignas(kLine) std::atomic<uint32_t> back{0};
};

static void line_ask(Page &p, int, void *arg) {
  Words &w = *static_cast<Words *>(arg);
  uint32_t i = 0;
  trips(p, [&] { w.there.store(++i, std::memory_order_release); while (w.back.load(std::memory_order_acquire) != i) {} });
}

static void line_answer(Page &, int, void *arg) {
  Words &w = *static_cast<Words *>(arg);
  for (uint32_t i = 1;; i++) {
    while (w.there.load(std::memory_order_acquire) != i) {}
    w.back.store(i, std::memory_order_release);
  }
}

static void wake(std::atomic<uint32_t> &w, uint32_t v) {
  w.store(v);
  syscall(SYS_futex, &w, FUTEX_WAKE, 1, nullptr, nullptr, 0);
}

static void sleep_until(std::atomic<uint32_t> &w, uint32_t v) {
  for (uint32_t x; (x = w.load()) != v;) syscall(SYS_futex, &w, FUTEX_WAIT, x, nullptr, nullptr, 0);
}

static void futex_ask(Page &p, int, void *arg) {
  Words &w = *static_cast<Words *>(arg);
  uint32_t i = 0;
  trips(p, [&] { wake(w.there, ++i); sleep_until(w.back, i); });
}

static void futex_answer(Page &, int, void *arg) {
  Words &w = *static_cast<Words *>(arg);
  for (uint32_t i = 1;; i++) { sleep_until(w.there, i); wake(w.back, i); }
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "line") roundtrip(o, line_ask, line_answer, shared<Words>());
  else if (o.name == "futex") roundtrip(o, futex_ask, futex_answer, shared<Words>());
  else unknown(o);
}
