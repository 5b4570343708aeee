//! Cloud Foundry's `VCAP_SERVICES`: a JSON object with a list of services per label.

use super::credential::{Credential, Credentials};
use super::origin::{Origin, VCAP_SERVICES_FILE_PATH};
use super::service::{CredentialSource, Service};
use anyhow::anyhow;
use indoc::formatdoc;
use serde::Deserialize;
use serde_json::Value;

/// Parses the JSON. serde's messages for a wrong type are not shown: they quote the value, which may be a password.
pub(super) fn parse(json: &str, origin: &Origin) -> anyhow::Result<Vec<Service>> {
    let error = |problem: String| {
        anyhow!(formatdoc! {"
            {origin} {problem}
            Expected {{\"label\": [{{\"name\": \"…\", \"credentials\": {{…}}}}]}}, as Cloud Foundry writes it."})
    };
    let labels = match serde_json::from_str(json) {
        Ok(Value::Object(labels)) => labels,
        Ok(_) => return Err(error("is JSON, but not an object.".to_owned())),
        Err(_) if matches!(origin, Origin::Vcap) && json.trim_start().starts_with('/') => {
            return Err(error(format!("is a path. Set {VCAP_SERVICES_FILE_PATH} to it instead.")));
        }
        Err(syntax) => return Err(error(format!("is not valid JSON: {syntax}."))),
    };
    let mut services = Vec::new();
    for (label, instances) in labels {
        let bound: Option<Vec<Bound>> = serde_json::from_value(instances)
            .map_err(|_| error(format!("has no list at {label:?} of services with names.")))?;
        let bound = bound.into_iter().flatten();
        services.extend(bound.map(|bound| bound.service(&label, origin)));
    }
    Ok(services)
}

#[derive(Deserialize)]
struct Bound {
    name: String,
    instance_name: Option<String>,
    label: Option<String>,
    #[serde(default)]
    tags: Value,
    #[serde(default)]
    credentials: Value,
}

impl Bound {
    fn service(self, label: &str, origin: &Origin) -> Service {
        let credentials: Credentials = match self.credentials {
            Value::Object(map) => {
                map.into_iter().map(|(name, value)| (name, Credential::Value(value))).collect()
            }
            Value::Null => Credentials::new(),
            _ => {
                let problem = "is not an object of names and values".to_owned();
                [(String::new(), Credential::Unusable(problem))].into()
            }
        };
        let tags = self.tags.as_array().into_iter().flatten().filter_map(Value::as_str);
        let credentials_type = credentials.get("type").and_then(Credential::text);
        Service {
            name: self.name,
            instance_name: self.instance_name,
            kind: Some(self.label.unwrap_or_else(|| label.to_owned())),
            tags: tags.map(str::to_owned).collect(),
            origin: origin.clone(),
            credentials_type: credentials_type.map(str::to_owned),
            credentials: CredentialSource::Inline(credentials),
            ..Service::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> String {
        parse(json, &Origin::Vcap).unwrap_err().to_string()
    }

    #[test]
    fn services_are_read_with_label_tags_and_names() {
        let services = parse(
            r#"{"p.redis": [{"label": "p.redis", "name": "b", "instance_name": "i",
                 "tags": ["redis", 5], "plan": null, "credentials": {"host": "h", "port": 6379}}],
               "empty": [], "nothing": null, "user-provided": [{"name": "u"}]}"#,
            &Origin::Vcap,
        )
        .unwrap();
        assert_eq!(services.len(), 2);
        let redis = &services[0];
        assert_eq!((redis.name.as_str(), redis.instance_name.as_deref()), ("b", Some("i")));
        assert_eq!(redis.kind.as_deref(), Some("p.redis"));
        assert_eq!(redis.tags, ["redis"]);
        assert_eq!(redis.credentials().unwrap().into_keys().collect::<Vec<_>>(), ["host", "port"]);
        assert_eq!(services[1].kind.as_deref(), Some("user-provided"));
    }

    #[test]
    fn what_is_malformed_is_named_with_its_place() {
        assert!(message("{").contains("VCAP_SERVICES is not valid JSON"), "{}", message("{"));
        assert!(message("{\"a\":\n 1e}").contains("line 2"), "{}", message("{\"a\":\n 1e}"));
        assert!(message("[]").contains("not an object"));
        assert!(message(r#"{"p.redis": 5}"#).contains("no list at \"p.redis\""));
        for services in ["[5]", "[{}]", r#"[{"name": 5}]"#] {
            let message = message(&format!(r#"{{"p.redis": {services}}}"#));
            assert!(message.contains("at \"p.redis\" of services with names"), "{message}");
        }
    }

    #[test]
    fn messages_quote_no_value() {
        for json in [
            r#"{"a": "hunter2"}"#,
            r#"{"a": ["hunter2"]}"#,
            r#"["hunter2"]"#,
            r#"{"a": [{"name": {"x": "hunter2"}}]}"#,
            r#"{"a": "hunter2"#,
            r#"{"a": [{"name": "n", "credentials": {"p": "hunter2" "q"}}]}"#,
        ] {
            assert!(!message(json).contains("hunter2"), "{}", message(json));
        }
    }

    #[test]
    fn huge_and_deep_documents_are_no_harm() {
        let number = format!(
            "{{\"x\": [{{\"name\": \"n\", \"credentials\": {{\"n\": 1{}}}}}]}}",
            "0".repeat(500)
        );
        assert_eq!(parse(&number, &Origin::Vcap).unwrap().len(), 1);
        assert!(message(&"[".repeat(100_000)).contains("recursion limit"));
    }
}
