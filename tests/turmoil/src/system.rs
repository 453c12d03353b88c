//! Chance and time of the system, from the seed: what this thread asks libc for, whichever crate asks.
//!
//! Keys, salts, TLS, the order of hash maps, clocks: all of it ends in three functions of libc, and those of this
//! program stand before them. Other threads, of which the database has some, get what the system says; nothing of
//! theirs is seen. Not here: the time of timers, which `turmoil` keeps.

#![expect(unsafe_code, reason = "these functions stand in for those of libc")]

use std::cell::Cell;
use std::ffi::CStr;
use std::sync::OnceLock;
use std::time::Duration;

use comity_ledger::Entropy as _;
use libc::{c_int, c_long, c_uint, c_void, clockid_t, size_t, ssize_t, timespec};

use crate::dice::Dice;

/// When every simulation begins: in 2027.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);
/// What the clock that only goes forward says by then; before it there must be room.
const UPTIME: Duration = Duration::from_secs(1_000_000);

thread_local! {
    static CHANCE: Cell<Option<Dice>> = const { Cell::new(None) };
    static ELAPSED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// From now on this thread has its chance from a seed.
pub(crate) fn seed(seed: u64) {
    CHANCE.set(Some(Dice::new(seed)));
}

/// From now on this thread's clocks stand at so long after the beginning.
pub(crate) fn set_elapsed(elapsed: Duration) {
    ELAPSED.set(Some(elapsed));
}

/// How long after the beginning it is.
pub(crate) fn elapsed() -> Duration {
    ELAPSED.get().unwrap_or_default()
}

/// Fills a buffer from the seed, if this thread has one.
fn draw(buffer: &mut [u8]) -> bool {
    // A thread that ends has no chance of its own any more.
    let Ok(Some(mut dice)) = CHANCE.try_with(Cell::take) else { return false };
    dice.fill(buffer).unwrap();
    CHANCE.set(Some(dice));
    true
}

/// The function of libc that one of this program stands before.
fn real(name: &CStr) -> *mut c_void {
    // SAFETY: the name ends with a zero byte.
    let found = unsafe { libc::dlsym(libc::RTLD_NEXT, name.as_ptr()) };
    assert!(!found.is_null(), "libc has no {name:?}");
    found
}

/// Random bytes, as getrandom(2) gives them.
///
/// # Safety
/// The buffer must be writable for its whole length.
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: size_t, flags: c_uint) -> ssize_t {
    // SAFETY: the caller's promise.
    if draw(unsafe { slice(buffer.cast(), length) }) {
        return length.cast_signed();
    }
    type Getrandom = unsafe extern "C" fn(*mut c_void, size_t, c_uint) -> ssize_t;
    // SAFETY: this is the type of that function, and these are its arguments.
    unsafe { std::mem::transmute::<*mut c_void, Getrandom>(real(c"getrandom"))(buffer, length, flags) }
}

/// A call into the system, as syscall(2): of random bytes if it asks for them, as `ring` does.
///
/// # Safety
/// As the call of that number.
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    first: c_long,
    second: c_long,
    third: c_long,
    fourth: c_long,
    fifth: c_long,
    sixth: c_long,
) -> c_long {
    if number == libc::SYS_getrandom {
        let buffer = std::ptr::with_exposed_provenance_mut(first.cast_unsigned() as usize);
        // SAFETY: the caller's promise.
        if draw(unsafe { slice(buffer, second.cast_unsigned() as usize) }) {
            return second;
        }
    }
    static REAL: OnceLock<usize> = OnceLock::new();
    let real = *REAL.get_or_init(|| real(c"syscall").expose_provenance());
    type Syscall = unsafe extern "C" fn(c_long, ...) -> c_long;
    // SAFETY: this is the type of that function; what the caller has left out, it does not look at.
    unsafe {
        let real = std::mem::transmute::<*mut c_void, Syscall>(std::ptr::with_exposed_provenance_mut(real));
        real(number, first, second, third, fourth, fifth, sixth)
    }
}

/// What a clock says.
///
/// # Safety
/// The time must be writable.
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: clockid_t, time: *mut timespec) -> c_int {
    let begun = match clock {
        libc::CLOCK_REALTIME => Some(EPOCH),
        libc::CLOCK_MONOTONIC => Some(UPTIME),
        _ => None,
    };
    let elapsed = ELAPSED.try_with(Cell::get).ok().flatten();
    if let (Some(begun), Some(elapsed)) = (begun, elapsed) {
        let now = begun + elapsed;
        // SAFETY: the caller's promise.
        unsafe {
            (*time).tv_sec = now.as_secs().cast_signed();
            (*time).tv_nsec = now.subsec_nanos().into();
        }
        return 0;
    }
    static REAL: OnceLock<usize> = OnceLock::new();
    let real = *REAL.get_or_init(|| real(c"clock_gettime").expose_provenance());
    type ClockGettime = unsafe extern "C" fn(clockid_t, *mut timespec) -> c_int;
    // SAFETY: this is the type of that function, and these are its arguments.
    unsafe {
        let real =
            std::mem::transmute::<*mut c_void, ClockGettime>(std::ptr::with_exposed_provenance_mut(real));
        real(clock, time)
    }
}

/// # Safety
/// The bytes must be writable, or none.
unsafe fn slice<'a>(bytes: *mut u8, length: usize) -> &'a mut [u8] {
    if length == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(bytes, length) }
}
