//! The admin listener: `/livez`, `/readyz` and `/metrics`, for probes and scrapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::metrics::Metrics;
use crate::schema::Amiss;

/// Whether this process could lead: it knows all that there is, and the CRDs are as it needs them. One that does not
/// lead is as ready as the one that does; an API server that is away later changes nothing.
#[derive(Debug)]
pub struct Readiness {
    waiting: AtomicUsize,
    stopping: AtomicBool,
    schema: watch::Receiver<Amiss>,
}

impl Readiness {
    /// So many watches have to finish their first list.
    pub fn new(watches: usize, schema: watch::Receiver<Amiss>) -> Self {
        Self {
            waiting: AtomicUsize::new(watches),
            stopping: AtomicBool::new(false),
            schema,
        }
    }

    /// So many watches still have to.
    pub fn waiting(&self, watches: usize) {
        self.waiting.store(watches, Ordering::Release);
    }

    /// The process is told to stop.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
    }

    fn state(&self) -> Result<(), String> {
        if self.stopping.load(Ordering::Acquire) {
            return Err("stopping".into());
        }
        if let Some(amiss) = &*self.schema.borrow() {
            return Err(amiss.clone());
        }
        match self.waiting.load(Ordering::Acquire) {
            0 => Ok(()),
            count => Err(format!(
                "{count} watches have not finished their first list"
            )),
        }
    }
}

#[derive(Clone)]
struct Shared {
    readiness: Arc<Readiness>,
    metrics: Metrics,
}

/// Serves the admin paths on `listener` until the process ends.
///
/// # Errors
/// The listener broke.
pub async fn serve(
    listener: TcpListener,
    readiness: Arc<Readiness>,
    metrics: Metrics,
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
        Ok(()) => "ok\n".into_response(),
        Err(text) => (StatusCode::SERVICE_UNAVAILABLE, format!("{text}\n")).into_response(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_ready_once_all_is_known_and_the_schema_is_fine() {
        let (schema, seen) = watch::channel(Some("the CRD is missing".to_owned()));
        let readiness = Readiness::new(2, seen);
        assert_eq!(readiness.state(), Err("the CRD is missing".into()));
        schema.send_replace(None);
        let waiting = "2 watches have not finished their first list";
        assert_eq!(readiness.state(), Err(waiting.into()));
        readiness.waiting(0);
        assert_eq!(readiness.state(), Ok(()));
        readiness.stop();
        assert_eq!(readiness.state(), Err("stopping".into()));
    }
}
