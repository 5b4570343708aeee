//! Documentation shows the samples as they are.

use crate::manifests::{file, text};
use std::fs;

/// The pages that may show samples.
fn pages() -> Vec<String> {
    let docs =
        file("docs").read_dir().expect("a folder").map(|entry| entry.expect("an entry").path());
    let names = docs.filter_map(|path| Some(format!("docs/{}", path.file_name()?.to_str()?)));
    names.filter(|name| name.contains(".md")).chain(["README.md".to_owned()]).collect()
}

/// A block that says, in the line before it, which sample it is: ``[samples/x](…):``, then the fence.
fn shown(page: &str) -> Vec<(String, String)> {
    let text = text(page);
    let mut blocks = Vec::new();
    let mut parts = text.split("\n```");
    let mut before = parts.next().unwrap_or_default();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let intro = before.trim_end().rsplit('\n').next().unwrap_or_default();
        if let Some(name) = intro.strip_prefix("[samples/").and_then(|rest| rest.split(']').next())
        {
            let content = block.split_once('\n').map_or("", |(_, content)| content);
            blocks.push((format!("samples/{name}"), format!("{content}\n")));
        }
        before = after;
    }
    blocks
}

#[test]
fn blocks_that_show_a_sample_are_the_sample() {
    let mut seen = Vec::new();
    for page in pages() {
        for (name, block) in shown(&page) {
            let sample = text(&name);
            assert_eq!(block, sample, "{page} shows another {name}");
            seen.push(name);
        }
    }
    for name in [
        "samples/kpack/builder.yaml",
        "samples/kpack/image.yaml",
        "samples/kubernetes/secret.yaml",
        "samples/kubernetes/sentinel.yaml",
        "samples/kubernetes/deployment.yaml",
        "samples/kubernetes/servicebinding.yaml",
        "samples/kubernetes/sidecar.yaml",
        "samples/cloudfoundry/manifest.yml",
        "samples/cloudfoundry/sidecar.yml",
        "samples/compose/compose.yaml",
        "samples/project.toml",
    ] {
        assert!(seen.iter().any(|it| it == name), "no page shows {name}");
    }
}

/// Links within the documentation lead to a file that is there.
#[test]
fn links_lead_somewhere() {
    for page in pages() {
        let text = text(&page);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            let folder = file(&page).parent().unwrap().to_owned();
            assert!(fs::exists(folder.join(target)).unwrap(), "{page} links to {target}");
        }
    }
}
