//! What pages do with sessions, and what is known to differ. The code may use the functions at the top of `page.php`.

mod ends;
mod handlers;
mod locks;
mod settings;
mod usual;

use super::ways::Kind;

/// A visitor's requests, one after the other.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The id that the visitor comes with. `visitor` stands for another id in each case, here and in the code.
    pub(crate) cookie: Option<String>,
    pub(crate) requests: Vec<Request>,
    pub(crate) known: Vec<Known>,
}

/// One request, or two at a time.
pub(crate) struct Request {
    pub(crate) how: How,
    /// Another id than the visitor's.
    pub(crate) cookie: Option<String>,
    pub(crate) code: String,
}

/// What makes PHP run the code.
pub(crate) enum How {
    Page,
    /// A page in a folder whose ini file has `session.auto_start`.
    AutoStart,
    /// A page that gets a file, whose progress PHP keeps in the session.
    Upload,
    CommandLine,
    /// A page whose visitor goes away while it holds the session.
    Gone,
    /// A page, and another one of the same visitor, with this code, while the first one holds the session.
    During(String),
}

/// A difference from PHP's redis handler that has its reason.
pub(crate) struct Known {
    pub(crate) kind: Kind,
    /// The start of the JSON pointers to all that differs.
    pub(crate) at: &'static str,
    pub(crate) reason: &'static str,
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let all = [
        usual::cases(),
        usual::cases_of_surroundings(),
        usual::cases_of_several_sessions(),
        settings::cases(),
        settings::cases_of_ids(),
        settings::cases_of_data(),
        handlers::cases(),
        locks::cases(),
        ends::cases(),
        ends::cases_of_commands(),
    ];
    all.into_iter().flatten().collect()
}

/// A case of a visitor who comes with an id.
fn case(name: &'static str) -> Case {
    Case { name, cookie: Some("visitor".to_owned()), requests: Vec::new(), known: Vec::new() }
}

impl Case {
    fn of_new_visitor(mut self) -> Self {
        self.cookie = None;
        self
    }

    fn does(mut self, how: How, code: impl Into<String>) -> Self {
        self.requests.push(Request { how, cookie: None, code: code.into() });
        self
    }

    fn page(self, code: impl Into<String>) -> Self {
        self.does(How::Page, code)
    }

    /// A page of somebody who comes with this id.
    fn page_of(mut self, id: &str, code: &str) -> Self {
        self.requests.push(Request {
            how: How::Page,
            cookie: Some(id.to_owned()),
            code: code.to_owned(),
        });
        self
    }

    /// A page, and another one while the first one holds the session.
    fn during(self, holding: &str, meanwhile: &str) -> Self {
        self.does(How::During(meanwhile.to_owned()), holding)
    }

    fn proxy_differs(mut self, at: &'static str, reason: &'static str) -> Self {
        self.known.push(Known { kind: Kind::Proxy, at, reason });
        self
    }

    fn files_differ(mut self, reason: &'static str) -> Self {
        self.known.push(Known { kind: Kind::Files, at: "", reason });
        self
    }
}
