// What all yardsticks share: memory between processes, pinned workers, one
// sample and how it is printed.
//
//   PROGRAM CASE WARM_MS WINDOW_MS CPU0 CPU1
//
// prints the values of one sample, a metric and a number a line, separated by
// a tab. CPU -1 is anywhere. Workers are processes: worker 0 runs on CPU0 and
// consumes or asks, worker 1 runs on CPU1 and produces or answers.
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace yard {

constexpr size_t kLine = 128; // two lines: the neighbour is fetched as well

inline void die(const char *what) { perror(what); _exit(1); }

inline uint64_t now() {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return uint64_t(t.tv_sec) * 1000000000u + t.tv_nsec;
}

inline void nap(int ms) {
  timespec t{ms / 1000, (ms % 1000) * 1000000L};
  nanosleep(&t, nullptr);
}

inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

inline void pin(int cpu) {
  if (cpu < 0) return;
  cpu_set_t s;
  CPU_ZERO(&s);
  CPU_SET(cpu, &s);
  if (sched_setaffinity(0, sizeof s, &s)) die("sched_setaffinity");
}

// shared makes a zeroed T that forked processes share.
template <class T> T *shared() {
  void *p = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (p == MAP_FAILED) die("mmap");
  return new (p) T();
}

enum Phase : uint32_t { kWarming, kMeasuring, kStopped };

// Counter is what one worker tells: how much it has done and, in turns, since
// when it has been waiting and for how long at most.
struct alignas(kLine) Counter { std::atomic<uint64_t> n{0}, since{0}, worst{0}; };

constexpr int kWorkers = 16;         // at most
constexpr uint64_t kMany = 1 << 12;  // steps between two counts of what takes next to no time

// keep makes the compiler believe that x is needed.
inline void keep(uint64_t x) { asm volatile("" ::"r"(x)); }

// Page is what the workers of a sample share with their parent.
struct Page {
  alignas(kLine) std::atomic<uint32_t> phase{kWarming};
  Counter counters[kWorkers];
  double p50{0}, p99{0}, p999{0}, max{0}, trips{0}, worst{0};
};

struct Options { std::string name; int warm, window, cpu[2]; };

inline Options parse(int argc, char **argv) {
  if (argc != 6) { fprintf(stderr, "usage: %s CASE WARM_MS WINDOW_MS CPU0 CPU1\n", argv[0]); exit(2); }
  return {argv[1], atoi(argv[2]), atoi(argv[3]), {atoi(argv[4]), atoi(argv[5])}};
}

inline void print(const char *metric, double v) { printf("%s\t%.9g\n", metric, v); }

// Worker is a loop without an end, or for a round trip until kStopped.
using Worker = void (*)(Page &p, int id, void *arg);

// alive says whether the first n workers have counted, or wait to.
inline bool alive(Page &p, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (p.counters[i].n.load() == 0 && p.counters[i].since.load() == 0) return false;
  return true;
}

// worst is the longest that one of them has waited, or waits.
inline double worst(Page &p, size_t n) {
  uint64_t longest = 0, t = now();
  for (size_t i = 0; i < n; i++) {
    uint64_t since = p.counters[i].since.load();
    longest = std::max({longest, p.counters[i].worst.load(), since && since < t ? t - since : 0});
  }
  return double(longest);
}

// run starts the workers, i on cpu[i % 2], lets them warm up, and gives the rate
// per second of each over the window. Then they are killed. It waits for the
// first to show life, or for all.
inline std::vector<double> run(const Options &o, Page &p, std::vector<Worker> ws, void *arg, bool drains = false, bool all = false) {
  std::vector<pid_t> pids;
  fflush(stdout);
  for (size_t i = 0; i < ws.size(); i++) {
    pid_t pid = fork();
    if (pid < 0) die("fork");
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      pin(o.cpu[i % 2]);
      ws[i](p, int(i), arg);
      _exit(0);
    }
    pids.push_back(pid);
  }
  for (int i = 0; i < 5000 && !alive(p, all ? ws.size() : 1); i++) nap(1);
  nap(o.warm);
  std::vector<double> rates;
  std::vector<uint64_t> before;
  p.phase.store(kMeasuring);
  uint64_t t = now();
  for (size_t i = 0; i < ws.size(); i++) before.push_back(p.counters[i].n.load());
  double sum = 0;
  uint64_t d = 0;
  do { // whoever stands still for a window, on a crowded machine, is measured for longer
    nap(o.window);
    d = now() - t, rates.clear(), sum = 0;
    for (size_t i = 0; i < ws.size(); i++) {
      rates.push_back(double(p.counters[i].n.load() - before[i]) * 1e9 / double(d));
      sum += rates.back();
    }
  } while (sum == 0 && d < 10u * 1000000000u);
  p.worst = worst(p, ws.size());
  p.phase.store(kStopped);
  if (drains) waitpid(pids[0], nullptr, 0), pids.erase(pids.begin());
  for (pid_t k : pids) kill(k, SIGKILL);
  for (pid_t k : pids) waitpid(k, nullptr, 0);
  return rates;
}

