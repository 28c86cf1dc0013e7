//! TLS: the listener's certificate, and what upstreams are trusted by.
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::upstream::HttpVersion;

/// How often the files are looked at for a change.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A certificate and its key, read from files and read again when those change: in place, by
/// rename, or by the `..data` link of a mounted Secret. Clones share what was read.
#[derive(Debug, Clone)]
pub struct TlsSource {
    inner: Arc<Source>,
}

#[derive(Debug)]
struct Source {
    certificate: PathBuf,
    key: PathBuf,
    current: ArcSwap<rustls::ServerConfig>,
}

/// TLS material that can't be used. Never quotes a key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file can't be read.
    #[error("{path}: {error}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// A file or bundle is not PEM, or holds nothing of what it should hold.
    #[error("{origin}: {problem}")]
    Pem {
        /// The file, or what the PEM text was given for.
        origin: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate and key do not fit, or are of a kind that is not supported.
    #[error("{0}")]
    Unusable(String),
}

impl TlsSource {
    /// Reads certificate chain and key (PEM) and follows their changes from then on. A changed
    /// pair that can't be used is logged, and the last good one serves on.
    ///
    /// # Errors
    /// The files can't be read, or do not make a usable pair.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = (Stamp::of(certificate), Stamp::of(key));
        let config = load(certificate, key)?;
        let inner = Arc::new(Source {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            current: ArcSwap::from_pointee(config),
        });
        let followed = Arc::downgrade(&inner);
        std::thread::Builder::new()
            .name("weir-tls".to_owned())
            .spawn(move || follow(&followed, read))
            .map_err(|error| TlsError::Read {
                path: certificate.to_owned(),
                error,
            })?;
        Ok(Self { inner })
    }

    /// What handshakes are made with, as of now.
    pub(in crate::wire) fn acceptor(&self) -> tokio_rustls::TlsAcceptor {
        self.inner.current.load_full().into()
    }
}

/// What tells one version of a file from another, links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Stamp {
    /// None where there is no file.
    fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let file = std::fs::metadata(path).ok()?;
        Some(Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
        })
    }
}

/// Reads the files again whenever they change, as long as anybody uses them. Looking is cheap and
/// sees every way of replacing a file, which watching does not.
fn follow(source: &Weak<Source>, mut read: (Option<Stamp>, Option<Stamp>)) {
    loop {
        std::thread::sleep(LOOK_EVERY);
        let Some(source) = source.upgrade() else {
            return;
        };
        let now = (Stamp::of(&source.certificate), Stamp::of(&source.key));
        if now == read {
            continue;
        }
        read = now;
        match load(&source.certificate, &source.key) {
            Ok(config) => {
                source.current.store(Arc::new(config));
                tracing::info!(certificate = %source.certificate.display(), "certificate reloaded");
            }
            // Half of a change looks like this, too: the other half is seen as the next change.
            Err(error) => tracing::warn!(%error, "the last good certificate serves on"),
        }
    }
}

fn load(certificate: &Path, key: &Path) -> Result<rustls::ServerConfig, TlsError> {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| TlsError::Read {
            path: path.to_owned(),
            error,
        })
    };
    let pem = |path: &Path, problem: String| TlsError::Pem {
        origin: path.display().to_string(),
        problem,
    };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| pem(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(pem(certificate, "no certificate in it".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|error| pem(key, error.to_string()))?;
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Unusable(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::Unusable(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// What a connection to a provider trusts and offers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// The configuration that connections are made with.
    pub(in crate::wire) config: Arc<rustls::ClientConfig>,
}

impl ClientTls {
    /// Trusts the certificates of `ca` (a PEM bundle) and no others, or, without it, those of the
    /// system (`SSL_CERT_FILE` and `SSL_CERT_DIR` are honoured). Offers by ALPN what `http` says.
    ///
    /// Building one parses every root: build once for a provider and keep it.
    ///
    /// # Errors
    /// The bundle is not PEM or holds no certificate, or the system has no roots.
    pub fn new(ca: Option<&str>, http: HttpVersion) -> Result<Self, TlsError> {
        let mut config = rustls::ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Unusable(error.to_string()))?
            .with_root_certificates(match ca {
                Some(pem) => Arc::new(bundle(pem)?),
                None => system_roots()?,
            })
            .with_no_client_auth();
        config.alpn_protocols = match http {
            HttpVersion::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            HttpVersion::Http1 => vec![b"http/1.1".to_vec()],
            HttpVersion::Http2 => vec![b"h2".to_vec()],
        };
        Ok(Self {
            config: Arc::new(config),
        })
    }
}

fn bundle(pem: &str) -> Result<rustls::RootCertStore, TlsError> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let problem = |problem: String| TlsError::Pem {
        origin: "CA bundle".to_owned(),
        problem,
    };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| problem(error.to_string()))?;
        roots
            .add(certificate)
            .map_err(|error| problem(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(problem("no certificate in it".to_owned()));
    }
    Ok(roots)
}

/// The system's roots, read once: the files change with the image, not with the process.
fn system_roots() -> Result<Arc<rustls::RootCertStore>, TlsError> {
    static ROOTS: std::sync::OnceLock<Arc<rustls::RootCertStore>> = std::sync::OnceLock::new();
    if let Some(roots) = ROOTS.get() {
        return Ok(roots.clone());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found
            .errors
            .first()
            .map_or_else(String::new, |error| format!(": {error}"));
        return Err(TlsError::Unusable(format!(
            "this system has no root certificates{why}"
        )));
    }
    Ok(ROOTS.get_or_init(|| Arc::new(roots)).clone())
}
