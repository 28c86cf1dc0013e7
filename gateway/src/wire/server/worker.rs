//! A worker: a thread with its own runtime, handler and connections. The first one accepts, and
//! deals out to the one that has the fewest.
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

use super::{BACKLOG, Counted, Listening, ServerConfig, Shared, connection};
use crate::wire::message::Handler;

/// What the connections of one worker share.
pub(super) struct Worker<H> {
    pub(super) handler: H,
    pub(super) config: Arc<ServerConfig>,
    pub(super) shared: Arc<Shared>,
    /// Notified when the server drains; look at `shared.draining` after having registered.
    pub(super) drain: Arc<Notify>,
    load: Arc<AtomicUsize>,
}

/// Counted from its acceptance on, so that a drain does not end while it is handed over.
type Dealt = (std::net::TcpStream, SocketAddr, Counted);

/// Where the acceptor deals connections to.
struct Seat {
    load: Arc<AtomicUsize>,
    hand: mpsc::UnboundedSender<Dealt>,
}

/// Starts the threads; the channel that is given back closes when all of them have ended.
pub(super) fn start<H, F>(
    config: ServerConfig,
    workers: usize,
    listening: Listening,
    shared: &Arc<Shared>,
    make: F,
) -> io::Result<mpsc::Receiver<()>>
where
    H: Handler,
    F: Fn(usize) -> H + Send + Sync + 'static,
{
    let (gone, all_gone) = mpsc::channel(1);
    let make = Arc::new(make);
    let config = Arc::new(config);
    let mut listening = Some(listening);
    let (seats, hands): (Vec<Seat>, Vec<_>) = (0..workers)
        .map(|_| {
            let (hand, dealt) = mpsc::unbounded_channel();
            (
                Seat {
                    load: Arc::default(),
                    hand,
                },
                dealt,
            )
        })
        .unzip();
    let seats = Arc::new(seats);
    for (index, dealt) in hands.into_iter().enumerate() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (config, shared, make) = (config.clone(), shared.clone(), make.clone());
        let (gone, seats, listening) = (gone.clone(), seats.clone(), listening.take());
        std::thread::Builder::new()
            .name(format!("weir-worker-{index}"))
            .spawn(move || {
                runtime.block_on(async move {
                    let stopping = shared.clone();
                    let stop = stopping.stop.notified();
                    let mut stop = std::pin::pin!(stop);
                    stop.as_mut().enable();
                    if shared.stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    let worker = Arc::new(Worker {
                        handler: make(index),
                        config,
                        drain: shared.drain[index].clone(),
                        shared,
                        load: seats[index].load.clone(),
                    });
                    let work = async {
                        match listening {
                            Some(listening) => {
                                tokio::join!(
                                    receive(&worker, dealt),
                                    accept(&worker, listening, seats)
                                );
                            }
                            None => {
                                drop(seats);
                                receive(&worker, dealt).await;
                            }
                        }
                        // A drain ends with a stop, and so does a handle that is dropped.
                        std::future::pending::<()>().await;
                    };
                    tokio::select! {
                        () = stop => {}
                        () = work => {}
                    }
                });
                // Connections that are left are cut off here, and the handler goes with them.
                drop(runtime);
                drop(gone);
            })?;
    }
    Ok(all_gone)
}

async fn receive<H: Handler>(worker: &Arc<Worker<H>>, mut dealt: mpsc::UnboundedReceiver<Dealt>) {
    while let Some((tcp, peer, counted)) = dealt.recv().await {
        match TcpStream::from_std(tcp) {
            Ok(tcp) => begin(worker, tcp, peer, counted),
            Err(error) => {
                worker.load.fetch_sub(1, Ordering::Relaxed);
                tracing::warn!(%error, "a connection could not be taken over");
            }
        }
    }
}

/// Accepts until the server is told to close the listener, and then what has connected by then.
async fn accept<H: Handler>(
    worker: &Arc<Worker<H>>,
    mut listening: Listening,
    seats: Arc<Vec<Seat>>,
) {
    let Some(listener) = listening.listener.take() else {
        return;
    };
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => {
            tracing::error!(%error, "the listener could not be registered");
            return;
        }
    };
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = worker.shared.close.notified() => break,
        };
        match accepted {
            Ok((tcp, peer)) => deal(worker, tcp, peer, &seats),
            Err(error) if left_already(&error) => {}
            Err(error) => {
                // Most often the process is out of file descriptors: those that are open are
                // served on, and one of them closing makes room.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    // Closing the listener resets what waits in its queue, and the runtime may not have seen that yet.
    let Ok(listener) = listener.into_std() else {
        return;
    };
    for _ in 0..BACKLOG {
        match listener.accept() {
            Ok((tcp, peer)) => {
                if let Ok(tcp) = tcp
                    .set_nonblocking(true)
                    .and_then(|()| TcpStream::from_std(tcp))
                {
                    deal(worker, tcp, peer, &seats);
                }
            }
            Err(error) if left_already(&error) => {}
            Err(_) => break,
        }
    }
    listening.listener = Some(listener);
}

/// That one caller has left already says nothing about the next.
fn left_already(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    )
}

fn deal<H: Handler>(worker: &Arc<Worker<H>>, tcp: TcpStream, peer: SocketAddr, seats: &[Seat]) {
    let of = |seat: &Seat| seat.load.load(Ordering::Relaxed);
    let Some(seat) = seats.iter().min_by_key(|seat| of(seat)) else {
        return;
    };
    let counted = Counted::connection(&worker.shared);
    seat.load.fetch_add(1, Ordering::Relaxed);
    if Arc::ptr_eq(&seat.load, &worker.load) {
        begin(worker, tcp, peer, counted);
    } else if let Ok(tcp) = tcp.into_std()
        && seat.hand.send((tcp, peer, counted)).is_ok()
    {
    } else {
        seat.load.fetch_sub(1, Ordering::Relaxed);
    }
}

fn begin<H: Handler>(worker: &Arc<Worker<H>>, tcp: TcpStream, peer: SocketAddr, counted: Counted) {
    let seated = Seated(worker.load.clone());
    let worker = worker.clone();
    tokio::spawn(async move {
        connection::serve(worker, tcp, peer).await;
        drop((seated, counted));
    });
}

/// A connection's place with its worker.
struct Seated(Arc<AtomicUsize>);

impl Drop for Seated {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
