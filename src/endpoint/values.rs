//! The values inside a credential: strings, lists and nested objects.

use crate::services::Credential;
use serde_json::Value;

pub(super) fn is_empty(credential: &Credential) -> bool {
    match credential {
        Credential::Value(Value::Null) => true,
        Credential::Value(Value::String(text)) => text.is_empty(),
        _ => false,
    }
}

/// The ways to split a path into a name and the rest.
pub(super) fn splits(path: &str) -> impl Iterator<Item = (&str, &str)> {
    path.match_indices('.').map(|(dot, _)| (&path[..dot], &path[dot + 1..]))
}

/// The value at a path.
pub(super) fn find_in<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => {
            let get = |name: &str| {
                map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            };
            get(path).or_else(|| splits(path).find_map(|(head, tail)| find_in(get(head)?, tail)))
        }
        Value::Array(list) => {
            let (head, tail) = path.split_once('.').map_or((path, None), |(a, b)| (a, Some(b)));
            let item = list.get(head.parse::<usize>().ok()?)?;
            tail.map_or(Some(item), |tail| find_in(item, tail))
        }
        _ => None,
    }
}

/// The items, if all of them are strings.
pub(super) fn texts_of(items: &[Value]) -> Option<Vec<String>> {
    items.iter().map(|item| item.as_str().map(|text| text.trim().to_owned())).collect()
}

pub(super) fn split(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';'))
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}
