//! The contents of the session layer, decided before anything is written.

use crate::app::AppFindings;
use crate::build::decision::SessionConfig;
use crate::build::extension::ProvidedExtension;
use crate::config::variables::EMBED_CREDENTIALS;
use crate::launch::build_record::{AppFacts, LaunchRecord};
use crate::php::ini::Directive;
use crate::php::{PHP_INI_SCAN_DIR, Php};
use crate::services::Service;
use crate::store::Store;
use anyhow::ensure;
use indoc::formatdoc;
use libcnb::Env;

/// The default of `session.name`.
const PHPS_SESSION_NAME: &str = "PHPSESSID";

/// The contents of the session layer.
#[derive(Debug)]
pub struct SessionSettings<'a> {
    /// What the launch needs to know about the build.
    pub record: LaunchRecord,
    /// `session.name`, the cookie's name.
    pub(crate) session_name: &'a str,
    /// The name that another ini file has, if the default takes its place.
    pub(crate) other_session_name: Option<String>,
    /// The values of PHP's `extension` directives, in this order.
    pub(crate) extensions: &'a [String],
    /// Whether to turn `display_errors` off: if Redis is unreachable, PHP's warning shows the save path with the
    /// password.
    pub(crate) hide_errors: bool,
    /// The service whose credentials to embed in the image.
    pub(crate) embedded_service: Option<&'a Service>,
}

impl<'a> SessionSettings<'a> {
    /// Decides the contents of the layer; `env` is the build's.
    ///
    /// # Errors
    /// Fails if credentials are to be embedded but no service is bound.
    pub fn new(
        config: &'a SessionConfig,
        php: &Php,
        extension: &'a ProvidedExtension,
        app: &AppFindings,
        env: &Env,
    ) -> anyhow::Result<Self> {
        let settings = &config.settings;
        ensure!(
            config.service.is_some() || !settings.embed_credentials,
            formatdoc! {"
                {EMBED_CREDENTIALS} asks for the build's credentials, but no session service is bound to the build.
                Bind one, or unset {EMBED_CREDENTIALS}."}
        );
        Ok(Self {
            record: LaunchRecord {
                store: config.store,
                extension_version: extension.version.clone(),
                knows_tls: extension.knows_tls,
                openssl_cafile: php.facts().cafile.clone(),
                openssl_capath: php.facts().capath.clone(),
                sid_length: php.programs().map(|it| it.facts.sid_length).max().unwrap_or_default(),
                search_keys: config.search_keys.clone(),
                strict_mode: php.programs().any(|program| program.facts.strict_mode),
                own_setting: app
                    .own_setting
                    .clone()
                    .filter(|setting| setting.starts_with(config.store.name())),
                framework: config.framework.clone(),
                scan_dirs: env.get_string_lossy(PHP_INI_SCAN_DIR).unwrap_or_default(),
                app: AppFacts {
                    takes_save_path_for_folder: config.takes_save_path_for_folder,
                    reads_store_variables: app.reads_store_variables,
                },
            },
            session_name: settings.session_name(),
            other_session_name: Some(&php.facts().session_name)
                .filter(|theirs| {
                    settings.session_name.is_none()
                        && ![PHPS_SESSION_NAME, settings.session_name()].contains(&theirs.as_str())
                })
                .cloned(),
            extensions: &extension.directives,
            hide_errors: config.store == Store::Redis
                && php.displays_errors()
                && !settings.keep_display_errors,
            embedded_service: config.service.as_ref().filter(|_| settings.embed_credentials),
        })
    }

    /// The first directives of the base ini file, before those of the store.
    pub(crate) fn directives(&self) -> Vec<Directive> {
        let mut directives: Vec<Directive> =
            self.extensions.iter().map(|object| Directive::literal("extension", object)).collect();
        directives.push(Directive::literal("session.name", self.session_name));
        if self.hide_errors {
            directives.push(Directive::literal("display_errors", "Off"));
            directives.push(Directive::literal("log_errors", "On"));
        }
        directives
    }
}
