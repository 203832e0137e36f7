// Boost's queues: lockfree::spsc_queue, lockfree::queue and
// interprocess::message_queue.
#include "queue.hpp"
#include <boost/interprocess/ipc/message_queue.hpp>
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
using namespace yard;
namespace bi = boost::interprocess;

template <class T> struct Spsc {
  using value_type = T;
  boost::lockfree::spsc_queue<T, boost::lockfree::capacity<1023>> q;
  bool push(const T &v) { return q.push(v); }
  bool pop(T &v) { return q.pop(v); }
};

template <class T> struct Mpmc {
  using value_type = T;
  boost::lockfree::queue<T, boost::lockfree::capacity<1024>> q;
  bool push(const T &v) { return q.push(v); }
  bool pop(T &v) { return q.pop(v); }
};

// A message_queue has a name; it goes as soon as both sides have it by fork.
constexpr size_t kMost = 64 << 10;

struct Messages {
  size_t size;
  bi::message_queue *there, *back;
};

static bi::message_queue *open(const char *way, size_t size) {
  std::string name = std::string("shmkit-yard-") + way + "-" + std::to_string(getpid());
  bi::message_queue::remove(name.c_str());
  auto *q = new bi::message_queue(bi::create_only, name.c_str(), size > 4096 ? 64 : 1024, size);
  bi::message_queue::remove(name.c_str());
  return q;
}

static Messages messages(size_t size) { return {size, open("there", size), open("back", size)}; }

static size_t take(bi::message_queue *q, char *b) {
  bi::message_queue::size_type n;
  unsigned priority;
  q->receive(b, kMost, n, priority);
  return n;
}

static void produce_messages(Page &, int, void *arg) {
  Messages &m = *static_cast<Messages *>(arg);
  for (std::vector<char> b(kMost, 1);;) m.there->send(b.data(), m.size, 0);
}

static void consume_messages(Page &p, int id, void *arg) {
  Messages &m = *static_cast<Messages *>(arg);
  std::vector<char> b(kMost);
  for (uint64_t i = 1;; i++) { take(m.there, b.data()); p.counters[id].n.store(i, std::memory_order_relaxed); }
}

static void ask_messages(Page &p, int, void *arg) {
  Messages &m = *static_cast<Messages *>(arg);
  std::vector<char> b(kMost, 1);
  trips(p, [&] { m.there->send(b.data(), m.size, 0); take(m.back, b.data()); });
}

static void answer_messages(Page &, int, void *arg) {
  Messages &m = *static_cast<Messages *>(arg);
  for (std::vector<char> b(kMost);;) m.back->send(b.data(), take(m.there, b.data()), 0);
}

static void message_stream(const Options &o, size_t size, size_t sides = 1) {
  Messages m = messages(size);
  std::vector<Worker> ws(sides, consume_messages);
  ws.insert(ws.end(), sides, produce_messages);
  throughput(o, ws, &m);
}

static void message_echo(const Options &o, size_t size) {
  Messages m = messages(size);
  roundtrip(o, ask_messages, answer_messages, &m);
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "spsc/8B") stream<Spsc<Block<8>>>(o);
  else if (o.name == "spsc/64B") stream<Spsc<Block<64>>>(o);
  else if (o.name == "spsc/8B/rtt") echo<Spsc<Block<8>>>(o);
  else if (o.name == "mpmc/8B") stream<Mpmc<Block<8>>>(o);
  else if (o.name == "mpmc/64B") stream<Mpmc<Block<64>>>(o);
  else if (o.name == "mpmc/1KiB") stream<Mpmc<Block<1024>>>(o);
  else if (o.name == "mpmc/8B/2x2") crowd<Mpmc<Block<8>>>(o);
  else if (o.name == "mpmc/8B/8x8") throng<Mpmc<Block<8>>>(o);
  else if (o.name == "messages/8B") message_stream(o, 8);
  else if (o.name == "messages/64B") message_stream(o, 64);
  else if (o.name == "messages/1KiB") message_stream(o, 1 << 10);
  else if (o.name == "messages/8B/2x2") message_stream(o, 8, 2);
  else if (o.name == "messages/64KiB") message_stream(o, 64 << 10);
  else if (o.name == "messages/8B/rtt") message_echo(o, 8);
  else unknown(o);
}
