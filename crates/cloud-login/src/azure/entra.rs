//! A token for an application, from Entra itself: with a secret, or with the token of a Kubernetes service account
//! (workload identity). <https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>

use super::{Azure, RESOURCE};
use crate::bearer::Bearer;
use crate::http::{HttpRequest, Source, encoded};
use crate::variables::{CloudVariables, Inquiry};
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

/// What proves that an application is one that Entra knows.
pub(super) enum Proof<'a> {
    Secret(&'a str),
    File(&'a str),
}

impl<'a> Proof<'a> {
    /// Who is asked.
    pub(super) fn source(&self) -> Source {
        match self {
            Self::Secret(_) => BY_SECRET,
            Self::File(_) => BY_FILE,
        }
    }

    /// The one that the credentials or the environment name.
    pub(super) fn named(azure: &'a Azure, variables: &'a CloudVariables) -> Option<Self> {
        let secret = azure.secret.as_ref().map(Secret::expose);
        let secret = secret.or_else(|| variables.get("AZURE_CLIENT_SECRET")).map(Self::Secret);
        secret.or_else(|| variables.get("AZURE_FEDERATED_TOKEN_FILE").map(Self::File))
    }
}

pub(super) fn ask(
    azure: &Azure,
    proof: &Proof<'_>,
    inquiry: Inquiry<'_>,
) -> Result<Bearer, NoToken> {
    let variables = inquiry.variables;
    let source = proof.source();
    let host = variables.get("AZURE_AUTHORITY_HOST").unwrap_or(PUBLIC_CLOUD);
    let host = host.trim_end_matches('/');
    source.must_be_safe(host)?;
    let lacks = |what: &str| source.no_token(host, &format!("needs {what}"), false);
    let tenant = azure.tenant.as_deref().or_else(|| variables.get("AZURE_TENANT_ID"));
    let tenant = tenant.ok_or_else(|| lacks("a tenant id"))?;
    let client = azure.client.as_deref().or_else(|| variables.get("AZURE_CLIENT_ID"));
    let client = client.ok_or_else(|| lacks("a client id"))?;
    let url = format!("{host}/{}/oauth2/v2.0/token", encoded(tenant));
    let scope = format!("{RESOURCE}/.default");
    let secret = match proof {
        Proof::Secret(secret) => (*secret).to_owned(),
        Proof::File(path) => source.read(path)?,
    };
    let mut fields =
        vec![("client_id", client), ("scope", &scope), ("grant_type", "client_credentials")];
    match proof {
        Proof::Secret(_) => fields.push(("client_secret", &secret)),
        Proof::File(_) => {
            fields.extend([("client_assertion_type", ASSERTION), ("client_assertion", &secret)]);
        }
    }
    Bearer::of(&HttpRequest::post(source, &url, &fields, &[&secret]), inquiry)
}
