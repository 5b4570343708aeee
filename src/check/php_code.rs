//! Tokenizes PHP code just enough to find calls: a name in a comment or a string calls nothing.

/// The tokens we distinguish.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// A name, in lower case because PHP's functions ignore case.
    Name(String),
    Text(String),
    Sign(char),
}

/// Calls that may move sessions elsewhere: the line, from 1, and the call.
pub(super) fn calls(code: &str) -> Vec<(usize, &'static str)> {
    find(&tokens(code), moves_sessions)
}

/// Whether the code calls `session_start()`.
pub(super) fn starts_session(code: &str) -> bool {
    let is_call = |name: &str, after: &[(usize, Token)]| {
        let is_open = matches!(after.first(), Some((_, Token::Sign('('))));
        (name == "session_start" && is_open).then_some(())
    };
    !find(&tokens(code), is_call).is_empty()
}

/// What `of_interest` finds in the names of functions, each with the tokens after it.
fn find<T>(
    tokens: &[(usize, Token)],
    of_interest: impl Fn(&str, &[(usize, Token)]) -> Option<T>,
) -> Vec<(usize, T)> {
    let mut found = Vec::new();
    for (index, (line, token)) in tokens.iter().enumerate() {
        let (Token::Name(name), before, after) = (token, &tokens[..index], &tokens[index + 1..])
        else {
            continue;
        };
        // A method, or the app's own function of that name.
        let foreign = matches!(before.last(), Some((_, Token::Sign('>' | ':'))))
            || matches!(before.last(), Some((_, Token::Name(name))) if name == "function");
        if !foreign && let Some(what) = of_interest(name, after) {
            found.push((*line, what));
        }
    }
    found
}

/// Whether calling `name` with the tokens after it changes where sessions are kept.
fn moves_sessions(name: &str, after: &[(usize, Token)]) -> Option<&'static str> {
    let mut after = after.iter().map(|(_, token)| token);
    if after.next() != Some(&Token::Sign('(')) {
        return None;
    }
    let first = after.next();
    let setting = |text: &str| text.starts_with("session.save_");
    match (name, first) {
        ("session_set_save_handler", _) => Some("session_set_save_handler()"),
        // Without an argument they only return the value.
        ("session_save_path" | "session_module_name", Some(Token::Sign(')'))) => None,
        ("session_save_path", _) => Some("session_save_path()"),
        ("session_module_name", _) => Some("session_module_name()"),
        ("ini_set" | "ini_alter", Some(Token::Text(text))) if setting(text) => {
            Some("ini_set('session.save_…')")
        }
        ("session_start", Some(Token::Sign(sign))) if *sign != ')' => {
            let options = after.take_while(|token| **token != Token::Sign(';'));
            let is_place =
                |token: &Token| matches!(token, Token::Text(text) if text == "save_path");
            options.into_iter().any(is_place).then_some("session_start(['save_path' => …])")
        }
        _ => None,
    }
}

fn tokens(code: &str) -> Vec<(usize, Token)> {
    let mut reader = Reader { rest: code, line: 1 };
    let mut tokens = Vec::new();
    while reader.skip_to_php() {
        reader.read_php(&mut tokens);
    }
    tokens
}

