//! Where Debian's archive is: at the mirrors this machine gets its own packages from.

use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// The suites that hold kernels: those of long-term support, backports and what is newest.
const SUITES: [&str; 3] = ["trixie-backports", "sid", "experimental"];
const SECURITY_SUITES: [&str; 3] = ["bullseye-security", "bookworm-security", "trixie-security"];
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Where this machine gets its packages.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mirrors {
    main: String,
    security: String,
}

pub(super) fn find() -> Result<Mirrors> {
    let ask = || {
        let mut apt = Command::new("apt-get");
        apt.args(["indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"]);
        process::output(&mut apt).and_then(|targets| read(&targets))
    };
    // apt knows whose archive it is only from the lists, which images of containers lack.
    if let Some(mirrors) = ask() {
        return Ok(mirrors);
    }
    if process::is_root() && process::find_in_path("apt-get").is_some() {
        process::run(Command::new("apt-get").args(["--quiet", "update"]))?;
    }
    ask().context(
        "kernels come from Debian's archive, and apt knows none here; \
         on Debian, type: sudo apt-get update",
    )
}

fn read(targets: &str) -> Option<Mirrors> {
    let of = |archive| targets.lines().find_map(|line| line.strip_prefix(archive));
    let main = of("Debian|Debian|")?.to_owned();
    Some(Mirrors { main, security: of("Debian|Debian-Security|")?.to_owned() })
}

/// Our sources, in the format of sources.list(5).
pub(super) fn sources(mirrors: &Mirrors) -> String {
    let line = |uri: &str, suite: &str| {
        format!("deb [arch=amd64 signed-by={KEYRING} target=Packages] {uri} {suite} main\n")
    };
    let main = SUITES.iter().map(|suite| line(&mirrors.main, suite));
    main.chain(SECURITY_SUITES.iter().map(|suite| line(&mirrors.security, suite))).collect()
}

#[cfg(test)]
mod tests {
    use super::{Mirrors, read, sources};

    fn mirrors() -> Mirrors {
        Mirrors { main: "http://near/debian/".into(), security: "http://far/security/".into() }
    }

    #[test]
    fn mirrors_are_those_of_debian_among_others() {
        let targets = "Other|Debian|http://other/\n\
                       Debian|Debian-Security|http://far/security/\n\
                       Debian Backports|Debian Backports|http://b/\n\
                       Debian|Debian|http://near/debian/\n";
        assert_eq!(read(targets), Some(mirrors()));
        assert_eq!(read("Debian|Debian|http://near/debian/\n"), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn each_suite_is_at_its_mirror_and_signed() {
        let sources = sources(&mirrors());
        for suite in ["http://near/debian/ sid main", "http://far/security/ bullseye-security main"]
        {
            let line = sources.lines().find(|line| line.ends_with(suite)).expect(suite);
            assert!(line.contains("signed-by=/usr/share/keyrings/"), "{line}");
            assert!(line.contains("arch=amd64"), "{line}");
        }
    }
}
