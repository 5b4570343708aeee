//! The environment variables that a cloud sets in a container, or its users do. Their names are those of the clouds' own
//! libraries, so that what works with these works here.

use std::collections::BTreeMap;

/// Every variable that is read.
pub const NAMES: [&str; 25] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_DEFAULT_REGION",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_STS",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AZURE_AUTHORITY_HOST",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_TENANT_ID",
    "GCE_METADATA_HOST",
    "IDENTITY_ENDPOINT",
    "IDENTITY_HEADER",
];

/// The variables that are set. They may be secrets, so there is no `Debug`.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<&'static str, String>);

impl Variables {
    /// Reads those in [`NAMES`]. Empty and blank ones count as unset.
    pub fn read(value_of: impl Fn(&'static str) -> Option<String>) -> Self {
        let set = NAMES.into_iter().filter_map(|name| {
            let value = value_of(name)?.trim().to_owned();
            (!value.is_empty()).then_some((name, value))
        });
        Self(set.collect())
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        debug_assert!(NAMES.contains(&name), "{name}");
        self.0.get(name).map(String::as_str)
    }
}
