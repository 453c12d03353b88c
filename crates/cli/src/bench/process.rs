//! What the system says of a process and of this machine: memory, processor time, space on disk, load.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use super::failed;
use crate::answer::Refusal;

/// Length of a tick of `/proc/PID/stat`, in ms: Linux counts in hundredths of a second for programs.
const TICK_MS: u64 = 10;
/// Bytes of a block of `stat`, whatever the file system.
const BLOCK_BYTES: u64 = 512;

/// The load of the last minute; 0 where the system does not tell.
pub(super) fn load() -> f64 {
    let read = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    read.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default()
}

/// Most memory that a process has had so far (`VmHWM`), in bytes.
pub(super) fn peak_bytes(process: u32) -> Result<u64, Refusal> {
    let read = std::fs::read_to_string(format!("/proc/{process}/status")).map_err(failed)?;
    let line = read.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")).and_then(|word| word.parse::<u64>().ok());
    kib.map(|kib| kib.saturating_mul(1_024)).ok_or_else(|| failed("the system does not tell VmHWM"))
}

/// Has the most memory of this process counted anew from what it has now.
pub(super) fn reset_peak() -> Result<(), Refusal> {
    // proc_pid_clear_refs(5): 5 sets the mark to what is resident now.
    std::fs::write("/proc/self/clear_refs", "5").map_err(failed)
}

/// Processor time that a process has used so far.
pub(super) fn processor_time(process: u32) -> Result<Duration, Refusal> {
    let read = std::fs::read_to_string(format!("/proc/{process}/stat")).map_err(failed)?;
    // The name of the program stands in parentheses and may hold spaces; user and system time are the 12th and 13th
    // word after it.
    let after = read.rsplit_once(')').map(|(_, after)| after).unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok());
    Ok(Duration::from_millis(ticks.sum::<u64>().saturating_mul(TICK_MS)))
}

/// Space that a folder takes on disk, in bytes.
pub(super) fn disk_bytes(folder: &Path) -> Result<u64, Refusal> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let metadata = entry.metadata().map_err(failed)?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.blocks().saturating_mul(BLOCK_BYTES);
            }
        }
    }
    Ok(bytes)
}
