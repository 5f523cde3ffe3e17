//! Kernel structures read by address, with a helper call for each word: for long ways, which by types
//! would cost the verifier up to a millisecond for every pointer followed, and where there is no pointer
//! with a type. In lockdown, which forbids the helper, the same is read by types.

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;

use super::load;
use crate::settings::read;

#[inline(always)]
pub(super) fn may_read() -> bool {
    read!(CONFIG.may_read_memory) == 1
}

/// A kernel structure; what cannot be read is 0.
#[derive(Clone, Copy)]
pub(super) struct At(pub(super) *const u8);

impl At {
    #[inline(always)]
    pub(super) fn get<T: Copy + Default>(self, offset: usize) -> T {
        if may_read() {
            let (mut value, size) = (T::default(), size_of::<T>() as u32);
            // What it returns is not looked at, which would double the verifier's ways: the kernel
            // clears what it cannot read (`bpf_probe_read_kernel_common`, kernel/trace/bpf_trace.c).
            // SAFETY: the helper checks the address, and the place is as large as it says.
            unsafe {
                let from = self.0.add(offset).cast();
                bpf_probe_read_kernel((&raw mut value).cast(), size, from);
            }
            value
        } else {
            // SAFETY: a field that was found in BTF, of a pointer with its type.
            unsafe { load(self.0.add(offset)) }
        }
    }

    #[inline(always)]
    pub(super) fn follow(self, offset: usize) -> Self {
        if may_read() {
            return Self(self.get::<usize>(offset) as *const u8);
        }
        // SAFETY: a pointer that was found in BTF, loaded as one, so that it keeps its type.
        Self(unsafe { load(self.0.add(offset)) })
    }

    /// Whether a one-bit flag is set, wherever the kernel put it.
    #[inline(always)]
    pub(super) fn bit(self, offset: usize) -> bool {
        self.get::<u8>(offset >> 3) >> (offset & 7) & 1 == 1
    }
}
