//! What is heard on a serial line.

use std::{fs::File, io::Write as _, path::Path};

use anyhow::{Context as _, Result};

/// The text so far, kept in a file, too.
pub(super) struct Log {
    file: File,
    pub text: String,
    /// The bytes since the last end of a line, which may be half a character.
    rest: Vec<u8>,
}

impl Log {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        Ok(Self { file, text: String::new(), rest: Vec::new() })
    }

    /// Returns the lines that are whole by now.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<String> {
        self.file.write_all(bytes).context("cannot keep what a guest said")?;
        self.rest.extend_from_slice(bytes);
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        Ok(self.take(whole))
    }

    /// Returns what was left of a line.
    pub(super) fn finish(&mut self) -> String {
        self.take(self.rest.len())
    }

    fn take(&mut self, count: usize) -> String {
        let bytes: Vec<u8> = self.rest.drain(..count).collect();
        let lines = String::from_utf8_lossy(&bytes).into_owned();
        self.text.push_str(&lines);
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fs, process};

    use super::Log;

    #[test]
    fn lines_come_whole_and_nothing_is_lost() {
        let path = env::temp_dir().join(format!("xtask-log-{}", process::id()));
        let mut log = Log::create(&path).unwrap();
        let (first, second) = "test a ... ok\ntest \u{e9}".as_bytes().split_at(20);
        assert_eq!(log.append(first).unwrap(), "test a ... ok\n");
        assert_eq!(log.append(second).unwrap(), "");
        assert_eq!(log.finish(), "test \u{e9}");
        assert_eq!(log.text, "test a ... ok\ntest \u{e9}");
        assert_eq!(fs::read_to_string(&path).unwrap(), log.text);
        fs::remove_file(path).unwrap();
    }
}
