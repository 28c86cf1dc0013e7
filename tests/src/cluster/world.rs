//! A cluster with operators and gateways on it.

use std::sync::OnceLock;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::component::Account;
use super::{Cluster, GatewayPod, OperatorPod, chart};

/// API server, chart, operators and gateways.
#[derive(Debug)]
pub struct World {
    // In this order: what they run on goes last.
    operators: Vec<OperatorPod>,
    gateways: Vec<GatewayPod>,
    start: Start,
    cluster: Cluster,
    _room: Option<SemaphorePermit<'static>>,
}

/// How to start a [`World`].
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Start {
    operators: usize,
    gateways: usize,
    operator_flags: Vec<String>,
    gateway_flags: Vec<String>,
    values: Vec<String>,
}

impl Start {
    /// With this many operators; none without it.
    pub fn operators(mut self, count: usize) -> Self {
        self.operators = count;
        self
    }

    /// With this many gateways; none without it.
    pub fn gateways(mut self, count: usize) -> Self {
        self.gateways = count;
        self
    }

    /// With a flag for every operator.
    pub fn operator_flag(mut self, name: &str, value: &str) -> Self {
        self.operator_flags.push(format!("{name}={value}"));
        self
    }

    /// With a flag for every gateway.
    pub fn gateway_flag(mut self, name: &str, value: &str) -> Self {
        self.gateway_flags.push(format!("{name}={value}"));
        self
    }

    /// With a value of the chart, as for `helm --set`.
    pub fn value(mut self, value: &str) -> Self {
        self.values.push(value.into());
        self
    }

    /// Starts it on a cluster that `test` may break, and waits until all of it is ready. None where
    /// `WEIR_TEST_KUBECONFIG` names a cluster; then it says that `test` was not run.
    ///
    /// # Panics
    /// It does not get ready.
    pub async fn of_its_own(self, test: &str) -> Option<World> {
        let room = room().await;
        let cluster = Cluster::of_its_own(test).await?;
        Some(self.on(cluster, Some(room)).await)
    }

    /// Starts it, also on the cluster of `WEIR_TEST_KUBECONFIG`, and waits until it is ready.
    ///
    /// # Panics
    /// It does not get ready.
    pub async fn ready(self) -> World {
        let room = room().await;
        self.on(Cluster::bare().await, Some(room)).await
    }

    async fn on(self, cluster: Cluster, room: Option<SemaphorePermit<'static>>) -> World {
        let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        chart::install(&cluster, &values).await;
        let mut world = World {
            operators: Vec::new(),
            gateways: Vec::new(),
            cluster,
            _room: room,
            start: self.clone(),
        };
        for _ in 0..self.operators {
            world.add_operator().await;
        }
        for _ in 0..self.gateways {
            world.add_gateway().await;
        }
        world.wait_ready().await;
        world
    }
}

/// More of them at once than this would only slow each other down.
async fn room() -> SemaphorePermit<'static> {
    static ROOM: OnceLock<Semaphore> = OnceLock::new();
    let room = ROOM.get_or_init(|| Semaphore::new(2));
    room.acquire().await.unwrap()
}

impl World {
    /// How one is started.
    #[expect(clippy::new_ret_no_self, reason = "a World is made by its Start")]
    pub fn new() -> Start {
        Start::default()
    }

