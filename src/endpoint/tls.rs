//! Whether and how a connection uses TLS.

use super::fields::Fields;
use super::names::Meaning;
use super::pem;
use store_client::{ClientIdentity, Tls};

/// Certificates and keys make sense only with TLS (cert-manager, operators).
const MATERIAL: [Meaning; 4] =
    [Meaning::Ca, Meaning::Certificate, Meaning::ClientCertificate, Meaning::ClientKey];

/// The TLS of the connection, if it uses TLS. The option decides that first, then a flag, then the scheme if there is one.
/// Without any, TLS is on if the uri or a TLS port says so (`implied`), or if the credentials contain certificates.
pub(super) fn read(
    fields: &Fields<'_>,
    scheme: Option<bool>,
    implied: bool,
) -> anyhow::Result<Option<Tls>> {
    let flag = fields.flag(Meaning::Tls)?;
    // Where there is no port without TLS, there is one with it.
    let tls_only = fields.flag(Meaning::PlainPortEnabled)?.filter(|plain| !plain).map(|_| true);
    let has_material = MATERIAL.iter().any(|meaning| fields.has(*meaning));
    let said = fields.options.tls.or(flag).or(tls_only).or(scheme);
    if said.unwrap_or(implied || has_material || fields.options.ca.is_some()) {
        return material(fields).map(Some);
    }
    for meaning in MATERIAL {
        fields.ignore(meaning);
    }
    Ok(None)
}

fn material(fields: &Fields<'_>) -> anyhow::Result<Tls> {
    let key = pem::read(fields, Meaning::ClientKey)?;
    let mut certificate = pem::read(fields, Meaning::ClientCertificate)?;
    let mut ca = pem::of_option(fields)?
        .map_or_else(|| pem::read(fields, Meaning::Ca), |ca| Ok(Some(ca)))?;
    // In servicebinding.io's words, `certificates` belong to `private-key`; elsewhere they are the CA's.
    let either = pem::read(fields, Meaning::Certificate)?;
    match either {
        Some(either) if key.is_some() && certificate.is_none() => certificate = Some(either),
        Some(either) if ca.is_none() => ca = Some(either),
        _ => {}
    }
    let expected = "both tls.crt and tls.key for a server that asks for a client certificate";
    let client = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(ClientIdentity { certificate, key }),
        (None, None) => None,
        (Some(_), None) => return Err(fields.missing("key for its client certificate", expected)),
        (None, Some(_)) => return Err(fields.missing("client certificate for its key", expected)),
    };
    Ok(Tls { ca, client })
}
