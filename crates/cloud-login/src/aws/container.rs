//! Keys from the endpoint of a container's platform: ECS, Fargate, and EKS Pod Identity.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use super::keys::Keys;
use crate::http::{HttpRequest, Source};
use crate::variables::{CloudVariables, Inquiry};
use std::net::Ipv4Addr;
use store_client::NoToken;
use ureq::http::Uri;

/// Where ECS answers a relative uri.
const ECS: &str = "http://169.254.170.2";
/// Besides IPv4's loopback, the only hosts that are asked without TLS: the machine, ECS, and EKS Pod Identity.
const NEAR: [&str; 5] = ["localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

const SOURCE: Source = Source {
    name: "The container's credentials endpoint",
    advice: "Check that the task has a task role (ECS), or the service account a Pod Identity association (EKS) and the node its agent.",
};

/// The address, if the environment names one.
pub(super) fn url(variables: &CloudVariables) -> Option<String> {
    let full = || variables.get("AWS_CONTAINER_CREDENTIALS_FULL_URI").map(str::to_owned);
    let relative = variables.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    relative.map(|path| format!("{ECS}{path}")).or_else(full)
}

pub(super) fn keys(
    url: &str,
    Inquiry { variables, deadline, .. }: Inquiry<'_>,
) -> Result<Keys, NoToken> {
    if !may_be_asked(url) {
        let said = "is neither loopback, nor AWS's own, nor https, and is not asked";
        return Err(SOURCE.no_token(url, said, false));
    }
    let authorization = match variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(path) => Some(SOURCE.read(path)?),
        None => variables.get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
    };
    let headers: Vec<(&str, &str)> =
        authorization.iter().map(|token| ("authorization", &**token)).collect();
    let secrets: Vec<&str> = authorization.as_deref().into_iter().collect();
    let request = HttpRequest::get(SOURCE, url, &headers, &secrets);
    Keys::of_json(&request.send(deadline)?).ok_or_else(|| request.unexpected("keys"))
}

/// Keys that arrive without TLS must come from this machine.
fn may_be_asked(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    let host = url.host().unwrap_or_default();
    match url.scheme_str() {
        Some("https") => true,
        Some("http") => {
            NEAR.contains(&host) || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_near_is_asked_without_tls() {
        for url in [
            "http://169.254.170.2/v2/credentials/x",
            "http://169.254.170.23/v1/credentials",
            "http://[fd00:ec2::23]/v1/credentials",
            "http://127.0.0.1:8080/x",
            "http://[::1]:80/x",
            "http://localhost/x",
            "https://keys.example/x",
        ] {
            assert!(may_be_asked(url), "{url}");
        }
        for url in [
            "http://keys.example/x",
            "http://127.evil.example/x",
            "http://localhost.evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://169.254.170.2.evil.example/",
            "ftp://127.0.0.1/",
            "",
        ] {
            assert!(!may_be_asked(url), "{url}");
        }
    }

    #[test]
    fn a_relative_uri_is_ecs_s_and_comes_first() {
        let both = [
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/x"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost/"),
        ];
        let both = both.into_iter().collect();
        assert_eq!(url(&both).unwrap(), "http://169.254.170.2/v2/credentials/x");
        assert_eq!(url(&CloudVariables::default()), None);
    }
}
