//! What the check comes to, from all that it has seen.

use super::causes::Cause;
use super::kind::Kind;
use super::programs::Setup;
use super::report::Report;
use super::verdict::Verdict;
use super::web::WebSession;
use crate::store::Store;

impl Report {
    /// What all of it means. A page that was asked decides what PHP's settings leave open.
    pub(super) fn conclude(&mut self, store: Store, setups: &[Setup], configured_by_app: bool) {
        let page = self.web.as_ref().map(|web| web.session);
        if page == Some(WebSession::Elsewhere) {
            let what = self.web.iter().map(|web| format!("{}: {}.", web.url, web.what));
            self.causes.insert(0, Cause::new(Kind::PageElsewhere, what.collect()));
        }
        let of_settings = |cause: &Cause| {
            matches!(cause.kind, Kind::SettingsOverridden | Kind::FrameworkKeepsItsOwn)
        };
        let kept_by_page = page == Some(WebSession::InService);
        let (verdict, what) = if kept_by_page && self.causes.iter().all(of_settings) {
            self.causes.clear();
            (Verdict::Kept, "the page that was asked keeps its session there")
        } else if !self.causes.is_empty() {
            (Verdict::NotKept, "")
        } else if page == Some(WebSession::None) {
            (Verdict::Unknown, "the page that was asked says nothing")
        } else if setups.contains(&Setup::OtherServers) {
            (Verdict::Unknown, "PHP keeps them in other servers than those of the bound service")
        } else if !self.overrides.is_empty() {
            (
                Verdict::Unknown,
                "PHP's command line keeps them, and the places below may set others. With --url the check asks a page of the running app",
            )
        } else if configured_by_app {
            (
                Verdict::Unknown,
                "PHP's command line keeps them, and the app's framework keeps its own, by a configuration of the app. With --url the check asks a page of the running app",
            )
        } else if setups.contains(&Setup::SameServers) {
            (Verdict::Kept, "by settings of another buildpack, which lead to the same server")
        } else {
            (Verdict::Kept, "")
        };
        let sentence = match verdict {
            Verdict::Kept => format!("Sessions in {store} are kept"),
            Verdict::NotKept => format!("Sessions in {store} are NOT kept"),
            Verdict::Unknown => "It cannot be said whether the app's sessions are kept".to_owned(),
        };
        let colon = if what.is_empty() { "" } else { ": " };
        self.verdict = verdict;
        self.summary = format!("{sentence}{colon}{what}.");
    }
}
