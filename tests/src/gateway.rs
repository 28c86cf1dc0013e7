//! The gateway as a process.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::caller::{Answer, Caller, Request};
use crate::cluster::without_flags;
use crate::folder::Folder;
use crate::keeper;
use crate::log::Log;
use crate::wait::eventually;

/// A running `weir-gateway`, killed when this value goes.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    /// Where callers connect.
    pub listen: SocketAddr,
    /// Where probes and scrapes connect.
    pub admin: SocketAddr,
    /// What it says of itself (standard error).
    pub log: Log,
    /// Its access log (standard output).
    pub access: Log,
}

/// How to start one.
#[derive(Debug)]
pub struct Start {
    command: Command,
}

pub use crate::built::root;

/// The binary of the profile that this test was built with, built now if it is not there or old.
///
/// `WEIR_GATEWAY_BIN` names another.
///
/// # Panics
/// It can't be built.
#[must_use]
pub fn binary() -> PathBuf {
    crate::built::binary("weir-gateway")
}

impl Start {
    /// A gateway on a folder of configuration, on ports that are free.
    #[must_use]
    pub fn on(folder: &Path) -> Self {
        let mut command = keeper::command(binary());
        without_flags(&mut command);
        command.arg("--config").arg(folder).args([
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ]);
        Self::with(command)
    }

    /// A gateway that is run by this [`keeper::command`].
    #[must_use]
    pub fn with(command: Command) -> Self {
        Self { command }
    }

    /// With this flag.
    #[must_use]
    pub fn flag(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(name).arg(value);
        self
    }

    /// With this in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Starts it and waits until it listens; it need not be ready then.
    ///
    /// # Panics
    /// It does not start; what it said is in the message.
    pub async fn listening(mut self) -> Gateway {
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = keeper::start(self.command).unwrap();
        let mut gateway = Gateway {
            access: Log::collect(child.stdout.take().unwrap()),
            log: Log::collect(child.stderr.take().unwrap()),
            child,
            listen: ([127, 0, 0, 1], 0).into(),
            admin: ([127, 0, 0, 1], 0).into(),
        };
        let log = gateway.log.clone();
        let child = &mut gateway.child;
        let (serving, _) = eventually("the gateway listens", async || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the gateway ended with {status}:\n{}", log.text());
            }
            log.records()
                .into_iter()
                .find(|record| record["message"] == "serving")
        })
        .await;
        let address = |field: &str| serving[field].as_str().unwrap().parse().unwrap();
        gateway.listen = address("listen");
        gateway.admin = address("admin");
        gateway
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// It does not start, or never gets ready.
    pub async fn ready(self) -> Gateway {
        let gateway = self.listening().await;
        gateway.wait_ready().await;
        gateway
    }
}

impl Gateway {
    /// Starts one that serves this folder.
    ///
    /// # Panics
    /// As [`Start::ready`].
    pub async fn serving(folder: &Folder) -> Self {
        Start::on(folder.path()).ready().await
    }

    /// Waits until `/readyz` says so.
    ///
    /// # Panics
    /// It never does.
    pub async fn wait_ready(&self) {
        eventually("the gateway is ready", async || {
            (self.get_admin("/readyz").await?.status == 200).then_some(())
        })
        .await;
    }

    /// What the admin listener answers; nothing if it takes no connection.
    pub async fn get_admin(&self, path: &str) -> Option<Answer> {
        let mut caller = Caller::try_connect(self.admin).await.ok()?;
        caller.send(&Request::get(path)).await;
        Some(caller.answer().await)
    }

    /// The text of `/metrics`.
    ///
    /// # Panics
    /// There is none.
    pub async fn metrics(&self) -> String {
        self.get_admin("/metrics").await.unwrap().text()
    }

    /// The value of a series of `/metrics`, named with its labels as it stands there.
    ///
    /// # Panics
    /// The metrics can't be read.
    pub async fn metric(&self, series: &str) -> Option<f64> {
        self.metrics().await.lines().find_map(|line| {
            let value = line.strip_prefix(series)?.strip_prefix(' ')?;
            Some(value.parse().unwrap())
        })
    }

    /// A new connection.
    ///
    /// # Panics
    /// It is refused.
    pub async fn connect(&self) -> Caller {
        Caller::connect(self.listen).await
    }

    /// One request on a connection of its own, and the whole answer.
    ///
    /// # Panics
    /// There is no answer.
    pub async fn ask(&self, request: &Request) -> Answer {
        let mut caller = self.connect().await;
        caller.send(request).await;
        caller.answer().await
    }

    /// A plain chat.
    ///
    /// # Panics
    /// As [`Gateway::ask`].
    pub async fn chat(&self, key: &str, model: &str) -> Answer {
        self.ask(&Request::chat(key, model)).await
    }

    /// The process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Tells it to stop.
    ///
    /// # Panics
    /// It is gone already.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops it where it stands (SIGSTOP); connections stay open.
    ///
    /// # Panics
    /// It is gone already.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// It is gone already.
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Ends it with no time to do anything.
    ///
    /// # Panics
    /// It is gone already.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// The operating system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for its end, and says how it ended and how long that took.
    ///
    /// # Panics
    /// It does not end.
    pub async fn wait_for_end(&mut self) -> (ExitStatus, Duration) {
        eventually("the gateway ends", async || self.ended()).await
    }

    /// Asserts that it serves on: alive, ready and answering this key.
    ///
    /// # Panics
    /// It does not.
    pub async fn assert_serves(&self, key: &str, model: &str) {
        let answer = self.chat(key, model).await;
        assert_eq!(answer.status, 200, "{}\n{}", answer.text(), self.log.text());
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
