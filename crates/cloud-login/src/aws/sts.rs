//! Keys of a role, for the token of a Kubernetes service account (EKS: IAM roles for service accounts).
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>

use super::keys::Keys;
use crate::http::{HttpRequest, Source, element};
use crate::variables::{CloudVariables, Inquiry};
use store_client::NoToken;

pub(super) const SOURCE: Source = Source {
    name: "AWS STS",
    advice: "Check that the service account's annotation eks.amazonaws.com/role-arn names the role, and that the role's trust policy names this cluster's OIDC provider, namespace and service account.",
};

pub(super) fn keys(
    url: &str,
    role: Option<&str>,
    token_file: &str,
    Inquiry { variables, deadline, .. }: Inquiry<'_>,
) -> Result<Keys, NoToken> {
    let Some(role) = role else {
        return Err(SOURCE.no_token(url, "needs a role, and there is no AWS_ROLE_ARN", false));
    };
    SOURCE.must_be_safe(url)?;
    let token = SOURCE.read(token_file)?;
    let session = variables.get("AWS_ROLE_SESSION_NAME").unwrap_or("php-session-store");
    let fields = [
        ("Action", "AssumeRoleWithWebIdentity"),
        ("Version", "2011-06-15"),
        ("RoleArn", role),
        ("RoleSessionName", session),
        ("WebIdentityToken", &token),
    ];
    let secrets = [&*token];
    let request = HttpRequest::post(SOURCE, url, &fields, &secrets);
    let answer = request.send(deadline)?;
    let keys = Keys::of(|name| element(&answer, name), "SessionToken");
    keys.ok_or_else(|| request.unexpected("keys"))
}

/// The region's own, as AWS recommends.
pub(super) fn url(variables: &CloudVariables, region: &str) -> String {
    let given = variables.get("AWS_ENDPOINT_URL_STS").or(variables.get("AWS_ENDPOINT_URL"));
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    given.map_or_else(|| format!("https://sts.{region}.{domain}/"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_its_own() {
        let none = CloudVariables::default();
        assert_eq!(url(&none, "eu-west-1"), "https://sts.eu-west-1.amazonaws.com/");
        assert_eq!(url(&none, "cn-north-1"), "https://sts.cn-north-1.amazonaws.com.cn/");
    }
}
