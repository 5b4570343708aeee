//! A token for an application, from Entra itself: with a secret, or with the token of a Kubernetes service account
//! (workload identity). <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::{Azure, RESOURCE};
use crate::bearer::Bearer;
use crate::file;
use crate::http::{Method, Request, Source, encoded};
use crate::inquiry::Inquiry;
use crate::variables::Variables;
use store_client::{NoToken, Secret};

const PUBLIC_CLOUD: &str = "https://login.microsoftonline.com";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

const BY_SECRET: Source = Source {
    name: "Microsoft Entra",
    advice: "Check tenant-id, client-id and client-secret in the credentials (or AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET): the secret's value and not its id, and that it has not expired.",
};
const BY_FILE: Source = Source {
    name: "Microsoft Entra",
    advice: "Check that the pod has the label azure.workload.identity/use: \"true\", its service account the annotation azure.workload.identity/client-id, and the identity a federated credential for this cluster's issuer, namespace and service account.",
};

/// An application that Entra knows, and what proves it.
pub(super) struct Application {
    url: String,
    client: String,
    proof: Proof,
}

enum Proof {
    Secret(Secret),
    File(String),
}

impl Proof {
    fn source(&self) -> Source {
        match self {
            Self::Secret(_) => BY_SECRET,
            Self::File(_) => BY_FILE,
        }
    }
}

impl Application {
    /// The one that the credentials or the environment name; `None` if they don't.
    pub(super) fn named(azure: &Azure, variables: &Variables) -> Option<Result<Self, NoToken>> {
        let given = |credential: &Option<String>, name| {
            credential.clone().or_else(|| variables.get(name).map(str::to_owned))
        };
        let secret =
            azure.secret.clone().or_else(|| variables.get("AZURE_CLIENT_SECRET").map(Secret::new));
        let file = || variables.get("AZURE_FEDERATED_TOKEN_FILE").map(str::to_owned);
        let proof = secret.map(Proof::Secret).or_else(|| file().map(Proof::File))?;
        let host = variables.get("AZURE_AUTHORITY_HOST").unwrap_or(PUBLIC_CLOUD);
        let host = host.trim_end_matches('/');
        let (tenant, client) =
            (given(&azure.tenant, "AZURE_TENANT_ID"), given(&azure.client, "AZURE_CLIENT_ID"));
        Some(match (tenant, client) {
            (Some(tenant), Some(client)) => {
                let url = format!("{host}/{}/oauth2/v2.0/token", encoded(&tenant));
                Ok(Self { url, client, proof })
            }
            (tenant, _) => {
                let lacking = if tenant.is_none() { "a tenant id" } else { "a client id" };
                Err(proof.source().no_token(host, &format!("needs {lacking}"), false))
            }
        })
    }

    pub(super) fn ask(&self, inquiry: Inquiry<'_>) -> Result<Bearer, NoToken> {
        let source = self.proof.source();
        let scope = format!("{RESOURCE}/.default");
        let mut fields = vec![
            ("client_id", &*self.client),
            ("scope", &*scope),
            ("grant_type", "client_credentials"),
        ];
        let secret = match &self.proof {
            Proof::Secret(secret) => secret.expose().to_owned(),
            Proof::File(path) => file::read(source, path)?,
        };
        match &self.proof {
            Proof::Secret(_) => fields.push(("client_secret", &secret)),
            Proof::File(_) => fields
                .extend([("client_assertion_type", ASSERTION), ("client_assertion", &*secret)]),
        }
        let request = Request {
            source,
            method: Method::Post(&fields),
            url: &self.url,
            headers: &[],
            secrets: &[&secret],
        };
        Bearer::of(&request, inquiry)
    }
}
