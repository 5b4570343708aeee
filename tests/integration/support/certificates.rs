//! A certificate authority that nobody trusts, for servers with TLS.

use super::app::make_readable;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    date_time_ymd,
};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// A certificate with its key, in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// An authority, and the folder that a server in a container reads its identity from.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The authority's certificate, in PEM.
    pub(crate) certificate: String,
    folder: TempDir,
}

/// A server waits for this file; then its identity is complete.
const READY: &str = "ready";

impl Authority {
    /// A new authority.
    pub(crate) fn new() -> Self {
        Self::with(CertificateParams::new(Vec::new()).expect("no names"))
    }

    /// One whose certificate has expired.
    pub(crate) fn expired() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 29);
        Self::with(params)
    }

    fn with(mut params: CertificateParams) -> Self {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Authority of the tests");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let folder = tempfile::tempdir().expect("a folder");
        make_readable(folder.path());
        let authority = Self { issuer: Issuer::new(params, key), certificate, folder };
        authority.write("ca.pem", &authority.certificate);
        authority
    }

    /// A server's identity of the old kind, with its name in the subject only.
    fn identity_of_subject(&self, name: &str) -> Identity {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.distinguished_name.push(DnType::CommonName, name);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Identity { certificate, key: key.serialize_pem() }
    }

    /// An identity that this authority vouches for: a server's names and addresses, a client's name.
    pub(crate) fn identity(&self, names: &[&str]) -> Identity {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names and addresses");
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(&params)
    }

    /// The folder for the server's container: `ca.pem`, later `cert.pem` and `key.pem`.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A shell command that waits until the server's identity is in the folder, mounted at `/tls`.
    pub(crate) fn wait_command() -> String {
        format!("until [ -f /tls/{READY} ]; do sleep 0.1; done")
    }

    /// Gives the server its identity; its address is known only now that the container runs.
    pub(crate) fn give_identity(&self, names: &[&str]) {
        self.give(&self.identity(names));
    }

    /// Gives the server an identity of the old kind.
    pub(crate) fn give_identity_of_subject(&self, name: &str) {
        self.give(&self.identity_of_subject(name));
    }

    fn give(&self, identity: &Identity) {
        self.write("cert.pem", &identity.certificate);
        self.write("key.pem", &identity.key);
        self.write(READY, "");
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("our own folder");
    }
}
