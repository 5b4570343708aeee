//! Each source of tokens, with a fake in its place that is strict about methods, paths, headers and fields.

mod aws;
mod azure;
mod failures;
mod fake;
mod google;

use super::{Aws, AwsService, Cloud, CloudVariables};
use std::sync::Arc;
use std::time::Duration;
use store_client::{Deadline, NoToken, Token, Tokens};

/// The token that a cloud gives in this environment.
fn token(cloud: Cloud, variables: &[(&str, &str)]) -> Result<Arc<Token>, NoToken> {
    let variables: CloudVariables = variables.iter().copied().collect();
    let tokens: Arc<dyn Tokens> = cloud.login(variables).tokens;
    tokens.token(Deadline::after(Duration::from_secs(6)))
}

fn cache() -> Cloud {
    Cloud::Aws(Aws {
        service: AwsService::ElastiCache,
        cache: "shop".to_owned(),
        serverless: false,
        region: Some("eu-west-1".to_owned()),
        user: "web".to_owned(),
        role: None,
    })
}

fn url(address: &str) -> String {
    format!("http://{address}")
}
