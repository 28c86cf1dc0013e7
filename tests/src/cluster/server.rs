//! etcd and the API server as processes that a test may kill.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::credentials::{Credentials, SigningKeys};
use super::parts::part;
use super::ports;
use super::wait::eventually;
use crate::keeper::{self, Kept, Process};

/// Requests of ServiceAccounts are recorded, so that tests can count them.
const AUDIT_POLICY: &str = r#"{"apiVersion": "audit.k8s.io/v1", "kind": "Policy",
"omitStages": ["RequestReceived"],
"rules": [{"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]}"#;

/// An API server of a test's own, with its etcd.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) folder: Kept,
    pub(super) credentials: Credentials,
    pub(super) port: u16,
    pub(super) etcd_port: u16,
    peer_port: u16,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    keys: SigningKeys,
    etcd: Option<Process>,
    api: Option<Process>,
    backups: usize,
}

/// A copy of etcd's data, taken while it was down.
#[derive(Debug, Clone)]
pub struct Backup(PathBuf);

impl Server {
    /// Starts both. It takes a few seconds until the API server is ready.
    pub(super) fn start() -> Self {
        let folder = Kept::folder();
        let credentials = Credentials::new(&folder);
        folder.write("audit-policy.json", AUDIT_POLICY);
        let keys = SigningKeys::new(&folder);
        let server = Self {
            port: ports::free(),
            etcd_port: ports::free(),
            peer_port: ports::free(),
            credentials,
            state: Mutex::new(State {
                keys,
                etcd: None,
                api: None,
                backups: 0,
            }),
            folder,
        };
        server.start_etcd();
        server.start_api();
        server
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("etcd")
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    pub(super) fn start_etcd(&self) {
        let clients = format!("http://127.0.0.1:{}", self.etcd_port);
        let peers = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = keeper::command(part("etcd"));
        command
            .arg("--data-dir")
            .arg(self.data())
            .args(["--name", "test", "--unsafe-no-fsync"])
            .args(["--listen-client-urls", &clients])
            .args(["--advertise-client-urls", &clients])
            .args(["--listen-peer-urls", &peers])
            .args(["--initial-advertise-peer-urls", &peers])
            .args(["--initial-cluster", &format!("test={peers}")])
            .args(["--log-level", "warn"]);
        self.state().etcd = Some(Process::start(command));
    }

    pub(super) fn start_api(&self) {
        let command = self.api_command(&self.state().keys);
        self.state().api = Some(Process::start(command));
    }

    fn api_command(&self, keys: &SigningKeys) -> Command {
        let file = |name: &str| self.folder.path().join(name);
        let mut command = keeper::command(part("kube-apiserver"));
        command
            .arg(format!(
                "--etcd-servers=http://127.0.0.1:{}",
                self.etcd_port
            ))
            .arg(format!("--secure-port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
            .args(["--endpoint-reconciler-type=none"])
            .args(["--authorization-mode=Node,RBAC"])
            .args(["--service-cluster-ip-range=10.0.0.0/24"])
            .arg(format!("--service-account-issuer={ISSUER}"))
            .args(["--audit-log-mode=blocking", "--v=1"]);
        let mut path = |flag: &str, path: PathBuf| {
            command.arg(format!("{flag}={}", path.display()));
        };
        path("--tls-cert-file", self.credentials.certificate.clone());
        path("--tls-private-key-file", self.credentials.key.clone());
        path("--token-auth-file", self.credentials.users.clone());
        path("--audit-policy-file", file("audit-policy.json"));
        path("--audit-log-path", self.audit_log());
        path("--service-account-signing-key-file", keys.signs.clone());
        for key in &keys.believed {
            path("--service-account-key-file", key.clone());
        }
        command
    }

    /// Fails early where a process has ended by itself.
    ///
    /// # Panics
    /// One has.
    pub(super) fn assert_runs(&self) {
        let mut state = self.state();
        let State { etcd, api, .. } = &mut *state;
        for (name, process) in [("etcd", etcd), ("kube-apiserver", api)] {
            if let Some(process) = process
                && let Some(status) = process.ended()
            {
                panic!("{name} ended with {status}:\n{}", process.log.text());
            }
        }
    }

    pub(super) fn pids(&self) -> Vec<u32> {
        let state = self.state();
        let running = [&state.etcd, &state.api].into_iter().flatten();
        running.map(Process::pid).collect()
    }

    pub(super) fn kill_api(&self) {
        self.state().api = None;
    }

    pub(super) fn kill_etcd(&self) {
        self.state().etcd = None;
    }

    pub(super) fn pause_api(&self) {
        self.state().api.as_ref().unwrap().pause();
    }

    pub(super) fn resume_api(&self) {
        self.state().api.as_ref().unwrap().resume();
    }

    pub(super) fn pause_etcd(&self) {
        self.state().etcd.as_ref().unwrap().pause();
    }

    pub(super) fn resume_etcd(&self) {
        self.state().etcd.as_ref().unwrap().resume();
    }

    /// Ends both properly: what etcd has acknowledged is in its files then.
    pub(super) async fn stop(&self) {
        self.kill_api();
        if let Some(etcd) = &self.state().etcd {
            etcd.terminate();
        }
        eventually("etcd ends", async || {
            let mut state = self.state();
            let ended = state
                .etcd
                .as_mut()
                .is_none_or(|etcd| etcd.ended().is_some());
            ended.then_some(())
        })
        .await;
        self.state().etcd = None;
    }

    pub(super) fn sign_anew(&self) {
        self.state().keys.sign_anew(&self.folder);
    }

    pub(super) fn forget_old_keys(&self) {
        self.state().keys.forget_old();
    }

    /// While both are down.
    pub(super) fn copy_data(&self) -> Backup {
        let mut state = self.state();
        state.backups += 1;
        let copy = self.folder.path().join(format!("backup-{}", state.backups));
        copy_folder(&self.data(), &copy);
        Backup(copy)
    }

    /// While both are down.
    pub(super) fn put_back(&self, backup: &Backup) {
        std::fs::remove_dir_all(self.data()).unwrap();
        copy_folder(&backup.0, &self.data());
    }
}

/// What every API server of these tests says of itself in its tokens.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    let status = Command::new("cp")
        .args(["-a", "--"])
        .args([from, to])
        .status()
        .unwrap();
    assert!(status.success(), "{} can't be copied", from.display());
}
