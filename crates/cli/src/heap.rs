//! The allocator of the program: jemalloc, with one heap (`.cargo/config.toml`).
//!
//! glibc gives almost each thread a heap of its own, up to eight for each processor, and what one thread lets go of in
//! the heap of another stays there: at a follower, whose frames go from thread to thread, that was half of its memory
//! (`docs/performance.md`). Not here: what bounds the memory itself (the queues of
//! `comity-node`).

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static HEAP: Jemalloc = Jemalloc;
