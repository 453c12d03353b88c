//! Memory that a serving process keeps for what comes next, instead of giving it back to the system at every turn.
//!
//! glibc gives the free end of each heap back as soon as it is longer than a threshold, 128 KiB at first; a stream of
//! messages then pays a page fault for each page of each message. It raises the threshold to twice the largest block of
//! its own that was let go of (mallopt(3), "dynamic mmap threshold"), so letting go of one block is enough. With another
//! allocator it does nothing. Not here: what bounds the memory itself (the queues of `comity-node`).

/// Size of the block, in bytes: each heap keeps at most twice as much at its end. Larger than any buffer of the node's
/// streams, so that none of them is mapped and unmapped each time.
const BLOCK_BYTES: usize = 2 << 20;

/// To be called once, before the threads that serve begin.
pub(crate) fn keep() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(BLOCK_BYTES)));
}
