//! TLS on both sides.
use std::path::Path;
use std::time::Duration;

use http::Version;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use weir_gateway::wire::tls::{ClientTls, TlsSource};
use weir_gateway::wire::{HttpVersion, SendErrorKind, ServerConfig, ServerHandle, Target};

use crate::support::{
    Caller, Provider, config, fed, full, post, serve, soon, target, upstreams, whole,
};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// Writes a certificate for 127.0.0.1, and its key.
    fn issue(&self, certificate: &Path, key: &Path) {
        let own = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let signed = params.signed_by(&own, &self.0).unwrap();
        std::fs::write(certificate, signed.pem()).unwrap();
        std::fs::write(key, own.serialize_pem()).unwrap();
    }
}

fn material(dir: &Path, authority: &Authority) -> TlsSource {
    let (certificate, key) = (dir.join("tls.crt"), dir.join("tls.key"));
    authority.issue(&certificate, &key);
    TlsSource::open(&certificate, &key).unwrap()
}

fn start(dir: &Path, authority: &Authority, header_timeout: Duration) -> ServerHandle {
    let config = ServerConfig {
        tls: Some(material(dir, authority)),
        header_timeout,
        ..config()
    };
    serve(config, |request| async move {
        full(format!("{:?} {}", request.head.version, request.tls))
    })
}

fn over_tls(server: &ServerHandle, ca: &str, http: HttpVersion) -> Target {
    Target {
        tls: Some(ClientTls::new(Some(ca), http).unwrap()),
        http,
        ..target(server.local_addr())
    }
}

#[tokio::test]
async fn alpn_settles_which_http_is_spoken() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = start(dir.path(), &authority, Duration::from_secs(10));
    for (http, version) in [
        (HttpVersion::Auto, Version::HTTP_2),
        (HttpVersion::Http1, Version::HTTP_11),
        (HttpVersion::Http2, Version::HTTP_2),
    ] {
        let upstreams = upstreams();
        let target = over_tls(&server, &authority.pem(), http);
        for _ in 0..2 {
            let answer = soon(upstreams.send(&target, post("x"))).await.unwrap();
            assert_eq!(answer.version, version);
            assert_eq!(whole(answer.body).await, Ok(format!("{version:?} true")));
        }
        assert_eq!(upstreams.idle(), 1);
    }
}

#[tokio::test]
async fn a_bundle_replaces_all_other_roots() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = start(dir.path(), &authority, Duration::from_secs(10));
    let stranger = Authority::new().pem();
    let target = over_tls(&server, &stranger, HttpVersion::Auto);
    let error = soon(upstreams().send(&target, post("x")))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.sent), (SendErrorKind::Tls, false));
    for (bundle, message) in [
        ("", "CA bundle: no certificate in it"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "CA bundle: invalid",
        ),
    ] {
        let error = ClientTls::new(Some(bundle), HttpVersion::Auto)
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(message), "{error}");
    }
}

