//! The read-only data that the loader fills before the programs are loaded. It is read through
//! volatile loads only: the compiler sees the zeros written here, the verifier the real values.

use tracer_common::{Config, Offsets};

/// Offsets of kernel fields in the running kernel.
#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = Offsets::ZERO;

/// Settings of the session.
#[unsafe(no_mangle)]
pub(crate) static CONFIG: Config = Config::ZERO;

/// The value of one field of a read-only structure, as the loader wrote it.
macro_rules! read {
    ($from:ident . $field:ident) => {
        // SAFETY: the pointer is to a field of a static.
        unsafe { core::ptr::read_volatile(&raw const $crate::settings::$from.$field) }
    };
}
pub(crate) use read;
