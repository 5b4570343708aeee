//! A token for a managed identity: from the endpoint that App Service and Container Apps name in the environment, or from
//! the metadata service of virtual machines. <https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token>

use super::{Azure, RESOURCE};
use crate::bearer::Bearer;
use crate::http::{HttpRequest, Source, encoded};
use crate::variables::{CloudVariables, Inquiry};
use store_client::NoToken;

const METADATA: &str = "http://169.254.169.254";

const OF_PLATFORM: Source = Source {
    name: "The managed identity's endpoint",
    advice: "Check that the app has an identity; for a user-assigned one, set client-id in the credentials, or AZURE_CLIENT_ID.",
};
const OF_MACHINE: Source = Source {
    name: "The Azure metadata service",
    advice: "It was asked because neither the credentials nor the environment name another source. On AKS, use workload identity (label azure.workload.identity/use: \"true\"); on a virtual machine, assign an identity to it, and set client-id if there are several; elsewhere, set tenant-id, client-id and client-secret.",
};

/// The address and the secret header, if the environment names them.
fn of_platform(variables: &CloudVariables) -> Option<(&str, &str)> {
    variables.get("IDENTITY_ENDPOINT").zip(variables.get("IDENTITY_HEADER"))
}

/// Who is asked.
pub(super) fn source(variables: &CloudVariables) -> Source {
    if of_platform(variables).is_some() { OF_PLATFORM } else { OF_MACHINE }
}

pub(super) fn ask(azure: &Azure, inquiry: Inquiry<'_>) -> Result<Bearer, NoToken> {
    let variables = inquiry.variables;
    let client = azure.client.as_deref().or(variables.get("AZURE_CLIENT_ID"));
    let client = client.map(|id| format!("&client_id={}", encoded(id))).unwrap_or_default();
    let resource = encoded(RESOURCE);
    let query = |version: &str| format!("?api-version={version}&resource={resource}{client}");
    if let Some((endpoint, header)) = of_platform(variables) {
        let url = format!("{endpoint}{}", query("2019-08-01"));
        let headers = [("x-identity-header", header)];
        return Bearer::of(&HttpRequest::get(OF_PLATFORM, &url, &headers, &[header]), inquiry);
    }
    let host = variables.get("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or(METADATA);
    let host = host.trim_end_matches('/');
    let url = format!("{host}/metadata/identity/oauth2/token{}", query("2018-02-01"));
    Bearer::of(&HttpRequest::get(OF_MACHINE, &url, &[("metadata", "true")], &[]), inquiry)
}
