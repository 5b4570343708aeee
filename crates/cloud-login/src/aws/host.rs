//! What an endpoint's name says of a cache. Its name, type and region must be right in a token, and AWS says of none which
//! one is wrong. <https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Endpoints.html>

use super::AwsService;

/// What an endpoint's name says.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub service: AwsService,
    pub cache: String,
    pub serverless: bool,
    /// `None` for an abbreviation that is not known.
    pub region: Option<String>,
}

impl Named {
    /// Reads an endpoint with TLS, which every login by IAM has; `None` if it is not one of AWS.
    #[must_use]
    pub fn by(host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
        let labels = labels.strip_suffix(&["cn"]).unwrap_or(&labels);
        let labels = labels.strip_suffix(&["amazonaws", "com"])?;
        let of_group = |role: &str| matches!(role, "master" | "replica" | "clustercfg");
        let (service, cache, serverless, region) = match labels {
            [name, "serverless", region, "cache"] => {
                // A random suffix makes it unique.
                let (name, _) = name.rsplit_once('-')?;
                (AwsService::ElastiCache, name, true, long(region))
            }
            [role, name, _, region, "cache"] if of_group(role) => {
                (AwsService::ElastiCache, *name, false, long(region))
            }
            ["clustercfg", name, _, "memorydb", region] => {
                (AwsService::MemoryDb, *name, false, Some((*region).to_owned()))
            }
            _ => return None,
        };
        Some(Self { service, cache: cache.to_owned(), serverless, region })
    }
}

/// The region that `ElastiCache` abbreviates: `euw1` is `eu-west-1`, `apne2` is `ap-northeast-2`.
fn long(abbreviated: &str) -> Option<String> {
    let (area, rest) = abbreviated.split_at_checked(2)?;
    let number = rest.find(|c: char| c.is_ascii_digit())?;
    let (direction, number) = rest.split_at(number);
    let direction = match direction {
        "n" => "north",
        "ne" => "northeast",
        "nw" => "northwest",
        "e" => "east",
        "s" => "south",
        "se" => "southeast",
        "sw" => "southwest",
        "w" => "west",
        "c" => "central",
        _ => return None,
    };
    let is_known = area.bytes().all(|byte| byte.is_ascii_lowercase())
        && number.bytes().all(|byte| byte.is_ascii_digit());
    is_known.then(|| format!("{area}-{direction}-{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_names_its_cache() {
        use AwsService::{ElastiCache, MemoryDb};
        for (host, service, cache, serverless, region) in [
            (
                "master.shop.abc123.euw1.cache.amazonaws.com",
                ElastiCache,
                "shop",
                false,
                "eu-west-1",
            ),
            (
                "clustercfg.my-shop.abc123.apne2.cache.amazonaws.com",
                ElastiCache,
                "my-shop",
                false,
                "ap-northeast-2",
            ),
            (
                "my-shop-ab12cd.serverless.use1.cache.amazonaws.com",
                ElastiCache,
                "my-shop",
                true,
                "us-east-1",
            ),
            (
                "clustercfg.shop.abc123.memorydb.eu-central-1.amazonaws.com",
                MemoryDb,
                "shop",
                false,
                "eu-central-1",
            ),
            (
                "Master.Shop.abc123.cnn1.cache.amazonaws.com.cn",
                ElastiCache,
                "shop",
                false,
                "cn-north-1",
            ),
        ] {
            let named = Named::by(host).unwrap();
            let region = Some(region.to_owned());
            assert_eq!(
                named,
                Named { service, cache: cache.to_owned(), serverless, region },
                "{host}"
            );
        }
        for host in ["redis.shop.svc", "10.0.0.1", "amazonaws.com", "a.b.c.d.cache.amazonaws.com"] {
            assert_eq!(Named::by(host), None, "{host}");
        }
        assert_eq!(long("xyz"), None);
    }
}
