//! `weir-gateway` as a process in a pod's place.

use std::ops::Deref;

use super::chart::CONFIG_NAMESPACE;
use super::component::{Account, Place, Pod};
use super::wait::eventually_else;
use super::{Cluster, Cutter};
use crate::built::binary;
use crate::gateway::{Gateway, Start};

/// A gateway on the API server that may be killed, paused, cut off and started again. While it
/// runs it is a [`Gateway`]. Its state folder stays across restarts, as an `emptyDir` does.
#[derive(Debug)]
pub struct GatewayPod {
    place: Place,
    flags: Vec<String>,
    gateway: Option<Gateway>,
}

impl GatewayPod {
    pub(super) async fn place(cluster: &Cluster, name: &str, flags: &[String]) -> Self {
        Self {
            place: Place::create(cluster, Account::Gateway, name).await,
            flags: flags.to_vec(),
            gateway: None,
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

    /// Puts a new token of its ServiceAccount in place, as the kubelet does long before the old one
    /// ends. The gateway reads it within a minute.
    ///
    /// # Panics
    /// The API server gives none.
    pub async fn renew_token(&self, cluster: &Cluster) {
        self.place.renew_token(cluster).await;
    }

    /// Forgets its last good configuration, as a new pod has none.
    ///
    /// # Panics
    /// It can't be removed.
    pub fn forget_state(&self) {
        let folder = self.place.file("state");
        if folder.exists() {
            std::fs::remove_dir_all(folder).unwrap();
        }
    }

    /// Starts it and waits until it listens; on new ports. It need not be ready.
    ///
    /// # Panics
    /// It ends instead; what it said is in the message.
    pub async fn start(&mut self) {
        self.gateway = None;
        let state = self.place.file("state");
        std::fs::create_dir_all(&state).unwrap();
        let mut command = self.place.command(&binary("weir-gateway"));
        command
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--config-namespace", CONFIG_NAMESPACE])
            .arg("--state")
            .arg(state)
            .args(&self.flags);
        self.gateway = Some(Start::with(command).listening().await);
    }

    /// Waits until `/readyz` says so.
    ///
    /// # Panics
    /// It never does; what the gateway said is in the message.
    pub async fn wait_ready(&self) {
        eventually_else("the gateway is ready", async || {
            match self.get_admin("/readyz").await {
                Some(answer) if answer.status == 200 => Ok(()),
                _ => Err(self.log.text()),
            }
        })
        .await;
    }

    /// Whether it runs.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.gateway.is_some()
    }

    /// Ends it with no time to do anything; its Pod object and its state stay.
    pub fn kill(&mut self) {
        self.gateway = None;
    }

    /// Tells it to stop, and waits for its end.
    ///
    /// # Panics
    /// It does not run, or does not end.
    pub async fn stop(&mut self) {
        let mut gateway = self.gateway.take().expect("a running gateway");
        gateway.terminate();
        gateway.wait_for_end().await;
    }
}

/// While it runs.
impl Deref for GatewayPod {
    type Target = Gateway;

    fn deref(&self) -> &Gateway {
        self.gateway.as_ref().expect("a running gateway")
    }
}
