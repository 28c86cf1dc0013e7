//! The admin listener: `/livez`, `/readyz` and `/metrics`, for probes and scrapes, not for callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::metrics::Metrics;

/// Whether this process wants traffic: true from the first configuration that serves until drain,
/// and never false for the sake of a provider or of where the configuration comes from.
#[derive(Debug, Default)]
pub struct Readiness {
    linked: AtomicBool,
    draining: AtomicBool,
    first: Notify,
}

impl Readiness {
    /// A configuration serves.
    pub fn linked(&self) {
        self.linked.store(true, Ordering::Release);
        self.first.notify_one();
    }

    /// Waits for the first configuration that serves. For one task alone.
    pub async fn first(&self) {
        while !self.linked.load(Ordering::Acquire) {
            self.first.notified().await;
        }
    }

    /// The process is told to stop.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    fn state(&self) -> Result<&'static str, &'static str> {
        if self.draining.load(Ordering::Acquire) {
            Err("draining\n")
        } else if self.linked.load(Ordering::Acquire) {
            Ok("ok\n")
        } else {
            Err("no configuration has been read so far\n")
        }
    }
}

#[derive(Debug, Clone)]
struct Shared {
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
}

/// Serves the admin paths on `listener` until the process ends.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    readiness: Arc<Readiness>,
    metrics: Arc<Metrics>,
) -> std::io::Result<()> {
    let router = Router::new()
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(text))
        .with_state(Shared { readiness, metrics });
    axum::serve(listener, router).await
}

async fn readyz(State(shared): State<Shared>) -> Response {
    match shared.readiness.state() {
        Ok(text) => text.into_response(),
        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, text).into_response(),
    }
}

async fn text(State(shared): State<Shared>) -> Response {
    match shared.metrics.text() {
        Ok(text) => (
            [(
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            )],
            text,
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
