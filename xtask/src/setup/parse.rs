//! Reading what compilers and LLVM say of themselves.

/// The major number after `LLVM version`, as rustc and LLVM's tools print it.
pub(super) fn llvm(text: &str) -> Option<u32> {
    let (_, version) = text.split_once("LLVM version")?;
    let number = version.trim_start_matches([':', ' ']);
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// `1.95` of `1.95.0` and of `1.97.0-nightly`.
pub(super) fn release(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

/// The rest of the line that starts with `name`.
pub(super) fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name))
}

#[cfg(test)]
mod tests {
    use super::{field, llvm, release};

    const RUSTC: &str =
        "rustc 1.95.0 (59807616e 2026-04-14)\nrelease: 1.95.0\nLLVM version: 22.1.2\n";

    #[test]
    fn rustc_names_its_release_and_llvm() {
        assert_eq!(field(RUSTC, "release: "), Some("1.95.0"));
        assert_eq!(llvm(RUSTC), Some(22));
    }

    #[test]
    fn linker_names_its_llvm_with_any_vendor() {
        assert_eq!(llvm("Debian LLVM version 22.1.8\n  Optimized build.\n"), Some(22));
        assert_eq!(llvm("LLVM (http://llvm.org/):\n  LLVM version 21.1.0-rust-1.92.0\n"), Some(21));
        assert_eq!(llvm("bpf-linker 0.9.4"), None);
    }

    #[test]
    fn release_is_the_first_two_numbers() {
        assert_eq!(release("1.97.0-nightly"), Some((1, 97)));
        assert_eq!(release("22.1.8"), Some((22, 1)));
        assert_eq!(release("nightly"), None);
    }
}
