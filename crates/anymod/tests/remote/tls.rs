//! Encrypted connections, with an authority and certificates made for the test: whom to trust, and who one is.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::cache::connected;
use crate::proxy::Proxy;
use crate::server::Server;
use crate::tree::{Built, Tree};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for a name and its key, both PEM.
fn certificate(authority: &Authority, name: &str) -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

/// What a server needs that shows a certificate and wants one of its clients.
fn acceptor(authority: &Authority) -> TlsAcceptor {
    let (certificate, key) = certificate(authority, "127.0.0.1");
    let mut trusted = RootCertStore::empty();
    trusted.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
    let verifier = WebPkiClientVerifier::builder(Arc::new(trusted)).build().unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder().with_client_cert_verifier(verifier);
    let mut config = config.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

struct Desk {
    directory: tempfile::TempDir,
    server: Server,
    proxy: Proxy,
}

impl Desk {
    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A build that trusts who is in a file and shows what is in the others.
    fn build(&self, authority: &Path, client: Option<(&Path, &Path)>) -> Built {
        self.tree(authority, client).build(&[])
    }

    fn tree(&self, authority: &Path, client: Option<(&Path, &Path)>) -> Tree {
        let mut tree = connected(Tree::one(), &self.server, "read-write");
        tree.set("ANYMOD_REMOTE", &format!("grpcs://127.0.0.1:{}", self.proxy.port()));
        tree.set("ANYMOD_REMOTE_CERTIFICATE_AUTHORITY", authority.to_str().unwrap());
        if let Some((certificate, key)) = client {
            tree.set("ANYMOD_REMOTE_CLIENT_CERTIFICATE", certificate.to_str().unwrap());
            tree.set("ANYMOD_REMOTE_CLIENT_KEY", key.to_str().unwrap());
        }
        tree
    }
}

/// True if one finding has all of these words.
fn tells(built: &Built, words: &[&str]) -> bool {
    let all = format!("{:?}", built.events);
    let said = format!("{all}{}", built.stderr);
    words.iter().all(|word| said.contains(word))
}

#[test]
fn whom_to_trust_and_who_one_is() {
    let ours = authority("ours");
    let server = Server::cache();
    let proxy = Proxy::before(server.port, Some(acceptor(&ours)));
    let desk = Desk { directory: tempfile::tempdir().unwrap(), server, proxy };
    let (certificate, key) = certificate(&ours, "client");
    let trusted = desk.write("ours.pem", &ours.pem());
    let (certificate, key) = (desk.write("client.pem", &certificate), desk.write("key.pem", &key));
    let client = Some((certificate.as_path(), key.as_path()));

    let first = desk.build(&trusted, client).ok();
    assert!(first.codes().is_empty() && first.totals().uploaded > 0, "{first:#?}");
    let second = desk.build(&trusted, client).ok();
    assert_eq!(second.totals().remote_hits, first.ran().len(), "{second:#?}");

    let others = desk.write("others.pem", &authority("others").pem());
    let wrong = desk.build(&others, client).ok();
    assert_eq!(wrong.codes(), ["F0002"]);
    assert!(tells(&wrong, &["others.pem", "remote.certificate-authority"]), "{wrong:#?}");
    let checked = desk.tree(&others, client).anymod(&["remote", "check"]).output().unwrap();
    let told = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(told.contains("F0006") && told.contains("others.pem"), "{told}");
    let nobody = desk.build(&trusted, None).ok();
    assert_eq!(nobody.codes(), ["F0002"]);
    assert!(tells(&nobody, &["remote.client-certificate"]), "{nobody:#?}");

    let nonsense = desk.write("nonsense.pem", "-----BEGIN NONSENSE-----\n");
    for (authority, client) in [
        (&nonsense, client),
        (&trusted, Some((nonsense.as_path(), key.as_path()))),
        (&trusted, Some((certificate.as_path(), nonsense.as_path()))),
    ] {
        let built = desk.build(authority, client);
        assert_eq!((built.code, built.codes()), (Some(2), vec!["F0001".to_owned()]), "{built:#?}");
        assert!(tells(&built, &["nonsense.pem"]), "{built:#?}");
    }
}
