//! What pages do with sessions, and what is known to differ. The code may use the functions at the top of `page.php`.

mod ends;
mod handlers;
mod locks;
mod settings;
mod usual;

use super::ways::Kind;
use php_session_store::store::Store;

/// A visitor's requests, one after the other.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// The id that the visitor comes with. `visitor` stands for another id in each case, here and in the code.
    pub(crate) cookie: Option<String>,
    pub(crate) requests: Vec<Request>,
    pub(crate) known: Vec<Known>,
    /// The only store that it is about.
    store: Option<Store>,
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

/// A difference from PHP's handler of the store that has its reason.
pub(crate) struct Known {
    /// The only store where it is one.
    store: Option<Store>,
    pub(crate) kind: Kind,
    /// A part of the JSON pointers to all that differs.
    pub(crate) at: &'static str,
    pub(crate) reason: &'static str,
}

/// All that a store has.
pub(crate) fn cases(store: Store) -> Vec<Case> {
    let all = [
        usual::cases(),
        usual::cases_of_surroundings(),
        usual::cases_of_several_sessions(),
        settings::cases(),
        settings::cases_of_memcached(),
        settings::cases_of_ids(),
        settings::cases_of_data(),
        handlers::cases(),
        locks::cases(),
        ends::cases(),
        ends::cases_of_commands(),
    ];
    let is_of_store = |of: &Option<Store>| of.is_none_or(|of| of == store);
    let mut cases: Vec<Case> = all.into_iter().flatten().collect();
    cases.retain(|case| is_of_store(&case.store));
    for case in &mut cases {
        case.known.retain(|known| is_of_store(&known.store));
    }
    cases
}

/// A case of a visitor who comes with an id.
fn case(name: &'static str) -> Case {
    let cookie = Some("visitor".to_owned());
    Case { name, cookie, requests: Vec::new(), known: Vec::new(), store: None }
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
        self.known.push(Known { store: None, kind: Kind::Proxy, at, reason });
        self
    }

    fn files_differ(mut self, reason: &'static str) -> Self {
        self.known.push(Known { store: None, kind: Kind::Files, at: "", reason });
        self
    }

    /// PHP's handler reserves an id with an empty item, and takes it for another session's.
    fn reserves(self) -> Self {
        self.proxy_differs("/stored/new", "the proxy reserves an id when its session is read")
            .with(Store::Memcached)
            .files_differ("this handler reserves no id")
            .with(Store::Memcached)
    }

    /// The difference named last is one with this store only.
    fn with(mut self, store: Store) -> Self {
        self.known.last_mut().expect("a difference").store = Some(store);
        self
    }

    /// The other stores have no such settings.
    fn only_with(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }
}
