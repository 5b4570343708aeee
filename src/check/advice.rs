//! Advice for this endpoint.

use super::causes::Kind;
use super::steps::Part;
use crate::endpoint::Endpoint;
use crate::system::secret::doubt;
use std::fmt::Write;

pub(super) fn advice(kind: Kind, endpoint: &Endpoint, prefix: &str, parts: &[Part]) -> String {
    let general = kind.advice();
    match kind {
        Kind::NoPermission => missing_rights(endpoint, prefix, parts).map_or_else(
            || general.to_owned(),
            |rights| format!("Grant the user the missing rights: {rights}"),
        ),
        Kind::WrongPassword => {
            let doubt = endpoint.secrets().into_iter().find_map(doubt);
            doubt.map_or_else(|| general.to_owned(), |doubt| format!("{doubt} {general}"))
        }
        _ => general.to_owned(),
    }
}

/// The missing rights, as the command that grants them.
fn missing_rights(endpoint: &Endpoint, prefix: &str, parts: &[Part]) -> Option<String> {
    let Endpoint::Redis(endpoint) = endpoint else { return None };
    let user = endpoint.user().unwrap_or("default");
    let mut rights = String::new();
    let refused = parts.iter().filter(|part| !part.ok);
    let (mut keys, mut commands) = (false, Vec::new());
    for part in refused {
        let said = part.said.join(" ").to_ascii_lowercase();
        match said.contains("noperm") {
            true if said.contains("key") => keys = true,
            true => commands.push(part.name.to_ascii_lowercase()),
            false => {}
        }
    }
    if keys {
        let _ = write!(rights, " ~{prefix}*");
    }
    for command in &commands {
        let _ = write!(rights, " +{command}");
    }
    (!rights.is_empty()).then(|| format!("ACL SETUSER {user}{rights}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    fn part(name: &str, said: &str) -> Part {
        let (server, said) = (None, vec![said.to_owned()]);
        Part { name: name.to_owned(), server, ok: false, milliseconds: 0.0, said }
    }

    #[test]
    fn the_rights_in_an_advice_are_those_that_are_missing() {
        let endpoint = Endpoint::example(Store::Redis);
        let advice = |parts: &[Part]| advice(Kind::NoPermission, &endpoint, "shop:", parts);
        let eval = part("EVAL", "NOPERM User clerk has no permissions to run the 'eval' command");
        let set = part("SET", "NOPERM No permissions to access a key");
        assert!(advice(std::slice::from_ref(&eval)).ends_with("ACL SETUSER default +eval"));
        assert!(advice(&[set, eval]).ends_with("ACL SETUSER default ~shop:* +eval"));
        assert_eq!(advice(&[]), Kind::NoPermission.advice());
    }
}
