//! Certificates, keys and tokens of an API server, and kubeconfigs for it.

use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::json;

use crate::certificates::Authority;
use crate::keeper::Kept;

/// The first address of the range of Services, at which pods reach the API server.
const SERVICE_ADDRESS: &str = "10.0.0.1";

/// The files that an API server is started with.
#[derive(Debug)]
pub(super) struct Credentials {
    pub(super) authority: String,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) users: PathBuf,
    pub(super) admin: String,
}

/// Which keys sign the tokens of ServiceAccounts, and which are good.
#[derive(Debug)]
pub(super) struct SigningKeys {
    made: usize,
    /// The private key that signs.
    pub(super) signs: PathBuf,
    /// The public keys that are believed and published, the newest first.
    pub(super) believed: Vec<PathBuf>,
}

impl Credentials {
    pub(super) fn new(folder: &Kept) -> Self {
        let authority = Authority::new();
        let pair = authority.certify(&[
            "kubernetes.default.svc",
            "localhost",
            "127.0.0.1",
            SERVICE_ADDRESS,
        ]);
        let admin = "token-of-the-admin-of-this-test";
        Self {
            certificate: folder.write("server.crt", &pair.certificate),
            key: folder.write("server.key", &pair.key),
            users: folder.write(
                "users.csv",
                format!("{admin},admin,admin,\"system:masters\"\n"),
            ),
            admin: admin.into(),
            authority: authority.pem(),
        }
    }
}

impl SigningKeys {
    pub(super) fn new(folder: &Kept) -> Self {
        let mut keys = Self {
            made: 0,
            signs: PathBuf::new(),
            believed: Vec::new(),
        };
        keys.sign_anew(folder);
        keys
    }

    /// Signs with a new key. Those before are believed still. The first is RSA, as kubeadm makes
    /// it, the next an elliptic curve, and so on by turns.
    pub(super) fn sign_anew(&mut self, folder: &Kept) {
        let pair = if self.made.is_multiple_of(2) {
            KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)
        } else {
            KeyPair::generate()
        }
        .unwrap();
        self.made += 1;
        let name = format!("sign-{}", self.made);
        self.signs = folder.write(&format!("{name}.key"), pair.serialize_pem());
        let public = folder.write(&format!("{name}.pub"), pair.public_key_pem());
        self.believed.insert(0, public);
    }

    /// Believes the key that signs now, and no other.
    pub(super) fn forget_old(&mut self) {
        self.believed.truncate(1);
    }
}

/// Whom a kubeconfig speaks for.
#[derive(Debug)]
pub(super) enum User<'a> {
    /// The bearer of this token.
    Token(&'a str),
    /// The bearer of the token in this file, which is read anew now and then.
    TokenFile(&'a Path),
}

/// The text of a kubeconfig: JSON, which is YAML too.
pub(super) fn kubeconfig(
    server: &str,
    tls_server_name: Option<&str>,
    authority: &str,
    user: &User<'_>,
    namespace: &str,
) -> String {
    let user = match user {
        User::Token(token) => json!({"token": token}),
        User::TokenFile(path) => json!({"tokenFile": path}),
    };
    let mut cluster = json!({
        "server": server,
        "certificate-authority-data": ByteString(authority.as_bytes().to_vec()),
    });
    if let Some(name) = tls_server_name {
        cluster["tls-server-name"] = name.into();
    }
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [{"name": "test", "context": {
            "cluster": "test", "user": "test", "namespace": namespace,
        }}],
        "current-context": "test",
    })
    .to_string()
}