    /// One with two operators and two gateways for all tests of this process that do it no harm,
    /// each in namespaces of its own. It runs on the cluster of [`Cluster::shared`]'s kind, but not
    /// on the same one.
    ///
    /// # Panics
    /// It does not get ready.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<World> = OnceCell::const_new();
        SHARED
            .get_or_init(async || {
                let start = Self::new().operators(2).gateways(2);
                start.on(Cluster::bare().await, None).await
            })
            .await
    }

    /// Its API server.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Its gateways, those that do not run included.
    #[must_use]
    pub fn gateways(&self) -> &[GatewayPod] {
        &self.gateways
    }

    /// A gateway.
    #[must_use]
    pub fn gateway(&self, index: usize) -> &GatewayPod {
        &self.gateways[index]
    }

    /// A gateway to do something to.
    pub fn gateway_mut(&mut self, index: usize) -> &mut GatewayPod {
        &mut self.gateways[index]
    }

    /// Its operators, those that do not run included.
    #[must_use]
    pub fn operators(&self) -> &[OperatorPod] {
        &self.operators
    }

    /// An operator.
    #[must_use]
    pub fn operator(&self, index: usize) -> &OperatorPod {
        &self.operators[index]
    }

    /// An operator to do something to.
    pub fn operator_mut(&mut self, index: usize) -> &mut OperatorPod {
        &mut self.operators[index]
    }

    /// Starts one more gateway, as scaling up does. It listens then, and need not be ready.
    ///
    /// # Panics
    /// It does not start.
    pub async fn add_gateway(&mut self) -> &GatewayPod {
        let name = self.next_name(Account::Gateway, self.gateways.len());
        let flags = &self.start.gateway_flags;
        let mut gateway = GatewayPod::place(&self.cluster, &name, flags).await;
        gateway.start().await;
        self.gateways.push(gateway);
        self.gateways.last().unwrap()
    }

    /// Starts one more operator.
    ///
    /// # Panics
    /// It does not start.
    pub async fn add_operator(&mut self) -> &OperatorPod {
        let name = self.next_name(Account::Operator, self.operators.len());
        let flags = &self.start.operator_flags;
        let mut operator = OperatorPod::place(&self.cluster, &name, flags).await;
        operator.start().await;
        self.operators.push(operator);
        self.operators.last().unwrap()
    }

    fn next_name(&self, account: Account, count: usize) -> String {
        // On a cluster that lasts, those of the last run may be there still.
        let run = if self.cluster.is_own() {
            String::new()
        } else {
            format!("-{}", std::process::id())
        };
        format!("{}{run}-{count}", account.name())
    }

    /// Takes a gateway away as scaling down does: it is told to stop, ends, and its Pod object goes.
    ///
    /// # Panics
    /// It does not end.
    pub async fn remove_gateway(&mut self, index: usize) {
        let mut gateway = self.gateways.remove(index);
        if gateway.runs() {
            gateway.stop().await;
        }
        gateway.pod().delete(&self.cluster).await;
    }

    /// Waits until every operator and gateway that runs is ready.
    ///
    /// # Panics
    /// One never is.
    pub async fn wait_ready(&self) {
        for operator in self.operators.iter().filter(|one| one.runs()) {
            operator.wait_ready().await;
        }
        for gateway in self.gateways.iter().filter(|one| one.runs()) {
            gateway.wait_ready().await;
        }
    }

    /// Everything that operators and gateways said, for the message of a failed test.
    #[must_use]
    pub fn logs(&self) -> String {
        let operators = self.operators.iter().filter(|one| one.runs());
        let operators = operators.map(|one| (&one.pod().name, one.log().text()));
        let gateways = self.gateways.iter().filter(|one| one.runs());
        let gateways = gateways.map(|one| (&one.pod().name, one.log.text()));
        let texts: Vec<String> = operators
            .chain(gateways)
            .map(|(name, text)| format!("--- {name}\n{text}"))
            .collect();
        texts.join("\n")
    }

    /// The operator that leads, by the Lease.
    ///
    /// # Panics
    /// The API server does not say.
    pub async fn leader(&self) -> Option<usize> {
        let lease = "lease/weir-operator";
        let lease = self.cluster.get(chart::RELEASE_NAMESPACE, lease).await?;
        let holder = lease["spec"]["holderIdentity"].as_str()?;
        let found = |one: &OperatorPod| holder.starts_with(&one.pod().name);
        self.operators.iter().position(found)
    }

    /// Its parts, to be used at once.
    pub fn parts(&mut self) -> (&Cluster, &mut [OperatorPod], &mut [GatewayPod]) {
        (&self.cluster, &mut self.operators, &mut self.gateways)
    }
}
