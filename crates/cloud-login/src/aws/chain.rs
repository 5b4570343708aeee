//! The keys that sign, from where AWS's own libraries look for them, in their order. The first place that the environment
//! names is the only one that is asked, so that a mistake there is said and not hidden by another place's.

use super::keys::Keys;
use super::{container, imds, sts};
use crate::http::Source;
use crate::variables::{CloudVariables, Inquiry};
use store_client::{NoToken, Secret};

const ENVIRONMENT: Source = Source {
    name: "The environment",
    advice: "Set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN for temporary keys.",
};

/// The keys that are valid now.
pub(super) fn keys(
    inquiry: Inquiry<'_>,
    role: Option<&str>,
    region: &str,
) -> Result<Keys, NoToken> {
    let variables = inquiry.variables;
    if let Some(id) = variables.get("AWS_ACCESS_KEY_ID") {
        return of_environment(id, variables);
    }
    if let Some(file) = variables.get("AWS_WEB_IDENTITY_TOKEN_FILE") {
        let role = variables.get("AWS_ROLE_ARN").or(role);
        return sts::keys(&sts::url(variables, region), role, file, inquiry);
    }
    if let Some(url) = container::url(variables) {
        return container::keys(&url, inquiry);
    }
    imds::keys(inquiry)
}

fn of_environment(id: &str, variables: &CloudVariables) -> Result<Keys, NoToken> {
    let Some(secret) = variables.get("AWS_SECRET_ACCESS_KEY") else {
        return Err(ENVIRONMENT.no_token(
            "AWS_ACCESS_KEY_ID",
            "has no AWS_SECRET_ACCESS_KEY",
            false,
        ));
    };
    let session = variables.get("AWS_SESSION_TOKEN").map(Secret::new);
    Ok(Keys { id: id.to_owned(), secret: Secret::new(secret), session, expires: None })
}
