//! What stands between a component and the API server, and breaks their connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Passes bytes on as they are, until it is told to break them off. It understands none of them.
///
/// It runs on threads of its own, so that it outlives the runtime of the test that made it.
#[derive(Debug)]
pub struct Cutter {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    target: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    closed: bool,
    /// Both ends of every connection under way.
    open: Vec<(u64, TcpStream, TcpStream)>,
    next: u64,
    received: u64,
    sent: u64,
    /// Bytes from the server until the next cut.
    fuse: Option<u64>,
    cuts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    Freeze,
    Refuse,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn cut(&mut self) {
        self.fuse = None;
        self.cuts += 1;
        for (_, one, other) in self.open.drain(..) {
            // An end that is gone is what is wanted.
            let _ = one.shutdown(Shutdown::Both);
            let _ = other.shutdown(Shutdown::Both);
        }
    }
}

impl Cutter {
    /// One before `target` (`HOST:PORT`), on a free port of this machine.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    pub fn before(target: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            state: Mutex::new(State {
                mode: Mode::Pass,
                closed: false,
                open: Vec::new(),
                next: 0,
                received: 0,
                sent: 0,
                fuse: None,
                cuts: 0,
            }),
            changed: Condvar::new(),
        });
        let accepting = Arc::clone(&shared);
        std::thread::spawn(move || accept(&listener, &accepting));
        Self { address, shared }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection under way. New ones go through.
    pub fn cut(&self) {
        self.shared.state().cut();
    }

    /// Ends every connection once this many more bytes have come from the server: in the middle of
    /// a list, or of an event of a watch. See [`Cutter::cuts`] for when it has happened.
    pub fn cut_after(&self, bytes: u64) {
        self.shared.state().fuse = Some(bytes);
    }

    /// How often connections were cut.
    #[must_use]
    pub fn cuts(&self) -> u64 {
        self.shared.state().cuts
    }

    /// Ends every connection, and each new one at once.
    pub fn refuse(&self) {
        self.turn(Mode::Refuse);
        self.cut();
    }

    /// Lets connections stand, but nothing through.
    pub fn freeze(&self) {
        self.turn(Mode::Freeze);
    }

    /// Lets everything through again; what was frozen goes on.
    pub fn pass(&self) {
        self.turn(Mode::Pass);
    }

    /// Bytes that came from the server so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.shared.state().received
    }

    /// Bytes that went to the server so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.shared.state().sent
    }

    /// Connections under way.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.state().open.len()
    }

    fn turn(&self, mode: Mode) {
        self.shared.state().mode = mode;
        self.shared.changed.notify_all();
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        state.cut();
        drop(state);
        self.shared.changed.notify_all();
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for caller in listener.incoming() {
        if shared.state().closed {
            return;
        }
        // A caller that has gone already needs nothing.
        let Ok(caller) = caller else { continue };
        if shared.state().mode == Mode::Refuse {
            continue;
        }
        let shared = Arc::clone(shared);
        std::thread::spawn(move || {
            // Either end may refuse or go: then the other's connection ends too.
            let _ = relay(caller, &shared);
        });
    }
}

fn relay(caller: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let server = TcpStream::connect(&shared.target)?;
    caller.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let id = {
        let mut state = shared.state();
        if state.closed || state.mode == Mode::Refuse {
            return Ok(());
        }
        state.next += 1;
        let id = state.next;
        state
            .open
            .push((id, caller.try_clone()?, server.try_clone()?));
        id
    };
    let (from, to) = (caller.try_clone()?, server.try_clone()?);
    let up = {
        let shared = Arc::clone(shared);
        std::thread::spawn(move || pump(from, to, &shared, Direction::ToServer))
    };
    pump(server, caller, shared, Direction::FromServer);
    // It ends once both sockets are shut down, which the end of either does.
    let _ = up.join();
    shared.state().open.retain(|(one, _, _)| *one != id);
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    FromServer,
}

fn pump(mut from: TcpStream, mut to: TcpStream, shared: &Shared, direction: Direction) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let Some(allowed) = allow(shared, direction, count) else {
            break;
        };
        if to.write_all(&buffer[..allowed]).is_err() {
            break;
        }
        if allowed < count {
            shared.state().cut();
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// How many of these bytes may pass, once any may; none at all where it is over.
fn allow(shared: &Shared, direction: Direction, count: usize) -> Option<usize> {
    let mut state = shared
        .changed
        .wait_while(shared.state(), |state| {
            state.mode == Mode::Freeze && !state.closed
        })
        .unwrap_or_else(PoisonError::into_inner);
    if state.closed {
        return None;
    }
    if direction == Direction::ToServer {
        state.sent += count as u64;
        return Some(count);
    }
    let allowed = match state.fuse {
        Some(left) if left < count as u64 => usize::try_from(left).ok()?,
        Some(left) => {
            state.fuse = Some(left - count as u64);
            count
        }
        None => count,
    };
    state.received += allowed as u64;
    Some(allowed)
}
