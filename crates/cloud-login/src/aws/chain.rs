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

/// The role to assume with a web identity.
pub(super) const ROLE: &str = "AWS_ROLE_ARN";

/// Where the keys are from.
pub(super) enum Place<'a> {
    /// The environment itself: the key's id.
    Environment(&'a str),
    /// STS, for the web identity in a file.
    WebIdentity(&'a str),
    /// An address.
    Container(String),
    Machine,
}

impl<'a> Place<'a> {
    /// The one that the environment names.
    pub(super) fn named(variables: &'a CloudVariables) -> Self {
        if let Some(id) = variables.get("AWS_ACCESS_KEY_ID") {
            return Self::Environment(id);
        }
        let file = variables.get("AWS_WEB_IDENTITY_TOKEN_FILE").map(Self::WebIdentity);
        let container = || container::url(variables).map(Self::Container);
        file.or_else(container).unwrap_or(Self::Machine)
    }

    pub(super) fn source(&self) -> Source {
        match self {
            Self::Environment(_) => ENVIRONMENT,
            Self::WebIdentity(_) => sts::SOURCE,
            Self::Container(_) => container::SOURCE,
            Self::Machine => imds::SOURCE,
        }
    }
}

/// The keys that are valid now.
pub(super) fn keys(
    inquiry: Inquiry<'_>,
    role: Option<&str>,
    region: &str,
) -> Result<Keys, NoToken> {
    let variables = inquiry.variables;
    match Place::named(variables) {
        Place::Environment(id) => of_environment(id, variables),
        Place::WebIdentity(file) => {
            let role = variables.get(ROLE).or(role);
            sts::keys(&sts::url(variables, region), role, file, inquiry)
        }
        Place::Container(url) => container::keys(&url, inquiry),
        Place::Machine => imds::keys(inquiry),
    }
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
