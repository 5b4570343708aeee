//! The variables that the app itself sets: in its environment, which wins, or in its `.env` files.

use crate::config::environment::Environment;
use crate::system::files::read_text;
use std::path::Path;

/// The sources of an app's variables, in the way its framework reads them.
pub(super) struct AppEnvironment<'a> {
    environment: &'a Environment,
    /// Name, value and file; the file that wins comes first.
    files: Vec<(String, String, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) value: String,
    pub(super) place: String,
}

impl Set {
    /// Why the launch leaves it alone.
    pub(super) fn stays(&self, name: &str) -> String {
        let place = &self.place;
        format!("{place} sets {name}, and the launch does not override what the app sets")
    }
}

impl<'a> AppEnvironment<'a> {
    /// As Laravel reads them: one file, selected by `APP_ENV`.
    pub(super) fn of_laravel(app_dir: &Path, environment: &'a Environment) -> Self {
        let stage = environment.text("APP_ENV").ok().flatten();
        let of_stage = stage.map(|stage| format!(".env.{}", stage.trim()));
        let file = of_stage.filter(|file| app_dir.join(file).is_file());
        Self::read(app_dir, environment, &[&file.unwrap_or_else(|| ".env".to_owned())])
    }

    /// As CodeIgniter reads them: one file.
    pub(super) fn of_one_file(app_dir: &Path, environment: &'a Environment) -> Self {
        Self::read(app_dir, environment, &[".env"])
    }

    /// As Symfony reads them: four files, where later ones win.
    pub(super) fn of_symfony(app_dir: &Path, environment: &'a Environment) -> Self {
        let stage = Self::read(app_dir, environment, &[".env.local", ".env"]).get("APP_ENV");
        let stage = stage.map_or_else(|| "dev".to_owned(), |set| set.value.trim().to_owned());
        let files =
            [format!(".env.{stage}.local"), format!(".env.{stage}"), ".env.local".to_owned()];
        let mut files: Vec<&str> = files.iter().map(String::as_str).collect();
        files.push(".env");
        Self::read(app_dir, environment, &files)
    }

    fn read(app_dir: &Path, environment: &'a Environment, names: &[&str]) -> Self {
        let mut files = Vec::new();
        for name in names {
            let text = read_text(&app_dir.join(name)).unwrap_or_default();
            files.extend(parse(&text).map(|(key, value)| (key, value, (*name).to_owned())));
        }
        Self { environment, files }
    }

    /// The variable, if it is set and not empty. Laravel also takes `null` for empty.
    pub(super) fn get(&self, name: &str) -> Option<Set> {
        let something = |value: &str| {
            let value = value.trim();
            !value.is_empty() && !matches!(value.to_ascii_lowercase().as_str(), "null" | "(null)")
        };
        // A value that is not UTF-8 counts as set.
        let of_environment = match self.environment.text(name) {
            Ok(value) => value.map(str::to_owned),
            Err(_) => Some("?".to_owned()),
        };
        if let Some(value) = of_environment {
            let place = "the environment".to_owned();
            return Some(Set { value, place }).filter(|set| something(&set.value));
        }
        let (_, value, file) = self.files.iter().find(|(key, ..)| key == name)?;
        let place = format!("the app's {file}");
        Some(Set { value: value.clone(), place }).filter(|set| something(&set.value))
    }
}

/// The variables of a file, each in a line.
fn parse(text: &str) -> impl Iterator<Item = (String, String)> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=').filter(|_| !line.starts_with('#'))?;
        let value = value.trim();
        let value = match value.strip_prefix(['"', '\'']) {
            Some(inner) => inner.split(&value[..1]).next(),
            None => value.split(" #").next().map(str::trim_end),
        };
        let name = name.trim().trim_matches(['"', '\'']);
        Some((name.to_owned(), value.unwrap_or_default().to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::files::write;

    #[test]
    fn a_file_is_read_as_its_frameworks_read_it() {
        let text =
            "# REDIS_HOST=no\nexport A = 1 # note\nB=\"x y\" # z\nC='it'\n D=\nno sign\nE=\"open";
        let variables: Vec<(String, String)> = parse(text).collect();
        let variables: Vec<_> = variables.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        assert_eq!(variables, [("A", "1"), ("B", "x y"), ("C", "it"), ("D", ""), ("E", "open")]);
    }

    #[test]
    fn the_environment_wins_and_app_env_picks_the_file() {
        let app = tempfile::tempdir().unwrap();
        write(&app.path().join(".env"), "REDIS_HOST=a\nREDIS_PASSWORD=null\nEMPTY=").unwrap();
        write(&app.path().join(".env.live"), "REDIS_HOST=b\n").unwrap();
        let get = |variables: &[(&str, &str)], name: &str| {
            let environment: Environment = variables.iter().copied().collect();
            AppEnvironment::of_laravel(app.path(), &environment).get(name)
        };
        let set = |value: &str, place: &str| {
            Some(Set { value: value.to_owned(), place: place.to_owned() })
        };
        assert_eq!(get(&[], "REDIS_HOST"), set("a", "the app's .env"));
        assert_eq!(get(&[("APP_ENV", "live")], "REDIS_HOST"), set("b", "the app's .env.live"));
        assert_eq!(get(&[("APP_ENV", "test")], "REDIS_HOST"), set("a", "the app's .env"));
        assert_eq!(get(&[("REDIS_HOST", "c")], "REDIS_HOST"), set("c", "the environment"));
        for name in ["REDIS_PASSWORD", "EMPTY", "OTHER"] {
            assert_eq!(get(&[], name), None);
        }
    }

    #[test]
    fn of_symfony_s_files_the_more_special_one_wins() {
        let app = tempfile::tempdir().unwrap();
        for (file, text) in [
            (".env", "APP_ENV=prod\nA=1\nB=1\nC=1"),
            (".env.local", "A=2\nB=2"),
            (".env.prod", "A=3"),
        ] {
            write(&app.path().join(file), text).unwrap();
        }
        let environment = Environment::default();
        let read = AppEnvironment::of_symfony(app.path(), &environment);
        let values = ["A", "B", "C"].map(|name| read.get(name).unwrap().value);
        assert_eq!(values, ["3", "2", "1"]);
    }
}
