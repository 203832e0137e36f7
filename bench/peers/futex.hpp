// Waiting on a 32-bit word that processes share, through the kernel.
#pragma once
#include <atomic>
#include <climits>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace yard {

using Word = std::atomic<uint32_t>;

inline void futex_wait(Word &w, uint32_t old) { syscall(SYS_futex, &w, FUTEX_WAIT, old, nullptr, nullptr, 0); }
inline void futex_wake(Word &w, int n) { syscall(SYS_futex, &w, FUTEX_WAKE, n, nullptr, nullptr, 0); }

} // namespace yard
