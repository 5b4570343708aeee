//! AWS IAM: a token for `ElastiCache` or `MemoryDB` is a request that is signed, but never sent. Facts:
//! <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/auth-iam.html> and
//! <https://docs.aws.amazon.com/memorydb/latest/devguide/auth-iam.html>.

mod chain;
mod container;
mod host;
mod imds;
mod keys;
mod presign;
mod sts;

use super::http::Source;
use super::variables::{CloudVariables, Inquiry};
use chain::Place;
pub use host::Named;
use presign::{TOKEN_LIFETIME, presigned};
use store_client::{Auth, NoToken, Secret, Token};

/// Which service holds the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsService {
    ElastiCache,
    MemoryDb,
}

impl AwsService {
    /// Its name in signatures.
    fn name(self) -> &'static str {
        match self {
            Self::ElastiCache => "elasticache",
            Self::MemoryDb => "memorydb",
        }
    }
}

/// What a token of AWS is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    pub service: AwsService,
    /// The name of the replication group, the serverless cache or the cluster; not its endpoint.
    pub cache: String,
    /// Whether it is a serverless cache, which must be said in the token.
    pub serverless: bool,
    /// Its region; `None` is the container's.
    pub region: Option<String>,
    /// The id of the user in `ElastiCache`, which is also its name, or the user's name in `MemoryDB`.
    pub user: String,
    /// The role to assume with a web identity, where no variable names one.
    pub role: Option<String>,
}

impl Aws {
    /// Gets keys, and signs.
    pub(crate) fn issue(&self, inquiry: Inquiry<'_>) -> Result<Token, NoToken> {
        let region = self.region(inquiry.variables).ok_or_else(|| NoToken {
            what: "A token of AWS IAM needs the cache's region".to_owned(),
            advice: "Add the credential region, or set AWS_REGION.".to_owned(),
            passes: false,
        })?;
        let keys = chain::keys(inquiry, self.role.as_deref(), region)?;
        let signed = presigned(self, region, &keys, inquiry.now);
        let end = inquiry.now + TOKEN_LIFETIME;
        let expires = keys.expires.map_or(end, |expires| expires.min(end));
        let auth = Auth::new(Some(self.user.clone()), Secret::new(signed));
        Ok(Token { auth, expires })
    }

    /// Who is asked in this environment.
    pub(crate) fn source(variables: &CloudVariables) -> Source {
        Place::named(variables).source()
    }

    /// Whether the keys would be those of this role: only a web identity assumes one, and that of the environment comes first.
    #[must_use]
    pub fn assumes(role: &str, variables: &CloudVariables) -> bool {
        matches!(Place::named(variables), Place::WebIdentity(_))
            && variables.get(chain::ROLE).is_none_or(|other| other == role)
    }

    fn region<'a>(&'a self, variables: &'a CloudVariables) -> Option<&'a str> {
        let of_container =
            || variables.get("AWS_REGION").or_else(|| variables.get("AWS_DEFAULT_REGION"));
        self.region.as_deref().or_else(of_container)
    }

    /// AWS says WRONGPASS to every mistake.
    pub(crate) fn advice(&self, variables: &CloudVariables) -> String {
        let Self { service, cache, serverless, user, .. } = self;
        let region = self.region(variables).unwrap_or_default();
        let (kind, action) = match (service, serverless) {
            (AwsService::MemoryDb, _) => ("MemoryDB cluster", "memorydb:Connect on the cluster"),
            (_, true) => ("serverless cache", "elasticache:Connect on the cache"),
            (_, false) => ("replication group", "elasticache:Connect on the cache"),
        };
        format!(
            "AWS says so to every mistake. The token was for the {kind} {cache:?} in {region}, user {user:?}. Check the name (not the endpoint), whether it is serverless (credential serverless), the region, that the user has IAM authentication and is in the cache's user group, that the role may {action} and on the user, and this container's clock."
        )
    }
}