/// The rest of the code.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Reader<'a> {
    /// Advances by `bytes`, and returns what was there.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Advances past the next `end`, or to the end of the code.
    fn take_through(&mut self, end: &str) -> &'a str {
        let bytes = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len());
        self.take(bytes)
    }

    /// Advances past the next `<?`, skipping the page's own text.
    fn skip_to_php(&mut self) -> bool {
        self.take_through("<?");
        !self.rest.is_empty()
    }

    /// Reads up to the next `?>`.
    fn read_php(&mut self, tokens: &mut Vec<(usize, Token)>) {
        while let Some(first) = self.rest.chars().next() {
            let line = self.line;
            match first {
                '?' if self.rest.starts_with("?>") => return,
                '#' if !self.rest.starts_with("#[") => self.skip_line(),
                '/' if self.rest.starts_with("//") => self.skip_line(),
                '/' if self.rest.starts_with("/*") => {
                    self.take_through("*/");
                }
                '<' if self.rest.starts_with("<<<") => self.skip_heredoc(),
                '\'' | '"' => tokens.push((line, Token::Text(self.text(first)))),
                _ if first.is_alphabetic() || first == '_' => {
                    let is_of_name = |c: char| c.is_alphanumeric() || c == '_';
                    let bytes = self.rest.find(|c| !is_of_name(c)).unwrap_or(self.rest.len());
                    tokens.push((line, Token::Name(self.take(bytes).to_ascii_lowercase())));
                }
                _ if first.is_whitespace() => {
                    self.take(first.len_utf8());
                }
                _ => {
                    self.take(first.len_utf8());
                    tokens.push((line, Token::Sign(first)));
                }
            }
        }
    }

    /// `?>` ends a one-line comment too.
    fn skip_line(&mut self) {
        let line = self.rest.find('\n').unwrap_or(self.rest.len());
        let bytes = self.rest[..line].find("?>").unwrap_or(line);
        self.take(bytes);
    }

    fn skip_heredoc(&mut self) {
        self.take(3);
        let start = self.take_through("\n");
        let name = start.trim().trim_matches(['\'', '"']);
        while !name.is_empty() && !self.rest.is_empty() {
            let line = self.rest.split('\n').next().unwrap_or_default();
            if line.trim_start().starts_with(name) {
                let indented = line.len() - line.trim_start().len();
                self.take(indented + name.len());
                return;
            }
            self.take_through("\n");
        }
    }

    /// The text between two quotes.
    fn text(&mut self, quote: char) -> String {
        self.take(1);
        let mut escaped = false;
        let end = self.rest.find(|c| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let text = self.take(end.unwrap_or(self.rest.len())).to_owned();
        self.take(usize::from(end.is_some()));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_moves_sessions_is_found_however_it_is_written() {
        for (code, what) in [
            ("<?php session_set_save_handler($x);", "session_set_save_handler()"),
            ("<?php\\Session_Save_Path ( '/x' ) ;", "session_save_path()"),
            ("<?= session_module_name('files') ?>", "session_module_name()"),
            ("<?php ini_set( \"session.save_handler\", 'files');", "ini_set('session.save_…')"),
            ("<?php @ini_set('session.save_path', $p);", "ini_set('session.save_…')"),
            ("<?php session_start(['save_path' => '/x']);", "session_start(['save_path' => …])"),
            ("it's <?php /* ' */ session_save_path('x');", "session_save_path()"),
            ("<?php // it's\nsession_save_path('x');", "session_save_path()"),
            ("<?php $x = <<<'EOT'\nit's\n  EOT;\nsession_save_path('x');", "session_save_path()"),
            ("<?php $x = 'it\\'s'; session_save_path('x');", "session_save_path()"),
            (
                "<?php #[It's]\nclass X {} // ?> it's <?php session_save_path('x');",
                "session_save_path()",
            ),
        ] {
            let found: Vec<&str> = calls(code).into_iter().map(|(_, what)| what).collect();
            assert_eq!(found, [what], "{code}");
        }
        assert_eq!(calls("<?php\n\n session_save_path('x');")[0].0, 3);
    }

    #[test]
    fn what_only_looks_so_is_not() {
        for code in [
            "session_save_path('x');",
            "<?php // session_save_path('x');",
            "<?php # session_save_path('x');",
            "<?php /* session_save_path('x'); */",
            "<?php echo 'session_save_path(1)', \"ini_set('session.save_path', 1)\";",
            "<?php echo session_save_path(), session_module_name ( );",
            "<?php $x->session_save_path('x'); X::session_save_path('x');",
            "<?php function session_save_path($x) {}",
            "<?php ini_set('session.gc_maxlifetime', 1); ini_get('session.save_path');",
            "<?php session_start(); $x = ['save_path' => 1];",
            "<?php session_start(['read_and_close' => true]); $x = ['save_path' => 1];",
            "<?php $x = <<<EOT\nsession_save_path('x')\nEOT;",
        ] {
            assert_eq!(calls(code), [], "{code}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_to_its_end(code in "(<\\?php|'|\"|\\\\|/\\*|\\*/|//|#|<<<|EOT|\n|\\?>|ü|session_save_path|\\(| ){0,40}") {
            let lines = code.lines().count().max(1);
            prop_assert!(calls(&code).iter().all(|(line, _)| (1..=lines).contains(line)));
        }
    }
}
