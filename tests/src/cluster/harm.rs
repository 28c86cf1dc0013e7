//! Doing harm to a cluster of the test's own.

use super::Cluster;
use super::server::Backup;
use crate::caller::{Answer, Caller, Request};

/// Doing it harm.
impl Cluster {
    /// Kills the API server; its port is refused then.
    ///
    /// # Panics
    /// As all of these, where the cluster is that of `WEIR_TEST_KUBECONFIG`.
    pub fn kill_api_server(&self) {
        self.own().kill_api();
    }

    /// Stops the API server where it stands: connections stay open, and nothing is answered.
    pub fn pause_api_server(&self) {
        self.own().pause_api();
    }

    /// Lets it go on.
    pub fn resume_api_server(&self) {
        self.own().resume_api();
    }

    /// Kills the API server if it runs, starts it, and waits until it is ready.
    ///
    /// # Panics
    /// It does not get ready.
    pub async fn restart_api_server(&self) {
        self.own().kill_api();
        self.own().start_api();
        self.wait_ready().await;
    }

    /// Kills etcd: the API server stays, and fails.
    pub fn kill_etcd(&self) {
        self.own().kill_etcd();
    }

    /// Stops etcd where it stands.
    pub fn pause_etcd(&self) {
        self.own().pause_etcd();
    }

    /// Lets it go on.
    pub fn resume_etcd(&self) {
        self.own().resume_etcd();
    }

    /// Starts etcd after [`Cluster::kill_etcd`] and waits until the API server is ready.
    ///
    /// # Panics
    /// It does not get ready.
    pub async fn restart_etcd(&self) {
        self.own().kill_etcd();
        self.own().start_etcd();
        self.wait_ready().await;
    }

    /// Has etcd forget everything before its newest revision. A watch that resumes from before then
    /// is answered 410 Gone once the API server, which keeps a window of its own, has been restarted.
    ///
    /// # Panics
    /// etcd refuses.
    pub async fn compact(&self) {
        let newest = self.etcd("/v3/kv/range", r#"{"key": "AA=="}"#).await;
        let revision = &newest.json()["header"]["revision"];
        let body = format!(r#"{{"revision": {revision}, "physical": true}}"#);
        let done = self.etcd("/v3/kv/compaction", &body).await;
        assert_eq!(done.status, 200, "{}", done.text());
    }

    async fn etcd(&self, path: &str, body: &str) -> Answer {
        let mut caller = Caller::connect(([127, 0, 0, 1], self.own().etcd_port).into()).await;
        let mut request = Request::get(path).header("content-type", "application/json");
        request.method = "POST".into();
        request.body = body.into();
        caller.send(&request).await;
        caller.answer().await
    }

    /// Copies etcd's data while both processes are down, and starts them again.
    ///
    /// # Panics
    /// It can't be done.
    pub async fn back_up(&self) -> Backup {
        self.own().stop().await;
        let backup = self.own().copy_data();
        self.start_both().await;
        backup
    }

    /// Puts an older copy of etcd's data back, as one restores a cluster: all that was written
    /// since is gone, and revisions begin again where they were then.
    ///
    /// # Panics
    /// It can't be done.
    pub async fn restore(&self, backup: &Backup) {
        self.own().stop().await;
        self.own().put_back(backup);
        self.start_both().await;
    }

    async fn start_both(&self) {
        self.own().start_etcd();
        self.own().start_api();
        self.wait_ready().await;
    }

    /// Has the API server sign tokens with a new key, and publish it beside those before, which are
    /// believed still. It restarts for that.
    ///
    /// # Panics
    /// It does not come back.
    pub async fn sign_with_new_key(&self) {
        self.own().sign_anew();
        self.restart_api_server().await;
    }

    /// Has the API server believe and publish the newest key alone. It restarts for that.
    ///
    /// # Panics
    /// It does not come back.
    pub async fn forget_old_keys(&self) {
        self.own().forget_old_keys();
        self.restart_api_server().await;
    }
}
