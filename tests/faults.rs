//! What is promised when the disk fails: nothing acknowledged is lost, nothing lost is acknowledged, nothing forks.
//!
//! Goal: each module tries one kind of fault at every place where it can come. Way: the real program on real files,
//! with a library of our own between it and the system (`shim/faults.c`). Not here: kills (`crash`, `federation`).

mod commands;
mod disk;
mod full;
mod power;
mod rot;
pub(crate) mod served;
pub(crate) mod shim;
mod syncs;
