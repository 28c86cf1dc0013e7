//! Processes and folders that don't outlive the test, however it ends: at its end, in a panic, or
//! killed with no time to clean up.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{OnceLock, mpsc};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::log::Log;

/// A command for [`start`]: what runs it is killed when the test process goes.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    static SETPRIV: OnceLock<bool> = OnceLock::new();
    let there = SETPRIV.get_or_init(|| {
        let version = Command::new("setpriv").arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    });
    if !there {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

type Job = (Command, mpsc::Sender<io::Result<Child>>);

/// Starts a [`command`]. Its process id is that of the program.
///
/// The kernel kills such a process when the *thread* that started it ends, and the threads of tests
/// end early. So one thread starts all of them, and lives as long as the test process.
///
/// # Errors
/// As the operating system says.
///
/// # Panics
/// The thread is gone.
pub fn start(command: Command) -> io::Result<Child> {
    static KEEPER: OnceLock<mpsc::Sender<Job>> = OnceLock::new();
    let keeper = KEEPER.get_or_init(|| {
        let (jobs, taken) = mpsc::channel::<Job>();
        std::thread::Builder::new()
            .name("keeper".into())
            .spawn(move || {
                for (mut command, done) in taken {
                    // Nobody may wait for it any more.
                    let _ = done.send(command.spawn());
                }
            })
            .unwrap();
        jobs
    });
    let (done, started) = mpsc::channel();
    keeper.send((command, done)).unwrap();
    started.recv().unwrap()
}

/// A process that is killed when this value or the test process goes.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// What it writes to standard error.
    pub log: Log,
    /// What it writes to standard output.
    pub output: Log,
}

impl Process {
    /// Starts a [`command`].
    ///
    /// # Panics
    /// It can't be started.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let said = format!("{command:?}");
        let mut child = start(command).unwrap_or_else(|error| panic!("{said}: {error}"));
        Self {
            log: Log::collect(child.stderr.take().unwrap()),
            output: Log::collect(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Its id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Panics
    /// The operating system does not tell.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Ends it with no time to do anything, and waits for that.
    pub fn kill(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Tells it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Stops it where it stands (SIGSTOP); connections stay open.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on after [`Process::pause`].
    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A folder in the system's place for temporary things, gone with this value or the test process.
#[derive(Debug)]
pub struct Kept {
    folder: Option<TempDir>,
    path: PathBuf,
    remover: Child,
}

/// Waits for the end of its input, which is that of the test process or of the value. What still
/// writes there is being killed at that moment, so it may take more than one go.
const REMOVE: &str = r#"trap "" HUP INT TERM
read -r _
tries=100
until rm -rf -- "$1" 2>/dev/null && [ ! -e "$1" ]; do
  tries=$((tries - 1))
  [ $tries -gt 0 ] || exit 1
  sleep 0.1
done"#;

impl Kept {
    /// An empty one.
    ///
    /// # Panics
    /// It can't be made.
    #[must_use]
    pub fn folder() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("weir-test-")
            .tempdir()
            .unwrap();
        let path = folder.path().to_owned();
        let remover = Command::new("sh")
            .args(["-c", REMOVE, "sh"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self {
            folder: Some(folder),
            path,
            remover,
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file of it and says where that is.
    ///
    /// # Panics
    /// It can't be written.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop(self.folder.take());
        drop(self.remover.stdin.take());
        let _ = self.remover.wait();
    }
}
