//! The contents of the session layer, decided before anything is written.

use super::extension::ProvidedExtension;
use crate::app::lock_wait_of_app;
use crate::config::variables::EMBED_CREDENTIALS;
use crate::detect::SessionConfig;
use crate::launch::build_record::LaunchRecord;
use crate::php::Php;
use crate::php::ini::Directive;
use crate::services::Service;
use crate::store::Store;
use anyhow::ensure;
use std::path::Path;

/// The contents of the session layer.
#[derive(Debug)]
pub struct SessionSettings<'a> {
    /// What the launch needs to know about the build.
    pub record: LaunchRecord,
    /// `session.name`, the cookie's name.
    pub(crate) session_name: &'a str,
    /// The values of PHP's `extension` directives, in this order.
    pub(crate) extensions: &'a [String],
    /// Whether to turn `display_errors` off: if Redis is unreachable, PHP's warning shows the save path with the
    /// password.
    pub(crate) hide_errors: bool,
    /// Whether preloading needs PHP's opcache to be enabled: it is installed but off (Paketo's PHP).
    pub(crate) enable_opcache: bool,
    /// The service whose credentials to embed in the image.
    pub(crate) embedded_service: Option<&'a Service>,
}

impl<'a> SessionSettings<'a> {
    /// Decides the contents of the layer.
    ///
    /// # Errors
    /// Fails if credentials are to be embedded but no service is bound.
    pub fn new(
        config: &'a SessionConfig,
        php: &Php,
        extension: &'a ProvidedExtension,
        app_dir: &Path,
    ) -> anyhow::Result<Self> {
        let settings = &config.settings;
        ensure!(
            config.service.is_some() || !settings.embed_credentials,
            "{EMBED_CREDENTIALS} asks for the build's credentials, but no session service is bound to the build.\nBind one, or unset {EMBED_CREDENTIALS}."
        );
        Ok(Self {
            record: LaunchRecord {
                store: config.store,
                extension_version: extension.version.clone(),
                knows_tls: extension.knows_tls,
                openssl_cafile: php.facts().cafile.clone(),
                openssl_capath: php.facts().capath.clone(),
                may_preload: php.programs().all(|program| program.facts.preload.is_empty()),
                search_keys: config.search_keys.clone(),
                strict_mode: php.programs().any(|program| program.facts.strict_mode),
                lock_wait: (config.store == Store::Redis)
                    .then(|| lock_wait_of_app(app_dir))
                    .flatten(),
                framework: config.framework.clone(),
            },
            session_name: &settings.session_name,
            extensions: &extension.directives,
            hide_errors: config.store == Store::Redis
                && php.displays_errors()
                && !settings.keep_display_errors,
            enable_opcache: !php.cli.loads("zend opcache")
                && php.facts().extension_dir.join("opcache.so").is_file(),
            embedded_service: config.service.as_ref().filter(|_| settings.embed_credentials),
        })
    }

    /// The extensions that the ini files load: paths, or names in PHP's directory.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &str> {
        let opcache = self.enable_opcache.then_some("opcache.so");
        self.extensions.iter().map(String::as_str).chain(opcache)
    }

    /// The first directives of the ini file that preloads.
    #[must_use]
    pub(crate) fn preload_directives(&self) -> Vec<Directive> {
        let opcache = self.enable_opcache.then(|| Directive::literal("zend_extension", "opcache"));
        opcache.into_iter().collect()
    }

    /// The first directives of the base ini file, before those of the store.
    #[must_use]
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
