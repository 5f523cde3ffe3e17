//! One file per hook family.

mod clone;
mod death;
mod exec;
mod exit;
mod fork;
mod free;
mod notify;
mod release;
mod silent;
mod wait;
