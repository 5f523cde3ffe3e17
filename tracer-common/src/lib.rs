//! What the BPF programs and their loader agree on: the records on the ring buffer, the kernel
//! fields whose offsets the loader looks up, and the configuration it writes before loading.
//!
//! Everything here is plain data of fixed size, without padding, and every bit pattern is a valid
//! value, so that neither side can be surprised by the other.
#![no_std]

mod config;
mod offsets;
mod placeholder;
mod record;

pub use config::{Config, Loss};
pub use offsets::{ABSENT, FIELDS, Field, Offsets};
pub use placeholder::{placed, placeholder};
pub use record::{
    ADOPTER_INIT, ADOPTER_NONE, ADOPTER_PIDNS_INIT, ADOPTER_SUBREAPER, ARGS_MAX, COMM_LEN, Death,
    EXE_MAX, Exec, Exit, FORK_EXEMPT, FORK_PIDNS_DEAD, FORK_PROCESS, FORK_THREAD, Filled, Fork,
    ForkFailed, Free, Head, Ids, Kind, LeaderExit, NO_CALL, NO_SIGNAL, Release, SIGCHLD_IGNORED,
    SIGCHLD_NOCLDWAIT, WAIT_BEGUN, WAIT_HAS_RESULT, WAIT_ID, WAIT_OF_DEAD, WAIT_UNREAD, Wait,
};
