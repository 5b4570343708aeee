//! Logins that a cloud issues: who does, and what the tokens are for. What the credentials leave open, the endpoint's own
//! name says, or the container's environment.

use super::fields::Fields;
use super::names::Meaning;
use super::uri::Uri;
use super::values::flag;
use anyhow::ensure;
use cloud_login::{Aws, AwsService, Azure, Cloud, CloudVariables, Issuer, Named};
use std::sync::Arc;
use store_client::{Auth, Host, IssuedLogin, Secret};

const CACHE: [&str; 5] =
    ["cache name", "serverless cache name", "replication group id", "cluster name", "cluster id"];
const REGION: [&str; 2] = ["region", "aws region"];
const AWS_USER: [&str; 3] = ["user id", "iam user", "iam user id"];
const ROLE: [&str; 2] = ["role arn", "iam role arn"];
const TENANT: [&str; 1] = ["tenant id"];
const CLIENT: [&str; 1] = ["client id"];
/// Parts of the names that Azure gives to its caches, in each of its clouds.
const OF_AZURE: [&str; 3] = [".redis.cache.", ".redis.azure.", ".redisenterprise.cache."];

/// The login, if a cloud issues it: because the option or the credentials say so, or because these name what a token is for
/// and have no password (`fixed`).
pub(super) fn login(
    fields: &Fields<'_>,
    uri: &Uri,
    fixed: Option<&Auth>,
) -> anyhow::Result<Option<Arc<IssuedLogin>>> {
    let host = fields.host()?.map(|(host, _)| host).or_else(|| uri.server.clone());
    let host = match &host {
        Some(Host::Name(name)) => name.to_ascii_lowercase(),
        Some(Host::Ip(_)) => String::new(),
        None => first_node(fields),
    };
    let issuer = match fields.options.auth.map_or_else(|| said(fields), |it| Ok(Some(it)))? {
        None if fixed.is_none() => recognised(fields, &host)?,
        said => said,
    };
    let Some(issuer) = issuer else { return Ok(None) };
    let user = user(fields, fixed)?;
    let variables = fields.environment.into_iter().flat_map(|it| it.as_env().iter());
    let variables: CloudVariables =
        variables.filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?))).collect();
    let cloud = match issuer {
        Issuer::Aws => Cloud::Aws(aws(fields, &host, user, &variables)?),
        Issuer::Azure => Cloud::Azure(Azure {
            tenant: fields.worded(&TENANT),
            client: fields.worded(&CLIENT),
            // `client_secret`, where a secret is a password.
            secret: fields.worded(&["client password"]).map(Secret::new),
            user: user.or_else(|| fields.worded(&["object id", "principal id"])),
        }),
        Issuer::Google => Cloud::Google,
    };
    Ok(Some(Arc::new(cloud.login(variables))))
}

/// Who issues tokens, as the credentials say.
fn said(fields: &Fields<'_>) -> anyhow::Result<Option<Issuer>> {
    let text = fields.worded(&["auth", "auth type", "auth method", "auth mode"]);
    let issuer = text.as_deref().and_then(Issuer::named);
    if issuer.is_none() && text.is_some_and(|text| looks_like_an_issuer(&text)) {
        let problem = "is none of the logins that a cloud issues, but looks like one";
        return Err(fields.unusable("auth", problem, "aws-iam, azure-entra or google-iam"));
    }
    Ok(issuer)
}

/// A word after a cloud's name; anything else may be a password.
fn looks_like_an_issuer(text: &str) -> bool {
    let text = text.to_ascii_lowercase().replace('_', "-");
    let rest = ["aws-", "azure-", "google-"].iter().find_map(|cloud| text.strip_prefix(cloud));
    let is_word = |rest: &str| rest.len() <= 10 && rest.bytes().all(|it| it.is_ascii_lowercase());
    rest.is_some_and(is_word)
}

