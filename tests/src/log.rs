//! What a process wrote, line by line.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::wait::eventually;

/// The lines that came so far. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Log {
    /// Collects what `from` gives, on a thread of its own, until it ends. `WEIR_TEST_ECHO=1` prints
    /// it as it comes (with `--nocapture`), for a person who looks for the cause of a failure.
    pub fn collect(from: impl Read + Send + 'static) -> Self {
        let log = Self::default();
        let lines = Arc::clone(&log.lines);
        let echo = std::env::var_os("WEIR_TEST_ECHO").is_some();
        std::thread::spawn(move || {
            for line in BufReader::new(from).split(b'\n') {
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line).into_owned();
                if echo {
                    eprintln!("{line}");
                }
                lines.lock().unwrap().push(line);
            }
        });
        log
    }

    /// Every line so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// All of it as one text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// The lines that are JSON.
    #[must_use]
    pub fn records(&self) -> Vec<Value> {
        self.lines()
            .iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// Waits for a record that `fits`.
    ///
    /// # Panics
    /// None came in time; `what` and the log are in the message.
    pub async fn record(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = tokio::time::timeout(
            crate::wait::PATIENCE,
            eventually(what, async || {
                self.records().into_iter().find(|one| fits(one))
            }),
        )
        .await;
        match found {
            Ok((record, _)) => record,
            Err(_) => panic!("no record of this: {what}\n{}", self.text()),
        }
    }

    /// Waits for a record whose `field` is `value`.
    ///
    /// # Panics
    /// As [`Log::record`].
    pub async fn with(&self, field: &str, value: &str) -> Value {
        self.record(&format!("{field} = {value}"), |record| {
            record[field].as_str() == Some(value)
        })
        .await
    }
}
