//! A mirror of source releases.

use std::str::FromStr;
use url::Url;

/// Placeholder in a mirror's path for the original host, as in Paketo's buildpacks.
const ORIGINAL_HOST: &str = "{originalHost}";

/// Holds the files of other sites under the same paths: `https://` or `file://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mirror(Url);

impl FromStr for Mirror {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|_| "is not a uri")?;
        match url.scheme() {
            "https" | "file" => Ok(Self(url)),
            _ => Err("is neither https:// nor file://"),
        }
    }
}

impl Mirror {
    pub(crate) fn place_of(&self, uri: &Url) -> Url {
        let mut place = self.0.clone();
        // The parser has percent-encoded the braces.
        let base = self.0.path().replace("%7B", "{").replace("%7D", "}");
        let base = base.replacen(ORIGINAL_HOST, uri.host_str().unwrap_or_default(), 1);
        place.set_path(&format!("{}{}", base.trim_end_matches('/'), uri.path()));
        place
    }
}