/// The name of a cluster's first node.
fn first_node(fields: &Fields<'_>) -> String {
    let nodes = fields.list(Meaning::Nodes).ok().flatten();
    let first = nodes.and_then(|nodes| nodes.into_iter().next()).unwrap_or_default();
    first.split(':').next().unwrap_or_default().to_ascii_lowercase()
}

/// Who issues tokens for credentials that name what these are for.
fn recognised(fields: &Fields<'_>, host: &str) -> anyhow::Result<Option<Issuer>> {
    let names = |words: &[&str]| fields.has_worded(words);
    let is_of_azure = OF_AZURE.iter().any(|part| host.contains(part));
    // That of a key or of a log tells nothing of the login.
    let is_of_cache = |arn: &str| matches!(arn.split(':').nth(2), Some("elasticache" | "memorydb"));
    let names_cache = fields.mention_that("arn", is_of_cache)
        || (names(&REGION) && names(&CACHE))
        || Named::by(host).is_some();
    // Without a user there may be no login at all.
    let names_user = || names(&AWS_USER) || fields.has(Meaning::User);
    if names(&ROLE) || (names_cache && names_user()) {
        return Ok(Some(Issuer::Aws));
    }
    if names(&CLIENT) && (is_of_azure || names(&TENANT)) {
        return Ok(Some(Issuer::Azure));
    }
    ensure!(
        !fields.mention(&["iam"]),
        "The service {} has no password but a login through a cloud's identity management (IAM), and does not say of which cloud.\nAdd the credential auth: aws-iam, azure-entra or google-iam.",
        fields.service
    );
    Ok(None)
}

/// The option's, the credentials' or the uri's, where a user without a password was taken for one.
fn user(fields: &Fields<'_>, fixed: Option<&Auth>) -> anyhow::Result<Option<String>> {
    let of_credentials = fields.text(Meaning::User)?;
    let is_in_uri = !fields.has(Meaning::Password);
    fields.ignore(Meaning::Password);
    let of_uri = || {
        let auth = fixed.filter(|_| is_in_uri)?;
        Some(auth.user.clone().unwrap_or_else(|| auth.password.expose().to_owned()))
    };
    Ok(fields.options.username.clone().or(of_credentials).or_else(of_uri))
}

fn aws(
    fields: &Fields<'_>,
    host: &str,
    user: Option<String>,
    variables: &CloudVariables,
) -> anyhow::Result<Aws> {
    let endpoint = Named::by(host);
    let of_endpoint = |get: fn(&Named) -> bool| endpoint.as_ref().is_some_and(get);
    let mut given = fields.worded(&CACHE);
    if let Some(name) = given.as_mut().filter(|name| name.contains('.')) {
        let problem = "is an endpoint, and a token is for the cache's name";
        let expected = "the name of the replication group, serverless cache or cluster";
        let named = Named::by(name);
        *name = named.ok_or_else(|| fields.unusable("cache-name", problem, expected))?.cache;
    }
    let cache = given.or_else(|| endpoint.as_ref().map(|named| named.cache.clone()));
    let is_memory_db = of_endpoint(|named| named.service == AwsService::MemoryDb)
        || fields.worded(&["aws service"]).is_some_and(|it| it.eq_ignore_ascii_case("memorydb"));
    let serverless = fields.worded(&["serverless"]).and_then(|text| flag(&text));
    Ok(Aws {
        service: if is_memory_db { AwsService::MemoryDb } else { AwsService::ElastiCache },
        cache: cache.ok_or_else(|| {
            fields.missing("cache-name", "cache-name, user-id and region for a login with aws-iam")
        })?,
        serverless: serverless.unwrap_or_else(|| {
            of_endpoint(|named| named.serverless) || fields.has_worded(&CACHE[1..2])
        }),
        region: fields.worded(&REGION).or_else(|| endpoint.as_ref()?.region.clone()),
        user: user.or_else(|| fields.worded(&AWS_USER)).ok_or_else(|| {
            fields.missing("user-id", "user-id (or username) for a login with aws-iam")
        })?,
        role: fields
            .worded_if(&ROLE, |role| fields.environment.is_none() || Aws::assumes(role, variables)),
    })
}
