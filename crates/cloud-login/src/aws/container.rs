//! Keys from the endpoint of a container's platform: ECS, Fargate, and EKS Pod Identity.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>

use super::keys::Keys;
use crate::http::{HttpRequest, Source};
use crate::variables::{CloudVariables, Inquiry};
use store_client::NoToken;

/// Where ECS answers a relative uri.
const ECS: &str = "http://169.254.170.2";

pub(super) const SOURCE: Source = Source {
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
    SOURCE.must_be_safe(url)?;
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

#[cfg(test)]
mod tests {
    use super::*;

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
