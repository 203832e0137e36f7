// crossbeam's ArrayQueue, between the threads of one process: it cannot lie in shared memory.
//
//   PROGRAM SIZE[/2x2] WARM_MS WINDOW_MS CPU0 CPU1
use crossbeam_queue::ArrayQueue;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

extern "C" {
    fn sched_setaffinity(pid: i32, size: usize, mask: *const u64) -> i32;
}

fn pin(cpu: i32) {
    if cpu >= 0 {
        let mut set = [0u64; 16]; // 1024 CPUs, as glibc's cpu_set_t
        set[cpu as usize / 64] = 1 << (cpu as usize % 64);
        unsafe { sched_setaffinity(0, 128, set.as_ptr()) };
    }
}

fn wait(crowd: bool) {
    if crowd {
        std::thread::yield_now()
    }
}

fn sample<const N: usize>(sides: usize, warm: u64, window: u64, cpus: [i32; 2]) {
    let q = Arc::new(ArrayQueue::<[u64; N]>::new(1024));
    let counts: Vec<Arc<AtomicU64>> = (0..sides).map(|_| Arc::new(AtomicU64::new(0))).collect();
    for i in 0..2 * sides {
        let (q, cpu) = (q.clone(), cpus[i % 2]);
        if i < sides {
            let n = counts[i].clone();
            std::thread::spawn(move || {
                pin(cpu);
                for k in 1u64.. {
                    let v = loop {
                        match q.pop() {
                            Some(v) => break v,
                            None => wait(sides > 1),
                        }
                    };
                    std::hint::black_box(v);
                    if k % 128 == 0 {
                        n.store(k, Relaxed)
                    }
                }
            });
        } else {
            std::thread::spawn(move || {
                pin(cpu);
                for k in 0u64.. {
                    let mut v = [k; N];
                    while let Err(back) = q.push(v) {
                        v = back;
                        wait(sides > 1)
                    }
                }
            });
        }
    }
    let total = || counts.iter().map(|n| n.load(Relaxed)).sum::<u64>();
    std::thread::sleep(Duration::from_millis(warm));
    let (before, begin) = (total(), Instant::now());
    while total() == before || begin.elapsed() < Duration::from_millis(window) {
        std::thread::sleep(Duration::from_millis(window));
    }
    println!("throughput\t{}", (total() - before) as f64 / begin.elapsed().as_secs_f64());
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n = |i: usize| a[i].parse::<i64>().expect("a number");
    let (warm, window, cpus) = (n(2) as u64, n(3) as u64, [n(4) as i32, n(5) as i32]);
    match a[1].as_str() {
        "8B" => sample::<1>(1, warm, window, cpus),
        "64B" => sample::<8>(1, warm, window, cpus),
        "1KiB" => sample::<128>(1, warm, window, cpus),
        "8B/2x2" => sample::<1>(2, warm, window, cpus),
        other => panic!("no case {other}"),
    }
    std::process::exit(0) // with the threads as they are
}
