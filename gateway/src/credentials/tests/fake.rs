//! A service over HTTP/1.1 in plain text, on loopback, that answers as a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A request as it came.
#[derive(Debug, Clone)]
pub(in crate::credentials) struct Seen {
    /// Method and target, as in `POST /token`.
    pub(in crate::credentials) line: String,
    pub(in crate::credentials) headers: BTreeMap<String, String>,
    pub(in crate::credentials) body: String,
}

impl Seen {
    /// A field of the form, decoded.
    pub(in crate::credentials) fn field(&self, name: &str) -> Option<String> {
        let fields = self.body.split('&').filter_map(|pair| pair.split_once('='));
        let (_, value) = fields.into_iter().find(|(found, _)| *found == name)?;
        let mut bytes = value.bytes();
        let mut decoded = Vec::new();
        while let Some(byte) = bytes.next() {
            decoded.push(if byte == b'%' {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            } else {
                byte
            });
        }
        Some(String::from_utf8(decoded).unwrap())
    }
}

pub(in crate::credentials) struct Fake {
    /// As in `127.0.0.1:1234`.
    pub(in crate::credentials) host: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    listening: JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Fake {
    /// A service that gives each request the status and the body that `answer` says.
    pub(in crate::credentials) async fn start(
        answer: impl Fn(&Seen) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&seen);
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &log, &answer).await;
            }
        });
        Self {
            host,
            seen,
            listening,
        }
    }

    /// A service that always says the same.
    pub(in crate::credentials) async fn saying(status: u16, body: impl Into<String>) -> Self {
        let body = body.into();
        Self::start(move |_| (status, body.clone())).await
    }

    pub(in crate::credentials) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// What came so far.
    pub(in crate::credentials) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Seen>>,
    answer: &(impl Fn(&Seen) -> (u16, String) + Send + Sync),
) {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let headers: BTreeMap<String, String> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let seen = Seen {
        line: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
    };
    let (status, body) = answer(&seen);
    log.lock().unwrap().push(seen);
    let answer = format!(
        "HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
}
