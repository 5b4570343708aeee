//! Logins to Redis that a cloud issues: instead of a password, a token that lives for minutes. Knows where the tokens of AWS
//! IAM, Microsoft Entra and Google IAM come from, and gets the next one ahead of the present one's end.
//!
//! No library of a cloud: each would bring 50 to 130 crates, and an async runtime.

mod aws;
mod azure;
mod bearer;
mod google;
mod http;
mod keeper;
mod moment;
mod schedule;
mod variables;

pub use aws::{Aws, AwsService, Named};
pub use azure::Azure;
pub use keeper::Clock;
pub use variables::CloudVariables;

use http::Source;
use keeper::Keeper;
use std::sync::Arc;
use std::time::SystemTime;
use store_client::{IssuedLogin, NoToken, Secret, Token};
use variables::Inquiry;

/// Who issues tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    Aws,
    Azure,
    Google,
}

impl Issuer {
    const ALL: [Self; 3] = [Self::Aws, Self::Azure, Self::Google];

    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "aws-iam",
            Self::Azure => "azure-entra",
            Self::Google => "google-iam",
        }
    }

    /// The one of this name, in any case and with `-` or `_`.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let name = text.trim().to_ascii_lowercase().replace('_', "-");
        Self::ALL.into_iter().find(|issuer| issuer.name() == name)
    }
}

/// Who issues the tokens, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cloud {
    Aws(Aws),
    Azure(Azure),
    Google,
}

impl Cloud {
    /// A login that asks for tokens as soon as one is needed.
    #[must_use]
    pub fn login(self, variables: CloudVariables) -> IssuedLogin {
        self.login_by(Arc::new(SystemTime::now), variables)
    }

    /// The same, by another clock than the system's.
    #[must_use]
    pub fn login_by(self, clock: Arc<Clock>, variables: CloudVariables) -> IssuedLogin {
        let (issuer, user, advice) = match &self {
            Self::Aws(aws) => (Issuer::Aws, Some(aws.user.clone()), aws.advice(&variables)),
            Self::Azure(azure) => (Issuer::Azure, azure.user.clone(), azure.advice()),
            Self::Google => (Issuer::Google, None, google::ADVICE.to_owned()),
        };
        let source = self.source(&variables);
        let (issuer, identity) = (issuer.name(), self.identity());
        let issue =
            move |now, deadline| self.issue(Inquiry { variables: &variables, now, deadline });
        let tokens = Arc::new(Keeper::new(source, issue, clock));
        IssuedLogin { issuer, user, advice, identity, tokens }
    }

    /// The variables are not among it: a process keeps those it was started with.
    fn identity(&self) -> Secret {
        let secret = match self {
            Self::Azure(azure) => azure.secret.as_ref().map_or("", |secret| secret.expose()),
            Self::Aws(_) | Self::Google => "",
        };
        Secret::new(format!("{self:?} {secret}"))
    }

    /// Who is asked in this environment.
    fn source(&self, variables: &CloudVariables) -> Source {
        match self {
            Self::Aws(_) => Aws::source(variables),
            Self::Azure(azure) => azure.source(variables),
            Self::Google => google::SOURCE,
        }
    }

    fn issue(&self, inquiry: Inquiry<'_>) -> Result<Token, NoToken> {
        match self {
            Self::Aws(aws) => aws.issue(inquiry),
            Self::Azure(azure) => azure.issue(inquiry),
            Self::Google => google::issue(inquiry),
        }
    }
}

#[cfg(test)]
mod tests;
