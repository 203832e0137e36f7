// Loops over any queue that has bool push(const T &) and bool pop(T &), neither
// of which waits.
#pragma once
#include "yard.hpp"

namespace yard {

enum Wait { kSpin, kYield };
template <Wait w> void wait() { if (w == kYield) sched_yield(); }

// produce counts what it has put if counts says so; else only what arrives counts.
template <class Q, Wait w = kSpin, bool counts = false> void produce(Page &p, int id, void *arg) {
  Q &q = *static_cast<Q *>(arg);
  using T = typename Q::value_type;
  for (uint64_t i = 0;; i++) {
    T v(i);
    while (!q.push(v)) wait<w>();
    if (counts && i % 128 == 127) p.counters[id].n.store(i + 1, std::memory_order_relaxed);
  }
}

template <class Q, Wait w = kSpin> void consume(Page &p, int id, void *arg) {
  Q &q = *static_cast<Q *>(arg);
  typename Q::value_type v;
  for (uint64_t i = 1;; i++) {
    while (!q.pop(v)) wait<w>();
    v.use();
    if (i % 128 == 0) p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

template <class Q> struct There { Q there, back; };

template <class Q> void ask(Page &p, int, void *arg) {
  auto &q = *static_cast<There<Q> *>(arg);
  typename Q::value_type v(1);
  trips(p, [&] { while (!q.there.push(v)) {} while (!q.back.pop(v)) {} v.use(); });
}

template <class Q> void answer(Page &, int, void *arg) {
  auto &q = *static_cast<There<Q> *>(arg);
  for (typename Q::value_type v;;) { while (!q.there.pop(v)) {} while (!q.back.push(v)) {} }
}

// stream is one producer and one consumer; both spin.
template <class Q> void stream(const Options &o) { throughput(o, {consume<Q>, produce<Q>}, shared<Q>()); }

// crowd is two of each on two CPUs. The consumers count; all yield, for with
// more of them than CPUs whoever spins keeps off whom he waits for.
template <class Q> void crowd(const Options &o) {
  throughput(o, {consume<Q, kYield>, consume<Q, kYield>, produce<Q, kYield>, produce<Q, kYield>}, shared<Q>());
}

// throng is eight of each: far more than CPUs. Both sides count, so that it shows who gets nothing done.
template <class Q> void throng(const Options &o) {
  std::vector<Worker> ws(8, consume<Q, kYield>);
  ws.insert(ws.end(), 8, produce<Q, kYield, true>);
  contention(o, ws, shared<Q>());
}

template <class Q> void echo(const Options &o) { roundtrip(o, ask<Q>, answer<Q>, shared<There<Q>>()); }

} // namespace yard