#[tokio::test]
async fn a_replaced_certificate_serves_and_a_broken_one_does_not() {
    let (dir, old, new) = (
        tempfile::tempdir().unwrap(),
        Authority::new(),
        Authority::new(),
    );
    let server = start(dir.path(), &old, Duration::from_secs(10));
    let accepts = async |authority: &Authority| {
        let target = over_tls(&server, &authority.pem(), HttpVersion::Http1);
        soon(upstreams().send(&target, post("x"))).await.is_ok()
    };
    assert_eq!((accepts(&old).await, accepts(&new).await), (true, false));
    // As a mounted Secret changes: in a new folder, and by one rename.
    std::fs::write(dir.path().join("tls.crt"), "nonsense").unwrap();
    let error = TlsSource::open(&dir.path().join("tls.crt"), &dir.path().join("tls.key"));
    let error = error.unwrap_err().to_string();
    assert!(error.ends_with("tls.crt: no certificate in it"), "{error}");
    assert!(accepts(&old).await);
    let (certificate, key) = (dir.path().join("crt.new"), dir.path().join("key.new"));
    new.issue(&certificate, &key);
    std::fs::rename(key, dir.path().join("tls.key")).unwrap();
    std::fs::rename(certificate, dir.path().join("tls.crt")).unwrap();
    // The files are followed: nobody says that they have changed.
    soon(async {
        while !accepts(&new).await {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!accepts(&old).await);
}

#[tokio::test]
async fn a_handshake_that_does_not_end_is_cut_off() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let server = start(dir.path(), &authority, Duration::from_millis(200));
    let mut silent = Caller::connect(server.local_addr()).await;
    let mut halting = Caller::connect(server.local_addr()).await;
    halting.send([0x16, 3, 1]).await;
    assert_eq!(silent.rest().await.unwrap(), "");
    assert_eq!(halting.rest().await.unwrap(), "");
}

/// Sizes around what two sockets hold of what nobody reads.
fn sizes() -> impl Iterator<Item = usize> {
    (3_900_000..4_700_000).step_by(32 << 10)
}

#[tokio::test]
async fn the_end_of_a_large_answer_reaches_a_caller_that_is_slow() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let config = ServerConfig {
        tls: Some(material(dir.path(), &authority)),
        ..config()
    };
    let server = serve(config, |mut request| async move {
        let size = request.body.collect(100).await.unwrap();
        let size = std::str::from_utf8(&size).unwrap().parse().unwrap();
        let (response, feeder) = fed(Some(size as u64));
        feeder.chunk(&"x".repeat(size));
        response
    });
    let target = over_tls(&server, &authority.pem(), HttpVersion::Http1);
    let upstreams = upstreams();
    let answers = sizes().map(|size| {
        let (upstreams, target) = (upstreams.clone(), target.clone());
        tokio::spawn(async move {
            let answer = soon(upstreams.send(&target, post(size.to_string()))).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            let got = whole(answer.unwrap().body).await;
            assert_eq!(got.map(|body| body.len()), Ok(size));
        })
    });
    for answer in answers.collect::<Vec<_>>() {
        answer.await.unwrap();
    }
}

#[tokio::test]
async fn the_end_of_a_large_request_reaches_a_provider_that_is_slow() {
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let config = ServerConfig {
        tls: Some(material(dir.path(), &authority)),
        ..config()
    };
    let server = serve(config, |mut request| async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let body = request.body.collect(usize::MAX).await.unwrap();
        full(body.len().to_string())
    });
    let target = over_tls(&server, &authority.pem(), HttpVersion::Http1);
    let upstreams = upstreams();
    let requests = sizes().map(|size| {
        let (upstreams, target) = (upstreams.clone(), target.clone());
        tokio::spawn(async move {
            let answer = soon(upstreams.send(&target, post("x".repeat(size)))).await;
            assert_eq!(whole(answer.unwrap().body).await, Ok(size.to_string()));
        })
    });
    for request in requests.collect::<Vec<_>>() {
        request.await.unwrap();
    }
}

/// What a provider says beyond its answer can lie in TLS already when the answer has been read.
#[tokio::test]
async fn what_a_provider_says_beyond_its_answer_is_no_answer() {
    use rustls::pki_types::pem::PemObject as _;
    use tokio::io::AsyncWriteExt as _;
    let (dir, authority) = (tempfile::tempdir().unwrap(), Authority::new());
    let (certificate, key) = (dir.path().join("tls.crt"), dir.path().join("tls.key"));
    authority.issue(&certificate, &key);
    let chain = vec![rustls::pki_types::CertificateDer::from_pem_file(&certificate).unwrap()];
    let key = rustls::pki_types::PrivateKeyDer::from_pem_file(&key).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let (provider, address) = Provider::listen().await;
    let target = Target {
        tls: Some(ClientTls::new(Some(&authority.pem()), HttpVersion::Http1).unwrap()),
        ..target(address)
    };
    let upstreams = upstreams();
    let mut held = Vec::new();
    for _ in 0..2 {
        let (got, connection) = tokio::join!(soon(upstreams.send(&target, post("{}"))), async {
            let tcp = provider.accept().await.tcp;
            let mut tls = soon(acceptor.accept(tcp)).await.unwrap();
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 16342\r\n\r\n";
            // Both fill a read buffer to its last byte.
            let answer = format!("{head}{}", "x".repeat(16_342));
            tls.write_all(answer.as_bytes()).await.unwrap();
            let evil = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
            tls.write_all(evil).await.unwrap();
            tls
        });
        held.push(connection);
        assert_eq!(
            whole(got.unwrap().body).await.map(|body| body.len()),
            Ok(16_342)
        );
    }
    assert_eq!(upstreams.idle(), 0);
}
