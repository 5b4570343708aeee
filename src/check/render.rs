//! The report as text: first the verdict, then the evidence.

use super::overrides::Override;
use super::report::{FrameworkReport, ProgramReport, Report};
use super::steps::{Part, Setting};
use super::verdict::Verdict;
use crate::diagnosis::Cause;
use std::fmt::{self, Write};

/// Columns that fit any terminal.
const WIDTH: usize = 100;

/// The report as text, with colours for a terminal.
pub(super) fn render(report: &Report, colours: bool) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write_report(&mut text, report, Colours(colours));
    text
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

    fn title(self, text: &str) -> String {
        self.paint(1, text)
    }
}

fn write_report(f: &mut String, report: &Report, colours: Colours) -> fmt::Result {
    writeln!(f, "{}", colours.of(report.verdict, &wrapped(&report.summary, 0)))?;
    if let Some(error) = &report.error {
        writeln!(f, "\n{}", wrapped(error, 0))?;
    }
    write_causes(f, report, colours)?;
    write_overrides(f, report, colours)?;
    write_place(f, report)?;
    write_steps(f, report, colours)?;
    write_settings(f, report, colours)
}

fn write_causes(f: &mut String, report: &Report, colours: Colours) -> fmt::Result {
    if report.causes.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{}", colours.title("Likely causes, most likely first"))?;
    for (index, Cause { what, advice, .. }) in report.causes.iter().enumerate() {
        writeln!(f, "  {}. {}", index + 1, wrapped(what, 5))?;
        writeln!(f, "     {}", wrapped(advice, 5))?;
    }
    Ok(())
}

fn write_overrides(f: &mut String, report: &Report, colours: Colours) -> fmt::Result {
    if report.overrides.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{}", colours.title("Places that override the ini files"))?;
    for Override { file, line, what } in &report.overrides {
        writeln!(f, "  {}:{line}  {what}", file.display())?;
    }
    Ok(())
}

fn write_place(f: &mut String, report: &Report) -> fmt::Result {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut row = |name, value: &Option<String>| {
        rows.extend(value.clone().map(|value| (name, value)));
    };
    row("service", &report.service);
    row("endpoint", &report.endpoint);
    row("credentials", &report.credentials);
    let php = report.php.as_ref().zip(report.extension.as_ref());
    row("PHP", &php.map(|(php, extension)| format!("{php}, built with the extension {extension}")));
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
    if !rows.is_empty() {
        writeln!(f)?;
    }
    for (name, value) in rows {
        writeln!(f, "  {name:<11} {}", wrapped(&value, 14))?;
    }
    Ok(())
}

/// The steps, grouped by server.
fn write_steps(f: &mut String, report: &Report, colours: Colours) -> fmt::Result {
    if !report.steps.is_empty() {
        writeln!(f, "\n{}", colours.title("Steps"))?;
    }
    let mut place = None;
    for Part { name, server, ok, milliseconds, said } in &report.steps {
        if place != Some(server) {
            writeln!(f, "  {}", server.as_deref().unwrap_or("a session under PHP's settings"))?;
            place = Some(server);
        }
        let (verdict, mark) =
            if *ok { (Verdict::Kept, "ok    ") } else { (Verdict::NotKept, "FAILED") };
        let mark = colours.of(verdict, mark);
        writeln!(f, "    {mark} {milliseconds:>7.1} ms  {name}")?;
        for line in said {
            writeln!(f, "             {}", wrapped(line, 13))?;
        }
    }
    Ok(())
}

fn write_settings(f: &mut String, report: &Report, colours: Colours) -> fmt::Result {
    if report.settings.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{}", colours.title("Settings in force on PHP's command line"))?;
    let mut settings: Vec<&Setting> = report.settings.iter().collect();
    settings.sort_by_key(|setting| &setting.file);
    let mut place = None;
    for Setting { name, value, file } in settings {
        if place != Some(file) {
            writeln!(f, "  {}", file.as_deref().unwrap_or("PHP's defaults"))?;
            place = Some(file);
        }
        writeln!(f, "    {}", wrapped(&format!("{name} = {value}"), 6))?;
    }
    Ok(())
}

/// The text wrapped to the width, all lines but the first indented. Long words stay whole.
fn wrapped(text: &str, indent: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let mut current = String::new();
        for word in line.split(' ') {
            let fits = indent + current.chars().count() + 1 + word.chars().count() <= WIDTH;
            if current.is_empty() || fits {
                if !current.is_empty() {
                    current.push(' ');
                }
                current.push_str(word);
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
