//! `weir-operator` as a process in a pod's place.

use std::net::SocketAddr;

use super::chart::CONFIG_NAMESPACE;
use super::component::{Account, Place, Pod};
use super::wait::{eventually, eventually_else};
use super::{Cluster, Cutter, ports};
use crate::built::binary;
use crate::caller::{Answer, Caller, Request};
use crate::keeper::Process;
use crate::log::Log;

/// An operator that may be killed, paused, cut off and started again.
#[derive(Debug)]
pub struct OperatorPod {
    place: Place,
    flags: Vec<String>,
    /// Where probes and scrapes connect; the same across restarts.
    pub admin: SocketAddr,
    process: Option<Process>,
}

impl OperatorPod {
    pub(super) async fn place(cluster: &Cluster, name: &str, flags: &[String]) -> Self {
        Self {
            place: Place::create(cluster, Account::Operator, name).await,
            flags: flags.to_vec(),
            admin: ([127, 0, 0, 1], ports::free()).into(),
            process: None,
        }
    }

    /// Its Pod object.
    #[must_use]
    pub fn pod(&self) -> &Pod {
        &self.place.pod
    }

    /// Its way to the API server.
    #[must_use]
    pub fn link(&self) -> &Cutter {
        &self.place.link
    }

    /// With this in the environment of the next start.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.place.set_env(name, value);
    }

    /// Has its wall clock go wrong by this much from its next start on: `+3600s`, `-5m`. False, and
    /// nothing is done, where Debian's `faketime` is not installed.
    #[must_use]
    pub fn skew_clock(&mut self, by: &str) -> bool {
        self.place.skew_clock(by)
    }

    /// Starts it, and waits until `/livez` answers. It need not lead, nor be ready.
    ///
    /// # Panics
    /// It ends instead; what it said is in the message.
    pub async fn start(&mut self) {
        self.process = None;
        let mut command = self.place.command(&binary("weir-operator"));
        command
            .args(["--admin-listen", &self.admin.to_string()])
            .args(["--config-namespace", CONFIG_NAMESPACE])
            .args(&self.flags);
        let mut process = Process::start(command);
        eventually("the operator listens", async || {
            if let Some(status) = process.ended() {
                panic!("the operator ended with {status}:\n{}", process.log.text());
            }
            (self.get("/livez").await?.status == 200).then_some(())
        })
        .await;
        self.process = Some(process);
    }

    /// Waits until `/readyz` says so.
    ///
    /// # Panics
    /// It never does; what the operator said is in the message.
    pub async fn wait_ready(&self) {
        eventually_else("the operator is ready", async || {
            let answer = self.get("/readyz").await;
            match answer {
                Some(answer) if answer.status == 200 => Ok(()),
                _ => Err(self.log().text()),
            }
        })
        .await;
    }

    /// What the admin listener answers; nothing if it takes no connection.
    pub async fn get(&self, path: &str) -> Option<Answer> {
        let mut caller = Caller::try_connect(self.admin).await.ok()?;
        caller.send_bytes(&Request::get(path).bytes()).await.ok()?;
        let head = caller.try_head().await?;
        let body = caller.rest().await;
        Some(Answer { body, ..head })
    }

    /// The value of a series of `/metrics`, named with its labels as it stands there.
    ///
    /// # Panics
    /// There are no metrics.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        let text = self.get("/metrics").await.unwrap().text();
        text.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            Some(value.parse().unwrap())
        })
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("a running operator")
    }

    /// What it has said since its last start (standard error).
    ///
    /// # Panics
    /// As all of these, if it does not run.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.process().log
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process().pid()
    }

    /// Whether it runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Ends it with no time to do anything; its Pod object stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Stops it where it stands.
    pub fn pause(&self) {
        self.process().pause();
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.process().resume();
    }

    /// Tells it to stop, and waits for its end. Gives its exit code.
    ///
    /// # Panics
    /// It does not end.
    pub async fn stop(&mut self) -> Option<i32> {
        let mut process = self.process.take().expect("a running operator");
        process.terminate();
        let ended = eventually("the operator ends", async || process.ended()).await;
        ended.0.code()
    }
}
