// The ring of shmkit as a C program uses it, by its header shmkit.h, in the loops
// of the other yardsticks. The environment variable SHMKIT_RING is the text of a
// handle to a ring of 1024 items of the case's size; `go test -bench CSide
// ./include` makes one and compares.
#include "shmkit.h"
#include "queue.hpp"
using namespace yard;

static shmkit_segment *ring() {
  shmkit_error e;
  shmkit_segment *s;
  const char *text = getenv("SHMKIT_RING");
  if (!text) { fprintf(stderr, "SHMKIT_RING is not set\n"); _exit(2); }
  if (shmkit_attach_text(&s, text, &e)) { fprintf(stderr, "%s\n", e.text); _exit(1); }
  return s;
}

static void die_of(const shmkit_error &e) { fprintf(stderr, "%s\n", e.text); _exit(1); }

template <size_t n> void put(Page &, int, void *) {
  shmkit_producer p;
  shmkit_error e;
  if (shmkit_producer_open(&p, ring(), n, &e)) die_of(e);
  for (uint64_t i = 0;; i++) { Block<n> v(i); while (shmkit_put(&p, &v, sizeof v, -1)) {} }
}

template <size_t n> void get(Page &page, int id, void *) {
  shmkit_consumer c;
  shmkit_error e;
  if (shmkit_consumer_open(&c, ring(), n, &e)) die_of(e);
  Block<n> v;
  for (uint64_t i = 1;; i++) {
    while (shmkit_get(&c, &v, sizeof v, -1)) {}
    v.use();
    if (i % 128 == 0) page.counters[id].n.store(i, std::memory_order_relaxed);
  }
}

int main(int argc, char **argv) {
  Options o = parse(argc, argv);
  if (o.name == "8B") throughput(o, {get<8>, put<8>}, nullptr);
  else if (o.name == "64B") throughput(o, {get<64>, put<64>}, nullptr);
  else unknown(o);
}
