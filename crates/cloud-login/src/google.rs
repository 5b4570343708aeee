//! Google IAM: the access token of the service account is the password. Facts:
//! <https://cloud.google.com/memorystore/docs/cluster/about-iam-auth>, and
//! <https://cloud.google.com/compute/docs/access/authenticate-workloads>.

use super::bearer::Bearer;
use super::http::{HttpRequest, Source};
use super::variables::Inquiry;
use store_client::{Auth, NoToken, Secret, Token};

const HOST: &str = "metadata.google.internal";
const PATH: &str = "/computeMetadata/v1/instance/service-accounts/default/token";

pub(crate) const SOURCE: Source = Source {
    name: "The Google metadata server",
    advice: "Check that the container runs on Google Cloud with a service account: on GKE, with Workload Identity Federation, one whose annotation iam.gke.io/gcp-service-account is right, if it has one.",
};

/// What a server's refusal usually means.
pub(crate) const ADVICE: &str = "Check that the instance has IAM authentication, and that the service account has the role roles/redis.dbConnectionUser (Memorystore for Valkey: roles/memorystore.dbConnectionUser) in the instance's project.";

pub(crate) fn issue(inquiry: Inquiry<'_>) -> Result<Token, NoToken> {
    let host = inquiry.variables.get("GCE_METADATA_HOST").unwrap_or(HOST);
    let url = format!("http://{host}{PATH}");
    let request = HttpRequest::get(SOURCE, &url, &[("metadata-flavor", "Google")], &[]);
    let Bearer { secret, expires, .. } = Bearer::of(&request, inquiry)?;
    Ok(Token { auth: Auth::new(None, Secret::new(secret)), expires })
}
