//! What a command said.

use std::process::Output;

/// How a command ended, and what it said.
#[derive(Debug, Clone)]
#[must_use]
pub struct Said {
    /// The command, for messages.
    pub command: String,
    /// Its exit code; -1 where a signal ended it.
    pub status: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Said {
    /// What this command said.
    pub fn of(command: String, output: Output) -> Self {
        Self {
            command,
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Whether it went well.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status == 0
    }

    /// Its standard output, if it went well.
    ///
    /// # Panics
    /// It did not.
    pub fn ok(self) -> String {
        assert_eq!(
            self.status, 0,
            "{}\n{}{}",
            self.command, self.stdout, self.stderr
        );
        self.stdout
    }

    /// Its standard error, if it failed.
    ///
    /// # Panics
    /// It went well.
    pub fn refused(self) -> String {
        assert_ne!(self.status, 0, "{}\n{}", self.command, self.stdout);
        self.stderr
    }
}
