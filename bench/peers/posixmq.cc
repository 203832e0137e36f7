// POSIX message queues: a system call for each message. Ten messages are what everybody may have in one.
#include "yard.hpp"
#include <fcntl.h>
#include <mqueue.h>
using namespace yard;

struct Messages { mqd_t q; size_t size; };

static void produce(Page &, int, void *arg) {
  Messages &m = *static_cast<Messages *>(arg);
  for (std::vector<char> b(m.size, 1);;) if (mq_send(m.q, b.data(), m.size, 0)) die("mq_send");
}

static void consume(Page &p, int id, void *arg) {
  Messages &m = *static_cast<Messages *>(arg);
  std::vector<char> b(m.size);
  for (uint64_t i = 1;; i++) {
    if (mq_receive(m.q, b.data(), m.size, nullptr) < 0) die("mq_receive");
    p.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

static void stream(const Options &o, size_t size, size_t sides) {
  std::string name = "/shmkit-yard-" + std::to_string(getpid());
  mq_attr attr{};
  attr.mq_maxmsg = 10, attr.mq_msgsize = long(size);
  Messages m{mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, &attr), size};
  if (m.q == mqd_t(-1)) die("mq_open");
  mq_unlink(name.c_str());
  std::vector<Worker> ws(sides, consume);
  ws.insert(ws.end(), sides, produce);
  throughput(o, ws, &m);
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "8B") stream(o, 8, 1);
  else if (o.name == "64B") stream(o, 64, 1);
  else if (o.name == "1KiB") stream(o, 1 << 10, 1);
  else if (o.name == "8B/2x2") stream(o, 8, 2);
  else unknown(o);
}
