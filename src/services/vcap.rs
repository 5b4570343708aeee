//! Cloud Foundry's `VCAP_SERVICES`: a JSON object with a list of services per label.

use super::credentials::{Credential, Credentials};
use super::origin::{Origin, VCAP_SERVICES_FILE_PATH};
use super::service::{CredentialSource, Service};
use anyhow::anyhow;
use indoc::formatdoc;
use serde_json::{Map, Value};

/// Parses the JSON. It goes through a plain [`Value`] because serde's messages for a wrong type quote the value,
/// which may be a password.
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
        let instances = match instances {
            Value::Array(instances) => instances,
            Value::Null => continue,
            _ => return Err(error(format!("has no list at {label:?}."))),
        };
        for (index, instance) in instances.into_iter().enumerate() {
            let Value::Object(instance) = instance else {
                return Err(error(format!("has no object at {label:?}[{index}].")));
            };
            let service = service(&label, instance, origin)
                .ok_or_else(|| error(format!("has no string at {label:?}[{index}].name.")))?;
            services.push(service);
        }
    }
    Ok(services)
}

/// The service of one entry; `None` without a name.
fn service(label: &str, mut instance: Map<String, Value>, origin: &Origin) -> Option<Service> {
    let mut text = |key: &str| match instance.remove(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let name = text("name")?;
    let instance_name = text("instance_name");
    let kind = text("label").unwrap_or_else(|| label.to_owned());
    let guid = text("binding_guid");
    let tags = match instance.remove("tags") {
        Some(Value::Array(tags)) => {
            tags.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    };
    let credentials = credentials(instance.remove("credentials"));
    Some(Service {
        name,
        instance_name,
        kind: Some(kind),
        kind_problem: None,
        tags,
        guid,
        origin: origin.clone(),
        credentials_type: credentials.text("type"),
        credentials: CredentialSource::Inline(credentials),
    })
}

/// The credentials. Any value but an object is kept as one unusable entry without a name.
fn credentials(value: Option<Value>) -> Credentials {
    match value {
        Some(Value::Object(map)) => map.into(),
        None | Some(Value::Null) => Credentials::default(),
        Some(_) => {
            let problem = Credential::Unusable("is not an object of names and values".to_owned());
            std::iter::once((String::new(), problem)).collect()
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
            r#"{"p.redis": [{"label": "p.redis", "name": "b", "instance_name": "i", "binding_guid": "g",
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
        assert_eq!(redis.credentials().unwrap().names(), ["host", "port"]);
        assert_eq!(services[1].kind.as_deref(), Some("user-provided"));
    }

    #[test]
    fn what_is_malformed_is_named_with_its_place() {
        assert!(message("{").contains("VCAP_SERVICES is not valid JSON"), "{}", message("{"));
        assert!(message("{\"a\":\n 1e}").contains("line 2"), "{}", message("{\"a\":\n 1e}"));
        assert!(message("[]").contains("not an object"));
        assert!(message(r#"{"p.redis": 5}"#).contains("no list at \"p.redis\""));
        assert!(message(r#"{"p.redis": [5]}"#).contains("no object at \"p.redis\"[0]"));
        assert!(
            message(r#"{"p.redis": [{"name": 5}]}"#).contains("no string at \"p.redis\"[0].name")
        );
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
