//! Keys of a machine's role, from its metadata service, version 2.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use super::keys::Keys;
use crate::http::{HttpRequest, Source};
use crate::variables::Inquiry;
use store_client::NoToken;
use ureq::http::Method;

pub(super) const SOURCE: Source = Source {
    name: "The EC2 metadata service",
    advice: "It was asked because the environment names no other source of AWS keys. On EKS, annotate the service account with eks.amazonaws.com/role-arn or add a Pod Identity association; on EC2, attach a role to the instance, and set its http-put-response-hop-limit to 2 for containers; elsewhere, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
};
const ADDRESS: &str = "http://169.254.169.254";
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";

pub(super) fn keys(Inquiry { variables, deadline, .. }: Inquiry<'_>) -> Result<Keys, NoToken> {
    let base = variables.get("AWS_EC2_METADATA_SERVICE_ENDPOINT").unwrap_or(ADDRESS);
    let base = base.trim_end_matches('/');
    if variables.get("AWS_EC2_METADATA_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"))
    {
        return Err(SOURCE.no_token(base, "is turned off by AWS_EC2_METADATA_DISABLED", false));
    }
    let url = format!("{base}/latest/api/token");
    let headers = [("x-aws-ec2-metadata-token-ttl-seconds", "300")];
    let session =
        HttpRequest { method: Method::PUT, ..HttpRequest::get(SOURCE, &url, &headers, &[]) };
    let session = session.send(deadline)?;
    let get = |path: &str| -> Result<String, NoToken> {
        let (url, session) = (format!("{base}{path}"), session.trim());
        let headers = [("x-aws-ec2-metadata-token", session)];
        HttpRequest::get(SOURCE, &url, &headers, &[session]).send(deadline)
    };
    let roles = get(ROLES)?;
    let role = roles.lines().next().unwrap_or_default().trim();
    let place = format!("{base}{ROLES}{role}");
    if role.is_empty() {
        return Err(SOURCE.no_token(&place, "names no role", false));
    }
    let answer = get(&format!("{ROLES}{role}"))?;
    Keys::of_json(&answer)
        .ok_or_else(|| SOURCE.no_token(&place, "gives an answer without keys", false))
}
