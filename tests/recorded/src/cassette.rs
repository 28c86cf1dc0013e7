//! A cassette as plain values.

use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::yaml::{self, Value};

/// A request, and the response that a provider gave it.
#[derive(Debug, Clone)]
pub struct Interaction {
    /// What the package instruments, as in `openai` or `google-genai`.
    pub package: String,
    /// The cassette, below its package's source distribution.
    pub file: String,
    /// Which of the cassette's interactions, from 0.
    pub index: usize,
    /// What a caller sent.
    pub request: Request,
    /// What a provider answered.
    pub response: Response,
}

/// What a caller sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// With the port, where one is named.
    pub host: String,
    /// Without the query; percent-encoded as it was sent.
    pub path: String,
    /// What stands behind `?`, or nothing.
    pub query: String,
    /// Names in lower case. The recorder took credentials away.
    pub headers: Vec<(String, String)>,
    /// As it was sent.
    pub body: Vec<u8>,
}

/// What a provider answered.
#[derive(Debug, Clone)]
pub struct Response {
    /// Of HTTP.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// Without its `content-encoding`, if there was one.
    pub body: Vec<u8>,
}

impl fmt::Display for Interaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.trim_start_matches("tests/");
        write!(f, "{} {file}#{}", self.package, self.index)
    }
}

impl Request {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The path, and the query if there is one.
    #[must_use]
    pub fn target(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }
}

impl Response {
    /// The first header of a name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The type of its body, without parameters; empty where none is said.
    #[must_use]
    pub fn media_type(&self) -> &str {
        let whole = self.header("content-type").unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim()
    }

    /// Whether it is a stream of events, lines or frames.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        matches!(
            self.media_type(),
            "text/event-stream"
                | "application/vnd.amazon.eventstream"
                | "application/x-ndjson"
                | "application/stream+json"
        )
    }
}

fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let (_, value) = headers.iter().find(|(key, _)| key == name)?;
    Some(value)
}

/// All cassettes of all packages below a folder.
pub(crate) fn read_below(root: &Path) -> Vec<Interaction> {
    let mut all = Vec::new();
    for (folder, package) in pinned(root) {
        let mut files = Vec::new();
        files_below(&folder, &mut files);
        files.sort();
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let file = path.strip_prefix(&folder).unwrap().to_str().unwrap();
            all.extend(interactions(&text, &package, file));
        }
    }
    all
}

/// The folder of each package of `pins`, and the package's short name, in the order of the pins.
fn pinned(root: &Path) -> Vec<(PathBuf, String)> {
    let pins = include_str!("../pins");
    let rows = pins.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [package, version, sha256, _] = fields[..] else {
            panic!("{line:?} is no pin");
        };
        let short = package.trim_start_matches("opentelemetry-instrumentation-");
        let folder = format!("{package}-{version}-{}", &sha256[..12]);
        (root.join(folder), short.to_owned())
    })
    .collect()
}

fn files_below(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn interactions(text: &str, package: &str, file: &str) -> Vec<Interaction> {
    let tree = yaml::parse(text);
    let Some(Value::List(list)) = tree.get("interactions") else {
        panic!("{file} has no interactions");
    };
    list.iter()
        .enumerate()
        .map(|(index, one)| Interaction {
            package: package.to_owned(),
            file: file.to_owned(),
            index,
            request: request(one.get("request").unwrap()),
            response: response(one.get("response").unwrap()),
        })
        .collect()
}

fn request(value: &Value) -> Request {
    let uri = value.get("uri").unwrap().text();
    let (_, rest) = uri.split_once("://").unwrap();
    // Mistral's SDK writes `#stream` behind the path, which never goes over the wire.
    let rest = rest.split('#').next().unwrap();
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    Request {
        method: value.get("method").unwrap().text().to_owned(),
        host: host.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers(value.get("headers").unwrap()),
        body: value.get("body").unwrap().bytes().to_vec(),
    }
}

fn response(value: &Value) -> Response {
    let status = value.get("status").unwrap().get("code").unwrap();
    let headers = headers(value.get("headers").unwrap());
    let body = value.get("body").unwrap().get("string").unwrap().bytes();
    let body = match header(&headers, "content-encoding") {
        None => body.to_vec(),
        Some("gzip") => {
            let mut plain = Vec::new();
            GzDecoder::new(body).read_to_end(&mut plain).unwrap();
            plain
        }
        Some(other) => panic!("no reader for content-encoding {other}"),
    };
    Response {
        status: status.text().parse().unwrap(),
        headers,
        body,
    }
}

fn headers(value: &Value) -> Vec<(String, String)> {
    let Value::Map(entries) = value else {
        panic!("{value:?} is no mapping of headers");
    };
    let mut headers = Vec::new();
    for (name, values) in entries {
        let name = name.to_ascii_lowercase();
        match values {
            Value::List(values) => {
                headers.extend(values.iter().map(|v| (name.clone(), v.text().to_owned())));
            }
            one => headers.push((name, one.text().to_owned())),
        }
    }
    headers
}
