//! The report as text: first the verdict, then the evidence.

use super::overrides::Override;
use super::report::{FrameworkReport, ProgramReport, Report, Verdict};
use super::steps::{Part, Setting};
use crate::diagnosis::Cause;

/// Columns that fit any terminal.
const WIDTH: usize = 100;

/// The report as text, with colours for a terminal.
pub(super) fn render(report: &Report, colours: bool) -> String {
    let colours = Colours(colours);
    let titled = |title: &str, mut lines: Vec<String>| {
        if !lines.is_empty() {
            lines.insert(0, colours.paint(1, title));
        }
        lines
    };
    let blocks = [
        vec![colours.of(report.verdict, &wrapped(&report.summary, 0))],
        report.error.iter().map(|error| wrapped(error, 0)).collect(),
        titled("Likely causes, most likely first", causes(report)),
        titled("Places that override the ini files", overrides(report)),
        places(report),
        titled("Steps", steps(report, colours)),
        titled("Settings in force on PHP's command line", settings(report)),
    ];
    let blocks = blocks.iter().filter(|lines| !lines.is_empty());
    blocks.map(|lines| lines.join("\n") + "\n").collect::<Vec<_>>().join("\n")
}

#[derive(Clone, Copy)]
struct Colours(bool);

impl Colours {
    fn paint(self, code: u8, text: &str) -> String {
        if self.0 { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    fn of(self, verdict: Verdict, text: &str) -> String {
        let code = match verdict {
            Verdict::Kept => 32,
            Verdict::NotKept => 31,
            Verdict::Unknown => 33,
        };
        self.paint(code, text)
    }
}

fn causes(report: &Report) -> Vec<String> {
    let numbered = (1..).zip(&report.causes);
    let lines = numbered.map(|(number, Cause { what, advice, .. })| {
        format!("  {number}. {}\n     {}", wrapped(what, 5), wrapped(advice, 5))
    });
    lines.collect()
}

fn overrides(report: &Report) -> Vec<String> {
    let places = report.overrides.iter();
    let lines = places.map(|Override { file, line, what }| {
        let file = file.display();
        format!("  {file}:{line}  {what}")
    });
    lines.collect()
}

/// Where sessions are, and what keeps them.
fn places(report: &Report) -> Vec<String> {
    let php = report.php.as_ref().zip(report.extension.as_ref());
    let php = php.map(|(php, extension)| format!("{php}, built with the extension {extension}"));
    let known = [
        ("service", report.service.clone()),
        ("endpoint", report.endpoint.clone()),
        ("credentials", report.credentials.clone()),
        ("PHP", php),
    ];
    let mut rows: Vec<(&str, String)> =
        known.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    for ProgramReport { name, extension, save_handler } in &report.programs {
        let extension = extension.as_deref().unwrap_or("not loaded");
        rows.push((name, format!("extension {extension}, save handler {save_handler}")));
    }
    if let Some(FrameworkReport { name, sessions }) = &report.framework {
        rows.push(("framework", format!("{name}: {sessions}")));
    }
    if let Some(web) = &report.web {
        rows.push(("web server", format!("{}: {}", web.url, web.what)));
    }
    rows.iter().map(|(name, value)| format!("  {name:<11} {}", wrapped(value, 14))).collect()
}

/// The steps, grouped by server.
fn steps(report: &Report, colours: Colours) -> Vec<String> {
    let (mut lines, mut place) = (Vec::new(), None);
    for Part { name, server, ok, milliseconds, said } in &report.steps {
        if place.replace(server) != Some(server) {
            lines.push(format!(
                "  {}",
                server.as_deref().unwrap_or("a session under PHP's settings")
            ));
        }
        let (verdict, mark) =
            if *ok { (Verdict::Kept, "ok    ") } else { (Verdict::NotKept, "FAILED") };
        let mark = colours.of(verdict, mark);
        lines.push(format!("    {mark} {milliseconds:>7.1} ms  {name}"));
        lines.extend(said.iter().map(|line| format!("             {}", wrapped(line, 13))));
    }
    lines
}

/// The settings, grouped by file.
fn settings(report: &Report) -> Vec<String> {
    let mut settings: Vec<&Setting> = report.settings.iter().collect();
    settings.sort_by_key(|setting| &setting.file);
    let (mut lines, mut place) = (Vec::new(), None);
    for Setting { name, value, file } in settings {
        if place.replace(file) != Some(file) {
            lines.push(format!("  {}", file.as_deref().unwrap_or("PHP's defaults")));
        }
        lines.push(format!("    {}", wrapped(&format!("{name} = {value}"), 6)));
    }
    lines
}

/// The text wrapped to the width, all lines but the first indented. Long words stay whole.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut words = line.split(' ');
        let mut current = words.next().unwrap_or_default().to_owned();
        for word in words {
            if indent + current.chars().count() + 1 + word.chars().count() <= WIDTH {
                current = format!("{current} {word}");
            } else {
                lines.push(std::mem::replace(&mut current, word.to_owned()));
            }
        }
        lines.push(current);
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnosis::CauseKind;

    fn report() -> Report {
        let part = |name: &str, ok: bool, said: &str| Part {
            name: name.to_owned(),
            server: Some("redis.example:6379".to_owned()),
            ok,
            milliseconds: 0.2,
            said: said.lines().map(str::to_owned).collect(),
        };
        let what =
            "The password or the user is wrong. The step \"log in\" at redis.example:6379 failed.";
        Report {
            verdict: Verdict::NotKept,
            summary: "Sessions in redis are NOT kept.".to_owned(),
            steps: vec![part("connect", true, ""), part("log in", false, "WRONGPASS invalid")],
            causes: vec![Cause::new(CauseKind::WrongPassword, what.to_owned())],
            ..Report::failed(&anyhow::anyhow!("no more than an error"))
        }
    }

    #[test]
    fn the_verdict_comes_first_and_the_server_and_its_words_once() {
        let text = render(&report(), false);
        assert!(text.starts_with("Sessions in redis are NOT kept.\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.matches("WRONGPASS").count(), 1, "{text}");
        // In the cause, and above the steps.
        assert_eq!(text.matches("redis.example:6379").count(), 2, "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn colours_are_for_terminals() {
        assert!(render(&report(), true).starts_with("\u{1b}[31mSessions in redis are NOT kept."));
    }

    #[test]
    fn lines_fit_into_a_hundred_columns() {
        let text = "word ".repeat(50);
        let wrapped = format!("     {}", wrapped(text.trim(), 5));
        assert!(wrapped.lines().all(|line| line.len() <= WIDTH && line.starts_with("     word")));
        assert_eq!(wrapped.lines().count(), 3);
        assert_eq!(super::wrapped("a\nb", 2), "a\n  b");
    }
}
