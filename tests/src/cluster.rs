//! A real Kubernetes API server for tests: etcd and kube-apiserver as processes, the chart's CRDs,
//! namespaces and rights on it, and operators and gateways as processes that know it by the tokens
//! of the chart's ServiceAccounts.
//!
//! Nothing of it outlives the test process, however that ends. Where `WEIR_TEST_KUBECONFIG` names a
//! cluster, that one is used; a test that must break its API server then says that it was not run.
//!
//! What needs the API server alone takes [`Cluster::shared`]; what needs operators and gateways too
//! and does them no harm takes [`World::shared`], in a namespace of its own:
//!
//! ```no_run
//! use weir_tests::cluster::{World, eventually};
//! use weir_tests::{Key, Provider, Request, Route};
//!
//! const KEY: &str = "key-of-the-app-0123456789-0123456789";
//!
//! # #[tokio::main]
//! # async fn main() {
//! let world = World::shared().await;
//! let team = world.cluster().namespace("team").await;
//! team.apply(&[
//!     &Provider::mock("mock", serde_json::json!({"text": "Hello"})),
//!     &Route::named("chat").models(&["fast"]).to("mock"),
//!     &Key::named("app", KEY),
//! ])
//! .await;
//! team.wait_ready("airoute/chat").await;
//! for gateway in world.gateways() {
//!     assert_eq!(gateway.ask(&Request::chat(KEY, "fast")).await.status, 200);
//! }
//! # }
//! ```
//!
//! What breaks something takes a world of its own:
//!
//! ```no_run
//! use weir_tests::cluster::World;
//!
//! # #[tokio::main]
//! # async fn main() {
//! let world = World::new().operators(2).gateways(2);
//! let Some(mut world) = world.of_its_own("outage_api_server").await else { return };
//! world.cluster().kill_api_server();
//! world.gateway_mut(0).kill();
//! world.gateway_mut(0).start().await;
//! world.cluster().restart_api_server().await;
//! # }
//! ```

mod chart;
mod component;
mod credentials;
mod cutter;
mod gateway;
mod harm;
mod kubernetes;
mod namespace;
mod node;
mod operator;
mod output;
pub mod parts;
pub mod ports;
mod server;
mod wait;
mod world;

pub use chart::{CONFIG_NAMESPACE, RELEASE, RELEASE_NAMESPACE, documents, template};
pub(crate) use component::without_flags;
pub use component::{Account, Pod};
pub use cutter::Cutter;
pub use gateway::GatewayPod;
pub use kubernetes::{Cluster, Token};
pub use namespace::Namespace;
pub use node::Node;
pub use operator::OperatorPod;
pub use output::Said;
pub use server::{Backup, ISSUER};
pub use wait::{PATIENCE, eventually, eventually_else, throughout};
pub use world::{Start, World};
