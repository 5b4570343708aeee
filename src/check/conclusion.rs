//! The conclusion from all findings.

use super::report::{Report, Verdict};
use super::setup::Setup;
use super::steps::Setting;
use super::web::WebSession;
use crate::diagnosis::{Cause, CauseKind};
use crate::frameworks::known::{Framework, Kind};
use crate::frameworks::session_use::SessionUse;
use crate::store::Store;

/// What the app does with the sessions that PHP keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AppUse {
    /// There is a reason to believe that it uses them.
    Likely,
    /// Its framework keeps its own, in a way that the app configures.
    Configured,
    /// Nothing seems to start one.
    None,
}

impl AppUse {
    /// What its framework and PHP's settings tell; all else is in its code.
    pub(super) fn told_by(
        framework: Option<&(Framework, SessionUse)>,
        settings: &[Setting],
    ) -> Option<Self> {
        let likely = match framework {
            Some((_, SessionUse::Configured(_))) => return Some(Self::Configured),
            // It has no sessions of its own: its app may start PHP's.
            Some((framework, SessionUse::Php)) => framework.kind != Kind::Slim,
            Some((_, SessionUse::Variables(_))) => true,
            _ => false,
        };
        let starts = || settings.iter().any(|setting| setting.name == "session.auto_start");
        (likely || starts()).then_some(Self::Likely)
    }
}

