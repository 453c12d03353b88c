//! Where the node does what blocks: the one way off the threads that serve connections.
//!
//! Reads and writes of the store block, and so does the author's whole work. Not here: how much of it may be under way
//! at a time (whoever asks for it).
//!
//! In a build with `--cfg comity_simulated` all of it runs on the one thread of the simulation instead, in the order in
//! which it was asked for: with threads of the system no seed would show the same twice. What waits for its reader
//! while it blocks, as an export does, cannot be simulated. No release is built so.

#[cfg(all(comity_simulated, not(debug_assertions)))]
compile_error!("the network is simulated for the tests alone: a release build has a real one");

use tokio::task::JoinHandle;

/// Runs work that blocks and ends by itself.
#[cfg(not(comity_simulated))]
pub(crate) fn off_reactor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::task::spawn_blocking(work)
}

/// Runs work in its turn among the tasks.
#[cfg(comity_simulated)]
pub(crate) fn off_reactor<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(async move { work() })
}

/// Runs, in a thread of its own, work that blocks between two awaits and ends only when it is told to. Must be called
/// within a tokio runtime.
///
/// # Errors
/// When the system gives no thread.
#[cfg(not(comity_simulated))]
pub(crate) fn in_own_thread(
    name: &str,
    work: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work)).map(drop)
}

/// Runs work among the tasks, until it ends.
#[cfg(comity_simulated)]
pub(crate) fn in_own_thread(
    _name: &str,
    work: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    drop(tokio::spawn(work));
    Ok(())
}

/// Runs two pieces of work that end by themselves beside each other, the second in a thread of its own where the
/// system gives one. The second result is always there.
#[cfg(not(comity_simulated))]
pub(crate) fn beside<A, B: Send>(
    name: &str,
    here: impl FnOnce() -> A,
    there: impl FnOnce() -> B + Send,
) -> (A, Option<B>) {
    let mut waiting = Some(there);
    let (first, second) = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn_scoped(scope, || waiting.take().map(|work| work()));
        let first = here();
        let join = |thread: std::thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        (first, thread.ok().and_then(join))
    });
    (first, second.or_else(|| waiting.map(|work| work())))
}

/// Runs one after the other.
#[cfg(comity_simulated)]
pub(crate) fn beside<A, B: Send>(
    _name: &str,
    here: impl FnOnce() -> A,
    there: impl FnOnce() -> B + Send,
) -> (A, Option<B>) {
    (here(), Some(there()))
}