// throughput prints what the workers counted together.
inline void throughput(const Options &o, std::vector<Worker> ws, void *arg) {
  Page *p = shared<Page>();
  double sum = 0;
  for (double r : run(o, *p, ws, arg)) sum += r;
  print("throughput", sum);
}

// shares prints that and the slowest worker's share over the fastest's.
inline void shares(const std::vector<double> &r) {
  double sum = 0;
  for (double x : r) sum += x;
  print("throughput", sum);
  print("fairness", *std::min_element(r.begin(), r.end()) / *std::max_element(r.begin(), r.end()));
}

// contention is workers that are in each other's way.
inline void contention(const Options &o, std::vector<Worker> ws, void *arg) {
  Page *p = shared<Page>();
  shares(run(o, *p, ws, arg, false, true));
}

// turns takes a lock, holds it for some ns, gives it back and keeps off it for
// as long, for ever. How long it waits for it is on the page all the while, so
// that whoever never gets it is seen.
template <class Take, class Give> void turns(Page &p, int id, uint64_t held, Take take, Give give) {
  Counter &c = p.counters[id];
  for (uint64_t i = 1, longest = 0, t = now();; i++) {
    c.since.store(t, std::memory_order_relaxed);
    take();
    uint64_t got = now(), until = got + held;
    if (p.phase.load(std::memory_order_relaxed) == kMeasuring && got - t > longest)
      c.worst.store(longest = got - t, std::memory_order_relaxed);
    c.since.store(0, std::memory_order_relaxed);
    while (now() < until) {}
    give();
    c.n.store(i, std::memory_order_relaxed);
    for (until = now() + held; (t = now()) < until;) {}
  }
}

// take_turns prints what n workers got done, how fairly, and the worst wait, be
// it over or not.
inline void take_turns(const Options &o, int n, Worker w, void *arg) {
  Page *p = shared<Page>();
  shares(run(o, *p, std::vector<Worker>(n, w), arg, false, true));
  print("worst", p->worst);
}

// cost prints the time of one step of a single worker.
inline void cost(const Options &o, Worker w, void *arg) {
  Page *p = shared<Page>();
  print("time", 1e9 / run(o, *p, {w}, arg)[0]);
}

// trips times trip until the sample is over, but at least once after the
// warm-up, in worker 0. Before each it pauses for some ns: long enough, and
// whoever answers sleeps.
template <class F> void trips(Page &p, F trip, uint64_t pause = 0) {
  std::vector<uint32_t> ns;
  ns.reserve(1 << 22);
  for (uint32_t ph; (ph = p.phase.load(std::memory_order_relaxed)) != kStopped || ns.empty();) {
    uint64_t t = now();
    for (uint64_t until = t + pause; t < until; t = now()) {}
    trip();
    uint64_t d = now() - t;
    if (ph != kWarming && ns.size() < ns.capacity()) ns.push_back(uint32_t(std::min<uint64_t>(d, UINT32_MAX)));
    p.counters[0].n.fetch_add(1, std::memory_order_relaxed);
  }
  std::sort(ns.begin(), ns.end());
  auto at = [&](double q) { return double(ns[std::min(ns.size() - 1, size_t(q * double(ns.size())))]); };
  p.p50 = at(.5), p.p99 = at(.99), p.p999 = at(.999), p.max = ns.back(), p.trips = double(ns.size());
}

// roundtrip prints their distribution; ask calls trips, answer never ends.
inline void roundtrip(const Options &o, Worker ask, Worker answer, void *arg) {
  Page *p = shared<Page>();
  run(o, *p, {ask, answer}, arg, true);
  print("p50", p->p50), print("p99", p->p99), print("p99.9", p->p999), print("max", p->max), print("trips", p->trips);
}

[[noreturn]] inline void unknown(const Options &o) {
  fprintf(stderr, "no case %s\n", o.name.c_str());
  exit(2);
}

// Block is a message of n bytes.
template <size_t n> struct Block {
  uint64_t v[n / 8];
  Block() = default;
  explicit Block(uint64_t i) { for (auto &x : v) x = i; }
  // use makes the compiler believe that all of it is needed.
  void use() const { uint64_t s = 0; for (auto x : v) s ^= x; asm volatile("" ::"r"(s)); }
};

} // namespace yard