impl Report {
    /// Sets verdict and summary. If a page was requested, it decides what PHP's settings leave open.
    pub(super) fn conclude(&mut self, store: Store, setups: &[Setup], app: AppUse) {
        let page = self.web.as_ref().map(|web| web.session);
        if page == Some(WebSession::Elsewhere) {
            let what = self.web.iter().map(|web| format!("{}: {}.", web.url, web.what));
            self.causes.insert(0, Cause::new(CauseKind::PageElsewhere, what.collect()));
        }
        let of_settings = |cause: &Cause| {
            matches!(cause.kind, CauseKind::SettingsOverridden | CauseKind::FrameworkKeepsItsOwn)
        };
        let kept_by_page = page == Some(WebSession::InService);
        let (verdict, what) = if kept_by_page && self.causes.iter().all(of_settings) {
            self.causes.clear();
            (Verdict::Kept, "the requested page keeps its session there")
        } else if !self.causes.is_empty() {
            (Verdict::NotKept, "")
        } else if page == Some(WebSession::None) {
            (Verdict::Unknown, "the requested page set no session cookie")
        } else if page == Some(WebSession::NoAnswer) {
            (Verdict::Unknown, "the requested page does not answer")
        } else if setups.contains(&Setup::OtherServers) {
            (Verdict::Unknown, "PHP keeps them on servers other than those of the bound service")
        } else if !self.overrides.is_empty() {
            (
                Verdict::Unknown,
                "PHP's command line keeps them, but the places below may override its settings. With --url, the check requests a page of the running app",
            )
        } else if app == AppUse::Configured {
            (
                Verdict::Unknown,
                "PHP's command line keeps them, but the app's framework keeps its own, in a way that the app configures. With --url, the check requests a page of the running app",
            )
        } else if app == AppUse::None {
            (
                Verdict::Unknown,
                "PHP keeps them, but nothing in the app seems to start one: there is no call of session_start() in its code or in vendor, and no framework that we know to use PHP's sessions. With --url, the check requests a page of the running app",
            )
        } else if setups.contains(&Setup::SameServers) {
            (Verdict::Kept, "by another buildpack's settings, which lead to the same server")
        } else {
            (Verdict::Kept, "")
        };
        let sentence = match verdict {
            Verdict::Kept => format!("Sessions in {store} are kept"),
            Verdict::NotKept => format!("Sessions in {store} are NOT kept"),
            Verdict::Unknown => "Cannot tell whether the app's sessions are kept".to_owned(),
        };
        let colon = if what.is_empty() { "" } else { ": " };
        self.verdict = verdict;
        self.summary = format!("{sentence}{colon}{what}.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::overrides::Override;
    use crate::check::web::WebReport;
    use CauseKind::{FrameworkKeepsItsOwn, SettingsOverridden, WrongPassword};

    /// What is known before it is concluded.
    struct Observed {
        page: Option<WebSession>,
        causes: &'static [CauseKind],
        overrides: usize,
        setups: &'static [Setup],
        app: AppUse,
    }

    const NOTHING: Observed = Observed {
        page: None,
        causes: &[],
        overrides: 0,
        setups: &[Setup::Ours],
        app: AppUse::Likely,
    };

    fn conclude(seen: &Observed) -> Report {
        let url = "http://127.0.0.1:8080/".to_owned();
        let web = seen.page.map(|session| WebReport { url, session, what: "as seen".to_owned() });
        let place = Override { file: "/app/.user.ini".into(), line: 1, what: String::new() };
        let mut report = Report {
            web,
            causes: seen.causes.iter().map(|kind| Cause::new(*kind, String::new())).collect(),
            overrides: vec![place; seen.overrides],
            ..Report::failed(&anyhow::anyhow!("nothing yet"))
        };
        report.conclude(Store::Redis, seen.setups, seen.app);
        report
    }

    #[test]
    fn a_framework_that_uses_phps_sessions_tells_it_of_its_app() {
        for (kind, used, told) in [
            (Kind::Yii, SessionUse::Php, Some(AppUse::Likely)),
            (Kind::Laravel, SessionUse::Variables(Vec::new()), Some(AppUse::Likely)),
            (Kind::Slim, SessionUse::Php, None),
            (Kind::WordPress, SessionUse::None, None),
        ] {
            let framework = (Framework { kind, version: None }, used);
            assert_eq!(AppUse::told_by(Some(&framework), &[]), told, "{kind:?}");
        }
    }

    fn assert_concluded(cases: &[(Observed, Verdict, &str)]) {
        for (seen, verdict, words) in cases {
            let report = conclude(seen);
            assert_eq!(report.verdict, *verdict, "{words}: {}", report.summary);
            assert!(report.summary.contains(words), "{words:?}: {}", report.summary);
            assert_eq!(report.causes.is_empty(), *verdict != Verdict::NotKept, "{words}");
        }
    }

    #[test]
    fn each_verdict_has_its_grounds() {
        let other_handler: &[Setup] = &[Setup::Ours, Setup::OtherHandler];
        assert_concluded(&[
            (NOTHING, Verdict::Kept, "Sessions in redis are kept."),
            (Observed { causes: &[WrongPassword], ..NOTHING }, Verdict::NotKept, "are NOT kept."),
            (
                Observed { setups: &[Setup::SameServers], ..NOTHING },
                Verdict::Kept,
                "another buildpack's settings",
            ),
            (
                Observed { setups: &[Setup::Ours, Setup::OtherServers], ..NOTHING },
                Verdict::Unknown,
                "servers other than those of the bound service",
            ),
            (Observed { overrides: 1, ..NOTHING }, Verdict::Unknown, "the places below"),
            (
                Observed { app: AppUse::Configured, ..NOTHING },
                Verdict::Unknown,
                "the app configures",
            ),
            (Observed { app: AppUse::None, ..NOTHING }, Verdict::Unknown, "seems to start one"),
            (
                Observed { causes: &[SettingsOverridden], setups: other_handler, ..NOTHING },
                Verdict::NotKept,
                "are NOT kept.",
            ),
        ]);
    }

    #[test]
    fn a_page_says_how_it_is_whatever_the_settings_are() {
        assert_concluded(&[
            (
                Observed { app: AppUse::None, page: Some(WebSession::InService), ..NOTHING },
                Verdict::Kept,
                "the requested page",
            ),
            (
                Observed { page: Some(WebSession::InService), overrides: 1, ..NOTHING },
                Verdict::Kept,
                "the requested page",
            ),
            (
                Observed {
                    page: Some(WebSession::InService),
                    causes: &[SettingsOverridden, FrameworkKeepsItsOwn],
                    ..NOTHING
                },
                Verdict::Kept,
                "the requested page",
            ),
            (
                Observed {
                    page: Some(WebSession::InService),
                    causes: &[SettingsOverridden, WrongPassword],
                    ..NOTHING
                },
                Verdict::NotKept,
                "are NOT kept.",
            ),
            (
                Observed { page: Some(WebSession::Elsewhere), ..NOTHING },
                Verdict::NotKept,
                "NOT kept.",
            ),
            (
                Observed { page: Some(WebSession::None), ..NOTHING },
                Verdict::Unknown,
                "set no session cookie",
            ),
            (
                Observed { page: Some(WebSession::NoAnswer), ..NOTHING },
                Verdict::Unknown,
                "does not answer",
            ),
        ]);
        let elsewhere = conclude(&Observed { page: Some(WebSession::Elsewhere), ..NOTHING });
        assert_eq!(elsewhere.causes[0].kind, CauseKind::PageElsewhere);
    }
}
